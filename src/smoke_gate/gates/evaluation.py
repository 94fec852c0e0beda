"""The part of G7 that asks whether the cells were evaluated on the same samples, as far as runs say on how many."""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from smoke_gate.evidence import metric_number
from smoke_gate.gates.base import Case, Check, Judged, Status
from smoke_gate.gates.columns import Fact
from smoke_gate.gates.comparison_settings import ComparisonSettings
from smoke_gate.gates.twins import named, subject_of
from smoke_gate.message import say
from smoke_gate.text import words_of
from smoke_gate.vocabulary import COUNT_SUFFIX

_RUNTIME, _RATE = "_runtime", "_samples_per_second"
_RUNTIME_HALF, _RATE_HALF = (
    0.00005,
    0.0005,
)  # half of the last digit to which HF's Trainer rounds seconds and rates
_EVALUATIONS = frozenset(["eval", "evaluation", "test", "predict", "val", "validation", "dev"])
_OF_DATA = frozenset(
    ["benchmark", "corpus", "data", "dataset", "datasets", "domain", "language", "site", "task"]
)
_WHOLE = 1e-6  # of a sample: the error of a double
_FEW_DIGITS = 5  # after the point: a metric with fewer may be rounded


_MANY_DIGITS = re.compile(r"[0-9a-f]{12}|[0-9]{6}")  # of a hash, an id or a time


class Count(NamedTuple):
    """A number of samples, known to within ``error``."""

    number: float
    error: float = 0.0

    def may_be(self, other: "Count") -> bool:
        """Return whether both may be one number."""
        return abs(self.number - other.number) <= self.error + other.error + _WHOLE

    @property
    def text(self) -> str:
        """The number as messages show it."""
        return f"{round(self.number)}"


def evaluation_checks(case: Case, params: Sequence[Fact], status: Status) -> Iterator[Check]:
    """Compare, within each seed, on how many samples the cells were evaluated.

    Cells of different data are not compared: a param such as ``dataset_name`` says that they are.
    """
    counts = {one.run.run_id: counts_of(one, params) for one in case.judged}
    data = [fact for fact in params if not _OF_DATA.isdisjoint(words_of(fact.key)) and _is_a_name(fact)]
    seeds: dict[tuple[str | None, ...], list[Judged]] = defaultdict(list)
    for one in case.judged:
        seeds[one.pair.key[1], *(fact.of(one) for fact in data)].append(one)
    for what in sorted({what for own in counts.values() for what in own}):
        odd: list[Judged] = []
        usual: list[Judged] = []
        for runs in seeds.values():
            having = [one for one in runs if what in counts[one.run.run_id]]
            groups = _groups(having, {one.run.run_id: counts[one.run.run_id][what] for one in having})
            if len(groups) > 1:
                odd += [one for group in groups[1:] for one in group]
                usual += groups[0]
        if odd:
            yield _differing(
                what, odd, usual, {run_id: own.get(what) for run_id, own in counts.items()}, status
            )


def _is_a_name(fact: Fact) -> bool:
    """Return whether a fact names data.

    A hash or a number of samples does not: these differ where something is wrong.
    """
    return not any(_MANY_DIGITS.search(text) or text.replace(".", "").isdecimal() for text in fact.distinct)


def counts_of(judged: Judged, params: Sequence[Fact]) -> Mapping[str, Count]:
    """Return the numbers of samples that a run states, by what they count."""
    found = {
        fact.key.removesuffix(COUNT_SUFFIX): Count(int(text))
        for fact in params
        if fact.key.endswith(COUNT_SUFFIX) and (text := fact.of(judged) or "").isdecimal() and len(text) < 16
    }
    found |= {f"data set {name}": Count(rows) for name, rows in judged.run.rows.items()}
    metrics = judged.run.metrics
    for name in metrics:
        prefix = name.removesuffix(_RUNTIME)
        if prefix != name and prefix + _RATE in metrics and not _EVALUATIONS.isdisjoint(words_of(prefix)):
            seconds, rate = metric_number(metrics[name]), metric_number(metrics[prefix + _RATE])
            if math.isfinite(seconds * rate):
                error = abs(seconds) * _RATE_HALF + abs(rate) * _RUNTIME_HALF
                found[f"{prefix} (runtime × rate)"] = Count(seconds * rate, error)
    return found


def _groups(runs: Sequence[Judged], counts: Mapping[str, Count]) -> list[list[Judged]]:
    """Return the runs by number of samples, the largest group first."""
    groups: list[list[Judged]] = []
    for one in sorted(runs, key=lambda one: counts[one.run.run_id].number):
        if groups and counts[groups[-1][0].run.run_id].may_be(counts[one.run.run_id]):
            groups[-1].append(one)
        else:
            groups.append([one])
    return sorted(groups, key=len, reverse=True)


def _differing(
    what: str,
    odd: Sequence[Judged],
    usual: Sequence[Judged],
    counts: Mapping[str, Count | None],
    status: Status,
) -> Check:
    def numbers(runs: Sequence[Judged]) -> str:
        texts = dict.fromkeys(count.text for one in runs if (count := counts[one.run.run_id]))
        return f"{', '.join(texts)} {'sample' if [*texts] == ['1'] else 'samples'}"

    message = say(
        "{what}: {odd} with {few}, {usual} with {many}. Cells are compared on the same samples: evaluate "
        "these again.",
        what=what,
        odd=named(odd),
        few=numbers(odd),
        usual=named(usual),
        many=numbers(usual),
    )
    return Check(
        gate="G7", kind="evaluation", status=status, subject=what, message=message, observed=subject_of(odd),
        expected=numbers(usual),
    )  # fmt: skip


# --- shares of samples ------------------------------------------------------------------------------------------------


def proportion_checks(
    case: Case, params: Sequence[Fact], section: ComparisonSettings, status: Status
) -> Iterator[Check]:
    """Check that a metric which is a share of samples is k of n, for a number n that its run states."""
    for metric in section.proportion:
        wrong: dict[str, list[Judged]] = defaultdict(list)
        for one in case.judged:
            text = one.run.metrics.get(metric)
            sizes = sorted(
                {round(count.number) for count in counts_of(one, params).values() if not count.error}
            )
            if text is not None and sizes and (reason := _why_not_a_share(text, sizes)):
                wrong[reason].append(one)
        for reason, runs in wrong.items():
            message = say(
                "{metric} of {runs} is not a whole number of samples of those that the runs state: it is "
                + reason
                + ". "
                "Log the share of all samples, or take it out of `comparison.proportion`.",
                metric=metric,
                runs=named(runs),
            )
            yield Check(
                gate="G7", kind="evaluation", status=status, subject=metric, message=message,
                observed=subject_of(runs), expected="k of n samples",
            )  # fmt: skip


def _why_not_a_share(text: str, sizes: Sequence[int]) -> str:
    """Return why a value is not k of any n; an empty text where it is."""
    value = metric_number(text)
    if not math.isfinite(value) or any(
        abs(value * n - round(value * n)) <= max(_WHOLE, n * 1e-12) for n in sizes
    ):
        return ""
    digits = len(text.partition(".")[2])
    rounded = (
        digits < _FEW_DIGITS and "e" not in text.lower() and any(_rounds_to(value, n, digits) for n in sizes)
    )
    return "rounded" if rounded else "averaged over batches or subsets"


def _rounds_to(value: float, samples: int, digits: int) -> bool:
    return round(round(value * samples) / samples, digits) == value if samples else False
