"""The content of the figures as plain numbers: the judged runs by cell and seed, and the metrics to show. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smoke_gate.evidence import Evidence, Run, metric_number
from smoke_gate.gates.base import Case
from smoke_gate.gates.metric_ratio import MetricRatioSettings
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import seed_order

MANY = 500  # runs: more are drawn together, since each line or mark of its own takes a millisecond
_LARGEST = 1e150  # what is larger has no place on an axis: its ends are added, subtracted and divided


@dataclass(frozen=True, slots=True)
class Row:
    """A cell with its runs, by seed (integers by value); one without seeds has its run under the empty text."""

    cell: str
    runs: Mapping[str, Run]


def rows_of(case: Case) -> tuple[Row, ...]:
    """Return the cells that have a run, in plan order."""
    cells: dict[str, dict[str, Run]] = {}
    for judged in case.judged:
        cell, seed = judged.pair.key
        cells.setdefault(cell, {})[seed or ""] = judged.run
    return tuple(Row(cell, runs) for cell, runs in cells.items())


def are_many(rows: Sequence[Row]) -> bool:
    """Return whether there are so many runs that nobody sees a single one."""
    return sum(len(row.runs) for row in rows) > MANY


def seeds_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the seeds of all rows, in order."""
    return tuple(sorted({seed for row in rows for seed in row.runs}, key=seed_order))


def shown_metrics(policy: Policy, evidence: Evidence) -> tuple[str, ...]:
    """Return the metrics that reports show: ``report.metrics``, else those that the policy names and runs have."""
    if policy.report.metrics:
        first = [policy.metric] if policy.metric else []
        return tuple(dict.fromkeys([*first, *policy.report.metrics]))
    named = [*policy.plan.all_required, *(reference.metric for reference in policy.references)]
    if policy.settings(MetricRatioSettings).enabled:
        named += policy.settings(MetricRatioSettings).metrics
    logged = {metric for run in evidence.runs for metric in run.metrics}
    return tuple(metric for metric in dict.fromkeys(named) if metric in logged)


def reference_cell(policy: Policy, cells: Sequence[str]) -> str:
    """Return the cell that the others are compared with: the policy's choice if it has a run, else the first."""
    chosen = policy.report.reference_cell
    return chosen if chosen is not None and chosen in cells else cells[0]


def value_of(run: Run, metric: str) -> float | None:
    """Return a metric's value, None where it is absent or cannot be drawn."""
    text = run.metrics.get(metric)
    return None if text is None else drawable(metric_number(text))


def drawable(value: float | None) -> float | None:
    """Return the value where it has a place on an axis: finite, and not so large that an axis overflows."""
    return value if value is not None and abs(value) <= _LARGEST else None


def all_drawable(values: Iterable[float]) -> bool:
    """Return whether every value has a place on an axis."""
    return all(-_LARGEST <= value <= _LARGEST for value in values)


def fits_logarithmic(values: Sequence[float]) -> bool:
    """Return whether a logarithmic axis can show values: all are above 0, by as much as ``drawable`` allows."""
    return min(values) * _LARGEST >= 1
