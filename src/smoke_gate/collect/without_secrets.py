"""Facts of runs without secrets: whoever can read a verdict file must not learn what a run logged by mistake."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from smoke_gate.credentials import without_address_secrets
from smoke_gate.redaction import Secrets

T = TypeVar("T")


def without_secrets(facts: T, secrets: Secrets) -> T:
    """Return facts (frozen dataclasses, tuples and mappings of text) with the secrets in every text removed.

    This happens before anything is hashed or judged, so that the evidence holds what its hash says.
    """
    return _cleaned(facts, secrets)  # type: ignore[no-any-return]


def _cleaned(value: Any, secrets: Secrets) -> Any:
    if type(value) is str:
        return secrets.removed_from(without_address_secrets(value))
    if isinstance(value, tuple):
        return tuple(_cleaned(item, secrets) for item in value)
    if isinstance(value, Mapping):
        return {_cleaned(key, secrets): _cleaned(item, secrets) for key, item in value.items()}
    if not is_dataclass(value) or isinstance(value, type):
        return value
    before = {field.name: getattr(value, field.name) for field in fields(value)}
    after = {name: _cleaned(item, secrets) for name, item in before.items()}
    changed = {name: item for name, item in after.items() if item != before[name]}
    return replace(value, **changed) if changed else value
