"""JSON from a stranger: one meaning, or none."""

import json
from collections.abc import Sequence

from smoke_gate.collect.probes.inspection import BrokenError


def parse_json(data: bytes) -> object:
    """Parse UTF-8 JSON of a size that the caller has bounded.

    Raises:
        BrokenError: it is no JSON, is nested without end, or an object names a key twice.

    """
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_refuse)
    except RecursionError:
        raise BrokenError("it holds JSON that is nested too deeply") from None
    except ValueError as error:
        raise BrokenError(f"it does not hold JSON: {error}") from None


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    parsed = dict(pairs)
    if len(parsed) < len(pairs):
        raise BrokenError("it holds JSON that names a key twice")
    return parsed


def _refuse(constant: str) -> object:
    raise BrokenError(f"it does not hold JSON: found {constant}")
