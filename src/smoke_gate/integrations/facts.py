"""The facts that every callback logs, by the producer contract: plan, environment, data hashes, counts, checkpoints.

The callbacks find out what a framework knows. What is made of it is here, so that all of them log the same.
"""

import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from smoke_gate import contract
from smoke_gate.contract.run import LoggedRun
from smoke_gate.errors import ContractError
from smoke_gate.vocabulary import COUNT_SUFFIX

if TYPE_CHECKING:
    from smoke_gate.hashing import Array

Data: TypeAlias = Mapping[str, object]
"""Split (``train``, ``val``, ``test``) to its data: an array, a tensor, a table, or a list of texts or of arrays."""


def log_start(run: LoggedRun, *, cell: str, seed: int | str, commit: str | None, data: Data) -> None:
    """Log what is known before the training: the plan, the environment, and the hashes of the data.

    Args:
        run: the run to log to.
        cell: the model variant.
        seed: the random seed.
        commit: full hex name of the commit; None asks git.
        data: the data of each split, as it is before any cell changes it; no split, no hash.

    Raises:
        ContractError: a value must not be logged, or the store refuses.

    """
    contract.log_plan(cell=cell, seed=seed, commit=commit, client=run.client, run_id=run.run_id)
    contract.log_environment(client=run.client, run_id=run.run_id)
    if data:
        hashed: dict[str, Any] = {split: arrays(split, values) for split, values in data.items()}
        contract.log_data_hashes(client=run.client, run_id=run.run_id, **hashed)


def log_count(run: LoggedRun, split: str, samples: int | None) -> None:
    """Log the number of samples of a split once, unless it is not known (None).

    If the run has another number already, only warn: training must not end because of it.

    Raises:
        ContractError: the store refuses.

    """
    if samples is None:
        return
    present = run.params().get(f"{split}{COUNT_SUFFIX}")
    if present is not None and present != str(samples):
        warnings.warn(
            f"{split} had {present} samples and now has {samples}: the first number stays in the run. Evaluate other "
            "data under another name",
            stacklevel=3,
        )
        return
    counts: dict[str, Any] = {split: samples}
    contract.log_counts(client=run.client, run_id=run.run_id, **counts)


def log_weights(run: LoggedRun, files: Collection[Path], advice: str) -> None:
    """Log files as checkpoints; warn if there is none.

    Args:
        run: the run to log to.
        files: the files that the framework saved.
        advice: how to make the framework save some.

    Raises:
        ContractError: a file is empty or is a folder, or the store refuses.

    """
    if not files:
        warnings.warn(f"no checkpoint was saved, so none is logged: {advice}", stacklevel=3)
    for file in files:
        contract.log_checkpoint(file, client=run.client, run_id=run.run_id)


def arrays(split: str, values: Any) -> "Array | list[Array]":
    """Return data as what has a data hash: an array, or a list of arrays.

    Raises:
        ContractError: the data are not numbers or texts of one shape.

    """
    if isinstance(values, list | tuple) and values and all(hasattr(part, "__array__") for part in values):
        return [_array(split, part) for part in values]
    return _array(split, values)


def _array(split: str, values: Any) -> "Array":
    import numpy as np

    here = values.detach().cpu() if hasattr(values, "detach") else values  # a tensor, wherever it is
    try:
        array = np.asarray(here)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ContractError(f"data of {split} cannot be read as an array: {error}") from None
    if array.dtype == object:
        raise ContractError(
            f"data of {split} are {type(values).__name__}: expected an array, a tensor, or a list of texts or arrays"
        )
    return array
