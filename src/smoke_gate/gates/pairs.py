"""The pair checks of G0: one finished run stands for each planned pair, and what ran beside the plan."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from unicodedata import normalize

from smoke_gate.evidence import Attempt
from smoke_gate.gates.base import Case, Check, Status, quoted
from smoke_gate.gates.commits import Finding
from smoke_gate.policy.terms import Template, nearest, normal_seed
from smoke_gate.selection import Pair, Place

_MOST_COMPARED = 50_000  # names with one another


def pair_checks(case: Case) -> Iterator[Check]:
    """Check that one finished run stands for each pair, and say how many tries it took."""
    read = {judged.pair for judged in case.judged}
    _, ran = _strangers(case)
    unsaid = _unsaid(case)
    for place in case.matrix.places:
        if place.selected is None:
            found = f"No finished run, {_tries(place.attempts)}."
            status, message = Status.FAIL, f"{found} {unsaid or _how_to_get_it(place, ran)}"
        else:
            status, message = _of_selected(case, place, is_read=place.pair in read)
        attempt = _in_question(place)
        yield Check(
            gate="G0", kind="pair", status=status, subject=place.pair.subject, message=message,
            run_id=None if place.selected is None else place.selected.run_id, cell=place.pair.cell,
            seed=place.pair.seed, observed=_named(attempt) if attempt else _tries(place.attempts),
            expected="a finished run",
        )  # fmt: skip


def unexpected_checks(case: Case) -> Iterator[Check]:
    """Find finished runs of pairs that are not planned."""
    if case.policy.runs.unexpected == "ignore":
        return
    status = Status.FAIL if case.policy.runs.unexpected == "fail" else Status.WARNING
    missing, _ = _strangers(case)
    for attempt in case.matrix.unexpected:
        ran = _ran(case, attempt)
        message = (
            "This run finished, but its cell and seed are not planned. "
            "Add them to the plan, or name them in `runs.ignore` with a reason."
        )
        if meant := _misspelt(ran, missing):
            message += f" Did you mean {meant}? That is planned, and has no run."
        yield Check(
            gate="G0", kind="unexpected", status=status, subject=attempt.run_id, message=message,
            run_id=attempt.run_id, cell=ran.cell, seed=ran.seed, observed=ran.subject, expected="a planned pair",
        )  # fmt: skip


# --- a pair without a run ---------------------------------------------------------------------------------------------


def _unsaid(case: Case) -> str | None:
    """Say what no run at all states of itself: where that is a cell or a seed, no pair can have a run."""
    runs, templates = case.matrix.unidentified, {"cell": case.policy.runs.cell, "seed": case.policy.runs.seed}
    if not runs or case.matrix.unexpected or any(place.attempts for place in case.matrix.places):
        return None
    said = {"cell": any(run.cell for run in runs), "seed": any(run.seed for run in runs)}
    lacking = [name for name, text in templates.items() if text != "none" and not said[name]]
    return " ".join(_how_to_say(case, name, templates[name]) for name in lacking) or None


def _how_to_say(case: Case, name: str, template: str) -> str:
    found = f"None of {len(case.matrix.unidentified)} runs says its {name} by `runs.{name}: {template}`."
    nearest_of = map(case.evidence.nearest.get, Template.parse(template).references)
    if near := next(filter(None, nearest_of), None):
        return f"{found} Did you mean {near}?"
    return f"{found} Correct that, or call contract.log_plan in training."


def _how_to_get_it(place: Place, ran: Sequence[Pair]) -> str:
    attempt = _in_question(place)
    if attempt is None:
        run_it = "Run it, or exclude the pair in the plan with a reason."
        meant = None if place.attempts else _misspelt(place.pair, ran)
        return (
            f"{run_it} Did you mean {meant}? A run of that finished, and is not planned." if meant else run_it
        )
    if _is_active(attempt):
        return (
            f"Wait for it (--wait). If the process of {attempt.run_id} is dead, run the pair again: "
            "what it left stays in the ledger as an attempt."
        )
    return f"Restore it (mlflow runs restore --run-id {attempt.run_id}), or run it again."


def _in_question(place: Place) -> Attempt | None:
    """Return the attempt that may yet become the run of a pair that has none: one that goes on, else a deleted one."""
    if place.selected is not None:
        return None
    going_on = (one for one in place.attempts if one.status in ("RUNNING", "SCHEDULED") and _is_active(one))
    deleted = (
        one for one in place.attempts if one.status == "FINISHED" and one.in_scope and not _is_active(one)
    )
    return next(going_on, None) or next(deleted, None)


def _strangers(case: Case) -> tuple[Sequence[Pair], Sequence[Pair]]:
    """Return the planned pairs that were never tried, and those that ran unplanned: one may be the other, misspelt.

    Of very many, neither: to compare all of them would take long, and that is no slip any more.
    """
    missing = [place.pair for place in case.matrix.places if not place.attempts]
    ran = [_ran(case, attempt) for attempt in case.matrix.unexpected]
    return (missing, ran) if len(missing) * len(ran) <= _MOST_COMPARED else ((), ())


def _misspelt(pair: Pair, others: Sequence[Pair]) -> str | None:
    """Return the cell, or the seed, by which one of the others is nearly the pair."""
    cells = [other.cell for other in others if _seed(other) == _seed(pair)]
    if (cell := nearest(pair.cell, cells)) is not None:
        return (
            f"cell {ascii(cell) if normalize('NFC', cell) == normalize('NFC', pair.cell) else quoted(cell)}"
        )
    seeds = [other.seed for other in others if other.cell == pair.cell and other.seed is not None]
    seed = None if pair.seed is None else nearest(pair.seed, seeds)
    return None if seed is None else f"seed {quoted(seed)}"


def _seed(pair: Pair) -> str | None:
    return None if pair.seed is None else normal_seed(pair.seed)


def _ran(case: Case, attempt: Attempt) -> Pair:
    """Return the pair that an attempt states."""
    return Pair(attempt.cell or "", None if case.policy.runs.seed == "none" else attempt.seed)


# --- a pair that has one, or more -------------------------------------------------------------------------------------


def _of_selected(case: Case, place: Place, *, is_read: bool) -> Finding:
    if not is_read:
        return Status.FAIL, "Its run was not read, so nothing of it is known. Read the experiment again."
    findings = [*_duplicates(case, place), *_attempts(case, place)]
    statuses = [status for status, _ in findings]
    worst = next((status for status in (Status.FAIL, Status.WARNING) if status in statuses), Status.PASS)
    found = f"A finished run, {_tries(place.attempts)}."
    return worst, " ".join([found, *(message for _, message in findings)])


def _duplicates(case: Case, place: Place) -> Iterator[Finding]:
    """Find candidates beside the newest that no change of code explains."""
    newest, *others = place.candidates
    if others and case.policy.runs.duplicates == "fail":
        message = f"There is more than one, also {_names(others)}, and the policy says `duplicates: fail`."
        yield Status.FAIL, f"{message} Decide which one counts."
        return
    if others and not all(_is_timed(one, case.evidence.as_of) for one in place.candidates):
        message = (
            f"{_names([newest])} was taken, there is also {_names(others)}, and which is the newest is not known: a "
            "start time is missing, not in milliseconds, or yet to come."
        )
        yield Status.WARNING, f"{message} Decide which one counts: `runs.where` can leave out the rest."
        return
    unexplained = [
        other for other in others if other.commit == newest.commit or not (other.commit and newest.commit)
    ]
    if unexplained:
        yield (
            Status.WARNING,
            (
                f"The newest, {_names([newest])}, was taken; of the same or an unknown commit there is also "
                f"{_names(unexplained)}. Look at why it was run again; what is no run of the matrix, as a trial of a "
                "sweep is, `runs.where` can leave out."
            ),
        )


def _is_timed(attempt: Attempt, as_of: str) -> bool:
    """Whether it is known when an attempt started; by a clock that is ahead, it would be the newest for long."""
    end_of_day = datetime.fromisoformat(f"{as_of}T00:00:00+00:00") + timedelta(days=1)
    return attempt.start_time is not None and attempt.start_time < end_of_day.timestamp() * 1000


def _attempts(case: Case, place: Place) -> Iterator[Finding]:
    bound = case.policy.plan.max_attempts
    if bound is not None and len(place.attempts) > bound:
        yield Status.WARNING, f"These are more than `max_attempts: {bound}`. Look at why it took so many."


def _names(attempts: Sequence[Attempt]) -> str:
    return ", ".join(map(_name, attempts))


def _name(attempt: Attempt) -> str:
    """Return a run's id, and by what people know it."""
    known = [quoted(attempt.run_name)] if attempt.run_name not in ("", attempt.run_id) else []
    if attempt.parent:
        known.append(f"a child of {attempt.parent}")
    return f"{attempt.run_id} ({', '.join(known)})" if known else attempt.run_id


# --- words ------------------------------------------------------------------------------------------------------------


def _tries(attempts: Sequence[Attempt]) -> str:
    """Say how many attempts there were and what became of them: `3 attempts: FAILED ×2, FINISHED`."""
    if not attempts:
        return "no attempt"
    states = Counter(map(_state, attempts))
    listed = ", ".join(
        state if number == 1 else f"{state} ×{number}" for state, number in sorted(states.items())
    )
    return f"{len(attempts)} attempt{'s' if len(attempts) > 1 else ''}: {listed}"


def _state(attempt: Attempt) -> str:
    if not _is_active(attempt):
        return f"{attempt.lifecycle_stage} ({attempt.status})"
    if attempt.status == "FINISHED":
        return "FINISHED" if attempt.in_scope else "FINISHED but left out by `runs.where`"
    if attempt.status == "RUNNING" and attempt.start_time is not None:
        return f"RUNNING since {_utc(attempt.start_time)}"
    return attempt.status


def _named(attempt: Attempt) -> str:
    """Return an attempt by its id, which tells the pairs of one finding apart: what to do names it."""
    return f"{attempt.run_id}: {attempt.status if _is_active(attempt) else attempt.lifecycle_stage}"


def _is_active(attempt: Attempt) -> bool:
    return attempt.lifecycle_stage == "active"


def _utc(milliseconds: int) -> str:
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:  # a clock in microseconds, say
        return f"{milliseconds} ms"
    return f"{moment:%Y-%m-%d %H:%M} UTC"
