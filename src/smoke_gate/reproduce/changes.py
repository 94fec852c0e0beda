"""The changes between two readings of the same store, run by run, and how much can be known of them. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias, TypeVar

from smoke_gate.evidence import Artifact, Attempt, Evidence, Figure, History, Registration, Run
from smoke_gate.policy.model import Policy
from smoke_gate.reproduce.differences import Difference, differing
from smoke_gate.selection import identity, planned_pairs
from smoke_gate.times import iso

Clocks = Mapping[tuple[str, str], int]
"""By run id and metric: when the last value was logged by its client's clock, UTC milliseconds."""

LIMITS = """\
What can be known: metrics carry the time of their client's clock, which anybody may set. Params, tags and artifacts
carry none: of those it is known that they changed after this verdict, not when. Of params and tags the file has only
those that the policy names, of runs that stood for no pair only name, status, times and commit: nothing else is seen.
"""

_METRIC = "metric "  # the beginning of the names of facts that are metrics
_Facts: TypeAlias = dict[str, str]


class _Identified(Protocol):
    @property
    def run_id(self) -> str: ...


T = TypeVar("T", bound=_Identified)


@dataclass(frozen=True, slots=True)
class Changed:
    """The changes of one thing: a run (named by its pair and id), a preregistration, the checkout."""

    title: str
    lines: tuple[str, ...]


def changed_metrics(then: Evidence, now: Evidence) -> tuple[tuple[str, str], ...]:
    """Return run id and name of the metrics that were added or have another value: those whose clock is of interest."""
    before, after = _by_id(then.runs), _by_id(now.runs)
    return tuple(
        (run_id, fact.name.removeprefix(_METRIC))
        for run_id in before.keys() & after.keys()
        for fact in differing(_run_facts(before[run_id]), _run_facts(after[run_id]))
        if fact.name.startswith(_METRIC) and fact.second is not None
    )


def comparable(then: Evidence, now: Evidence, policy: Policy) -> tuple[Evidence, Evidence]:
    """Return both without the runs outside the plan that only one has, where either has only the newest of them."""
    if not any(cut.unexpected or cut.unidentified for cut in (then.others, now.others)):
        return then, now
    planned = {pair.key for pair in planned_pairs(policy, narrowed=False)}
    both = _by_id(then.attempts).keys() & _by_id(now.attempts).keys()

    def without_rest(evidence: Evidence) -> Evidence:
        kept = (one for one in evidence.attempts if one.run_id in both or identity(policy, one) in planned)
        return replace(evidence, attempts=tuple(kept))

    return without_rest(then), without_rest(now)


def changes(then: Evidence, now: Evidence, clocks: Clocks) -> tuple[Changed, ...]:
    """Return what changed, the runs in order of their pairs.

    Args:
        then: the evidence of a verdict.
        now: the evidence that the store gives now, with the facts of all runs whose facts ``then`` has.
        clocks: of :func:`changed_metrics`.

    """
    found = [*_runs(then, now, clocks), *_registrations(then, now), _checkout(then, now)]
    return tuple(changed for changed in found if changed.lines)


# --- one thing, then and now ------------------------------------------------------------------------------------------


def _runs(then: Evidence, now: Evidence, clocks: Clocks) -> Iterator[Changed]:
    before, after = _by_id(then.attempts), _by_id(now.attempts)
    old, new = _by_id(then.runs), _by_id(now.runs)
    for run_id in {**before, **after}:
        attempt = before.get(run_id) or after[run_id]
        lines = [*_attempt(before.get(run_id), after.get(run_id))]
        if run_id in old and run_id in new:
            for fact in differing(_run_facts(old[run_id]), _run_facts(new[run_id])):
                clock = clocks.get((run_id, fact.name.removeprefix(_METRIC)))
                lines.append(_line(fact) + _when(clock, attempt.end_time))
        yield Changed(_title(attempt), tuple(lines))


def _attempt(then: Attempt | None, now: Attempt | None) -> Iterator[str]:
    if then is None and now is not None:
        started = iso(now.start_time) or "at an unknown time"
        yield f"new attempt: {now.status}, {now.lifecycle_stage}, started {started}"
    elif then is not None and now is None:
        yield "gone from the experiment: erased, or deleted and of no planned pair"
    elif then is not None and now is not None:
        yield from map(_line, differing(_attempt_facts(then), _attempt_facts(now)))


def _registrations(then: Evidence, now: Evidence) -> Iterator[Changed]:
    before = {one.run_id: _registration_facts(one) for one in then.registrations}
    after = {one.run_id: _registration_facts(one) for one in now.registrations}
    for one in differing(before, after):
        if one.first is None:
            lines: tuple[str, ...] = ("new",)
        elif one.second is None:
            lines = ("gone: erased, or no preregistration any more",)
        else:
            lines = tuple(map(_line, differing(one.first, one.second)))
        yield Changed(f"preregistration {one.name}", lines)


def _checkout(then: Evidence, now: Evidence) -> Changed:
    facts = differing(_checkout_facts(then), _checkout_facts(now))
    return Changed("checkout (not the store)", tuple(map(_line, facts)))


def _line(fact: Difference[str]) -> str:
    if fact.first is None:
        return f"{fact.name}: added, {fact.second}"
    if fact.second is None:
        return f"{fact.name}: gone, was {fact.first}"
    return f"{fact.name}: was {fact.first}, is {fact.second}"


def _when(clock: int | None, ended: int | None) -> str:
    if clock is None:
        return ""
    late = ", after the run had ended" if ended is not None and clock > ended else ""
    return f" (logged {iso(clock) or 'at no real time'} by its client's clock{late})"


def _title(attempt: Attempt) -> str:
    place = "/".join(text for text in (attempt.cell, attempt.seed) if text) or "no cell"
    return f"{place}, run {attempt.run_id}"


def _by_id(things: Iterable[T]) -> dict[str, T]:
    return {thing.run_id: thing for thing in things}


# --- facts, each a text with a name -----------------------------------------------------------------------------------


def _attempt_facts(attempt: Attempt) -> _Facts:
    """Return the facts that are recorded of every attempt."""
    return {
        "status": attempt.status,
        "lifecycle stage": attempt.lifecycle_stage,
        "start": iso(attempt.start_time) or "unknown",
        "end": iso(attempt.end_time) or "unknown",
        "name": attempt.run_name,
        "cell": attempt.cell or "none",
        "seed": attempt.seed or "none",
        "commit": attempt.commit or "unknown",
        "uncommitted changes": {True: "yes", False: "no", None: "unknown"}[attempt.dirty],
        "selected by runs.where": "yes" if attempt.in_scope else "no",
    }


def _registration_facts(one: Registration) -> _Facts:
    """Return the facts of a preregistration."""
    return {
        "status": one.status,
        "lifecycle stage": one.lifecycle_stage,
        "start": iso(one.start_time) or "unknown",
        "name": one.run_name,
        "definition hash": one.sha256 or "none",
        "prior_sha256": one.prior_sha256 or "none",
        "reason": one.reason or "none",
        "commit": one.commit or "unknown",
        "policy_sha256": one.policy_sha256 or "none",
        "definition": one.payload.text_sha256 if one.payload else "none",
    }


def _checkout_facts(evidence: Evidence) -> _Facts:
    """Return the facts of the working tree; the answers of git about the runs' commits are left out."""
    facts = dict(_figures(evidence.files))
    if evidence.definition_sha256 is not None:
        facts["definition file"] = evidence.definition_sha256
    if evidence.head.commit is not None:
        facts["head"] = evidence.head.commit
    return facts


def _run_facts(run: Run) -> _Facts:
    """Return the facts of a run that stands for a pair, except the answers of git."""
    return dict(_facts_of(run))


def _facts_of(run: Run) -> Iterator[tuple[str, str]]:
    yield from ((f"param {key}", repr(value)) for key, value in run.params.items())
    yield from ((f"tag {key}", repr(value)) for key, value in run.tags.items())
    yield from ((f"{_METRIC}{name}", value) for name, value in run.metrics.items())
    yield from ((f"history of {name}", _history(history)) for name, history in run.histories.items())
    if run.payload is not None:
        yield "definition", f"sha256 {run.payload.text_sha256}"
    yield from ((f"artifact {one.path}", _artifact(one)) for one in run.checkpoints)
    if run.manifest is not None:
        yield "manifest", run.manifest.problem or "readable"
        for path, entry in run.manifest.entries.items():
            yield f"manifest entry {path}", f"sha256 {entry.sha256}, {entry.size} bytes"
    for model in run.models:
        yield f"model {model.model_id}", f"{model.name}, {model.status}"
        yield from ((f"model {model.model_id}, {one.path}", _artifact(one)) for one in model.artifacts)
    yield from _figures(run.figures)
    yield "artifacts", run.artifacts_problem or "readable"


def _history(history: History) -> str:
    return f"{history.length} values, sha256 {history.sha256[:16]}…"


def _artifact(artifact: Artifact) -> str:
    size = f"{artifact.size} bytes" if artifact.size is not None else "of unknown size"
    read = f"sha256 {artifact.sha256}" if artifact.sha256 else artifact.problem or "not read"
    return f"{read}, {size}"


def _figures(figures: Sequence[Figure]) -> Iterator[tuple[str, str]]:
    for figure in figures:
        yield (
            f"figure {figure.path}",
            f"sha256 {figure.sha256}" if figure.sha256 else figure.problem or "not read",
        )
