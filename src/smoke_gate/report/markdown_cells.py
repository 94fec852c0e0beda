"""The cell summary of the Markdown report: a table for each metric, by cell."""

from smoke_gate.report.escape import code
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_section import ELSEWHERE, ReportSection, table
from smoke_gate.report.statistics import (
    CellStatistics,
    MetricStatistics,
    chance_words,
    difference_range_words,
    legend,
    no_difference_words,
    number_words,
    p_words,
    pairing_words,
    range_words,
    runs_words,
    signed_words,
    values_words,
)

_MOST_METRICS = 6  # that a folded title names


def cell_summary(judgement: Judgement) -> ReportSection | None:
    """Return a table for each metric."""
    metrics = judgement.metrics
    if not metrics:
        return None
    parts = [
        f"**{code(metric.metric)}**\n\n{_metric_table(metric)}\n\n{chance_words(metric)}".rstrip()
        for metric in metrics
    ]
    below = [legend(metrics)] if legend(metrics) else []
    names = ", ".join(code(metric.metric) for metric in metrics[:_MOST_METRICS])
    more = f" and {len(metrics) - _MOST_METRICS} more" if len(metrics) > _MOST_METRICS else ""
    return ReportSection(
        "Cell summary",
        "\n\n".join([*parts, *below]),
        folded=True,
        note=names + more,
        shorter=("\n\n".join([parts[0], *below]), ELSEWHERE) if parts[1:] else (ELSEWHERE,),
    )


def _metric_table(metric: MetricStatistics) -> str:
    head = ["cell", "runs:", "values", "mean:", "range"]
    if len(metric.cells) > 1:
        reference = code(metric.reference_cell)
        head += [f"mean Δ to {reference}:", "range of Δ", "visible from:", "pairing helped"]
    if metric.is_tested:
        head += ["p:"]
    return table(head, [_cell_row(cell, metric)[: len(head)] for cell in metric.cells])


def _cell_row(cell: CellStatistics, metric: MetricStatistics) -> list[str]:
    runs = runs_words(cell) if len(cell.values) == cell.runs else f"⚠️ {runs_words(cell)}"
    row = [code(cell.cell), runs, values_words(cell), number_words(cell.mean), range_words(cell)]
    difference = cell.difference
    if difference is None:
        return [*row, no_difference_words(cell, metric), "", "", "", ""]
    return [
        *row,
        signed_words(difference.mean),
        difference_range_words(difference),
        number_words(difference.visible_from),
        pairing_words(difference),
        p_words(difference),
    ]
