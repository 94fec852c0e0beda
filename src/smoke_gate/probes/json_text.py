"""JSON: a text of one value, or of one value a line; some of them are models, some name the shards of one.

Format: RFC 8259. Python's ``json`` writes ``NaN`` and infinities, and so do XGBoost and transformers: they may stand.
"""

import io
from collections.abc import Iterator
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.probes.keras import judge_config
from smoke_gate.strict_json import JsonError, parse_json

_MAX_BYTES = 32 << 20
_MAX_CONTAINERS = 1_000_000  # each takes far more memory than its text
_MAX_VALUES = 6_000_000  # which take a few hundred MB
_TELLING_NUMBERS = 2
_MODELS: Final = (
    frozenset({"learner", "version"}),  # XGBoost, Booster.save_model
    frozenset({"tree_info", "num_tree_per_iteration"}),  # LightGBM, Booster.dump_model
    frozenset({"features_info", "model_info"}),  # CatBoost, save_model(format="json")
)
_SHARDS = "weight_map"  # of safetensors' and PyTorch's *.index.json: which file has which tensor


def begins_json(head: bytes, _: int) -> bool:
    """Return whether bytes begin like an object or an array."""
    return head.lstrip(b" \t\r\n")[:1] in (b"{", b"[")


def probe_json(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Parse a text. The shards that an index names are companions.

    Raises:
        BrokenError: it is not JSON with one meaning, or an index names what is not a file beside it.
        LimitError: it is larger than is read.

    """
    if size > _MAX_BYTES:
        raise LimitError(f"it is JSON of {size} bytes, more than {_MAX_BYTES}")
    text = stream.read(size)
    if text.count(b"{") + text.count(b"[") > _MAX_CONTAINERS:
        raise LimitError(f"it is JSON with more than {_MAX_CONTAINERS} objects and arrays")
    if text.count(b",") > _MAX_VALUES:
        raise LimitError(f"it is JSON with more than {_MAX_VALUES} values")
    value = _parsed(text)
    judge_config(value, inspection.imports)  # Keras makes models from such files, too
    inspection.came_upon(Holds.NUMBERS if _has_numbers(value) else Holds.DATA)
    if not isinstance(value, dict):
        return
    if any(model <= value.keys() for model in _MODELS):
        inspection.came_upon(Holds.TENSORS)
    shards = value.get(_SHARDS)
    if isinstance(shards, dict):
        for shard in shards.values():
            if not isinstance(shard, str):
                raise BrokenError("it is an index of shards that names something else than files")
            inspection.needs_beside(shard)


def _parsed(text: bytes) -> object:
    try:
        return parse_json(text, constant=float)
    except JsonError as error:
        lines = text.splitlines()
        if len(lines) < 2 or not lines[0].rstrip().endswith((b"}", b"]")):
            raise BrokenError(str(error)) from None
    try:
        return [parse_json(line, constant=float) for line in lines if line.strip()]
    except JsonError as error:
        raise BrokenError(f"{error}, nor JSON line by line") from None


def _has_numbers(value: object) -> bool:
    """Return whether a value holds at least two numbers."""
    return sum(1 for _ in zip(range(_TELLING_NUMBERS), _numbers(value), strict=False)) == _TELLING_NUMBERS


def _numbers(value: object) -> Iterator[float]:
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)
        elif isinstance(found, (int, float)) and not isinstance(found, bool):
            yield found
