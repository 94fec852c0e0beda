"""Evidence as JSON and back, so that a verdict can be replayed from its file."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from itertools import islice
from typing import Any

from smoke_gate.evidence import Evidence, metric_number
from smoke_gate.typed_json import TypedJson, TypedJsonError, typed_json

_MOST_PROBLEMS = 20  # that a message names


class EvidenceError(ValueError):
    """The error of a text that is not evidence as this version writes it; it names each place that is wrong."""


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """Return the evidence as what JSON can say: every field, in the order of the dataclasses, tuples as lists."""
    return _form().dump(evidence)


def evidence_from_json(document: Mapping[str, Any]) -> Evidence:
    """Return the evidence that ``evidence_json`` wrote.

    Raises:
        EvidenceError: a key is unknown, one without a default is missing, a value is of another type, or a text is not
            the date or the number that it stands for. Nothing is converted, or the hash would be of something else. A
            field that a later version added has its default.

    """
    try:
        evidence = _form().read(document, most=_MOST_PROBLEMS)
    except TypedJsonError as error:
        raise _refusal(error.mistakes) from None
    if unreadable := list(islice(_unreadable(evidence), _MOST_PROBLEMS)):
        raise _refusal(unreadable)
    return evidence


def evidence_definitions() -> dict[str, Any]:
    """Return JSON Schema definitions by name: ``Evidence``, which ``evidence_json`` writes, and its parts."""
    return _form().definitions()


@cache
def _form() -> TypedJson[Evidence]:
    return typed_json(Evidence)


def _refusal(problems: Iterable[str]) -> EvidenceError:
    return EvidenceError(f"this is not evidence as smoke-gate writes it: {'; '.join(problems)}")


def _unreadable(evidence: Evidence) -> Iterator[str]:
    """Yield the texts that must be a date or a number, and are not."""
    if not _is_day(evidence.as_of):
        yield "as_of: expected a day as YYYY-MM-DD"
    for index, run in enumerate(evidence.runs):
        for name, value in run.metrics.items():
            if not _is_number(value):
                yield f"runs.{index}.metrics.{name}: expected a number"
        for name, history in run.histories.items():
            if not all(map(_is_number, (history.first, history.last, history.smallest, history.largest))):
                yield f"runs.{index}.histories.{name}: expected numbers"


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_number(text: str) -> bool:
    try:
        metric_number(text)
    except ValueError:
        return False
    return True
