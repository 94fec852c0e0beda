"""Two verdicts of one matrix, such as main's and a pull request's: what became of metrics and of findings. Pure."""

from smoke_gate.compare.changes import CellChange, Change, Gap, MetricChanges, mean_change
from smoke_gate.compare.findings import FindingChanges, finding_changes
from smoke_gate.compare.limits import Broken, Limit, LimitResult, limits_of
from smoke_gate.compare.metrics import Comparison, compare

__all__ = [
    "Broken",
    "CellChange",
    "Change",
    "Comparison",
    "FindingChanges",
    "Gap",
    "Limit",
    "LimitResult",
    "MetricChanges",
    "compare",
    "finding_changes",
    "limits_of",
    "mean_change",
]
