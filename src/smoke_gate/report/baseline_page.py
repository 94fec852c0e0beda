"""The part of the page about a baseline: for the templates ``baseline.html`` and ``baseline_call.html``."""

from typing import Any

from smoke_gate.report.comparison import (
    SPREAD_LEGEND,
    broken_at,
    change_words,
    difference_words,
    finding_rows,
    metrics_of_interest,
    notes,
    signed,
    value_words,
)
from smoke_gate.report.judgement import Judgement

FILTERS = {"signed": signed}
GLOBALS = {
    "broken_at": broken_at,
    "change_of": change_words,
    "difference_of": difference_words,
    "spread_legend": SPREAD_LEGEND,
    "value_of": value_words,
}


def baseline_words(judgement: Judgement) -> dict[str, Any]:
    """Return what the templates need, by name."""
    found = judgement.baseline
    compared = None if found is None else found.comparison
    metrics = [] if compared is None else metrics_of_interest(judgement, compared)
    return {
        "baseline": found,
        "baseline_metrics": metrics,
        "baseline_notes": [] if compared is None else list(notes(compared, of=metrics)),
        "baseline_rows": [] if found is None else finding_rows(found),
    }
