"""A comparison with a baseline, for the terminal and as a section of the Markdown report."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from smoke_gate.compare import Change, Comparison, Limit, LimitResult, MetricChanges
from smoke_gate.evidence import metric_number
from smoke_gate.message import Message, say
from smoke_gate.policy.terms import nearest
from smoke_gate.report.escape import code
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_section import ReportSection, alert, details, sentence, table
from smoke_gate.selection import Pair
from smoke_gate.text import log_line

_MOST_METRICS = 20
_MOST_PAIRS = 12  # that one note names
_ALL = "`smoke-gate compare` shows them all"


def against_baseline(judgement: Judgement) -> ReportSection | None:
    """Return the differences to the baseline, where one was given."""
    if judgement.baseline is None:
        return None
    comparison, base_headline = judgement.baseline
    parts = [f"Head minus baseline, paired by cell and seed. The baseline: {sentence(base_headline)}"]
    parts += [alert("WARNING", _in_markdown(note, pairs)) for note, pairs in _notes(comparison)]
    shown = comparison.metrics[:_MOST_METRICS]
    if shown:
        parts.append(table(["metric", "pairs:", "mean Δ:", "range of Δ", "sign"], map(_row, shown)))
    parts += [details(f"{code(metric.metric)}, pair by pair", _pairs(metric)) for metric in shown]
    if rest := comparison.metrics[_MOST_METRICS:]:
        parts.append(f"… and {len(rest)} more metrics; {_ALL}.")
    return ReportSection("Against the baseline", "\n\n".join(parts))


def comparison_text(comparison: Comparison) -> str:
    """Return the lines that ``compare`` prints; a runner takes none for a command."""
    lines = [f"{note}: {', '.join(pairs)}" for note, pairs in _notes(comparison)]
    for metric in comparison.metrics:
        lines.append(f"{metric.metric}: {', '.join(_summary(metric))}")
        lines += [f"  {_pair(change)}" for change in metric.changes]
    lines += [line for result in comparison.limits for line in _limit(result, comparison)]
    return "".join(f"{log_line(line)}\n" for line in lines)


def limit_words(limit: Limit) -> str:
    """Return a limit as its option says it."""
    return f"--max-{limit.direction} {limit.metric}={limit.most}"


# --- both -------------------------------------------------------------------------------------------------------------


def _notes(comparison: Comparison) -> Iterator[tuple[Message, list[str]]]:
    """Yield what makes the differences less than they look, with the pairs."""
    if not comparison.metrics:
        yield say("nothing to compare: no pair has a run in both"), []
    by_sides: dict[str, list[str]] = {}
    for pair, sides in comparison.lacking:
        by_sides.setdefault(" and ".join(sides), []).append(pair.subject)
    for where, pairs in by_sides.items():
        yield say("no run in {where}", where=say(where)), pairs
    if comparison.redefined:
        yield (
            say("no common metric definition, so their differences mean nothing"),
            _subjects(comparison.redefined),
        )
    if comparison.other_data:
        yield say("other data"), _subjects(comparison.other_data)
    for metric in comparison.metrics:
        if metric.incomplete:
            yield (
                say("{metric} absent or not finite", metric=metric.metric),
                _subjects(one.pair for one in metric.incomplete),
            )


def _subjects(pairs: Iterable[Pair]) -> list[str]:
    return [pair.subject for pair in pairs]


def _summary(metric: MetricChanges) -> list[str]:
    differences = metric.differences
    if not differences:
        return ["no pair has it in both"]
    return [
        f"{len(differences)} of {len(metric.changes)} pairs",
        f"mean {_signed(_mean(differences))}",
        f"range {_signed(min(differences))} to {_signed(max(differences))}",
        _sign(differences),
    ]


def _sign(differences: Sequence[Decimal]) -> str:
    """Say in how many pairs the more frequent sign is."""
    lower, higher = (sum(one < 0 for one in differences), sum(one > 0 for one in differences))
    number = len(differences)
    if not lower and not higher:
        return f"{number} of {number} equal"
    return f"{lower} of {number} lower" if lower > higher else f"{higher} of {number} higher"


def _mean(differences: Sequence[Decimal]) -> Decimal:
    return sum(differences, Decimal()) / len(differences)


def _signed(value: Decimal) -> str:
    return f"{float(value):+.4g}"


# --- terminal ---------------------------------------------------------------------------------------------------------


def _pair(change: Change) -> str:
    values = f"{change.base or 'absent'} → {change.head or 'absent'}"
    difference = "" if change.difference is None else f" ({_signed(change.difference)})"
    return f"{change.pair.subject}: {values}{difference}"


def _limit(result: LimitResult, comparison: Comparison) -> list[str]:
    if not result.problems:
        return [f"PASS {limit_words(result.limit)}"]
    logged = {metric.metric for metric in comparison.metrics if _is_logged(metric)}
    metric = result.limit.metric
    near = None if metric in logged else nearest(metric, logged)
    question = [] if near is None else [f"  no run has {metric!r}; did you mean {near!r}?"]
    return [f"FAIL {limit_words(result.limit)}", *question, *(f"  {problem}" for problem in result.problems)]


def _is_logged(metric: MetricChanges) -> bool:
    return any(change.base is not None or change.head is not None for change in metric.changes)


# --- Markdown ---------------------------------------------------------------------------------------------------------


def _in_markdown(note: Message, pairs: Sequence[str]) -> str:
    named = ", ".join(map(code, pairs[:_MOST_PAIRS]))
    more = f" and {len(pairs) - _MOST_PAIRS} more ({_ALL})" if len(pairs) > _MOST_PAIRS else ""
    return f"{sentence(note)}{': ' if pairs else ''}{named}{more}"


def _row(metric: MetricChanges) -> list[str]:
    differences = metric.differences
    pairs = f"{len(differences)} of {len(metric.changes)}"
    if not differences:
        return [code(metric.metric), f"⚠️ {pairs}", "–", "–", ""]
    low, high = min(differences), max(differences)
    symbol = "⚠️ " if metric.incomplete else ""
    return [
        code(metric.metric),
        symbol + pairs,
        _signed(_mean(differences)),
        f"{_signed(low)} – {_signed(high)}",
        _sign(differences),
    ]


def _pairs(metric: MetricChanges) -> str:
    rows = [
        [
            code(change.pair.subject),
            _value(change.base),
            _value(change.head),
            "" if change.difference is None else _signed(change.difference),
        ]
        for change in metric.changes
    ]
    return table(["pair", "baseline:", "head:", "Δ:"], rows)


def _value(text: str | None) -> str:
    return "absent" if text is None else f"{metric_number(text):.6g}"
