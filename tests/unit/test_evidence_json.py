import json
from dataclasses import fields, is_dataclass

import pytest

from smoke_gate.evidence import (
    Answer,
    Artifact,
    Code,
    Evidence,
    Figure,
    Globals,
    Head,
    HeadFrom,
    History,
    LoggedModel,
    PolicyChange,
    Run,
)
from smoke_gate.evidence_json import EvidenceError, evidence_definitions, evidence_from_json, evidence_json
from smoke_gate.hashing import canonical_json
from tests.support.matrix import passing_matrix

FULL = Evidence(
    as_of="2026-01-31",
    runs=(
        Run(
            run_id="r",
            metrics={"loss": "NaN", "other": "-Infinity"},
            histories={
                "loss": History(
                    length=2,
                    first="1.0",
                    last="NaN",
                    smallest="NaN",
                    largest="NaN",
                    two_trainings=False,
                    sha256="0" * 64,
                )
            },
            models=(
                LoggedModel(
                    model_id="m",
                    name="model",
                    status="READY",
                    artifacts=(Artifact(path="a", size=1),),
                    absent=("model.pkl",),
                    problem="it names no flavors",
                ),
            ),
            checkpoints=(Artifact(path="한", size=None, globals=Globals(dangerous=("os.system",))),),
            after_registration=Answer.NO,
        ),
    ),
    files=(Figure(path="figs/a.png", text={"k": "v"}),),
    head=Head(origin=HeadFrom.CHECKOUT),
    codes={"c0ffee0": Code(same_code=Answer.NO, by="api")},
    policy_change=PolicyChange(found="They differ.", difference=("-a", "+b")),
)


@pytest.mark.parametrize("evidence", [passing_matrix(), FULL, Evidence(as_of="2026-01-31")])
def test_it_comes_back_as_it_was(evidence):
    assert evidence_from_json(json.loads(json.dumps(evidence_json(evidence)))) == evidence


def test_it_has_a_canonical_form():
    """spec: evidence-form"""
    assert json.loads(canonical_json(evidence_json(FULL))) == evidence_json(FULL)


def test_every_field_is_written():
    document = evidence_json(passing_matrix())
    assert list(document) == [field.name for field in fields(Evidence)]
    assert list(document["runs"][0]) == [field.name for field in fields(Run)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda document: document.update(bogus=1), "bogus"),
        (lambda document: document["runs"][0].update(bogus=1), "runs.0.bogus"),
        (
            lambda document: document["runs"][0]["checkpoints"][0].update(bogus=1),
            "runs.0.checkpoints.0.bogus",
        ),
        (lambda document: document["attempts"][0].update(start_time="5"), "attempts.0.start_time"),
        (lambda document: document["attempts"][0].update(in_scope=1), "attempts.0.in_scope"),
        (lambda document: document["runs"][0].update(metrics={"loss": 0.5}), "runs.0.metrics.loss"),
        (
            lambda document: document["runs"][0].update(after_registration="maybe"),
            "runs.0.after_registration",
        ),
        (lambda document: document["runs"][0].pop("run_id"), "runs.0.run_id"),
        (lambda document: document.pop("as_of"), "as_of"),
        (lambda document: document.update(as_of="2026-99-99"), "as_of: expected a day as YYYY-MM-DD"),
        (lambda document: document.update(as_of="0000-01-01"), "as_of: expected a day"),
        (lambda document: document.update(as_of="20260131"), "as_of: expected a day"),
        (
            lambda document: document["runs"][1].update(metrics={"pape": "abc", "loss": ""}),
            "runs.1.metrics.pape: expected a number; runs.1.metrics.loss: expected a number$",
        ),
        *(
            (
                lambda document, part=part: document["runs"][0]["histories"]["val_loss"].update(
                    {part: "1,5"}
                ),
                "runs.0.histories.val_loss: expected numbers",
            )
            for part in ("first", "last", "smallest", "largest")
        ),
        (
            lambda document: document["runs"][0]["histories"]["val_loss"].update(length="12"),
            "runs.0.histories.val_loss.length",
        ),
    ],
)
def test_what_is_not_evidence_is_refused_by_its_place(change, told):
    document = evidence_json(passing_matrix())
    change(document)
    with pytest.raises(EvidenceError, match=told):
        evidence_from_json(document)


def test_of_very_many_problems_only_the_first_are_told():
    document = evidence_json(passing_matrix())
    document["runs"][0]["metrics"] = {f"metric {number}": "abc" for number in range(10_000)}
    with pytest.raises(EvidenceError) as caught:
        evidence_from_json(document)
    assert len(str(caught.value)) < 2000


def test_a_field_that_a_later_version_added_has_its_default():
    """spec: schema-additions"""
    document = evidence_json(passing_matrix())
    del document["attempts"][0]["experiment_id"]
    assert evidence_from_json(document) == passing_matrix()


def test_its_schema_requires_every_field():
    definitions = evidence_definitions()
    parts = [part for part in definitions.values() if part["type"] == "object"]
    assert is_dataclass(Evidence)
    assert len(parts) > 10
    for part in parts:
        assert part["required"] == list(part["properties"])
        assert part["additionalProperties"] is False
