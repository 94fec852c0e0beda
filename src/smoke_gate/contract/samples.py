"""Of how many samples each split is, and how many of them are in two splits."""

import hashlib
import operator
from collections.abc import Collection, Iterator, Mapping, Sequence, Sized
from contextlib import suppress
from datetime import date, time
from typing import TYPE_CHECKING, Any, SupportsIndex

from smoke_gate.contract.run import logged_run, store_errors
from smoke_gate.errors import ContractError
from smoke_gate.vocabulary import COUNT_SUFFIX, OVERLAP_KEY

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from smoke_gate.hashing import Array

_ROWS_AT_ONCE = 1024
_EXACT = 2**53  # up to here a double has every integer


@store_errors()
def log_counts(
    *,
    client: "MlflowClient | None" = None,
    run_id: str | None = None,
    **splits: SupportsIndex | Sized,
) -> dict[str, str]:
    """Log how many samples each split has: the param ``{split}_count``.

    Args:
        client: reaches the store; needs ``run_id``.
        run_id: the run to log to, instead of the active one.
        **splits: split (``train``, ``val``, ``test``) to its number of samples, or to the samples, whose ``len()`` is
            logged. A loader of batches counts batches: give its data set.

    Returns:
        The logged params.

    """
    if not splits:
        raise ContractError("no split is given: log train=…, val=… and test=…")
    counts = {f"{split}{COUNT_SUFFIX}": str(_number(split, samples)) for split, samples in splits.items()}
    logged_run(client, run_id).log(counts)
    return counts


@store_errors()
def data_overlap(
    train: Collection[Any],
    test: Collection[Any],
    *,
    client: "MlflowClient | None" = None,
    run_id: str | None = None,
) -> int:
    """Count the samples of the test data that are in the training data too, and log it: the param ``data_overlap``.

    Two samples are one if all their values are equal; NaN equals NaN. Samples are compared by their hashes.

    Args:
        train: The samples that the run is trained on: an array, whose rows (first axis) they are, or a collection of
            arrays, texts, numbers, or of lists, tuples and mappings of these.
        test: The samples that it is tested on, in the same form.
        client: reaches the store; needs ``run_id``.
        run_id: the run to log to, instead of the active one.

    Returns:
        The number; 0 is expected.

    """
    shapes = {_shape(train), _shape(test)} - {None}
    if len(shapes) > 1:
        one, other = sorted(map(str, shapes))
        raise ContractError(
            f"the samples of train and test have different shapes, {one} and {other}: none can be in both. Give both "
            "in one form"
        )
    seen = set(_hashes("train", train))
    number = sum(sample in seen for sample in _hashes("test", test))
    logged_run(client, run_id).log({OVERLAP_KEY: str(number)})
    return number


def _number(split: str, samples: object) -> int:
    number = _integer(samples)
    if number is None or number < 0:
        raise ContractError(
            f"{split}: expected a number of samples, or something that has a length; found {_named(samples)}"
        )
    return number


def _integer(samples: Any) -> int | None:
    if isinstance(samples, bool | str | bytes):
        return None
    for number in (len, operator.index):
        with suppress(TypeError):
            return number(samples)
    return None


def _named(value: object) -> str:
    return repr(value) if isinstance(value, bool | int | float | str) else type(value).__name__


# --- samples by their hashes ------------------------------------------------------------------------------------------


def _shape(samples: object) -> tuple[int, ...] | None:
    """Return the shape of each sample of an array; None of a collection, which may hold samples of many shapes."""
    return tuple(samples.shape[1:]) if hasattr(samples, "__array__") and hasattr(samples, "shape") else None


def _hashes(split: str, samples: Any) -> Iterator[bytes]:
    """Yield the hash of each sample.

    Raises:
        ContractError: There is no sample, or one that has no hash.

    """
    if isinstance(samples, str | bytes | Mapping) or not hasattr(samples, "__len__"):
        raise ContractError(
            f"{split}: expected an array or a list of samples; found {type(samples).__name__}"
        )
    array = _array(split, samples)
    if not len(samples if array is None else array):
        raise ContractError(f"{split} is empty: what nobody looked at has no overlap that could be logged")
    if array is None:
        yield from (_hash(split, sample) for sample in samples)
    elif array.dtype.kind in "OUSMm":  # texts and dates, and what a table of several types is
        yield from (_hash(split, sample) for sample in array.tolist())
    else:
        for start in range(0, len(array), _ROWS_AT_ONCE):
            yield from (_digest(_of_row(row)) for row in array[start : start + _ROWS_AT_ONCE])


def _array(split: str, value: Any) -> "Array | None":
    """Return an array, a tensor or a table as an array; None of anything else."""
    if not hasattr(value, "__array__"):
        return None
    import numpy as np

    if isinstance(value, np.ma.MaskedArray):
        raise ContractError(f"{split} is a masked array, whose mask no hash would see: pass array.filled(…)")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ContractError(f"{split} cannot be read as an array: {error}") from None
    if array.dtype.kind not in "biufOUSMm":
        raise ContractError(f"{split} has values of dtype {array.dtype}: expected numbers, texts or dates")
    return array


def _hash(split: str, sample: Any) -> bytes:
    try:
        return _digest(_encoded(split, sample))
    except RecursionError:
        raise ContractError(f"{split} has a sample that is nested too deeply, or holds itself") from None


def _encoded(split: str, value: Any) -> bytes:
    """Return bytes that two values share only if they are equal."""
    if value is None:
        return b"none"
    if isinstance(value, str):
        return b"text" + value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return b"bytes" + value
    if isinstance(value, date | time):
        return b"date" + value.isoformat().encode()
    if isinstance(value, int | float):
        return _of_number(value)
    if isinstance(value, Mapping):
        pairs = sorted(_joined([_encoded(split, key), _encoded(split, item)]) for key, item in value.items())
        return b"mapping" + _joined(pairs)
    if isinstance(value, list | tuple):
        numbers = _numbers(value)
        items = [] if numbers is not None else [_encoded(split, item) for item in value]
        return b"list" + _joined(items) if numbers is None else _of_row(numbers)
    array = _array(split, value)
    if array is None:
        raise ContractError(
            f"{split} has a sample of type {type(value).__name__}: expected arrays, texts, numbers, or lists, tuples "
            "and mappings of these"
        )
    return _encoded(split, array.tolist()) if array.dtype.kind in "OUSMm" else _of_row(array)


def _numbers(values: Sequence[Any]) -> "Array | None":
    """Return the array that a list of numbers, or of equally long lists of numbers, makes; None for any other list."""
    import numpy as np

    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError, OverflowError):  # lists of different lengths
        return None
    return array if array.dtype.kind in "biuf" and array.size else None


def _of_row(row: "Array") -> bytes:
    """Return numbers as doubles, in which equal ones have equal bytes, or as integers that no double has."""
    import numpy as np

    if row.dtype.kind in "iu" and row.size and (row.max() > _EXACT or row.min() < -_EXACT):
        return b"integers" + repr(row.tolist()).encode()
    doubles = np.asarray(row, dtype=np.float64) + 0.0  # the sum of -0.0 and 0.0 is 0.0
    return b"numbers" + repr(row.shape).encode() + np.where(np.isnan(doubles), np.nan, doubles).tobytes()


def _of_number(value: float) -> bytes:
    import numpy as np

    if isinstance(value, int) and abs(value) > _EXACT:
        return b"integers" + repr(value).encode()
    return _of_row(np.asarray(float(value)))


def _joined(parts: Sequence[bytes]) -> bytes:
    return b"".join(len(part).to_bytes(8) + part for part in parts)


def _digest(encoded: bytes) -> bytes:
    return hashlib.sha256(encoded).digest()
