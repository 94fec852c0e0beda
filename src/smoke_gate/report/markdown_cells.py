"""The cell summary of the Markdown report: each metric by cell, over the seeds, against the reference cell."""

from smoke_gate.report.escape import code
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_section import Section, details, table
from smoke_gate.report.statistics import CellStatistics, Difference, MetricStatistics, metric_statistics

_OPEN_METRICS = 3


def cell_summary(judgement: Judgement) -> Section | None:
    """Return a table for each metric; the first few are open."""
    metrics = metric_statistics(judgement.verdict, judgement.policy, judgement.evidence)
    if not metrics:
        return None
    parts = [f"**{code(metric.metric)}**\n\n{_table(metric)}" for metric in metrics[:_OPEN_METRICS]]
    parts += [details(code(metric.metric), _table(metric)) for metric in metrics[_OPEN_METRICS:]]
    return Section("Cell summary", "\n\n".join(parts))


def _table(metric: MetricStatistics) -> str:
    compared = any(cell.difference is not None for cell in metric.cells)
    tested = any(cell.difference is not None and cell.difference.p_value is not None for cell in metric.cells)
    head = ["cell", "runs:", "mean:", "range"]
    if compared:
        head += [f"Δ to {code(metric.reference_cell)}, paired:", "sign"]
    if tested:
        head += ["p (sign test):"]
    rows = [_row(cell, metric, compared=compared, tested=tested) for cell in metric.cells]
    return table(head, rows)


def _row(cell: CellStatistics, metric: MetricStatistics, *, compared: bool, tested: bool) -> list[str]:
    runs = str(cell.runs) if cell.finite == cell.runs else f"⚠️ {cell.finite} of {cell.runs}"
    row = [code(cell.cell), runs, number_words(cell.mean), range_words(cell)]
    if compared:
        row += _difference(cell.difference, is_reference=cell.cell == metric.reference_cell)
    if tested:
        has_p = cell.difference is not None and cell.difference.p_value is not None
        row.append(f"{cell.difference.p_value:.2g}" if has_p and cell.difference else "")
    return row


def _difference(difference: Difference | None, *, is_reference: bool) -> list[str]:
    if difference is None:
        return ["" if is_reference else "no common seed", ""]
    return [f"{difference.mean:+.4g}", sign_words(difference)]


def sign_words(difference: Difference) -> str:
    """Say in how many pairs the more frequent sign is."""
    if not difference.lower and not difference.higher:
        return f"{difference.pairs} of {difference.pairs} equal"
    if difference.lower >= difference.higher:
        return f"{difference.lower} of {difference.pairs} lower"
    return f"{difference.higher} of {difference.pairs} higher"


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
