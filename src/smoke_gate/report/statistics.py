"""The cell summary: metrics by cell over the seeds, and differences to a reference cell paired by seed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smoke_gate.draw.facts import shown_metrics
from smoke_gate.evidence import Evidence, metric_number
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import normal_seed
from smoke_gate.verdict import Verdict

SIGNIFICANT = 0.05
_NOISE = 1e-12  # of the larger value; the last bits of a float are a thousandth of it, a float32 has 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """A cell minus the reference cell, seed by seed.

    ``pairs`` counts the seeds that both have, ``lower`` and ``higher`` those where the cell is below or above.
    ``p_value`` is the exact two-sided sign test's, None where so few seeds cannot give one below 0.05.
    """

    pairs: int
    mean: float
    lower: int
    higher: int
    p_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellStatistics:
    """A metric of one cell. ``runs`` counts its selected runs, ``finite`` those with a finite value.

    ``mean``, ``low`` and ``high`` are over the finite values, None where there is none. ``difference`` is None for the
    reference cell itself and where no seed pairs.
    """

    cell: str
    runs: int
    finite: int
    mean: float | None
    low: float | None
    high: float | None
    difference: PairedDifference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricStatistics:
    """A metric, cell by cell in plan order; ``reference_cell`` is what the others are compared with."""

    metric: str
    reference_cell: str
    cells: tuple[CellStatistics, ...]


def metric_statistics(verdict: Verdict, policy: Policy, evidence: Evidence) -> tuple[MetricStatistics, ...]:
    """Return the statistics of the report's metrics over the selected runs; of none where no cell has a run."""
    cells = _values(verdict, evidence)
    if not cells:
        return ()
    chosen = policy.report.reference_cell
    reference = chosen if chosen is not None and chosen in cells else next(iter(cells))
    return tuple(_metric(metric, cells, reference) for metric in shown_metrics(policy, evidence))


def sign_test(lower: int, higher: int) -> float:
    """Return the exact two-sided p-value of the sign test: how likely so one-sided a split of fair coins is.

    Ties are not counted. Source: Conover, Practical Nonparametric Statistics, 3rd ed., section 3.4.
    """
    number, fewer = lower + higher, min(lower, higher)
    one_sided = sum(math.comb(number, k) for k in range(fewer + 1))
    return min(1.0, one_sided / (1 << max(number - 1, 0)))


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
    return MetricStatistics(
        metric=metric,
        reference_cell=reference,
        cells=tuple(
            _cell(
                cell,
                len(cells[cell]),
                values,
                None if cell == reference else _difference(values, numbers[reference]),
            )
            for cell, values in numbers.items()
        ),
    )


def _finite(texts: Mapping[str, str | None]) -> dict[str, float]:
    numbers = {seed: metric_number(text) for seed, text in texts.items() if text is not None}
    return {seed: number for seed, number in numbers.items() if math.isfinite(number)}


def _cell(
    cell: str, runs: int, values: Mapping[str, float], difference: PairedDifference | None
) -> CellStatistics:
    numbers = list(values.values())
    return CellStatistics(
        cell=cell,
        runs=runs,
        finite=len(numbers),
        mean=_mean(numbers),
        low=min(numbers, default=None),
        high=max(numbers, default=None),
        difference=difference,
    )


def _mean(numbers: Sequence[float]) -> float | None:
    """Return the mean; divided before it is summed, so that large values do not overflow."""
    return math.fsum(number / len(numbers) for number in numbers) if numbers else None


def _difference(values: Mapping[str, float], reference: Mapping[str, float]) -> PairedDifference | None:
    common = [(value, reference[seed]) for seed, value in values.items() if seed in reference]
    differences = [without_noise(value - other, value, other) for value, other in common]
    mean = _mean(differences)
    if mean is None:
        return None
    mean = without_noise(mean, *differences)
    lower, higher = _count(number < 0 for number in differences), _count(number > 0 for number in differences)
    can_tell = sign_test(0, lower + higher) < SIGNIFICANT
    return PairedDifference(
        pairs=len(differences),
        mean=mean,
        lower=lower,
        higher=higher,
        p_value=sign_test(lower, higher) if can_tell else None,
    )


def without_noise(difference: float, *values: float) -> float:
    """Return a difference, 0 where it is only what floating-point numbers of this size cannot hold."""
    is_noise = math.isfinite(difference) and abs(difference) <= _NOISE * max(map(abs, values), default=0.0)
    return 0.0 if is_noise else difference


def _count(truths: Iterable[bool]) -> int:
    return sum(truths)


# --- in words ---------------------------------------------------------------------------------------------------------


def sign_words(difference: PairedDifference) -> str:
    """Say in how many pairs the more frequent sign is."""
    if not difference.lower and not difference.higher:
        return f"{difference.pairs} of {difference.pairs} equal"
    if difference.lower >= difference.higher:
        return f"{difference.lower} of {difference.pairs} lower"
    return f"{difference.higher} of {difference.pairs} higher"


def signed_words(difference: float) -> str:
    """Return a difference with its sign and four digits that count."""
    return f"{difference:+.4g}" if difference else "0"


def range_words(cell: CellStatistics) -> str:
    """Return the smallest and the largest value, or the only one."""
    if cell.low is None or cell.high is None:
        return "–"
    return (
        number_words(cell.low)
        if cell.finite == 1
        else f"{number_words(cell.low)} – {number_words(cell.high)}"
    )


def number_words(value: float | None) -> str:
    """Return a number with four digits that count; a dash where there is none."""
    return "–" if value is None else f"{value:.4g}"
