"""The verdict file: everything about a verdict, for machines and for a replay. Its form is in ``document.py``."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from smoke_gate.evidence import Attempt, Evidence
from smoke_gate.evidence_json import evidence_json
from smoke_gate.gates.base import Check
from smoke_gate.hashing import canonical_json, sha256_hex
from smoke_gate.policy.formats import policy_json, policy_sha256
from smoke_gate.policy.model import Policy
from smoke_gate.references import ReferenceResult
from smoke_gate.report.document import (
    SCHEMA,
    AttemptEntry,
    CheckEntry,
    ContextEntry,
    GateEntry,
    ReferenceEntry,
    SourceEntry,
    SummaryEntry,
    VerdictDocument,
    WaiverEntry,
)
from smoke_gate.report.headline import headline
from smoke_gate.report.times import iso
from smoke_gate.report.waivable import fingerprint
from smoke_gate.selection import Matrix, Pair
from smoke_gate.verdict import GateResult, Summary, Verdict
from smoke_gate.waivers import WaiverResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the verdict is about on GitHub; None where there is no such thing."""

    repository: str | None = None
    sha: str | None = None
    pull_request: int | None = None
    run_id: int | None = None
    run_attempt: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the evidence was read: the store's address without credentials, and id and name of each experiment."""

    tracking_uri: str
    experiments: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """What made the verdict; ``image_digest`` where it ran in a published image."""

    version: str
    image_digest: str | None = None


def verdict_document(
    verdict: Verdict,
    policy: Policy,
    evidence: Evidence,
    *,
    context: Context,
    source: Origin,
    tool: Tool,
    created_at: datetime,
    figures: Sequence[str],
) -> VerdictDocument:
    """Return the whole verdict as what JSON can say.

    Args:
        verdict: what ``policy`` says of ``evidence``.
        policy: the effective policy.
        evidence: all that was judged.
        context: what the verdict is about.
        source: where the evidence was read.
        tool: what made the verdict.
        created_at: when, with a time zone.
        figures: the names of the summary figures that were written beside the file.

    """
    facts = evidence_json(evidence)
    return {
        "schema": SCHEMA,
        "verdict": verdict.status.value,
        "critical": verdict.critical,
        "pending": verdict.pending,
        "headline": headline(verdict, policy, evidence),
        "created_at": created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tool": {"name": "smoke-gate", "version": tool.version, "image_digest": tool.image_digest},
        "context": _context(context),
        "source": _source(source),
        "policy": policy_json(policy),
        "policy_sha256": policy_sha256(policy),
        "evidence": facts,
        "evidence_sha256": sha256_hex(canonical_json(facts)),
        "summary": _summary(verdict.summary),
        "gates": [_gate(result) for result in verdict.gates],
        "checks": [_check(check) for check in verdict.checks],
        "attempts": _attempts(verdict.matrix),
        "unidentified": len(verdict.matrix.unidentified),
        "references": [_reference(result) for result in verdict.references],
        "waivers": [_waiver(result) for result in verdict.waivers],
        "figures": list(figures),
    }


def document_text(document: VerdictDocument) -> str:
    """Return the text of the verdict file: the same document gives the same bytes."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _context(context: Context) -> ContextEntry:
    return {
        "repository": context.repository,
        "sha": context.sha,
        "pull_request": context.pull_request,
        "run_id": context.run_id,
        "run_attempt": context.run_attempt,
    }


def _source(source: Origin) -> SourceEntry:
    return {
        "tracking_uri": source.tracking_uri,
        "experiments": [{"id": number, "name": name} for number, name in source.experiments],
    }


def _summary(summary: Summary) -> SummaryEntry:
    return {
        "planned": summary.planned,
        "found": summary.found,
        "passed": summary.passed,
        "warned": summary.warned,
        "failed": summary.failed,
        "skipped": summary.skipped,
        "gates_off": summary.gates_off,
    }


def _gate(result: GateResult) -> GateEntry:
    return {
        "id": result.id,
        "name": result.name,
        "status": result.status.value,
        "critical": result.critical,
        "evaluated": result.evaluated,
        "expected": result.expected,
        "failing": result.failing,
        "fail_threshold": result.fail_threshold,
        "message": result.message,
    }


def _check(check: Check) -> CheckEntry:
    return {
        "gate": check.gate,
        "kind": check.kind,
        "status": check.status.value,
        "run_id": check.run_id,
        "cell": check.cell,
        "seed": check.seed,
        "subject": check.subject,
        "message": check.message,
        "observed": check.observed,
        "expected": check.expected,
        "waived": check.waived,
    }


def _attempts(matrix: Matrix) -> list[AttemptEntry]:
    return [
        _attempt(place.pair, attempt, selected=attempt == place.selected)
        for place in matrix.places
        for attempt in place.attempts
    ]


def _attempt(pair: Pair, attempt: Attempt, *, selected: bool) -> AttemptEntry:
    return {
        "cell": pair.cell,
        "seed": pair.seed,
        "run_id": attempt.run_id,
        "status": attempt.status,
        "lifecycle_stage": attempt.lifecycle_stage,
        "start_time": iso(attempt.start_time),
        "end_time": iso(attempt.end_time),
        "commit": attempt.commit,
        "selected": selected,
    }


def _reference(result: ReferenceResult) -> ReferenceEntry:
    return {
        "metric": result.reference.metric,
        "run_id": result.run_id,
        "cell": result.cell,
        "seed": result.seed,
        "value": result.value,
        "low": result.low,
        "high": result.high,
        "n": result.reference.n,
        "source": result.reference.source,
        "tripped": result.tripped,
        "message": result.message,
    }


def _waiver(result: WaiverResult) -> WaiverEntry:
    waiver = result.waiver
    return {
        "fingerprint": fingerprint(waiver),
        "gate": waiver.gate,
        "cell": waiver.cell,
        "seed": waiver.seed,
        "run_id": waiver.run_id,
        "subject": waiver.subject,
        "reason": waiver.reason,
        "expires": waiver.expires,
        "state": result.state.value,
        "matched": result.matched,
        "message": result.message,
    }
