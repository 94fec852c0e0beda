"""Evidence as JSON and back, so that a verdict can be replayed from its file."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from smoke_gate.evidence import Evidence


class EvidenceError(ValueError):
    """What was given is not evidence as this version writes it; the message names each place that is wrong."""


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """Return the evidence as what JSON can say: every field, in the order of the dataclasses, tuples as lists."""
    (document,) = _adapter().dump_python((evidence,), mode="json")
    return dict(document)


def evidence_from_json(document: Mapping[str, Any]) -> Evidence:
    """Return the evidence that ``evidence_json`` wrote.

    Raises:
        EvidenceError: a key is unknown, one without a default is missing, or a value is of another type. Nothing is
            converted, or the hash would be of something else. A field that a later version added has its default.

    """
    try:
        (evidence,) = _adapter().validate_json(json.dumps([document]), strict=True)
    except ValidationError as error:
        places = "; ".join(
            f"{_place(problem['loc'])}: {problem['msg']}" for problem in error.errors(include_url=False)
        )
        raise EvidenceError(f"this is not evidence as smoke-gate writes it: {places}") from None
    return evidence


def evidence_definitions() -> dict[str, Any]:
    """Return JSON Schema definitions by name: ``Evidence``, which ``evidence_json`` writes, and its parts."""
    return dict(_adapter().json_schema(mode="serialization")["$defs"])


@cache
def _adapter() -> TypeAdapter[tuple[Evidence]]:
    """Return the adapter; in a tuple, because a dataclass takes its configuration only from what holds it."""
    settings = ConfigDict(
        extra="forbid", json_schema_serialization_defaults_required=True, allow_inf_nan=False
    )
    return TypeAdapter(tuple[Evidence], config=settings)


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location[1:])) or "the whole"
