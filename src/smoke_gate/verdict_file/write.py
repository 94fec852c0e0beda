"""The verdict file: everything about a verdict, for machines and for a replay. Its form is in ``document.py``."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypeVar

from smoke_gate.evidence import Evidence
from smoke_gate.evidence_json import evidence_json
from smoke_gate.gates.base import Check
from smoke_gate.hashing import canonical_json, sha256_hex
from smoke_gate.pictures import NO_PICTURES, Pictures
from smoke_gate.policy.model import Policy, Waiver
from smoke_gate.policy_file.formats import policy_json, policy_sha256
from smoke_gate.references import ReferenceResult
from smoke_gate.selection import Matrix
from smoke_gate.text import visible_json
from smoke_gate.times import iso
from smoke_gate.verdict import Verdict
from smoke_gate.verdict_file.document import (
    SCHEMA,
    AttemptEntry,
    CheckEntry,
    Context,
    GateEntry,
    ReferenceEntry,
    StoreOrigin,
    SummaryEntry,
    Tool,
    VerdictDocument,
    WaiverEntry,
    document_form,
)
from smoke_gate.verdict_file.headline import headline
from smoke_gate.waivers import WaiverResult

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Entry = TypeVar("_Entry", bound="DataclassInstance")
_ABSENT = object()
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False
)  # which `json.dumps` would make for each line


@dataclass(frozen=True, slots=True)
class EvidenceAsJson:
    """Evidence as JSON values, and its hash."""

    facts: dict[str, Any]
    sha256: str

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        """Return evidence as JSON."""
        facts = evidence_json(evidence)
        return cls(facts, sha256_hex(canonical_json(facts)))


def verdict_document(
    verdict: Verdict,
    policy: Policy,
    evidence: Evidence,
    *,
    context: Context,
    source: StoreOrigin,
    tool: Tool,
    created_at: datetime,
    pictures: Pictures = NO_PICTURES,
    facts: EvidenceAsJson | None = None,
) -> VerdictDocument:
    """Return the document of a verdict.

    Args:
        verdict: what ``policy`` says of ``evidence``.
        policy: the effective policy.
        evidence: all that was judged.
        context: what the verdict is about.
        source: where the evidence was read.
        tool: what made the verdict.
        created_at: when, with a time zone.
        pictures: what was read and drawn for people.
        facts: the evidence as JSON with its hash, where both are known.

    """
    facts = facts or EvidenceAsJson.of(evidence)
    return VerdictDocument(
        schema=SCHEMA,
        verdict=verdict.status,
        critical=verdict.critical,
        pending=verdict.pending,
        headline=str(headline(verdict, policy, evidence)),
        created_at=created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        tool=tool,
        context=context,
        source=source,
        policy=policy_json(policy),
        policy_sha256=policy_sha256(policy),
        evidence=facts.facts,
        evidence_sha256=facts.sha256,
        summary=_entry(SummaryEntry, verdict.summary),
        gates=tuple(_entry(GateEntry, result, message=str(result.message)) for result in verdict.gates),
        checks=tuple(_entry(CheckEntry, check, message=str(check.message)) for check in verdict.checks),
        attempts=tuple(_attempts(verdict.matrix)),
        unidentified=verdict.matrix.all_unidentified,
        references=tuple(map(_reference, verdict.references)),
        waivers=tuple(map(_waiver, verdict.waivers)),
        pictures=pictures,
    )


def document_json(document: VerdictDocument, keys: Collection[str] | None = None) -> dict[str, Any]:
    """Return a document, or the parts of it that ``keys`` names, as what JSON can say."""
    return document_form().dump(document, keys)


def document_text(document: VerdictDocument) -> str:
    """Return the text of the verdict file: the same document gives the same bytes."""
    return "".join(document_lines(document))


def document_lines(document: VerdictDocument) -> Iterator[str]:
    """Yield the lines of the verdict file: one for each check, attempt and run, so that two files can be compared."""
    yield "{\n"
    names = [field.name for field in fields(document)]
    for name in names:
        value = document.evidence if name == "evidence" else document_json(document, [name])[name]
        yield from _member(name, value, is_last=name == names[-1])
    yield "}\n"


def _member(key: str, value: Any, *, is_last: bool, inside: bool = False) -> Iterator[str]:
    """Yield a key with its value: a list of objects with a line for each, the evidence with lines for its keys."""
    start, end = ("  " if inside else " ") + f"{_json(key)}: ", "\n" if is_last else ",\n"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield f"{start}[\n"
        for item in value[:-1]:
            yield f"{_json(item)},\n"
        yield f"{_json(value[-1])}\n]{end}"
    elif key in ("evidence", "pictures") and not inside:
        yield f"{start}{{\n"
        *_, last = value
        for name, part in value.items():
            yield from _member(name, part, is_last=name == last, inside=True)
        yield f" }}{end}"
    else:
        yield f"{start}{_json(value)}{end}"


def _json(value: Any) -> str:
    return visible_json(_ENCODER.encode(value))


def _entry(kind: type[_Entry], *sources: object, **values: object) -> _Entry:
    """Return an entry of the document.

    A field has the value of that name among ``values``, else that of the first source which has such an attribute,
    else its default.
    """
    for name in _names(kind):
        if name not in values:
            for source in sources:
                found = getattr(source, name, _ABSENT)
                if found is not _ABSENT:
                    values[name] = found
                    break
    return kind(**values)


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _attempts(matrix: Matrix) -> Iterator[AttemptEntry]:
    for place in matrix.places:
        for attempt in place.attempts:
            yield _entry(
                AttemptEntry,
                place.pair,
                attempt,
                start_time=iso(attempt.start_time),
                end_time=iso(attempt.end_time),
                selected=attempt is place.selected,
            )


def _reference(result: ReferenceResult) -> ReferenceEntry:
    return _entry(ReferenceEntry, result, result.reference, message=str(result.message))


def _waiver(result: WaiverResult) -> WaiverEntry:
    scope = fingerprint(result.waiver)
    return _entry(WaiverEntry, result, result.waiver, fingerprint=scope, message=str(result.message))


SCOPE = ("gate", "kind", "cell", "seed", "run_id", "subject")  # what a waiver may name of a check


def fingerprint(named: Check | Waiver) -> str:
    """Return what names a waiver's scope in 16 hex digits, whatever its reason and date.

    It is the beginning of the SHA-256 over the RFC 8785 form of an object with the keys ``gate``, ``kind``, ``cell``,
    ``seed``, ``run_id`` and ``subject``; what is not named is null. A check and its ready waiver have the same.
    """
    scope = {key: getattr(named, key) for key in SCOPE}
    return sha256_hex(canonical_json(scope))[:16]
