from dataclasses import replace

import pytest

from smoke_gate.collect.registrations import (
    in_force,
    is_registration,
    other_keys,
    payload_in_params,
    payload_of,
    registration_of,
    unread_payload,
)
from smoke_gate.evidence import Registration
from smoke_gate.gates import policy_of
from smoke_gate.hashing import definition_hash, sha256_hex
from smoke_gate.policy.model import Policy
from tests.support.entities import STARTED, run


def policy(expected: object = "preregistration") -> Policy:
    return policy_of(
        {
            "version": 1,
            "plan": {"cells": ["A"], "seeds": ["1"]},
            "gates": {"definition_hash": {"expected": expected}},
        }
    )


@pytest.mark.parametrize(
    ("expected", "recorded", "answer"),
    [
        ("preregistration", run(tags={"smoke_gate.kind": "preregistration"}), True),
        ("preregistration", run(tags={"smoke_gate.kind": "other"}), False),
        ({"run_id": "r"}, run("r"), True),
        ({"run_id": "r"}, run("s"), False),
        ({"run_id": "r"}, run("s", tags={"smoke_gate.kind": "preregistration"}), True),
        ({"run_name": "first"}, run(name="first"), True),
        ({"run_name": "first"}, run(name="second"), False),
        ({"sha256": "0" * 64}, run(), False),
    ],
)
def test_what_is_a_registration(expected, recorded, answer):
    """spec: G1-registration-counts"""
    assert is_registration(policy(expected), recorded) is answer


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"mae_definition_hash": "a" * 64}, ("mae_definition_hash",)),
        ({"mae_definition_hash": "a" * 64, "pape_definition_hash": "b" * 64}, ()),
        ({"mae_definition_hash": "a" * 64, "pape_definition_hash": ""}, ("mae_definition_hash",)),
        ({"mae_definition_hash": "no hash", "train_data_hash": "a" * 64}, ()),
        ({f"{name}_definition_hash": "a" * 64 for name in "dbca"},
         ("a_definition_hash", "b_definition_hash", "c_definition_hash")),
    ],
)  # fmt: skip
def test_the_keys_of_other_definitions(params, found):
    assert other_keys(params, "pape_definition_hash") == found
    recorded = run(params=params, tags={"smoke_gate.kind": "preregistration"})
    assert registration_of(recorded, "pape_definition_hash", None).other_keys == found


def test_payload_as_logged_and_as_canonical_json():
    text = '{ "b": 1, "a": [2.0] }'
    found = payload_of(text.encode(), "artifact")
    assert (found.source, found.length) == ("artifact", len(text))
    assert found.text_sha256 == sha256_hex(text.encode())
    assert found.canonical_sha256 == definition_hash({"a": [2], "b": 1})


@pytest.mark.parametrize("text", ["", "not json", '{"a": NaN}', '{"a": 1, "a": 2}', '"text"', '{"a": "한'])
def test_payload_that_is_no_definition(text):
    found = payload_of(text.encode(), "param")
    assert found.canonical_sha256 is None
    assert found.length == len(text)


def test_payload_in_params():
    assert payload_in_params(run(), "k") is None
    found = payload_in_params(run(params={"k_payload": "{}"}), "k")
    assert found is not None
    assert (found.source, found.length) == ("param", 2)


def test_a_payload_that_cannot_be_read_equals_no_hash():
    found = unread_payload(None)
    assert (found.text_sha256, found.canonical_sha256) == ("", None)


def test_registration_says_what_the_run_says():
    recorded = run(
        "r", params={"k": "hash", "prior_sha256": "old", "reason": "why", "policy_sha256": "p"}, name="reg"
    )
    found = registration_of(recorded, "k", None)
    assert found == Registration(
        run_id="r", run_name="reg", status="FINISHED", lifecycle_stage="active", start_time=STARTED, sha256="hash",
        prior_sha256="old", reason="why", policy_sha256="p", end_time=STARTED + 1,
    )  # fmt: skip
    assert registration_of(run(params={"prior_sha256": ""}), "k", None).prior_sha256 is None
    assert registration_of(run(start=1_700_000_000_000_000_000), "k", None).start_time is None


def registered(run_id: str, sha256: str | None, prior: str | None = None) -> Registration:
    return Registration(
        run_id=run_id, run_name=run_id, status="FINISHED", lifecycle_stage="active", start_time=1, sha256=sha256,
        prior_sha256=prior,
    )  # fmt: skip


FIRST, SECOND = registered("first", "1"), registered("second", "2", "1")


@pytest.mark.parametrize(
    ("expected", "registrations", "run_id"),
    [
        ("preregistration", [], None),
        ("preregistration", [FIRST], "first"),
        ("preregistration", [SECOND, FIRST], "second"),
        ("preregistration", [FIRST, registered("other", "3")], None),
        ("preregistration", [FIRST, registered("of another metric", None)], "first"),
        ("preregistration", [FIRST, replace(SECOND, lifecycle_stage="deleted")], "first"),
        ("preregistration", [FIRST, replace(SECOND, status="FAILED")], "first"),
        ({"run_id": "first"}, [FIRST, SECOND], "first"),
        ({"run_name": "second"}, [FIRST, SECOND], "second"),
        ({"sha256": "0" * 64}, [FIRST, SECOND], "second"),
    ],
)
def test_the_registration_in_force(expected, registrations, run_id):
    found = in_force(policy(expected), registrations)
    assert (found and found.run_id) == run_id
