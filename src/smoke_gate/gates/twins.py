"""Runs that should differ and do not: the setting that tells them apart had no effect, or a run was copied."""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations_with_replacement, pairwise
from typing import NamedTuple

from smoke_gate.evidence import metric_number
from smoke_gate.gates.base import Case, Check, Judged, Status
from smoke_gate.message import Message, between, say
from smoke_gate.policy.model import Policy
from smoke_gate.selection import Pair
from smoke_gate.text import words_of

_MOST_NAMED = 5  # runs of one group
_TELLING_DIGITS = 3  # of a value that two runs do not share by chance
_TELLING_VALUES, _AMONG_MORE = 3, 2  # such values, between two runs and among three or more

Values = Mapping[str, str]


class Group(NamedTuple):
    """Runs that share what they should not, and the number of values that they share."""

    runs: tuple[Judged, ...]
    values: int = 0


def may_be_equal(policy: Policy, one: Pair, other: Pair) -> bool:
    """Return whether equal results of two pairs are not a surprise, because the plan says so."""
    cells = policy.plan.cells
    if one.cell == other.cell:
        return cells[one.cell].deterministic
    return cells[one.cell].same_as == other.cell or cells[other.cell].same_as == one.cell


def surprising(policy: Policy, runs: Sequence[Judged]) -> tuple[Judged, ...]:
    """Return those of the runs, which share something, that must not share it with one of the others."""
    return tuple(
        run
        for run in runs
        if any(other is not run and not may_be_equal(policy, run.pair, other.pair) for other in runs)
    )


def named(runs: Sequence[Judged]) -> Message:
    """Return the pairs of runs, of very many the first ones and their number."""
    first = [say("{pair}", pair=run.pair.subject) for run in runs[:_MOST_NAMED]]
    rest = [say("{count} more", count=len(runs) - _MOST_NAMED)] if len(runs) > _MOST_NAMED else []
    return between(", ", [*first, *rest])


def subject_of(runs: Sequence[Judged]) -> str:
    """Return the subject of a check of several runs: ``A3/42=A3/123``."""
    return "=".join(run.pair.subject for run in runs[:_MOST_NAMED])


# --- metrics ----------------------------------------------------------------------------------------------------------


def twin_checks(case: Case) -> Iterator[Check]:
    """Find seeds of a cell, and cells at one seed, that have the same metrics to the last bit."""
    values = _without_constants({run.run.run_id: compared(run.run.metrics) for run in case.judged})
    cells: dict[Hashable, list[Judged]] = defaultdict(list)
    seeds: dict[Hashable, list[Judged]] = defaultdict(list)
    for run in case.judged:
        cells[run.pair.cell].append(run)
        seeds[run.pair.key[1]].append(run)
    for runs in cells.values():
        for group in _equal(case.policy, runs, values, least=1):
            yield _replicates(group)
    for runs in seeds.values():
        for group in _equal(case.policy, runs, values, least=_TELLING_VALUES):
            yield _twins(group)
    yield from _only_meters(case, values)


def _without_constants(values: Mapping[str, Values]) -> Mapping[str, Values]:
    """Return the metrics that can tell runs apart: without those that all runs have alike, such as a number of samples.

    Where that is every metric, all runs are alike, and the metrics stay.
    """
    every = [set(metrics.items()) for metrics in values.values()]
    constant = set.intersection(*every) if every else set()
    if all(metrics <= constant for metrics in every):
        return values
    return {run_id: dict(metrics.items() - constant) for run_id, metrics in values.items()}


def _replicates(group: Group) -> Check:
    message = say(
        "{runs} have identical metrics: the seed had no effect, or a run was copied. "
        "Check how the seed is used, or mark the cell `deterministic`.",
        runs=named(group.runs),
    )
    return _check("replicate", group, message)


def _twins(group: Group) -> Check:
    message = say(
        "{runs} have identical metrics: the setting that tells these cells apart had no effect, or a run was copied. "
        "Check that training uses it; if they are meant to be equal, say so by `same_as`.",
        runs=named(group.runs),
    )
    return _check("twin", group, message)


def _check(kind: str, group: Group, message: Message) -> Check:
    observed = f"{group.values} equal metrics"
    return group.runs[0].check(
        "G0",
        kind,
        Status.WARNING,
        subject_of(group.runs),
        message,
        observed=observed,
        expected="runs that differ",
    )


def _only_meters(case: Case, values: Mapping[str, Values]) -> Iterator[Check]:
    """Say once that metrics were not compared, where runs log nothing but clocks and meters."""
    blind = [run for run in case.judged if run.run.metrics and not values[run.run.run_id]]
    if blind and len(blind) == len(case.judged):
        message = say("The metrics of runs were not compared: all of them are clocks or meters.")
        yield Check(gate="G0", kind="replicate", status=Status.SKIPPED, subject="metrics", message=message)


def _equal(
    policy: Policy, runs: Sequence[Judged], values: Mapping[str, Values], *, least: int
) -> Iterator[Group]:
    """Yield the groups of runs that agree in every metric that they both log.

    ``least`` is the number of telling values that two of them must share: 1 asks for any that is not 0 or ±1.
    """
    by_names: dict[frozenset[str], list[Judged]] = defaultdict(list)
    for run in runs:
        by_names[frozenset(values[run.run.run_id])].append(run)
    for one, other in combinations_with_replacement(by_names, 2):
        names = sorted(one & other)
        both = by_names[one] if one is other else [*by_names[one], *by_names[other]]
        for same in _by_values(both, values, names):
            found = surprising(policy, same)
            across = one is other or len({frozenset(values[run.run.run_id]) for run in found}) > 1
            if (
                len(found) > 1
                and across
                and _tells([values[found[0].run.run_id][name] for name in names], len(found), least)
            ):
                yield Group(found, len(names))


def _by_values(
    runs: Iterable[Judged], values: Mapping[str, Values], names: Sequence[str]
) -> Iterable[Sequence[Judged]]:
    groups: dict[tuple[str, ...], list[Judged]] = defaultdict(list)
    for run in runs:
        groups[tuple(values[run.run.run_id][name] for name in names)].append(run)
    return (group for group in groups.values() if len(group) > 1)


def _tells(texts: Sequence[str], runs: int, least: int) -> bool:
    """Return whether equal values are a surprise. Seeds may not share a result; cells may share a few round ones."""
    if least == 1:
        return any(abs(metric_number(text)) not in (0, 1) for text in texts)
    telling = sum(_digits(text) >= _TELLING_DIGITS for text in texts)
    return telling >= (least if runs == 2 else _AMONG_MORE)


def _digits(text: str) -> int:
    """Return the number of significant digits of a metric's value."""
    mantissa = re.sub(r"[eE].*", "", text)
    return len(re.sub(r"\D", "", mantissa).strip("0")) if re.search(r"\d", mantissa) else 0


# --- clocks and meters ------------------------------------------------------------------------------------------------

_MEASURES = frozenset(
    [
        "time",
        "times",
        "clock",
        "wall",
        "walltime",
        "duration",
        "dur",
        "elapsed",
        "eta",
        "runtime",
        "hour",
        "hours",
        "minute",
        "minutes",
        "seconds",
        "sec",
        "secs",
        "ms",
        "tt",
        "fps",
        "throughput",
        "timestamp",
        "flops",
        "speed",
        "latency",
        "emissions",
        "watts",
        "power",
        "energy",
        "util",
        "utilization",
        "gpu",
        "cpu",
        "ram",
        "vram",
        "mem",
        "memory",
    ]
)
_RESULTS = frozenset(
    [
        "loss",
        "error",
        "err",
        "mae",
        "mse",
        "rmse",
        "mape",
        "smape",
        "pape",
        "r2",
        "acc",
        "accuracy",
        "f1",
        "auc",
        "auroc",
        "score",
        "ssim",
        "psnr",
        "reward",
        "return",
        "corr",
    ]
)
_PER = frozenset(["s", "sec", "second", "seconds"])


@lru_cache(maxsize=4096)  # runs log the same metrics
def is_meter(metric: str) -> bool:
    """Return whether a metric's name says that it measures the machine or the time, rather than the model."""
    if metric.startswith("system/"):
        return True
    words = words_of(metric)
    if not words or is_result(metric):
        return False
    bare = [word.strip("0123456789") for word in words]
    per_second = any(one == "per" and other in _PER for one, other in pairwise(bare))
    return per_second or not _MEASURES.isdisjoint(bare)


def is_result(name: str) -> bool:
    """Return whether a name ends in a word for an error or a score."""
    words = words_of(name)
    return bool(words) and not {words[-1], words[-1].rstrip("0123456789")}.isdisjoint(_RESULTS)


def compared(metrics: Values) -> Values:
    """Return the metrics by which runs are compared: all that are not clocks or meters."""
    return {name: text for name, text in metrics.items() if not is_meter(name)}
