"""The verdict in one line: what it is, what it covers, how old the runs are. Plain text, escaped where it is shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from smoke_gate.commits import distinct_commits, same_commit
from smoke_gate.evidence import Answer, Attempt, Evidence
from smoke_gate.gates.base import Status
from smoke_gate.message import Message, between, say
from smoke_gate.policy.model import Policy
from smoke_gate.selection import code_of
from smoke_gate.text import counted, listed
from smoke_gate.times import days_before, minute
from smoke_gate.verdict import Verdict, VerdictStatus

REVIEW = "a person must review before publication"
_REASON_LIMIT = 60
_DOT = " · "


def headline(verdict: Verdict, policy: Policy, evidence: Evidence) -> Message:
    """Return, for example, ``ALL PASS · 12 of 12 runs · 8 of 8 gates · one commit, 3 days old``."""
    own = map(say, [status_words(verdict), *_why(verdict)])
    return between(_DOT, [*own, coverage(verdict, policy, evidence)])


def status_words(verdict: Verdict) -> str:
    """Return the verdict as headlines say it: ``CRITICAL FAIL`` where it is critical."""
    return f"CRITICAL {verdict.status.value}" if verdict.critical else verdict.status.value


def coverage(verdict: Verdict, policy: Policy, evidence: Evidence) -> Message:
    """Return what the verdict covers: runs, gates, commits, age."""
    selected = [attempt for _, attempt in verdict.matrix.selected]
    runs, provenance = map(say, _runs(verdict)), map(say, _provenance(selected, evidence))
    besides = map(
        say, [*_beyond(verdict), *_not_looked_at(verdict), *_structure_only(evidence), *_accepted(verdict)]
    )
    return between(_DOT, [*runs, *besides, _gates(verdict, policy), *provenance])


def _beyond(verdict: Verdict) -> list[str]:
    """Count what the ledger holds beyond the selected runs."""
    attempts = [attempt for place in verdict.matrix.places for attempt in place.attempts]
    if len(attempts) <= len(verdict.matrix.selected):
        return []
    deleted = sum(attempt.lifecycle_stage != "active" for attempt in attempts)
    outside = sum(not attempt.in_scope for attempt in attempts)
    counts = [f"{deleted} deleted" if deleted else "", f"{outside} outside runs.where" if outside else ""]
    return [", ".join(filter(None, [counted(len(attempts), "attempt"), *counts]))]


def _not_looked_at(verdict: Verdict) -> list[str]:
    """Name the outcomes of training that no gate judged, of any run or of some."""
    found = verdict.summary.found
    missing = {kind: found - runs for kind, runs in verdict.summary.looked_at.items() if runs < found}
    none_at_all = [kind for kind, runs in missing.items() if runs == found]
    some = [f"{kind} of {counted(runs, 'run')}" for kind, runs in missing.items() if runs < found]
    return [f"not looked at: {', '.join([*none_at_all, *some])}"] if missing else []


def _structure_only(evidence: Evidence) -> list[str]:
    """Count the files of which not all bytes were read."""
    files = [
        file
        for run in evidence.runs
        for file in (*run.checkpoints, *(one for model in run.models for one in model.artifacts))
    ]
    number = sum(file.structure_only for file in files)
    return [f"structure only of {counted(number, 'checkpoint')}"] if number else []


def _accepted(verdict: Verdict) -> list[str]:
    number = sum(check.waived is not None for check in verdict.checks)
    return [f"{number} accepted by waiver"] if number else []


@dataclass(frozen=True, slots=True)
class Advice:
    """The advice to a reader: the part that stands out, and the rest."""

    strong: str
    rest: str = ""


def advice(verdict: Verdict) -> Advice | None:
    """Return who must do what; None where nobody must do anything."""
    if verdict.status is VerdictStatus.ALL_PASS:
        return None
    if verdict.status is VerdictStatus.WARNING:
        return Advice(f"{REVIEW.capitalize()}.", "What to look at is listed below.")
    if verdict.pending:
        return Advice(
            "Nothing is wrong so far, but planned runs are not finished yet.",
            "It is not a pass before they are.",
        )
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
        return [f"pending: {_unfinished(verdict)}{_since(verdict)}"]
    return [f"{listed(failed)} failed"]


def _since(verdict: Verdict) -> str:
    """Say since when the oldest attempt at a pair without a run goes on."""
    going_on = [
        attempt.start_time
        for place in verdict.matrix.places
        if place.selected is None
        for attempt in place.counting[:1]
        if attempt.start_time is not None
    ]
    return f", the first since {minute(min(going_on))} UTC" if going_on else ""


def _unfinished(verdict: Verdict) -> str:
    """Count the planned runs that are not there."""
    waiting = verdict.summary.planned - verdict.summary.found
    return f"{counted(waiting, 'planned run')} not finished yet"


def _warnings(verdict: Verdict) -> list[str]:
    """Count what a person must look at; a WARNING has at least one of these."""
    stale = sum(waiver.warns for waiver in verdict.waivers)
    tripped = sum(reference.tripped for reference in verdict.references)
    counts = (
        (verdict.summary.failed, "failing check below a threshold", "failing checks below a threshold"),
        (sum(check.warns for check in verdict.checks), "warning", "warnings"),
        (
            sum(check.waived is not None and check.status is Status.WARNING for check in verdict.checks),
            "waived failure",
            "waived failures",
        ),
        (tripped, "value off its reference", "values off their reference"),
        (stale, "expired waiver", "expired waivers"),
    )
    return [", ".join(f"{number} {one if number == 1 else many}" for number, one, many in counts if number)]


def _runs(verdict: Verdict) -> list[str]:
    summary, planned = verdict.summary, verdict.matrix.planned
    runs = f"{summary.found} of {summary.planned} runs"
    return [runs] if summary.planned == planned else [runs, f"narrowed to {summary.planned} of {planned}"]


def _gates(verdict: Verdict, policy: Policy) -> Message:
    """Return how many gates are on, which are not, by reason, and which of those that are had nothing to judge."""
    off: dict[str, list[str]] = {}
    idle = []
    sections = policy.gates.by_section()
    for result in verdict.gates:
        settings = sections[result.name]
        if not settings.enabled:
            off.setdefault(settings.reason or "", []).append(result.id)
        elif result.status is Status.SKIPPED:
            idle.append(result.id)
    notes = [
        say("{ids} off: {reason}", ids=say(", ".join(ids)), reason=_short(reason))
        for reason, ids in off.items()
    ]
    if idle:
        notes.append(say(f"{', '.join(idle)} had nothing to judge"))
    every = len(verdict.gates)
    counts = say("{on} of {every} gates", on=every - sum(map(len, off.values())), every=every)
    return say("{counts} ({notes})", counts=counts, notes=between("; ", notes)) if notes else counts


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
    known = distinct_commits(attempt.commit for attempt in selected if attempt.commit)
    unknown = sum(not attempt.commit for attempt in selected)
    if not known:
        return "unknown commits" if unknown > 1 else "unknown commit"
    commits = "one commit" if len(known) == 1 else f"{len(known)} commits"
    head = evidence.head.commit
    if head is not None and not any(same_commit(head, commit) for commit in known):
        other = ", not head's" if len(known) == 1 else ", none is head's"
        commits += " with head's code" if _is_heads_code(selected, evidence) else other
    return f"{commits}, unknown for {counted(unknown, 'run')}" if unknown else commits


def _is_heads_code(selected: Sequence[Attempt], evidence: Evidence) -> bool:
    """Return whether all known commits were looked at and hold head's code: then another commit than head is right."""
    return {code_of(attempt, evidence.codes).same_code for attempt in selected if attempt.commit} == {
        Answer.YES
    }


def _age(selected: Iterable[Attempt], as_of: str) -> list[str]:
    ages = [days_before(as_of, attempt.end_time or attempt.start_time) for attempt in selected]
    days = sorted(max(age, 0) for age in ages if age is not None)
    if not days:
        return ["of unknown age"]
    youngest, oldest = days[0], days[-1]
    if youngest == oldest:
        return ["of today" if oldest == 0 else f"{counted(oldest, 'day')} old"]
    return [f"{youngest} to {counted(oldest, 'day')} old"]
