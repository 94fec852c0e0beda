"""A comparison with a baseline in words: for the terminal, a commit status, and the sections of the reports."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from smoke_gate.baseline import Against
from smoke_gate.compare import (
    CellChange,
    Change,
    Comparison,
    Limit,
    LimitResult,
    MetricChanges,
    mean_change,
)
from smoke_gate.draw.facts import shown_metrics
from smoke_gate.evidence import metric_number
from smoke_gate.gates.base import Check
from smoke_gate.message import Message, between, say
from smoke_gate.policy.terms import nearest
from smoke_gate.report.grouping import place_of
from smoke_gate.report.judgement import Judgement
from smoke_gate.selection import Pair
from smoke_gate.text import counted, listed, log_line

SPREAD_LEGEND = (
    "Only a cell that moved further than its seeds lie apart is called a change. Seeds lie as far apart as their "
    "largest and smallest value, in the baseline or here, whichever is more."
)
_MOST_CELLS = 12  # that a line names


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """Failures of one gate and kind that share their fate: ``new``, ``fixed``, …, and the places that have them."""

    fate: str
    gate: str
    kind: str
    places: tuple[str, ...]


# --- one line ---------------------------------------------------------------------------------------------------------


def broken_limits(judgement: Judgement) -> str:
    """Return which limits are broken, on one line; nothing where none is."""
    found = judgement.baseline
    if found is None or found.comparison is None or not found.fails:
        return ""
    broken = [result for result in found.comparison.limits if result.problems]
    words = [f"{result.limit.metric} at {counted(len(result.problems), 'place')}" for result in broken]
    return f"baseline FAIL: {listed(words)}"


def title_words(judgement: Judgement) -> str:
    """Return what the title of a report says of the baseline, after the verdict: only what a reader must know."""
    found = judgement.baseline
    return " · baseline: FAIL" if found is not None and found.fails else ""


def baseline_lines(judgement: Judgement) -> str:
    """Return what the terminal says of the baseline; nothing where none was asked for."""
    found = judgement.baseline
    if found is None:
        return ""
    lines = [f"baseline {found.verdict.value}: {found.why or found.name}"]
    if found.comparison is not None:
        lines += [
            f"  {line}" for result in found.comparison.limits for line in _limit(result, found.comparison)
        ]
    lines += [f"  {row.fate}: {row.gate} {row.kind}: {', '.join(row.places)}" for row in finding_rows(found)]
    return "".join(f"{log_line(line)}\n" for line in lines)


def broken_at(result: LimitResult) -> list[tuple[Message, list[str]]]:
    """Return why a limit is broken, and where; pairs of one reason together."""
    found: dict[Message, list[str]] = {}
    for broken in result.problems:
        found.setdefault(broken.why, []).append(broken.pair.subject)
    return list(found.items())


def limit_words(limit: Limit) -> str:
    """Return a limit as its option says it."""
    return f"--max-{limit.direction} {limit.metric}={limit.most}"


# --- for every report -------------------------------------------------------------------------------------------------


def finding_rows(found: Against) -> list[FindingRow]:
    """Return what became of failures, by gate and kind; new ones first."""
    if found.findings is None:
        return []
    fates = {
        "new": found.findings.new,
        "fixed": found.findings.fixed,
        "still failing": found.findings.still,
        "not looked at any more": found.findings.unlooked,
    }
    return [row for fate, checks in fates.items() for row in _rows(fate, checks)]


def metrics_of_interest(judgement: Judgement, comparison: Comparison) -> list[MetricChanges]:
    """Return the metrics that the limits and the policy name; all, where it names none."""
    named = [
        *(result.limit.metric for result in comparison.limits),
        *shown_metrics(judgement.policy, judgement.evidence),
    ]
    found = [metric for metric in comparison.metrics if metric.metric in named]
    return found or list(comparison.metrics)


def notes(
    comparison: Comparison, *, of: Iterable[MetricChanges] | None = None
) -> Iterator[tuple[Message, list[str]]]:
    """Yield what cannot be compared, or makes the differences less than they look, with the pairs.

    ``of`` are the metrics that are shown; left out, all.
    """
    if not comparison.paired:
        yield say("nothing to compare: no pair has a run in both"), []
    by_presence: dict[str, list[str]] = {}
    for gap in comparison.gaps:
        where = {"base": gap.base, "head": gap.head}
        for presence in ("not planned", "no run"):
            sides = [side for side, has in where.items() if has == presence]
            if sides:
                by_presence.setdefault(f"{presence} in {' and '.join(sides)}", []).append(gap.pair.subject)
                break
    for words, pairs in by_presence.items():
        yield say(words), pairs
    if comparison.redefined:
        yield (
            say("no common metric definition, so their differences mean nothing"),
            _subjects(comparison.redefined),
        )
    if comparison.other_data:
        yield say("other data"), _subjects(comparison.other_data)
    for metric in comparison.metrics if of is None else of:
        if metric.incomplete:
            yield (
                say("{metric} absent or not finite", metric=metric.metric),
                _subjects(one.pair for one in metric.incomplete),
            )


def sign_words(differences: Sequence[Decimal]) -> str:
    """Say in how many pairs the more frequent sign is."""
    lower, higher = (sum(one < 0 for one in differences), sum(one > 0 for one in differences))
    number = len(differences)
    if not lower and not higher:
        return f"{number} of {number} equal"
    return f"{lower} of {number} lower" if lower > higher else f"{higher} of {number} higher"


def difference_words(differences: Sequence[Decimal]) -> list[str]:
    """Return mean, range and sign of differences, for a table. A single difference has none of them."""
    if len(differences) < 2:
        return ["–", "–", ""]
    low, high = min(differences), max(differences)
    return [signed(mean_change(differences)), f"{signed(low)} to {signed(high)}", sign_words(differences)]


def change_words(metric: MetricChanges) -> Message:
    """Say which cells moved further than their seeds lie apart. Nothing else is called a change."""
    moved = [_moved(cell) for cell in metric.cells if cell.is_change]
    if moved:
        shown, rest = moved[:_MOST_CELLS], len(moved) - _MOST_CELLS
        return between("; ", [*shown, say(f"and {counted(rest, 'cell')} more")] if rest > 0 else shown)
    if not metric.cells:
        return say("no pair can be compared")
    if all(cell.spread is None for cell in metric.cells):
        return say("one seed a cell: the spread of the seeds is not known")
    some = (
        " (not known where a cell has one seed)" if any(cell.spread is None for cell in metric.cells) else ""
    )
    return say(f"within the spread of the seeds{some}")


def _moved(cell: CellChange) -> Message:
    way = "lower" if cell.mean < 0 else "higher"
    by = f"{float(abs(cell.mean)):.4g}"
    apart = f"lie {float(cell.spread):.4g} apart" if cell.spread else "do not differ"
    return say(f"{{cell}} {way} by {by}, its {cell.seeds} seeds {apart}", cell=cell.cell)


def signed(value: Decimal) -> str:
    """Return a difference with its sign and four digits that count; none is 0."""
    return f"{float(value):+.4g}" if value else "0"


def value_words(text: str | None) -> str:
    """Return a metric's value with six digits that count; it may be absent."""
    return "absent" if text is None else f"{metric_number(text):.6g}"


# --- the terminal -----------------------------------------------------------------------------------------------------


def comparison_text(comparison: Comparison) -> str:
    """Return the lines that ``compare`` prints; a runner takes none for a command."""
    lines = [f"{note}: {', '.join(pairs)}" if pairs else str(note) for note, pairs in notes(comparison)]
    for metric in comparison.metrics:
        lines.append(f"{metric.metric}: {', '.join(_summary(metric))}")
        lines += [f"  {_pair(change)}" for change in metric.changes]
    lines += [line for result in comparison.limits for line in _limit(result, comparison)]
    return "".join(f"{log_line(line)}\n" for line in lines)


def _rows(fate: str, checks: Sequence[Check]) -> Iterator[FindingRow]:
    places: dict[tuple[str, str], list[str]] = {}
    for check in checks:
        places.setdefault((check.gate, check.kind), []).append(place_of(check) or check.subject)
    for (gate, kind), found in places.items():
        yield FindingRow(fate=fate, gate=gate, kind=kind, places=tuple(dict.fromkeys(found)))


def _subjects(pairs: Iterable[Pair]) -> list[str]:
    return [pair.subject for pair in pairs]


def _summary(metric: MetricChanges) -> list[str]:
    differences = metric.differences
    if not differences:
        return ["no pair has it in both"]
    words = [f"{len(differences)} of {len(metric.changes)} pairs"]
    if len(differences) > 1:
        mean, extent, sign = difference_words(differences)
        words += [f"mean {mean}", f"range {extent}", sign]
    return [*words, str(change_words(metric))]


def _pair(change: Change) -> str:
    values = f"{change.base or 'absent'} → {change.head or 'absent'}"
    difference = "" if change.difference is None else f" ({signed(change.difference)})"
    return f"{change.pair.subject}: {values}{difference}"


def _limit(result: LimitResult, comparison: Comparison) -> list[str]:
    words = limit_words(result.limit)
    if result.holds:
        return [f"PASS {words}"]
    logged = {metric.metric for metric in comparison.metrics if _is_logged(metric)}
    metric = result.limit.metric
    near = None if metric in logged else nearest(metric, logged)
    question = [] if near is None else [f"  no run has {metric!r}; did you mean {near!r}?"]
    if not result.problems:
        return [f"NONE {words}: no cell and seed has a finite value in both", *question]
    return [f"FAIL {words}", *question, *(f"  {problem}" for problem in result.problems)]


def _is_logged(metric: MetricChanges) -> bool:
    return any(change.base is not None or change.head is not None for change in metric.changes)
