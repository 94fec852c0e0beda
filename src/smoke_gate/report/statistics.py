"""The cell summary: metrics by cell over the seeds, and differences to a reference cell paired by seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from smoke_gate.draw.facts import reference_cell, shown_metrics
from smoke_gate.evidence import Evidence, metric_number
from smoke_gate.few_seeds import (
    gain_from,
    holm,
    mean_of,
    paired_differences,
    pairing_ratio,
    range_coverage,
    sign_flip_test,
    smallest_visible,
    spread_of,
    without_noise,
)
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import normal_seed
from smoke_gate.verdict import Verdict

_MOST_VALUES = 10  # that a table's cell names
_MOST_COUNTED = 21  # seeds; of more, the chance of one sign is less than one in a million
_NEARLY_ALL = 0.999  # a larger coverage is not written out: no number of seeds gives 100 %


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """A cell minus the reference cell, seed by seed, for two or more seeds that both have.

    ``visible_from`` is the smallest effect that would have been visible, in the metric's own unit; None if the
    differences do not vary. ``pairing`` is the spread of the differences over what it would be without pairs.
    ``p_value`` is the sign-flip test's, corrected for the number of cells in the table; None below six seeds.
    """

    pairs: int
    mean: float
    low: float
    high: float
    visible_from: float | None
    pairing: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellStatistics:
    """A metric of one cell. ``runs`` counts its selected runs; ``values`` are the finite ones, in the plan's order.

    ``mean`` is None if there is no value. ``common`` counts the seeds that have a value here and in the reference cell.
    ``difference`` is None for the reference cell itself, and for fewer than two common seeds: one difference says
    nothing about the next seed.
    """

    cell: str
    runs: int
    values: tuple[float, ...]
    mean: float | None
    common: int
    difference: PairedDifference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricStatistics:
    """A metric, cell by cell in plan order; ``reference_cell`` is what the others are compared with."""

    metric: str
    reference_cell: str
    cells: tuple[CellStatistics, ...]

    @property
    def differences(self) -> tuple[PairedDifference, ...]:
        """The differences that are shown."""
        return tuple(cell.difference for cell in self.cells if cell.difference is not None)

    @property
    def is_tested(self) -> bool:
        """True if any difference has a p-value."""
        return any(difference.p_value is not None for difference in self.differences)


def metric_statistics(verdict: Verdict, policy: Policy, evidence: Evidence) -> tuple[MetricStatistics, ...]:
    """Return the statistics of the report's metrics over the selected runs; of none where no cell has a run."""
    cells = _values(verdict, evidence)
    if not cells:
        return ()
    reference = reference_cell(policy, list(cells))
    return tuple(_metric(metric, cells, reference) for metric in shown_metrics(policy, evidence))


_Values = Mapping[str, Mapping[str, Mapping[str, str]]]  # cell → seed → metric → value


def _values(verdict: Verdict, evidence: Evidence) -> _Values:
    metrics = {run.run_id: run.metrics for run in evidence.runs}
    cells: dict[str, dict[str, Mapping[str, str]]] = {}
    for pair, attempt in verdict.matrix.selected:
        seed = "" if pair.seed is None else normal_seed(pair.seed)
        cells.setdefault(pair.cell, {})[seed] = metrics.get(attempt.run_id, {})
    return cells


def _metric(metric: str, cells: _Values, reference: str) -> MetricStatistics:
    numbers = {
        cell: _finite({seed: metrics.get(metric) for seed, metrics in seeds.items()})
        for cell, seeds in cells.items()
    }
    differences = _corrected(
        {
            cell: None if cell == reference else _difference(values, numbers[reference])
            for cell, values in numbers.items()
        }
    )
    return MetricStatistics(
        metric=metric,
        reference_cell=reference,
        cells=tuple(
            CellStatistics(
                cell=cell,
                runs=len(cells[cell]),
                values=tuple(values.values()),
                mean=mean_of(list(values.values())) if values else None,
                common=len(values.keys() & numbers[reference].keys()),
                difference=differences[cell],
            )
            for cell, values in numbers.items()
        ),
    )


def _finite(texts: Mapping[str, str | None]) -> dict[str, float]:
    numbers = {seed: metric_number(text) for seed, text in texts.items() if text is not None}
    return {seed: number for seed, number in numbers.items() if math.isfinite(number)}


def _difference(values: Mapping[str, float], reference: Mapping[str, float]) -> PairedDifference | None:
    differences = list(paired_differences(values, reference).values())
    if len(differences) < 2:
        return None
    common = [number for seed in values if seed in reference for number in (values[seed], reference[seed])]
    spread = spread_of(differences)
    spread = None if spread is None else without_noise(spread, *common)
    mean = without_noise(mean_of(differences), *differences)
    varies = spread != 0
    return PairedDifference(
        pairs=len(differences),
        mean=mean,
        low=min(differences) if varies else mean,
        high=max(differences) if varies else mean,
        visible_from=spread * smallest_visible(len(differences)) if spread else None,
        pairing=pairing_ratio(values, reference) if spread else None,
        p_value=sign_flip_test(differences),
    )


def _corrected(differences: Mapping[str, PairedDifference | None]) -> dict[str, PairedDifference | None]:
    """Return the differences of a table with p-values that hold for all of them together."""
    p_values = {
        cell: difference.p_value
        for cell, difference in differences.items()
        if difference is not None and difference.p_value is not None
    }
    corrected = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    return {
        cell: replace(difference, p_value=corrected.get(cell)) if difference else None
        for cell, difference in differences.items()
    }


# --- in words ---------------------------------------------------------------------------------------------------------

LEGEND = (
    "Δ is the cell's value minus the reference cell's, seed by seed. The percentage says how often the range of so "
    "many differences holds their median. Visible from: a paired t test with so many seeds finds a true difference of "
    "this size in 80 % of cases (at 5 %, two-sided), if differences spread as they do here. Pairing helped: the number "
    "is the spread of the differences over their spread without pairs. docs/statistics.md says what may be concluded "
    "from how many seeds."
)
TEST_LEGEND = (
    "p: the exact sign-flip test, corrected for the cells of the table by Holm's method. Differences of fewer than 6 "
    "seeds have none."
)


def legend(metrics: Sequence[MetricStatistics]) -> str:
    """Return what the columns of the tables mean; an empty text if they compare nothing."""
    lines = [LEGEND] if any(metric.differences for metric in metrics) else []
    return " ".join([*lines, TEST_LEGEND] if any(metric.is_tested for metric in metrics) else lines)


def chance_words(metric: MetricStatistics) -> str:
    """Say how much of a table may be chance; an empty text if it compares nothing."""
    pairs = [difference.pairs for difference in metric.differences]
    if not pairs:
        compares = any(cell.common for cell in metric.cells if cell.cell != metric.reference_cell)
        return (
            "One pair of runs says nothing about the next seed, so no difference is shown."
            if compares
            else ""
        )
    fewest = min(pairs)
    seeds = f"{fewest} seeds" if fewest == max(pairs) else f"{fewest} seeds, the fewest here"
    return (
        f"With {seeds}, all {fewest} differences have the same sign by chance in 1 of "
        f"{_one_in(fewest)} comparisons, and this table has {len(pairs)}."
    )


def _one_in(seeds: int) -> str:
    """Return in how many comparisons so many differences have the same sign by chance."""
    return f"{2 ** (seeds - 1)}" if seeds <= _MOST_COUNTED else "more than a million"


def no_difference_words(cell: CellStatistics, metric: MetricStatistics) -> str:
    """Say why a cell has no difference to the reference cell."""
    if cell.cell == metric.reference_cell:
        return "reference"
    return "one pair only" if cell.common else "no common seed"


def values_words(cell: CellStatistics) -> str:
    """Return the values, seed by seed; of many, the first ones and the count of the others."""
    shown = [number_words(value) for value in cell.values[:_MOST_VALUES]]
    rest = len(cell.values) - len(shown)
    return (", ".join(shown) + (f" and {rest} more" if rest else "")) or "–"


def range_words(cell: CellStatistics) -> str:
    """Return the smallest and the largest value; a dash for a single one."""
    return f"{number_words(min(cell.values))} to {number_words(max(cell.values))}" if cell.values[1:] else "–"


def difference_range_words(difference: PairedDifference) -> str:
    """Return the range of the differences, and how often so many differences hold their median."""
    low, high = signed_words(difference.low), signed_words(difference.high)
    if difference.low == difference.high:
        return f"{low} each"
    return f"{low} to {high} ({coverage_words(difference.pairs)})"


def coverage_words(seeds: int) -> str:
    """Return how often the range of so many differences holds their median, in percent."""
    coverage = range_coverage(seeds)
    return f"{100 * coverage:.4g} %" if coverage <= _NEARLY_ALL else f"over {100 * _NEARLY_ALL:g} %"


def pairing_words(difference: PairedDifference) -> str:
    """Say whether pairing helped: yes, if it made the spread of the differences small enough for so few pairs."""
    ratio = difference.pairing
    if ratio is None:
        return "–"
    if ratio < gain_from(difference.pairs):
        return f"yes, {ratio:.2g}"
    return f"{'little' if ratio < 1 else 'no'}, {ratio:.2g}"


def p_words(difference: PairedDifference) -> str:
    """Return a p-value; a dash if there is none."""
    return "–" if difference.p_value is None else f"{difference.p_value:.2g}"


def signed_words(difference: float) -> str:
    """Return a difference with its sign and four digits that count."""
    return f"{difference:+.4g}" if difference else "0"


def number_words(value: float | None) -> str:
    """Return a number with four digits that count; a dash where there is none."""
    return "–" if value is None else f"{value:.4g}"


def runs_words(cell: CellStatistics) -> str:
    """Return how many runs there are, and how many of them have a finite value, if not all."""
    return str(cell.runs) if len(cell.values) == cell.runs else f"{len(cell.values)} of {cell.runs}"
