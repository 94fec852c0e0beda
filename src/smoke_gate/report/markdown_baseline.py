"""The comparison with a baseline as a section of the Markdown report, and what the report's top says of it."""

from collections.abc import Iterable, Sequence

from smoke_gate.baseline import Against, BaselineVerdict
from smoke_gate.compare import LimitResult, MetricChanges
from smoke_gate.message import Message, say
from smoke_gate.report.comparison import (
    SPREAD_LEGEND,
    FindingRow,
    broken_at,
    change_words,
    difference_words,
    finding_rows,
    metrics_of_interest,
    notes,
    signed,
    value_words,
)
from smoke_gate.report.escape import code
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_section import ReportSection, alert, details, sentence, table

_MOST_METRICS = 20
_MOST_PAIRS = 12  # that one line names
_MOST_ROWS = 20  # of failures
_ALL = "`smoke-gate compare` shows them all"
_SYMBOLS = {BaselineVerdict.PASS: "✅", BaselineVerdict.FAIL: "❌", BaselineVerdict.NONE: "⚠️"}
_FATES = {"new": "❌ new", "fixed": "✅ fixed", "still failing": "❌ still failing"}


def baseline_call(judgement: Judgement) -> list[str]:
    """Return what must be read at the top: which limit is broken, or why nothing was decided."""
    found = judgement.baseline
    if found is None or found.verdict is BaselineVerdict.PASS:
        return []
    if found.why is not None:
        return [alert("WARNING", f"**Baseline: NONE.** {sentence(found.why)}")]
    results = found.comparison.limits if found.comparison else ()
    lines = [_broken(result) for result in results if result.problems]
    return [alert("CAUTION", "**A limit against the baseline is broken.** " + " ".join(lines))]


def against_baseline(judgement: Judgement) -> ReportSection | None:
    """Return what changed since the baseline, where one was asked for and is there."""
    found = judgement.baseline
    if found is None or found.comparison is None or found.headline is None:
        return None
    shown = metrics_of_interest(judgement, found.comparison)[:_MOST_METRICS]
    parts = [f"Held against the {sentence(_whose(found))}. Its verdict: {sentence(found.headline)}"]
    if found.other_policy:
        parts.append("Each was judged by its own policy, and these differ.")
    parts += [alert("NOTE", _in_markdown(note, pairs)) for note, pairs in notes(found.comparison, of=shown)]
    if found.comparison.limits:
        parts.append(table(["limit", "result", "pairs:", "where"], map(_limit_row, found.comparison.limits)))
    parts.append(_findings(finding_rows(found)))
    if shown:
        parts.append("Head minus baseline, paired by cell and seed:")
        head = ["metric", "pairs:", "mean Δ:", "range of Δ", "sign", "change"]
        parts.append(table(head, map(_row, shown)))
        parts.append(SPREAD_LEGEND)
    parts += [
        details(f"{code(metric.metric)}, pair by pair", _pairs(metric))
        for metric in shown
        if metric.differences
    ]
    if rest := len(found.comparison.metrics) - len(shown):
        parts.append(f"{rest} more metrics are compared by `smoke-gate compare`.")
    return ReportSection(f"{_SYMBOLS[found.verdict]} Against the baseline", "\n\n".join(parts))


def _whose(found: Against) -> Message:
    return say("baseline: {name}", name=found.name)


# --- limits -----------------------------------------------------------------------------------------------------------


def _broken(result: LimitResult) -> str:
    """Return a broken limit as a sentence, with places."""
    return f"{_allowed(result)}: {_where(result)}."


def _where(result: LimitResult) -> str:
    reasons = broken_at(result)
    shown = [f"{_listed(pairs)} {sentence(why)}" for why, pairs in reasons[:_MOST_PAIRS]]
    more = len(reasons) - _MOST_PAIRS
    return "; ".join(shown) + (f"; and {more} more ({_ALL})" if more > 0 else "")


def _allowed(result: LimitResult) -> str:
    limit = result.limit
    verb = "drop" if limit.direction == "drop" else "rise"
    return f"{code(limit.metric)} may {verb} by {limit.most} at most"


def _limit_row(result: LimitResult) -> list[str]:
    if result.problems:
        return [_allowed(result), "❌ broken", str(result.judged), _where(result)]
    return [_allowed(result), "✅ holds" if result.judged else "⚠️ not judged", str(result.judged), ""]


# --- failures ---------------------------------------------------------------------------------------------------------


def _findings(rows: Sequence[FindingRow]) -> str:
    if not rows:
        return "No check failed, in the baseline or here."
    shown = [[_FATES.get(row.fate, row.fate), row.gate, code(row.kind), _listed(row.places)] for row in rows]
    text = table(["failure", "gate", "kind", "where"], shown[:_MOST_ROWS])
    return text if len(rows) <= _MOST_ROWS else f"{text}\n\n… and {len(rows) - _MOST_ROWS} more."


# --- metrics ----------------------------------------------------------------------------------------------------------


def _in_markdown(note: Message, pairs: Sequence[str]) -> str:
    return f"{sentence(note)}{': ' if pairs else ''}{_listed(pairs)}"


def _listed(texts: Iterable[str]) -> str:
    every = list(texts)
    more = f" and {len(every) - _MOST_PAIRS} more ({_ALL})" if len(every) > _MOST_PAIRS else ""
    return ", ".join(map(code, every[:_MOST_PAIRS])) + more


def _row(metric: MetricChanges) -> list[str]:
    differences = metric.differences
    pairs = f"{len(differences)} of {len(metric.changes)}"
    if not differences:
        return [code(metric.metric), f"⚠️ {pairs}", "–", "–", "", ""]
    symbol = "⚠️ " if metric.incomplete else ""
    return [
        code(metric.metric),
        symbol + pairs,
        *difference_words(differences),
        sentence(change_words(metric)),
    ]


def _pairs(metric: MetricChanges) -> str:
    rows = [
        [
            code(change.pair.subject),
            value_words(change.base),
            value_words(change.head),
            "" if change.difference is None else signed(change.difference),
        ]
        for change in metric.changes
    ]
    return table(["pair", "baseline:", "head:", "Δ:"], rows)
