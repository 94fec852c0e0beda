"""JSON with one meaning: an object names each key once, numbers are finite, and nesting ends."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NoReturn


class JsonError(ValueError):
    """A text is not such JSON; the message says why, as the end of a sentence about the text: ``it holds NaN``."""


def _refuse_constant(name: str) -> NoReturn:
    raise JsonError(f"it holds {name}")


def parse_json(
    text: str | bytes,
    *,
    integer: Callable[[str], object] = int,
    constant: Callable[[str], object] = _refuse_constant,
) -> Any:
    """Return the value of a JSON text, whose size the caller has bounded.

    Args:
        text: The text; bytes must be UTF-8.
        integer: Reads the digits of an integer.
        constant: Reads NaN and infinities, which are refused unless it is given.

    Raises:
        JsonError: The text is not JSON, names a key twice, holds NaN or an infinity, or is nested too deeply.

    """
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        return json.loads(
            decoded, object_pairs_hook=_distinct_keys, parse_int=integer, parse_constant=constant
        )
    except RecursionError:
        raise JsonError("it is nested too deeply") from None
    except JsonError:
        raise
    except ValueError as error:
        raise JsonError(f"it is not JSON: {error}") from None


def _distinct_keys(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Refuse a repeated key: one reader keeps the first value, another the last."""
    value = dict(pairs)
    if len(value) < len(pairs):
        twice = sorted(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise JsonError(f"it names a key twice: {', '.join(map(repr, twice))}")
    return value
