"""How a matrix breaks that G0 should see: runs that are missing, doubled, or not what the plan says."""

from collections.abc import Callable, Iterable

from smoke_gate.evidence import Evidence
from smoke_gate.gates.base import Case, Judged, LogMore, Mutation, PolicyLine, Unbroken
from smoke_gate.gates.mutations.attempts import ATTEMPTS
from smoke_gate.gates.mutations.changes import (
    NO_RUN,
    first,
    main_metric,
    runs_of_cell,
    telling_cells_apart,
    two_cells,
    two_seeds,
    updated,
    with_fact,
    with_metric,
    with_param,
    with_run,
)
from smoke_gate.gates.twins import compared, may_be_equal
from smoke_gate.message import say

_NO_METRIC = Unbroken(
    say("The runs log no metric but clocks and meters."), LogMore("mlflow.log_metric(NAME, value)")
)
_ONE_CELL = Unbroken(say("The matrix has not two cells that should differ."))
_ONE_SEED = Unbroken(say("No cell has two seeds that should differ."))

# --- results ----------------------------------------------------------------------------------------------------------


def _twins(case: Case, two: Iterable[tuple[Judged, Judged]], without: Unbroken) -> Evidence | Unbroken:
    """Give the first run the metrics of another run that should have its own."""
    pairs = ((one, other) for one, other in two if not may_be_equal(case.policy, one.pair, other.pair))
    one, other = next(pairs, (None, None))
    if one is None or other is None:
        return without
    if not compared(other.run.metrics):
        return _NO_METRIC
    run = other.run
    return with_run(
        case.evidence, one.run, metrics=run.metrics, histories=run.histories, last_step=run.last_step
    )


def _twin_cells(case: Case) -> Evidence | Unbroken:
    return _twins(case, two_cells(case), _ONE_CELL)


def _twin_seeds(case: Case) -> Evidence | Unbroken:
    return _twins(case, two_seeds(case), _ONE_SEED)


def _more_digits(_case: Case) -> LogMore:
    return LogMore("mlflow.log_metrics({…})  # three metrics or more, not rounded")


def _main(case: Case) -> tuple[Judged, str] | None:
    """Return the main metric and the first run that logs it: one whose cell must log it, if there is one."""
    metric = main_metric(case)
    logging = [judged for judged in case.judged if metric in judged.run.metrics]
    logging.sort(key=lambda judged: metric not in case.policy.plan.required_of(judged.pair.cell))
    return (logging[0], metric) if logging and metric is not None else None


def _removable(case: Case) -> tuple[Judged, str] | None:
    """Return a run and a metric of it: one that the policy does not require, if there is one."""
    for judged in case.judged:
        names = sorted(compared(judged.run.metrics))
        required = case.policy.plan.required_of(judged.pair.cell)
        others = [name for name in names if name not in required]
        if names:
            return judged, [*names, *others][-1]
    return None


def _nan(case: Case) -> Evidence | Unbroken:
    found = _main(case)
    return with_metric(case.evidence, found[0].run, found[1], "NaN") if found else _NO_METRIC


def _absent(case: Case) -> Evidence | Unbroken:
    found = _removable(case)
    return with_metric(case.evidence, found[0].run, found[1], None) if found else _NO_METRIC


def _late(case: Case) -> Evidence | Unbroken:
    found = _main(case)
    return with_run(case.evidence, found[0].run, late=(found[1],)) if found else _NO_METRIC


def _requiring(find: Callable[[Case], tuple[Judged, str] | None]) -> Callable[[Case], PolicyLine]:
    """Return the remedy that requires a metric: of its cell, where not all runs log it, else with all that all log."""

    def required(case: Case) -> PolicyLine:
        names = [set(compared(judged.run.metrics)) for judged in case.judged]
        common = set.intersection(*names) if names else set()
        found, plan = find(case), case.policy.plan
        if found is not None and found[1] not in common:
            cell = found[0].pair.cell
            return PolicyLine(
                ("plan", "cells", cell, "required_metrics"), [*plan.cells[cell].required_metrics, found[1]]
            )
        more = sorted(common - {*plan.required_metrics})
        return PolicyLine(("plan", "required_metrics"), [*plan.required_metrics, *more])

    return required


def _nothing_logged(case: Case) -> Evidence | Unbroken:
    judged = first(case)
    if judged is None:
        return NO_RUN
    return with_run(
        case.evidence,
        judged.run,
        metrics={},
        histories={},
        checkpoints=(),
        models=(),
        figures=(),
        manifest=None,
    )


# --- settings ---------------------------------------------------------------------------------------------------------


def _other_setting(case: Case) -> tuple[Judged, str, str, str] | None:
    """Return a run, a fact that tells its cell apart, its value, and the value of another cell.

    What the plan expects comes first; else it is what the runs say of themselves.
    """
    cells = case.policy.plan.cells
    for judged in case.judged:
        for reference, own in cells[judged.pair.cell].expect.items():
            values = (one.run.value(reference) for one in case.judged if one.pair.cell != judged.pair.cell)
            other = next((value for value in values if value is not None and value not in own), None)
            value = judged.run.value(reference)
            if other is not None and value is not None:
                return judged, reference, value, other
    for fact in telling_cells_apart(case):
        judged = case.judged[0]
        value = fact.values[judged.run.run_id]
        return judged, f"params.{fact.key}", value, next(text for text in fact.distinct if text != value)
    return None


_NO_SETTING = Unbroken(
    say("Nothing that the runs log tells two cells apart."),
    LogMore("mlflow.log_params(config)  # the settings in which the cells differ"),
)


def _wrong_setting(case: Case) -> Evidence | Unbroken:
    found = _other_setting(case)
    if found is None:
        return _ONE_CELL if len({one.pair.cell for one in case.judged}) < 2 else _NO_SETTING
    judged, reference, _, other = found
    return with_fact(case.evidence, judged.run, reference, other)


def _wrong_cell(case: Case) -> Evidence | Unbroken:
    found = _other_setting(case)
    if found is None:
        return _ONE_CELL if len({one.pair.cell for one in case.judged}) < 2 else _NO_SETTING
    judged, reference, _, other = found
    evidence = case.evidence
    for one in runs_of_cell(case, judged):
        evidence = with_fact(evidence, one.run, reference, other)
    return evidence


def _expect(case: Case) -> PolicyLine | None:
    found = _other_setting(case)
    if found is None:
        return None
    judged, reference, value, _ = found
    cell = judged.pair.cell
    expected = {key: list(values) for key, values in case.policy.plan.cells[cell].expect.items()}
    key = reference.removeprefix("params.") if reference not in expected else reference
    return PolicyLine(("plan", "cells", cell, "expect"), {**expected, key: [value]})


def _damaged(case: Case) -> Evidence | Unbroken:
    """Let the file of a param be damaged, as a broken disk or checkout leaves it in a folder of runs."""
    judged = next((judged for judged in case.judged if judged.run.params), None)
    if judged is None:
        return NO_RUN if first(case) is None else _NO_SETTING
    key = min(judged.run.params)
    broken = with_param(case.evidence, judged.run, key, None)
    return with_run(
        broken, judged.run, damaged=(f"params.{key}",), params=updated(judged.run.params, key, None)
    )


MUTATIONS = (
    *ATTEMPTS,
    Mutation(
        name="twin_cells",
        title="two cells have the same results",
        change=_twin_cells,
        also=("G5", "G7"),
        remedy=_more_digits,
    ),
    Mutation(
        name="twin_seeds",
        title="two seeds of a cell have the same results",
        change=_twin_seeds,
        also=("G5", "G7"),
        remedy=_more_digits,
    ),
    Mutation(
        name="nan_metric", title="a result is NaN", change=_nan, also=("G5", "G7"), remedy=_requiring(_main)
    ),
    Mutation(
        name="lost_metric",
        title="a metric was not logged",
        change=_absent,
        also=("G5", "G7"),
        remedy=_requiring(_removable),
    ),
    Mutation(
        name="late_metric",
        title="a result was written after the run had ended",
        change=_late,
        remedy=_requiring(_main),
    ),
    Mutation(
        name="no_result",
        title="a run finished without any result",
        change=_nothing_logged,
        also=("G3", "G4", "G5", "G7"),
        remedy=_requiring(_removable),
    ),
    Mutation(
        name="wrong_setting",
        title="a run was made with a setting of another cell",
        change=_wrong_setting,
        also=("G2", "G7"),
        remedy=_expect,
    ),
    Mutation(
        name="wrong_cell",
        title="all runs of a cell were made with a setting of another cell",
        change=_wrong_cell,
        also=("G2", "G7"),
        remedy=_expect,
    ),
    Mutation(
        name="damaged_param",
        title="the file of a param was damaged",
        change=_damaged,
        also=("G1", "G2", "G6", "G7"),
    ),
)
