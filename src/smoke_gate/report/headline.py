"""The verdict in one line: what it is, what it covers, and of when. Plain text; it is escaped where it is shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from smoke_gate.evidence import Answer, Attempt, Evidence
from smoke_gate.gates import GATES
from smoke_gate.gates.base import Status
from smoke_gate.policy.model import Policy
from smoke_gate.report.times import days_before
from smoke_gate.verdict import Verdict, VerdictStatus, section_of
from smoke_gate.waivers import WaiverState

REVIEW = "a person must review before publication"
_REASON_LIMIT = 60


def headline(verdict: Verdict, policy: Policy, evidence: Evidence) -> str:
    """Return, for example, ``ALL PASS · 12 of 12 runs · 7 of 7 gates · one commit, 3 days old``."""
    return " · ".join([status_words(verdict), *_why(verdict), coverage(verdict, policy, evidence)])


def status_words(verdict: Verdict) -> str:
    """Return the verdict as headlines say it: ``CRITICAL FAIL`` where it is critical."""
    return f"CRITICAL {verdict.status.value}" if verdict.critical else verdict.status.value


def coverage(verdict: Verdict, policy: Policy, evidence: Evidence) -> str:
    """Return what the verdict covers: runs, gates, commits, age."""
    selected = [attempt for _, attempt in verdict.matrix.selected]
    return " · ".join([*_runs(verdict), _gates(verdict, policy), *_provenance(selected, evidence)])


def counted(number: int, noun: str) -> str:
    """Return the number with its noun: ``1 run``, ``2 runs``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(words: Sequence[str]) -> str:
    """Return the words as a sentence lists them: ``G1``, ``G1 and G3``, ``G1, G3 and G5``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


@dataclass(frozen=True, slots=True)
class Advice:
    """What a reader must do: the part that stands out, and the rest."""

    strong: str
    rest: str = ""


def advice(verdict: Verdict) -> Advice | None:
    """Return who must do what; None where nobody must do anything."""
    if verdict.status is VerdictStatus.ALL_PASS:
        return None
    if verdict.status is VerdictStatus.WARNING:
        return Advice(f"{REVIEW.capitalize()}.", "What to look at is listed below.")
    if verdict.pending:
        return _pending_advice(verdict)
    names = listed([result.id for result in verdict.gates if result.status is Status.FAIL])
    if not verdict.matrix.selected:
        return Advice(f"{names} failed: no planned run was found that could be judged.")
    if verdict.critical:
        return Advice(
            f"{names} failed.",
            "Not all runs computed the metric as it was defined: use none of these numbers.",
        )
    return Advice(
        f"{names} failed.",
        "Do not start the next stage on these runs. What failed and how to fix it: below.",
    )


def _why(verdict: Verdict) -> list[str]:
    if verdict.status is VerdictStatus.ALL_PASS:
        return []
    if verdict.status is VerdictStatus.WARNING:
        return [*_warnings(verdict), REVIEW]
    failed = [result.id for result in verdict.gates if result.status is Status.FAIL]
    if verdict.pending:
        return [f"pending: {_unfinished(verdict)}"]
    return [f"{listed(failed)} failed"]


def _unfinished(verdict: Verdict) -> str:
    """Count the planned runs that are not there, those that were deleted apart: waiting does not bring them back."""
    deleted = _deleted(verdict)
    waiting = verdict.summary.planned - verdict.summary.found - deleted
    parts = [f"{counted(waiting, 'planned run')} not finished yet"] if waiting else []
    if deleted:
        parts.append(f"{deleted} deleted" if waiting else f"{counted(deleted, 'planned run')} deleted")
    return ", ".join(parts)


def _pending_advice(verdict: Verdict) -> Advice:
    if _deleted(verdict):
        return Advice(
            "Planned runs are missing because they were deleted.",
            "It is no pass before they are restored, or run again. How to fix it: below.",
        )
    return Advice(
        "Nothing is wrong so far, but planned runs are not finished yet.", "It is no pass before they are."
    )


def _deleted(verdict: Verdict) -> int:
    """Count the pairs without a run whose newest attempt was deleted."""
    missing = (place for place in verdict.matrix.places if place.selected is None)
    return sum(bool(place.attempts) and place.attempts[0].lifecycle_stage != "active" for place in missing)


def _warnings(verdict: Verdict) -> list[str]:
    """Count what a person must look at; a WARNING has at least one of these."""
    stale = sum(waiver.state in (WaiverState.EXPIRED, WaiverState.UNMATCHED) for waiver in verdict.waivers)
    tripped = sum(reference.tripped for reference in verdict.references)
    counts = (
        (verdict.summary.failed, "failing check below a threshold", "failing checks below a threshold"),
        (sum(check.warns for check in verdict.checks), "warning", "warnings"),
        (sum(check.waived is not None for check in verdict.checks), "waived failure", "waived failures"),
        (tripped, "value off its reference", "values off their reference"),
        (stale, "stale waiver", "stale waivers"),
    )
    return [", ".join(f"{number} {one if number == 1 else many}" for number, one, many in counts if number)]


def _runs(verdict: Verdict) -> list[str]:
    summary, planned = verdict.summary, verdict.matrix.planned
    runs = f"{summary.found} of {summary.planned} runs"
    return [runs] if summary.planned == planned else [runs, f"narrowed to {summary.planned} of {planned}"]


def _gates(verdict: Verdict, policy: Policy) -> str:
    """Return how many gates are on, which are not, by reason, and which of those that are had nothing to judge."""
    off: dict[str, list[str]] = {}
    idle = []
    for gate, result in zip(GATES, verdict.gates, strict=True):
        section = section_of(policy, gate)
        if not section.enabled:
            off.setdefault(section.reason or "", []).append(gate.id)
        elif result.status is Status.SKIPPED:
            idle.append(gate.id)
    notes = [f"{', '.join(ids)} off: {_short(reason)}" for reason, ids in off.items()]
    if idle:
        notes.append(f"{', '.join(idle)} had nothing to judge")
    on = len(GATES) - sum(map(len, off.values()))
    return f"{on} of {len(GATES)} gates" + (f" ({'; '.join(notes)})" if notes else "")


def _short(reason: str) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= _REASON_LIMIT else line[: _REASON_LIMIT - 1] + "…"


def _provenance(selected: Sequence[Attempt], evidence: Evidence) -> list[str]:
    """Return the runs' commits and age, which every report shows; nothing where there is no run."""
    if not selected:
        return []
    dirty = sum(attempt.dirty is True for attempt in selected)
    commits = [_commits(selected, evidence)]
    if dirty:
        commits.append(f"uncommitted changes in {counted(dirty, 'run')}")
    return [", ".join([*commits, *_age(selected, evidence.as_of)])]


def _commits(selected: Sequence[Attempt], evidence: Evidence) -> str:
    known = {attempt.commit for attempt in selected if attempt.commit}
    unknown = sum(not attempt.commit for attempt in selected)
    if not known:
        return "unknown commits" if unknown > 1 else "unknown commit"
    commits = "one commit" if len(known) == 1 else f"{len(known)} commits"
    if evidence.head is not None and evidence.head not in known:
        other = ", not head's" if len(known) == 1 else ", none is head's"
        commits += " with head's code" if _is_heads_code(selected, evidence) else other
    return f"{commits}, unknown for {counted(unknown, 'run')}" if unknown else commits


def _is_heads_code(selected: Sequence[Attempt], evidence: Evidence) -> bool:
    """Whether all known commits were looked at and hold the code of head: then another commit than head is right."""
    known = {attempt.run_id for attempt in selected if attempt.commit}
    return {run.same_code for run in evidence.runs if run.run_id in known} == {Answer.YES}


def _age(selected: Iterable[Attempt], as_of: str) -> list[str]:
    ages = [days_before(as_of, attempt.end_time or attempt.start_time) for attempt in selected]
    days = sorted(max(age, 0) for age in ages if age is not None)
    if not days:
        return ["of unknown age"]
    youngest, oldest = days[0], days[-1]
    if youngest == oldest:
        return ["of today" if oldest == 0 else f"{counted(oldest, 'day')} old"]
    return [f"{youngest} to {counted(oldest, 'day')} old"]
