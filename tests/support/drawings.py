"""The figures of evidence that was not read from a store, with curves of the two ends of each history."""

from collections.abc import Callable

from smoke_gate.draw import Drawing, draw
from smoke_gate.evidence import Evidence, metric_number
from smoke_gate.gates.base import case_of
from smoke_gate.pictures import Curve, Curves
from smoke_gate.policy.model import Policy
from smoke_gate.selection import matrix_of


def drawn(
    policy: Policy, evidence: Evidence, left_out: Callable[[str], None] = lambda _: None
) -> tuple[Drawing, ...]:
    """Draw the summary figures."""
    return draw(case_of(policy, evidence, matrix_of(policy, evidence)), ends(evidence), left_out)


def ends(evidence: Evidence) -> Curves:
    """Return curves from the first to the last value of each history."""
    return {
        (run.run_id, metric): Curve((0, 1), (metric_number(history.first), metric_number(history.last)))
        for run in evidence.runs
        for metric, history in run.histories.items()
    }
