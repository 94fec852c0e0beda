"""The pair checks of G0: one finished run stands for each planned pair, and what ran beside the plan."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from unicodedata import normalize

from smoke_gate.commits import same_commit
from smoke_gate.evidence import Attempt
from smoke_gate.gates.base import Case, Check, Judged, Status
from smoke_gate.gates.commits import Finding
from smoke_gate.gates.twins import compared
from smoke_gate.message import Message, between, say, sentences
from smoke_gate.policy.terms import Template, nearest
from smoke_gate.selection import Pair, Place
from smoke_gate.text import counted

_MOST_COMPARED = 50_000  # names with one another


def pair_checks(case: Case) -> Iterator[Check]:
    """Check that one finished run stands for each pair, and say how many tries it took."""
    read = {judged.pair for judged in case.judged}
    _, ran = _strangers(case)
    unsaid = _unsaid(case)
    for place in case.matrix.places:
        if place.selected is None:
            status = Status.FAIL
            message = say(
                "No finished run, {tries}{other}. {fix}",
                tries=_tries(place.counting) if place.counting else say("no attempt"),
                other=_of_other_code(place),
                fix=unsaid or _how_to_get_it(place, ran),
            )
        else:
            status, message = _of_selected(case, place, is_read=place.pair in read)
        attempt = _in_question(place)
        yield Check(
            gate="G0", kind="pair", status=status, subject=place.pair.subject, message=message,
            run_id=None if place.selected is None else place.selected.run_id, cell=place.pair.cell,
            seed=place.pair.seed, observed=_named(attempt) if attempt else _tries(place.counting),
            expected="a finished run", pending=status is Status.FAIL and is_not_run_yet(place),
        )  # fmt: skip


def unexpected_checks(case: Case) -> Iterator[Check]:
    """Find finished runs of pairs that are not planned."""
    if case.policy.runs.unexpected == "ignore":
        return
    status = Status.FAIL if case.policy.runs.unexpected == "fail" else Status.WARNING
    missing, _ = _strangers(case)
    for attempt in case.matrix.unexpected:
        ran = _ran(case, attempt)
        meant = _misspelt(ran, missing)
        message = say(
            "This run finished, but its cell and seed are not planned. "
            "Add them to the plan, or name them in `runs.ignore` with a reason.{meant}",
            meant=say(" Did you mean {meant}? That is planned, and has no run.", meant=meant)
            if meant
            else say(""),
        )
        yield Check(
            gate="G0", kind="unexpected", status=status, subject=attempt.run_id, message=message,
            run_id=attempt.run_id, cell=ran.cell, seed=ran.seed, observed=ran.subject, expected="a planned pair",
        )  # fmt: skip
    rest = case.matrix.others.unexpected
    if rest:
        message = say(
            "{count} finished, and their cells and seeds are not planned. Only the newest of them have a check each. "
            "Add them to the plan, name them in `runs.ignore` with a reason, or leave them out by `runs.where`.",
            count=say(counted(rest, "older run", "older runs")),
        )
        yield Check(
            gate="G0", kind="unexpected", status=status, subject="older runs", message=message,
            observed=counted(rest, "run"), expected="planned pairs",
        )  # fmt: skip


def newer_attempts(case: Case) -> Iterator[Check]:
    """Find pairs that were tried again after the run that stands for them, and attempts behind a tag."""
    places = {place.pair: place for place in case.matrix.places}
    for judged in case.judged:
        place = places[judged.pair]
        newer = [one for one in newer_than_selected(place) if _may_count(one, judged)]
        if newer:
            message = say(
                "{count} newer than the run that stands for the pair; the newest, {run}, is {state}, of {day}, "
                "{commit}. Finish a newer run, or waive this kind of finding with a reason.",
                count=say(counted(len(newer), "attempt is", "attempts are")),
                run=_name(newer[0]),
                state=_state(newer[0]),
                day=_day(newer[0].start_time),
                commit=_commit_words(newer[0]),
            )
            yield judged.check(
                "G0", "newer_attempt", Status.WARNING, place.pair.subject, message,
                observed=_named(newer[0]), expected="the newest attempt",
            )  # fmt: skip
    for place in case.matrix.places:
        for hidden in (one for one in place.attempts if one.registered):
            message = say(
                "{run} is tagged as a preregistration, but states a planned cell and seed. "
                "Remove the tag `smoke_gate.kind` if it is an attempt, or its cell and seed if it is not.",
                run=_name(hidden),
            )
            yield Check(
                gate="G0", kind="registered", status=Status.WARNING, subject=place.pair.subject, message=message,
                run_id=hidden.run_id, cell=place.pair.cell, seed=place.pair.seed, observed=hidden.run_id,
                expected="no cell and seed",
            )  # fmt: skip


def newer_than_selected(place: Place) -> list[Attempt]:
    """Return the attempts that started after the run that stands for the pair, newest first."""
    return list(takewhile(lambda attempt: attempt != place.selected, place.counting))


def _may_count(attempt: Attempt, judged: Judged) -> bool:
    """Return whether an attempt that does not stand for its pair may say more of it than the run that does."""
    if attempt.registered:
        return False  # has a finding of its own
    if attempt.status != "FINISHED":
        return True
    return attempt.metrics is None or compared(attempt.metrics) != compared(judged.run.metrics)


def _commit_words(attempt: Attempt) -> Message:
    return (
        say("commit {commit}", commit=attempt.commit[:12]) if attempt.commit else say("of an unknown commit")
    )


def _day(milliseconds: int | None) -> str:
    return "an unknown day" if milliseconds is None else _utc(milliseconds)


def is_not_run_yet(place: Place) -> bool:
    """Return whether a pair may still get a run by waiting: nobody tried it, or its newest attempt goes on."""
    newest = place.counting[0] if place.counting else None
    return place.selected is None and (
        newest is None or (newest.status in ("RUNNING", "SCHEDULED") and _is_active(newest))
    )


# --- a pair without a run ---------------------------------------------------------------------------------------------


def _unsaid(case: Case) -> Message | None:
    """If no run states a cell (or a seed), no pair can match; explain which one is missing."""
    runs, where = case.matrix.unidentified, case.policy.runs
    templates = {"cell": where.cell_template, "seed": where.seed_template}
    if not runs or case.matrix.unexpected or any(place.attempts for place in case.matrix.places):
        return None
    said = {"cell": any(run.cell for run in runs), "seed": any(run.seed for run in runs)}
    lacking = [name for name, template in templates.items() if not (template.is_none or said[name])]
    return sentences(_how_to_say(case, name, templates[name]) for name in lacking) or None


def _how_to_say(case: Case, name: str, template: Template) -> Message:
    found = say(
        "None of {count} runs says its " + name + " by {template}.",
        count=case.matrix.all_unidentified,
        template=f"runs.{name}: {template.text}",
    )
    nearest_of = map(case.evidence.nearest.get, template.references)
    if near := next(filter(None, nearest_of), None):
        return say("{found} Did you mean {near}?", found=found, near=near)
    return say("{found} Correct that, or call contract.log_plan in training.", found=found)


def _of_other_code(place: Place) -> Message:
    """Count the attempts that do not count because they ran other code."""
    if not place.of_other_code:
        return say("")
    count = counted(len(place.of_other_code), "attempt is", "attempts are")
    return say("; {count} of other code than head's", count=say(count))


def _how_to_get_it(place: Place, ran: Sequence[Pair]) -> Message:
    attempt = _in_question(place)
    if attempt is None:
        run_it = say("Run it, or exclude the pair in the plan with a reason.")
        meant = None if place.attempts else _misspelt(place.pair, ran)
        if meant is None:
            return run_it
        return say(
            "{run_it} Did you mean {meant}? A run of that finished, and is not planned.",
            run_it=run_it,
            meant=meant,
        )
    if _is_active(attempt):
        return say(
            "Wait for it (--wait). If the process of {run_id} is dead, run the pair again: "
            "what it left stays in the ledger as an attempt.",
            run_id=attempt.run_id,
        )
    return say("Restore it (mlflow runs restore --run-id {run_id}), or run it again.", run_id=attempt.run_id)


def _in_question(place: Place) -> Attempt | None:
    """Return the attempt that may yet become the run of a pair that has none: one that goes on, else a deleted one."""
    if place.selected is not None:
        return None
    going_on = (one for one in place.counting if one.status in ("RUNNING", "SCHEDULED") and _is_active(one))
    deleted = (
        one for one in place.counting if one.status == "FINISHED" and one.in_scope and not _is_active(one)
    )
    return next(going_on, None) or next(deleted, None)


def _strangers(case: Case) -> tuple[Sequence[Pair], Sequence[Pair]]:
    """Return the planned pairs that were never tried, and those that ran unplanned: one may be the other, misspelt.

    Of very many, neither: to compare all of them would take long, and that is not a slip any more.
    """
    missing = [place.pair for place in case.matrix.places if not place.attempts]
    ran = [_ran(case, attempt) for attempt in case.matrix.unexpected]
    return (missing, ran) if len(missing) * len(ran) <= _MOST_COMPARED else ((), ())


def _misspelt(pair: Pair, others: Sequence[Pair]) -> Message | None:
    """Return the cell, or the seed, by which one of the others is nearly the pair."""
    cells = [other.cell for other in others if other.key[1] == pair.key[1]]
    if (cell := nearest(pair.cell, cells)) is not None:
        looks_alike = normalize("NFC", cell) == normalize("NFC", pair.cell)
        return say("cell {cell}", cell=ascii(cell)) if looks_alike else say("cell {cell!r}", cell=cell)
    seeds = [other.seed for other in others if other.cell == pair.cell and other.seed is not None]
    seed = None if pair.seed is None else nearest(pair.seed, seeds)
    return None if seed is None else say("seed {seed!r}", seed=seed)


def _ran(case: Case, attempt: Attempt) -> Pair:
    """Return the pair that an attempt states."""
    return Pair(attempt.cell or "", None if case.policy.runs.seed_template.is_none else attempt.seed)


# --- a pair that has one, or more -------------------------------------------------------------------------------------


def _of_selected(case: Case, place: Place, *, is_read: bool) -> Finding:
    if not is_read:
        return Status.FAIL, say("Its run was not read, so nothing of it is known. Read the experiment again.")
    findings = [*_duplicates(case, place), *_attempts(case, place)]
    statuses = [status for status, _ in findings]
    worst = next((status for status in (Status.FAIL, Status.WARNING) if status in statuses), Status.PASS)
    found = say("A finished run, {tries}.", tries=_tries(place.attempts))
    return worst, sentences([found, *(message for _, message in findings)])


def _duplicates(case: Case, place: Place) -> Iterator[Finding]:
    """Find candidates beside the newest that no change of code explains."""
    newest, *others = place.candidates
    if others and case.policy.runs.duplicates == "fail":
        yield (
            Status.FAIL,
            say(
                "There is more than one, also {others}, and the policy says `duplicates: fail`. "
                "Decide which one counts.",
                others=_names(others),
            ),
        )
        return
    if others and not all(_is_timed(one, case.evidence.as_of) for one in place.candidates):
        yield (
            Status.WARNING,
            say(
                "{newest} was taken, there is also {others}, and which is the newest is not known: a "
                "start time is missing, not in milliseconds, or yet to come. "
                "Decide which one counts: `runs.where` can leave out the rest.",
                newest=_names([newest]),
                others=_names(others),
            ),
        )
        return
    unexplained = [
        other
        for other in others
        if not (other.commit and newest.commit) or same_commit(other.commit, newest.commit)
    ]
    if unexplained:
        yield (
            Status.WARNING,
            say(
                "The newest, {newest}, was taken; of the same or an unknown commit there is also {others}. "
                "Find out why it was rerun. Runs that are not part of the matrix (such as sweep trials) "
                "can be excluded with `runs.where`.",
                newest=_names([newest]),
                others=_names(unexplained),
            ),
        )


def _is_timed(attempt: Attempt, as_of: str) -> bool:
    """Return whether it is known when an attempt started; by a clock that is ahead, it would be the newest for long."""
    end_of_day = datetime.fromisoformat(f"{as_of}T00:00:00+00:00") + timedelta(days=1)
    return attempt.start_time is not None and attempt.start_time < end_of_day.timestamp() * 1000


def _attempts(case: Case, place: Place) -> Iterator[Finding]:
    bound = case.policy.plan.max_attempts
    if bound is not None and len(place.attempts) > bound:
        yield (
            Status.WARNING,
            say("These are more than `max_attempts` ({bound}). Find out why it took so many.", bound=bound),
        )


def _names(attempts: Sequence[Attempt]) -> Message:
    return between(", ", map(_name, attempts))


def _name(attempt: Attempt) -> Message:
    """Return a run's id, and by what people know it."""
    known = []
    if attempt.run_name not in ("", attempt.run_id):
        known.append(say("{name!r}", name=attempt.run_name))
    if attempt.parent:
        known.append(say("a child of {parent}", parent=attempt.parent))
    if not known:
        return say("{run_id}", run_id=attempt.run_id)
    return say("{run_id} ({known})", run_id=attempt.run_id, known=between(", ", known))


# --- words ------------------------------------------------------------------------------------------------------------


def _tries(attempts: Sequence[Attempt]) -> str:
    """Say how many attempts there were and what became of them: `3 attempts: FAILED ×2, FINISHED`."""
    if not attempts:
        return "no attempt"
    states = Counter(map(_state_since, attempts))
    listed = ", ".join(
        state if number == 1 else f"{state} ×{number}" for state, number in sorted(states.items())
    )
    return f"{len(attempts)} attempt{'s' if len(attempts) > 1 else ''}: {listed}"


def _state(attempt: Attempt) -> str:
    if not _is_active(attempt):
        return f"{attempt.lifecycle_stage} ({attempt.status})"
    if attempt.status == "FINISHED":
        return "FINISHED" if attempt.in_scope else "FINISHED but left out by `runs.where`"
    return attempt.status


def _state_since(attempt: Attempt) -> str:
    state = _state(attempt)
    if state == "RUNNING" and attempt.start_time is not None:
        return f"RUNNING since {_utc(attempt.start_time)}"
    return state


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
