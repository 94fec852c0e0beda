"""The tables of the Markdown report: cells by seeds, gates, each metric by cell, and every attempt."""

from collections.abc import Iterable, Sequence

from smoke_gate.gates import gates_of
from smoke_gate.gates.base import Status
from smoke_gate.policy.model import Policy
from smoke_gate.report.escape import code, link
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_section import ALL, STATUS_SYMBOLS, ReportSection, details, sentence, table
from smoke_gate.report.matrix import Mark, PlaceState, commit_note, ledger_words, rows_of, seeds_of
from smoke_gate.report.statistics import (
    CellStatistics,
    MetricStatistics,
    PairedDifference,
    metric_statistics,
    number_words,
    range_words,
    sign_words,
)
from smoke_gate.report.unidentified import run_words, unidentified
from smoke_gate.selection import Place
from smoke_gate.text import counted
from smoke_gate.times import duration, minute
from smoke_gate.verdict import GateResult

_SYMBOLS = {
    PlaceState.PASS: STATUS_SYMBOLS[Status.PASS],
    PlaceState.WARNING: STATUS_SYMBOLS[Status.WARNING],
    PlaceState.FAIL: STATUS_SYMBOLS[Status.FAIL],
    PlaceState.UNFINISHED: "⏳",
    PlaceState.LOST: "💥",
    PlaceState.NO_ATTEMPT: "❔",
    PlaceState.EXCLUDED: "➖",
    PlaceState.NOT_PLANNED: "·",
}
_LONGEST_LEDGER = 300
_OPEN_METRICS = 3
_MOST_BESIDE = 20  # runs without cell or seed


def matrix(judgement: Judgement) -> ReportSection:
    """Return the plan as a table, cells by seeds, with a symbol for each run."""
    seeds = seeds_of(judgement.verdict.matrix.places)
    marks = rows_of(judgement.verdict, judgement.policy)
    columns = [code(seed) for seed in seeds.values()] if any(seeds) else ["run"]
    rows = [[code(cell), *(_mark(judgement, mark) for mark in row)] for cell, row in marks.items()]
    body = [table(["cell", *(f":{column}" for column in columns)], rows), _legend(marks.values())]
    return ReportSection("Matrix", "\n\n".join([*body, *_exclusions(judgement.policy)]))


def gate_table(judgement: Judgement) -> ReportSection:
    """Return what each gate decided."""
    titles = {gate.id: gate.title for gate in gates_of(judgement.policy)}
    rows = [
        [STATUS_SYMBOLS[result.status], f"**{result.id}** {titles[result.id]}", _result(result)]
        for result in judgement.verdict.gates
    ]
    return ReportSection("Gates", table(["", "gate", "result"], rows))


def attempt_ledger(judgement: Judgement) -> ReportSection | None:
    """Return every attempt at a planned pair, so that a re-roll is seen."""
    found = judgement.verdict.matrix
    beside = _unidentified(judgement)
    rows = [row for place in found.places for row in _attempts(judgement, place)]
    if not rows:
        return ReportSection("Attempt ledger", "\n\n".join(beside)) if beside else None
    head = ["cell", "seed:", "run", "status", "started (UTC)", "took:", "commit", ":stands for its pair"]
    body = table(head, rows[:_LONGEST_LEDGER])
    if len(rows) > _LONGEST_LEDGER:
        body += f"\n\nand {len(rows) - _LONGEST_LEDGER} more; {ALL}."
    return ReportSection("Attempt ledger", "\n\n".join([details(ledger_words(found, code), body), *beside]))


def cell_summary(judgement: Judgement) -> ReportSection | None:
    """Return a table for each metric; the first few are open."""
    metrics = metric_statistics(judgement.verdict, judgement.policy, judgement.evidence)
    if not metrics:
        return None
    parts = [f"**{code(metric.metric)}**\n\n{_metric_table(metric)}" for metric in metrics[:_OPEN_METRICS]]
    parts += [details(code(metric.metric), _metric_table(metric)) for metric in metrics[_OPEN_METRICS:]]
    return ReportSection("Cell summary", "\n\n".join(parts))


def _result(result: GateResult) -> str:
    critical = "**critical:** " if result.critical else ""
    return critical + sentence(result.message)


# --- the matrix -------------------------------------------------------------------------------------------------------


def _mark(judgement: Judgement, mark: Mark) -> str:
    symbol = link(_SYMBOLS[mark.state], judgement.url(mark.attempt) if mark.attempt else None)
    return f"{symbol} <sub>{' '.join(mark.gates)}</sub>" if mark.gates else symbol


def _legend(marks: Iterable[Sequence[Mark]]) -> str:
    """Say what the symbols that are seen mean; the one of places that nobody planned needs no words."""
    seen = {mark.state for row in marks for mark in row}
    named = [state for state in PlaceState if state in seen and state is not PlaceState.NOT_PLANNED]
    return "<sub>" + " · ".join(f"{_SYMBOLS[state]} {state.value}" for state in named) + "</sub>"


def _exclusions(policy: Policy) -> list[str]:
    entries = [
        f"- {code(entry.cell)} with {', '.join(map(code, entry.seeds))}: {code(entry.reason)}"
        for entry in policy.plan.exclude
    ]
    return ["Not planned:\n\n" + "\n".join(entries)] if entries else []


# --- the cell summary -------------------------------------------------------------------------------------------------


def _metric_table(metric: MetricStatistics) -> str:
    compared = any(cell.difference is not None for cell in metric.cells)
    tested = any(cell.difference is not None and cell.difference.p_value is not None for cell in metric.cells)
    head = ["cell", "runs:", "mean:", "range"]
    if compared:
        head += [f"Δ to {code(metric.reference_cell)}, paired:", "sign"]
    if tested:
        head += ["p (sign test):"]
    rows = [_cell_row(cell, metric, compared=compared, tested=tested) for cell in metric.cells]
    return table(head, rows)


def _cell_row(cell: CellStatistics, metric: MetricStatistics, *, compared: bool, tested: bool) -> list[str]:
    runs = str(cell.runs) if cell.finite == cell.runs else f"⚠️ {cell.finite} of {cell.runs}"
    row = [code(cell.cell), runs, number_words(cell.mean), range_words(cell)]
    if compared:
        row += _difference(cell.difference, is_reference=cell.cell == metric.reference_cell)
    if tested:
        has_p = cell.difference is not None and cell.difference.p_value is not None
        row.append(f"{cell.difference.p_value:.2g}" if has_p and cell.difference else "")
    return row


def _difference(difference: PairedDifference | None, *, is_reference: bool) -> list[str]:
    if difference is None:
        return ["" if is_reference else "no common seed", ""]
    return [f"{difference.mean:+.4g}", sign_words(difference)]


# --- the ledger -------------------------------------------------------------------------------------------------------


def _attempts(judgement: Judgement, place: Place) -> list[list[str]]:
    return [
        [
            code(place.pair.cell),
            "" if place.pair.seed is None else code(place.pair.seed),
            link(code(attempt.run_id), judgement.url(attempt)),
            code(attempt.status)
            + (f" ({code(attempt.lifecycle_stage)})" if attempt.lifecycle_stage != "active" else ""),
            minute(attempt.start_time),
            duration(attempt.start_time, attempt.end_time),
            (code(attempt.commit[:12]) if attempt.commit else "unknown") + commit_note(attempt),
            "●" if attempt == place.selected else "",
        ]
        for attempt in place.attempts
    ]


def _unidentified(judgement: Judgement) -> list[str]:
    """Count and list the active runs that state no cell or no seed; most are parents of sweeps."""
    matrix = judgement.verdict.matrix
    if not matrix.unidentified:
        return []
    lines = []
    for runs in unidentified(matrix):
        named = [
            link(code(run_words(attempt)), judgement.url(attempt)) for attempt in runs.attempts[:_MOST_BESIDE]
        ]
        rest = len(runs.attempts) - _MOST_BESIDE
        more = f" and {rest} more ({ALL})" if rest > 0 else ""
        lines.append(f"- {sentence(runs.words)}: {', '.join(named)}{more}")
    head = f"{counted(len(matrix.unidentified), 'active run')} without cell or seed, counted and not judged."
    return [head, "\n".join(lines)]
