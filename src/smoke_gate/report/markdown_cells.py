"""The cell summary of the Markdown report: a table for each metric, by cell."""

from smoke_gate.report.escape import code
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_section import ELSEWHERE, ReportSection, table
from smoke_gate.report.statistics import (
    CellStatistics,
    MetricStatistics,
    PairedDifference,
    metric_statistics,
    number_words,
    range_words,
    sign_words,
    signed_words,
)

_MOST_METRICS = 6  # that a folded title names


def cell_summary(judgement: Judgement) -> ReportSection | None:
    """Return a table for each metric."""
    metrics = metric_statistics(judgement.verdict, judgement.policy, judgement.evidence)
    if not metrics:
        return None
    parts = [f"**{code(metric.metric)}**\n\n{_metric_table(metric)}" for metric in metrics]
    names = ", ".join(code(metric.metric) for metric in metrics[:_MOST_METRICS])
    more = f" and {len(metrics) - _MOST_METRICS} more" if len(metrics) > _MOST_METRICS else ""
    return ReportSection(
        "Cell summary",
        "\n\n".join(parts),
        folded=True,
        note=names + more,
        shorter=(*parts[:1], ELSEWHERE) if parts[1:] else (ELSEWHERE,),
    )


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
    return [signed_words(difference.mean), sign_words(difference)]
