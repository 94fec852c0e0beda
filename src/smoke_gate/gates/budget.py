"""The part of G7 that asks whether runs were trained equally long, and once."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from smoke_gate.gates.base import Case, Check, Judged, Status
from smoke_gate.gates.comparison_settings import ComparisonSettings
from smoke_gate.gates.twins import named, subject_of
from smoke_gate.message import say

_LEAST_RUNS = 3  # of a cell, from which on one of them can be the odd one
_MOST_PART = 2 / 3  # of a cell's runs that must agree for another to be the odd one


def budget_checks(case: Case, section: ComparisonSettings, status: Status) -> Iterator[Check]:
    """Compare the last steps with the policy's, or with those of the other seeds; find histories of two trainings."""
    cells: dict[str, list[Judged]] = defaultdict(list)
    for one in case.judged:
        if one.run.last_step is not None:
            cells[one.pair.cell].append(one)
    for cell, runs in cells.items():
        stated = section.last_step(cell)
        if stated is not None:
            yield from _against(stated, runs)
        elif not section.early_stopping:
            yield from _shorter(cell, runs, status)
    for one in case.judged:
        yield from _histories(one, status)


def _against(stated: int, runs: Sequence[Judged]) -> Iterator[Check]:
    for one in runs:
        found = str(one.run.last_step)
        if one.run.last_step == stated:
            status, message = Status.PASS, say("Its last step is {found}.", found=found)
        else:
            status = Status.FAIL
            message = say(
                "Its last step is {found}, and `comparison.steps` says {stated}. Train it again, or correct `steps`.",
                found=found,
                stated=stated,
            )
        yield one.check("G7", "budget", status, "steps", message, observed=found, expected=str(stated))


def _shorter(cell: str, runs: Sequence[Judged], status: Status) -> Iterator[Check]:
    """Find runs that ended before the step at which nearly all seeds of the cell ended."""
    (usual, number), *_ = Counter(one.run.last_step for one in runs).most_common(1)
    if len(runs) < _LEAST_RUNS or number < _MOST_PART * len(runs) or usual is None:
        return
    short = [one for one in runs if one.run.last_step is not None and one.run.last_step < usual]
    if short:
        message = say(
            "{runs} ended at step {found}, the other seeds of {cell} at {usual}. Train again, or say "
            "`comparison.early_stopping: true` if training may end earlier.",
            runs=named(short),
            found=", ".join(dict.fromkeys(str(one.run.last_step) for one in short)),
            cell=cell,
            usual=usual,
        )
        yield Check(
            gate="G7", kind="budget", status=status, subject=f"steps of {cell}", message=message,
            observed=subject_of(short), expected=str(usual),
        )  # fmt: skip


def _histories(one: Judged, status: Status) -> Iterator[Check]:
    for metric, history in one.run.histories.items():
        if history.two_trainings:
            message = say(
                "The history of {metric} has many steps with more than one value: two trainings were logged into one "
                "run. Train into a run of its own.",
                metric=metric,
            )
            yield one.check(
                "G7", "budget", status, metric, message, observed="two values a step", expected="one"
            )
        if history.has_nan and history.last != "NaN":
            message = say(
                "The history of {metric} has a NaN on the way to its last value. Find out what happened there.",
                metric=metric,
            )
            yield one.check("G7", "budget", status, metric, message, observed="NaN", expected="numbers")
