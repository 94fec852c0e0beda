"""Evidence of runs that log all that a gate can read, and a policy that asks for all of it: nothing is missed.

``WEAKER`` are changes of that policy, each of which makes it miss a mutation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from smoke_gate.evidence import Answer, Artifact, Code, Evidence, Head, HeadFrom, Holds, LoggedModel
from smoke_gate.gates import policy_of
from smoke_gate.gates.base import PolicyLine
from smoke_gate.policy.model import Policy
from tests.support.matrix import (
    CELLS,
    COMMIT,
    SEEDS,
    history,
    passing_matrix,
    passing_policy,
    payload,
    sha256,
    with_ledger,
)

UNIT_RULE = {
    "when": {"use_vq": "True"},
    "required": ["vq_input_unit", "dlinear_output_unit"],
    "allowed": {"vq_input_unit": ["standardized", "kW"], "dlinear_output_unit": ["standardized", "kW"]},
    "equal": [
        ["vq_input_unit", "dlinear_output_unit"],
        ["vq_scaler_space_signature", "dlinear_output_scaler_space_signature"],
    ],
}
RATIO, LEVEL = (
    {"value": "val_loss / train_loss", "min": 0.2, "max": 5},
    {"value": "pape", "min": 1, "max": 20},
)


def strict_policy(**overrides: Any) -> Policy:
    """Return a policy that asks for all that the gates can judge, with ``overrides`` merged into it."""
    plain = passing_policy(
        plan={"required_metrics": ["pape", "train_loss", "val_loss", "accuracy"], "max_attempts": 1},
        runs={"commit": "code"},
        gates={
            "definition_hash": {"require_ancestor": True},
            "unit_contract": {"rules": [UNIT_RULE]},
            "metric_ratio": {"rules": [RATIO, LEVEL]},
            "paired_data": {"same": [{"of": ["tags.host_group"], "within": "matrix"}]},
            "comparison": {
                "constant": ["batch_size"],
                "steps": 6,
                "proportion": ["accuracy"],
                "fail": ["drift"],
            },
        },
    )
    return with_value(plain, (), overrides)


def with_line(policy: Policy, line: PolicyLine) -> Policy:
    """Return the policy with a line written into it."""
    return with_value(policy, line.place, line.value)


def with_value(policy: Policy, place: Iterable[str], value: Any) -> Policy:
    """Return the policy with another value at a place; a mapping at the root is merged."""
    for key in reversed(tuple(place)):
        value = {key: value}
    return policy_of(
        _merged(policy.model_dump(mode="json", exclude_none=True), value, depth=len(tuple(place)))
    )


def _merged(plain: Mapping[str, Any], changes: Mapping[str, Any], depth: int) -> dict[str, Any]:
    both = {
        key: _merged(plain[key], value, depth - 1)
        if isinstance(value, dict) and isinstance(plain.get(key), dict) and depth != 1
        else value
        for key, value in changes.items()
    }
    return {**plain, **both}


WEAKER: Mapping[str, tuple[tuple[str, ...], Any]] = {
    "nan_metric": (("plan", "required_metrics"), []),
    "late_metric": (("plan", "required_metrics"), []),
    "rolled_again": (("plan", "max_attempts"), 1000),
    "stale_commit": (("runs", "commit"), "any"),
    "two_commits": (("runs", "commit"), "any"),
    "dirty_commit": (("runs", "commit"), "same"),
    "unplanned_run": (("runs", "unexpected"), "ignore"),
    "late_registration": (("gates", "definition_hash", "expected"), {"sha256": sha256("pape")}),
    "deleted_registration": (("gates", "definition_hash", "expected"), {"sha256": sha256("pape")}),
    "older_code": (("gates", "definition_hash", "require_ancestor"), False),
    "strange_checkpoint": (("gates", "checkpoints", "allow_globals"), ["*"]),
    "stripped_figure": (("gates", "figures", "required_keys"), []),
    "old_figure": (("gates", "figures", "required_keys"), []),
    "old_definition": (("gates", "figures", "required_keys"), []),
    "odd_metric": (("gates", "metric_ratio", "rules"), [RATIO]),
    "other_training": (("gates", "comparison", "constant"), []),
    "drift": (("gates", "comparison"), {"varies": ["*"]}),
    "shorter_cell": (("gates", "comparison"), {}),
    "shorter_run": (("gates", "comparison"), {"early_stopping": True}),
}
"""The policy without what sees a mutation, by the mutation's name: the place that changes, and its other value."""


def talkative_matrix(cells: Iterable[str] = CELLS, seeds: Iterable[str] = SEEDS) -> Evidence:
    """Return evidence of good runs that log all that a gate can read."""
    plain = with_ledger(
        passing_matrix(cells, seeds),
        params={
            **{key: _param(key) for key in ("use_vq", "batch_size")},
            "optimizer": "adam",
            "test_count": "1000",
            "data_overlap": "0",
        },
        tags={"environment.numpy": "2.1.0", "environment.python": "3.12.1", "host_group": "blue"},
    )
    runs = tuple(
        replace(
            run,
            tags={"host_group": "blue"},
            metrics={
                "train_loss": repr(0.51234 + index / 100),
                "val_loss": repr(0.61234 + index / 100),
                "pape": repr(8.51234 + index / 10),
                "accuracy": repr((880 + index) / 1000),
            },
            histories={
                name: history(0.987, 0.765, last + index / 100)
                for name, last in (("train_loss", 0.51234), ("val_loss", 0.61234))
            },
            models=(_model(run.run_id),),
            figures=tuple(replace(one, pixels=sha256(f"{run.run_id} seen")) for one in run.figures),
            payload=payload(),
            rows={"test demand": 668},
            last_step=6,
            after_registration=Answer.YES,
        )
        for index, run in enumerate(plain.runs)
    )
    return replace(
        plain,
        runs=runs,
        head=Head(commit=COMMIT, origin=HeadFrom.PULL_REQUEST),
        codes={COMMIT: Code(same_code=Answer.YES, by="equal")},
    )


def _param(key: str) -> Any:
    if key == "use_vq":
        return lambda cell, _seed: str(cell.startswith("A"))
    return "16"


def _model(run_id: str) -> LoggedModel:
    weights = Artifact(
        path="model.safetensors",
        size=900,
        sha256=sha256(f"{run_id} tensors"),
        format="safetensors",
        holds=Holds.TENSORS,
    )
    return LoggedModel(
        model_id=f"m-{run_id}", name="model", status="READY", artifacts=(weights,), data=("model.safetensors",),
        versions={"torch": "2.5.0"},
    )  # fmt: skip
