"""The cases in which waiting may change a verdict: runs are missing, or a newer attempt goes on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smoke_gate.collect.errors import NoExperimentError
from smoke_gate.evidence import Evidence
from smoke_gate.pipeline import JudgedMatrix, may_change
from smoke_gate.verdict import evaluate
from smoke_gate.verdict_file.document import StoreOrigin
from tests.support.matrix import passing_matrix, passing_policy, with_another_attempt, without_run

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def seen(evidence: Evidence) -> JudgedMatrix:
    return JudgedMatrix(
        evidence=evidence,
        origin=StoreOrigin(tracking_uri="sqlite:///mlflow.db"),
        verdict=evaluate(passing_policy(), evidence),
        looked_at=NOW,
    )


def newer(days_ago: float, **facts: Any) -> Evidence:
    start = int((NOW - timedelta(days=days_ago)).timestamp() * 1000)
    return with_another_attempt(passing_matrix(), "A3/42", "newer", start_time=start, end_time=None, **facts)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (passing_matrix(), False),
        (without_run(passing_matrix(), "A3/42"), True),
        (newer(6.9, status="RUNNING"), True),
        (newer(6.9, status="SCHEDULED"), True),
        (newer(7.1, status="RUNNING"), False),
        (newer(1, status="RUNNING", lifecycle_stage="deleted"), False),
        (newer(1, status="FAILED"), False),
    ],
    ids=["complete", "missing", "running", "scheduled", "running for a week", "deleted", "failed"],
)
def test_what_waiting_may_change(evidence, expected):
    """spec: cli-wait"""
    assert may_change(seen(evidence)) is expected


def test_an_experiment_may_appear():
    """spec: cli-wait"""
    assert may_change(NoExperimentError("there is no experiment 'stage05'"))
