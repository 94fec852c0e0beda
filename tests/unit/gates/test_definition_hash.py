"""G1: the definition's hash, its payload and its registration."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Answer, Evidence, Registration
from smoke_gate.gates.base import Check, Status
from smoke_gate.gates.definition import PREREGISTER, expected_definition
from smoke_gate.gates.definition_hash import GATE
from tests.support.matrix import (
    DEFINITION,
    MINUTE,
    REGISTERED,
    ask,
    case,
    not_passed,
    passing_matrix,
    passing_policy,
    payload,
    registration,
    run_id,
    sha256,
    with_attempt,
    with_run,
)

KEY = "pape_definition_hash"
OTHER = sha256("another definition")


def gate(**settings: Any) -> dict[str, Any]:
    """Return the policy's `gates` with these settings."""
    return {"definition_hash": settings}


def found(evidence: Evidence, **overrides: Any) -> Check:
    (check,) = not_passed(ask(GATE, evidence, **overrides))
    return check


def with_registrations(*registrations: Registration) -> Evidence:
    return replace(passing_matrix(), registrations=registrations)


# --- the runs' hashes -------------------------------------------------------------------------------------------------


def test_matching_hashes_pass():
    outcome = ask(GATE, passing_matrix())
    assert not not_passed(outcome)
    assert (outcome.expected, outcome.evaluated) == (12, 12)
    assert sorted({(check.kind, check.subject) for check in outcome.checks}) == [
        ("hash", KEY),
        ("payload", f"{KEY}_payload"),
        ("preregistration", "preregistration"),
    ]


@pytest.mark.parametrize("logged", [OTHER, DEFINITION.upper(), DEFINITION[:16], f"{DEFINITION} "])
def test_another_hash_fails(logged):
    """spec: G1-hash"""
    evidence = with_run(passing_matrix(), "A3/42", params={KEY: logged}, payload=None)
    check = found(evidence)
    assert (check.kind, check.status, check.subject, check.run_id) == (
        "hash",
        Status.FAIL,
        KEY,
        run_id("A3/42"),
    )
    assert (check.observed, check.expected) == (logged, DEFINITION)


@pytest.mark.parametrize(
    ("logged", "said"),
    [
        (
            OTHER,
            f"is {OTHER[:12]!r}, expected {DEFINITION[:12]!r} (the preregistration run (registration)).",
        ),
        (
            DEFINITION[:16],
            f"is {DEFINITION[:16]!r}, expected {DEFINITION!r} (",
        ),
        (
            DEFINITION.upper(),
            f"is {DEFINITION.upper()!r}, expected {DEFINITION!r} (",
        ),
    ],
)
def test_both_hashes_are_shown_as_far_as_it_takes_to_tell_them_apart(logged, said):
    evidence = with_run(passing_matrix(), "A3/42", params={KEY: logged}, payload=None)
    assert f"{KEY} {said}" in found(evidence).message


def test_a_hash_that_differs_in_case_is_told_so():
    """spec: G1-hash"""
    evidence = with_run(passing_matrix(), "A3/42", params={KEY: DEFINITION.upper()}, payload=None)
    assert "upper and lower case only" in found(evidence).message


def test_a_hash_under_the_key_of_another_metric_is_named():
    params = {"pape_definition_hash": None, "mae_definition_hash": DEFINITION}
    check = found(with_run(passing_matrix(), "A3/42", params=params, payload=None))
    assert check.message == (
        "pape_definition_hash is missing, the run logs mae_definition_hash. Call "
        'contract.log_definition(payload, key="pape_definition_hash") in training and run again, '
        "or correct `definition_hash.key`."
    )


@pytest.mark.parametrize("logged", [None, ""])
def test_a_missing_hash_fails(logged):
    """spec: G1-hash"""
    check = found(with_run(passing_matrix(), "A3/42", params={KEY: logged}, payload=None))
    assert (check.kind, check.status, check.observed) == ("hash", Status.FAIL, "missing")
    assert "contract.log_definition" in check.message


def test_a_hash_under_a_retired_key_only_fails_and_is_named():
    """spec: G1-retired-key"""
    params = {KEY: None, "definition_hash": DEFINITION}
    check = found(with_run(passing_matrix(), "A3/42", params=params, payload=None))
    assert (check.kind, check.status) == ("hash", Status.FAIL)
    assert "retired key definition_hash" in check.message
    assert KEY in check.message


def test_a_retired_key_beside_the_key_does_no_harm():
    assert not not_passed(ask(GATE, with_run(passing_matrix(), "A3/42", params={"definition_hash": OTHER})))


def test_the_key_is_the_policys():
    evidence = passing_matrix(cells=["A3"], seeds=["42"])
    evidence = with_run(evidence, "A3/42", params={"crps_hash": DEFINITION, KEY: None})
    settings = gate(key="crps_hash", retired_keys=[])
    assert not not_passed(ask(GATE, evidence, plan={"cells": ["A3"], "seeds": ["42"]}, gates=settings))


# --- payloads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "facts",
    [
        {"text_sha256": DEFINITION, "canonical_sha256": OTHER},
        {"text_sha256": OTHER, "canonical_sha256": DEFINITION},
        {"text_sha256": DEFINITION, "canonical_sha256": None},
        {"text_sha256": DEFINITION, "canonical_sha256": None, "length": 500},
        {"source": "artifact"},
    ],
)
def test_a_payload_whose_text_or_canonical_form_gives_the_hash_passes(facts):
    """spec: G1-payload"""
    assert not not_passed(ask(GATE, with_run(passing_matrix(), "A3/42", payload=payload(**facts))))


@pytest.mark.parametrize(
    "facts",
    [
        {"canonical_sha256": OTHER},
        {"canonical_sha256": None},
        {"canonical_sha256": OTHER, "length": 500},
        {"canonical_sha256": None, "length": 499},
        {"canonical_sha256": None, "length": 500, "source": "artifact"},
    ],
)
def test_a_payload_that_does_not_give_the_hash_fails(facts):
    """spec: G1-payload"""
    check = found(with_run(passing_matrix(), "A3/42", payload=payload(**facts)))
    assert (check.kind, check.subject, check.status) == ("payload", f"{KEY}_payload", Status.FAIL)
    assert check.run_id == run_id("A3/42")


@pytest.mark.parametrize("length", [250, 500, 6000])
def test_a_payload_that_a_store_cut_is_a_warning(length):
    """spec: G1-payload"""
    cut = payload(canonical_sha256=None, length=length)
    check = found(with_run(passing_matrix(), "A3/42", payload=cut))
    assert (check.kind, check.status) == ("payload", Status.WARNING)
    assert f"truncated at {length} characters" in check.message


def test_a_payload_is_optional():
    outcome = ask(GATE, with_run(passing_matrix(), "A3/42", payload=None))
    assert not not_passed(outcome)
    assert sum(check.kind == "payload" and check.run_id != "registration" for check in outcome.checks) == 11


@pytest.mark.parametrize("canonical", [DEFINITION, None])
def test_a_payload_without_its_hash_fails_too(canonical):
    logged = payload(canonical_sha256=canonical)
    checks = not_passed(ask(GATE, with_run(passing_matrix(), "A3/42", params={KEY: None}, payload=logged)))
    assert [(check.kind, check.status) for check in checks] == [
        ("hash", Status.FAIL),
        ("payload", Status.FAIL),
    ]


@pytest.mark.parametrize(
    ("facts", "status"),
    [({"canonical_sha256": OTHER}, Status.FAIL), ({"canonical_sha256": None, "length": 250}, Status.WARNING)],
)
def test_the_registrations_own_payload_is_checked(facts, status):
    """spec: G1-registration-payload"""
    check = found(with_registrations(registration(payload=payload(**facts))))
    assert (check.kind, check.status, check.run_id) == ("payload", status, "registration")


def test_a_registration_without_its_payload_is_a_warning():
    """spec: G1-registration-payload"""
    check = found(with_registrations(registration(payload=None)))
    assert (check.kind, check.subject, check.status) == ("payload", f"{KEY}_payload", Status.WARNING)
    assert check.run_id == "registration"
    assert "was not logged, so the definition was not checked against its hash" in check.message


UNREAD = payload(source="artifact", length=0, text_sha256="", canonical_sha256=None)


@pytest.mark.parametrize(
    ("evidence", "of"),
    [
        (with_registrations(registration(payload=UNREAD)), "registration"),
        (with_run(passing_matrix(), "A3/42", payload=UNREAD), run_id("A3/42")),
    ],
)
def test_a_payload_that_could_not_be_read_fails(evidence, of):
    """spec: G1-payload"""
    check = found(evidence)
    assert (check.kind, check.status, check.run_id) == ("payload", Status.FAIL, of)
    assert "could not be read" in check.message


# --- where the expected hash comes from -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("registrations", "said"),
    [
        ((), "smoke-gate preregister"),
        ((registration(lifecycle_stage="deleted"),), "registration is deleted"),
        ((registration(status="RUNNING"),), "registration is RUNNING"),
        ((registration(status="FAILED"),), "registration is FAILED"),
        ((registration(sha256=None),), "registration has no definition hash. Correct `definition_hash.key`"),
        ((registration(sha256=None, other_keys=("mae_definition_hash",)),), "--key pape_definition_hash"),
        (
            (registration(sha256=None, other_keys=("a", "b")), registration("other", sha256=None)),
            "No preregistration run has pape_definition_hash: other has no definition hash; registration has a and b.",
        ),
    ],
)
def test_without_a_registration_the_gate_fails_of_no_run_and_nothing_passes(registrations, said):
    """spec: G1-registration-missing"""
    outcome = ask(GATE, with_registrations(*registrations))
    (of_no_run,) = [check for check in outcome.checks if check.run_id is None]
    assert (of_no_run.kind, of_no_run.subject, of_no_run.status) == (
        "preregistration",
        "preregistration",
        Status.FAIL,
    )
    assert said in of_no_run.message
    hashes = [check.status for check in outcome.checks if check.kind == "hash"]
    assert hashes == [Status.FAIL] * 12


WHY = "broken is FAILED; newer is deleted; older is deleted"
RESTORE = "Restore it (mlflow runs restore --run-id newer)"


@pytest.mark.parametrize(
    ("registrations", "said"),
    [
        ((), f"The preregistration run was not found. {PREREGISTER}"),
        (
            (registration(status="FAILED"),),
            f"The preregistration run does not count: registration is FAILED. {PREREGISTER}",
        ),
        (
            (
                registration("newer", lifecycle_stage="deleted", start_time=REGISTERED + 1),
                registration("older", lifecycle_stage="deleted"),
                registration("broken", status="FAILED"),
            ),
            f"The preregistration run does not count: {WHY}. {RESTORE}: a new one would come after the runs.",
        ),
    ],
)
def test_what_to_do_without_a_registration(registrations, said):
    outcome = ask(GATE, with_registrations(*registrations))
    assert [check.message for check in outcome.checks if check.run_id is None] == [said]


@pytest.mark.parametrize("expected", [{"run_id": "named"}, {"run_name": "the one"}])
def test_a_registration_can_be_named(expected):
    """spec: G1-expected"""
    named = registration("named", run_name="the one")
    evidence = with_registrations(registration("tagged", sha256=OTHER), named)
    assert not not_passed(ask(GATE, evidence, gates=gate(expected=expected)))


@pytest.mark.parametrize("expected", [{"run_id": "nobody"}, {"run_name": "nobody"}])
def test_a_named_registration_that_is_not_there_fails(expected):
    outcome = ask(GATE, passing_matrix(), gates=gate(expected=expected))
    (of_no_run,) = [check for check in outcome.checks if check.run_id is None]
    assert of_no_run.status is Status.FAIL
    assert "nobody" in of_no_run.message


def amended(*links: tuple[str, str | None]) -> list[Registration]:
    """Return registrations, each the hash that it states and the hash that it replaces."""
    return [
        registration(f"r{index}", sha256=own, prior_sha256=prior) for index, (own, prior) in enumerate(links)
    ]


@pytest.mark.parametrize(
    "links",
    [
        [(DEFINITION, None)],
        [(DEFINITION, "deleted")],
        [("first", None), (DEFINITION, "first")],
        [("first", None), ("second", "first"), (DEFINITION, "second")],
        [("first", "deleted"), (DEFINITION, "first")],
    ],
)
@given(random=st.randoms())
def test_the_end_of_the_chain_is_in_force(links, random):
    registrations = amended(*links)
    random.shuffle(registrations)
    expected = expected_definition(case(passing_policy(), with_registrations(*registrations)))
    assert (expected.sha256, expected.problem) == (DEFINITION, None)


@pytest.mark.parametrize(
    "links",
    [
        pytest.param([("first", None), (DEFINITION, None)], id="two that do not know each other"),
        pytest.param([("first", None), (DEFINITION, "first"), ("third", "first")], id="a fork"),
        pytest.param([(DEFINITION, None), (DEFINITION, None)], id="the same hash twice"),
        pytest.param([(DEFINITION, "first"), ("first", DEFINITION)], id="a circle"),
        pytest.param([("first", None), ("second", "first"), ("first", "second")], id="there and back"),
        pytest.param([(DEFINITION, "a"), ("a", "b"), ("b", "a")], id="a circle below the end"),
        pytest.param([(DEFINITION, None), ("a", "b"), ("b", "a")], id="a circle beside the end"),
        pytest.param([(DEFINITION, DEFINITION)], id="itself"),
    ],
)
@given(random=st.randoms())
def test_what_is_no_single_chain_fails(links, random):
    """spec: G1-chain"""
    registrations = amended(*links)
    random.shuffle(registrations)
    expected = expected_definition(case(passing_policy(), with_registrations(*registrations)))
    assert expected.sha256 is None
    assert expected.problem is not None
    assert all(registration.run_id in expected.problem for registration in registrations)


OF_ANOTHER_METRIC = registration("crps", sha256=None, prior_sha256=OTHER, payload=None)


@pytest.mark.parametrize(
    "settings", [{}, {"expected": {"sha256": DEFINITION}}, {"expected": {"run_name": "preregistration"}}]
)
def test_a_registration_of_another_metric_is_none_of_this_one(settings):
    """spec: G1-registration-counts"""
    evidence = with_registrations(registration(), OF_ANOTHER_METRIC)
    assert not not_passed(ask(GATE, evidence, gates=gate(**settings)))


@pytest.mark.parametrize(
    ("registrations", "expected"),
    [
        ((OF_ANOTHER_METRIC,), "preregistration"),
        ((OF_ANOTHER_METRIC, registration(lifecycle_stage="deleted")), "preregistration"),
        ((OF_ANOTHER_METRIC, registration()), {"run_id": "crps"}),
    ],
)
def test_a_registration_of_another_metric_does_not_stand_for_this_one(registrations, expected):
    """spec: G1-registration-counts"""
    evidence = with_registrations(*registrations)
    found_hash = expected_definition(case(passing_policy(gates=gate(expected=expected)), evidence))
    assert "has pape_definition_hash: crps has no definition hash" in (found_hash.problem or "")


def test_deleted_registrations_do_not_count():
    """spec: G1-registration-counts"""
    deleted = registration("deleted", sha256=OTHER, prior_sha256=DEFINITION, lifecycle_stage="deleted")
    assert not not_passed(ask(GATE, with_registrations(registration(), deleted)))


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [
        (REGISTERED, REGISTERED + 1, Status.PASS),
        (REGISTERED, REGISTERED + MINUTE, Status.PASS),
        (REGISTERED, REGISTERED + MINUTE + 1, Status.WARNING),  # filled in later than it was begun
        (REGISTERED + MINUTE + 1, REGISTERED, Status.WARNING),
        (None, REGISTERED, Status.WARNING),
        (REGISTERED, None, Status.WARNING),
    ],
)
def test_a_registration_that_ended_after_the_first_run_started_is_a_warning(start, end, status):
    """spec: G1-registered-late"""
    outcome = ask(GATE, with_registrations(registration(start_time=start, end_time=end)))
    (check,) = [check for check in outcome.checks if check.kind == "preregistration"]
    assert (check.status, check.run_id) == (status, "registration")


def test_a_run_without_a_start_cannot_show_that_it_came_later():
    """spec: G1-registered-late"""
    check = found(with_attempt(passing_matrix(), "A3/42", start_time=None))
    assert check.status is Status.WARNING
    assert "a time is missing, or not in milliseconds" in check.message


# --- a hash that the policy states ------------------------------------------------------------------------------------


def test_the_policy_may_state_the_hash():
    """spec: G1-expected"""
    evidence = replace(passing_matrix(), registrations=())
    assert not not_passed(ask(GATE, evidence, gates=gate(expected={"sha256": DEFINITION})))


def test_a_file_may_state_the_hash():
    """spec: G1-expected"""
    evidence = replace(passing_matrix(), registrations=(), definition_sha256=DEFINITION)
    assert not not_passed(ask(GATE, evidence, gates=gate(expected={"file": "definition.json"})))


def test_a_file_that_could_not_be_read_fails():
    """spec: G1-expected"""
    outcome = ask(GATE, passing_matrix(), gates=gate(expected={"file": "definition.json"}))
    (of_no_run,) = [check for check in outcome.checks if check.run_id is None]
    assert of_no_run.status is Status.FAIL
    assert "definition.json" in of_no_run.message
    assert not [check for check in outcome.checks if check.kind == "hash" and check.status is not Status.FAIL]


@pytest.mark.parametrize("expected", [{"sha256": DEFINITION}, {"file": "definition.json"}])
@pytest.mark.parametrize(
    ("registrations", "status"),
    [
        ([registration()], Status.PASS),
        ([registration(sha256=OTHER)], Status.WARNING),
        ([registration("a"), registration("b", sha256=OTHER)], Status.WARNING),
        ([registration(sha256=OTHER, lifecycle_stage="deleted")], None),
        ([OF_ANOTHER_METRIC], None),
    ],
)
def test_a_preregistration_that_disagrees_is_a_warning(expected, registrations, status):
    """spec: G1-disagrees"""
    evidence = replace(with_registrations(*registrations), definition_sha256=DEFINITION)
    outcome = ask(GATE, evidence, gates=gate(expected=expected))
    statuses = [check.status for check in outcome.checks if check.kind == "preregistration"]
    assert statuses == ([] if status is None else [status])


# --- ancestry ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status"), [(Answer.YES, Status.PASS), (Answer.NO, Status.FAIL), (Answer.UNKNOWN, Status.FAIL)]
)
def test_ancestry_is_checked_where_the_policy_asks_for_it(answer, status):
    """spec: G1-ancestor"""
    plain = passing_matrix()
    after = tuple(replace(run, after_registration=Answer.YES) for run in plain.runs)
    evidence = with_run(replace(plain, runs=after), "A3/42", after_registration=answer)
    outcome = ask(GATE, evidence, gates=gate(require_ancestor=True))
    (check,) = [
        check for check in outcome.checks if check.kind == "ancestor" and check.run_id == run_id("A3/42")
    ]
    assert check.status is status
    assert [check.status for check in not_passed(outcome)] == ([] if status is Status.PASS else [status])


def test_ancestry_is_not_checked_unasked():
    evidence = with_run(passing_matrix(), "A3/42", after_registration=Answer.NO)
    assert not not_passed(ask(GATE, evidence))
