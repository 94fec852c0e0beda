"""Facts of runs without secrets: whoever can read a verdict file must not learn what a run logged by mistake."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from operator import is_
from typing import Any, TypeVar

from smoke_gate.credentials import without_address_secrets
from smoke_gate.evidence import History
from smoke_gate.redaction import Secrets

T = TypeVar("T")

_NO_TEXT = frozenset([bool, int, float, type(None), History])  # the texts of a history are numbers and a hash


def without_secrets(facts: T, secrets: Secrets) -> T:
    """Return facts (frozen dataclasses, tuples and mappings of text) with the secrets in every text removed.

    This happens before anything is hashed or judged, so that the evidence holds what its hash says.
    """
    return _cleaned(facts, secrets)  # type: ignore[no-any-return]


def _cleaned(value: Any, secrets: Secrets) -> Any:
    """Return the same object where nothing in it is a secret, as in nearly all: very many are looked at."""
    kind = type(value)
    if kind is str:
        return secrets.removed_from(without_address_secrets(value))
    if not value or kind in _NO_TEXT:
        return value
    if kind is tuple:
        items = [_cleaned(item, secrets) for item in value]
        return value if all(map(is_, items, value)) else tuple(items)
    if isinstance(value, Mapping):
        pairs = {_cleaned(key, secrets): _cleaned(item, secrets) for key, item in value.items()}
        is_same = all(map(is_, pairs, value)) and all(map(is_, pairs.values(), value.values()))
        return value if is_same and len(pairs) == len(value) else pairs
    if not is_dataclass(kind):
        return value
    changed = {}
    for name in _names(kind):
        before = getattr(value, name)
        after = _cleaned(before, secrets)
        if after is not before:
            changed[name] = after
    return replace(value, **changed) if changed else value


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
