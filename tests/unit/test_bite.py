"""The catch of a policy: counted, and with the line of the policy that would catch the rest."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smoke_gate.bite import MOST_RUNS, Bite, BiteState, Bitten, bite, bite_for_report
from smoke_gate.evidence import Evidence
from smoke_gate.gates import BUILT_IN
from smoke_gate.gates.base import LogMore, PolicyLine
from smoke_gate.policy.model import Policy
from tests.support.bitten import WEAKER, strict_policy, talkative_matrix, with_line, with_value
from tests.support.matrix import passing_matrix, passing_policy, with_run

EVIDENCE = talkative_matrix()


def named(found: Bite, name: str) -> Bitten:
    return next(one for one in found.every if one.mutation.name == name)


def only(policy: Policy, name: str, evidence: Evidence = EVIDENCE) -> Bitten:
    (found,) = bite(policy, evidence, [name]).every
    return found


def weaker(names: Iterable[str]) -> Policy:
    policy = strict_policy()
    for name in sorted(names):
        policy = with_value(policy, *WEAKER[name])
    return policy


@pytest.mark.parametrize("name", WEAKER)
def test_the_line_that_a_miss_names_catches_it(name: str):
    """spec: bite"""
    (missed,) = bite(weaker([name]), EVIDENCE, [name]).every
    assert missed.state is BiteState.MISSED
    assert is_caught_by_its_line(weaker([name]), missed)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.sampled_from(sorted(WEAKER)), min_size=2, max_size=6))
def test_so_it_does_where_the_policy_misses_more(names: set[str]):
    policy = weaker(names)
    for missed in bite(policy, EVIDENCE, names).of(BiteState.MISSED):
        assert is_caught_by_its_line(policy, missed), (missed.mutation.name, missed.remedy)


def is_caught_by_its_line(policy: Policy, missed: Bitten) -> bool:
    assert isinstance(missed.remedy, PolicyLine), missed.mutation.name
    (better,) = bite(with_line(policy, missed.remedy), EVIDENCE, [missed.mutation.name]).every
    return better.state in (BiteState.CAUGHT, BiteState.WARNED)


@cache
def strictly() -> Bite:
    return bite(strict_policy(), EVIDENCE)


@cache
def plainly() -> Bite:
    return bite(passing_policy(), passing_matrix())


def test_numbers_are_fixed_and_in_the_order_of_the_gates():
    found = strictly().every
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    assert [one.mutation for one in found] == [one for gate in BUILT_IN for one in gate.mutations()]


def test_a_gate_that_is_off_is_listed_and_not_counted():
    policy = strict_policy(gates={"paired_data": {"enabled": False, "reason": "one data set"}})
    found, all_on = bite(policy, EVIDENCE), strictly()
    off = found.of(BiteState.OFF)
    assert {one.gate for one in off} == {"G6"}
    assert "G6 is off: one data set" in {str(one.why) for one in off}
    assert found.counted == all_on.counted - len(off)


def test_another_gate_may_see_what_a_gate_that_is_off_should():
    policy = strict_policy(gates={"metric_ratio": {"enabled": False, "reason": "no losses"}})
    assert only(policy, "nan_on_the_way").state is BiteState.WARNED


def test_what_the_runs_do_not_log_is_missed_with_the_call_that_logs_it():
    plain = plainly()
    for name, call in {
        "subset": "contract.log_counts",
        "overlap": "contract.data_overlap",
        "other_library": "contract.log_environment",
        "shorter_run": "mlflow.log_metrics",
    }.items():
        one = named(plain, name)
        assert one.state is BiteState.MISSED
        assert isinstance(one.remedy, LogMore)
        assert one.remedy.words.startswith(call)


def test_what_the_matrix_has_nothing_of_is_not_counted():
    plain = plainly()
    one = named(plain, "failed_model")
    assert (one.state, str(one.why)) == (BiteState.NOT_APPLICABLE, "No run has an MLflow model.")
    counted = plain.of(BiteState.CAUGHT, BiteState.WARNED, BiteState.MISSED)
    assert plain.counted == len(counted)
    assert plain.percent == 100 * plain.seen / plain.counted


def test_a_waiver_that_accepts_what_is_new_is_named():
    waiver = {"gate": "G4", "kind": "duplicate", "reason": "all look alike", "expires": "2027-01-01"}
    one = only(strict_policy(waivers=[waiver]), "same_pixels")
    assert (one.state, str(one.why)) == (BiteState.MISSED, "A waiver accepts it: all look alike")


def test_a_value_off_its_reference_is_a_warning():
    reference = {"metric": "pape", "low": 1, "high": 20, "n": 3, "source": "a paper"}
    policy = with_value(strict_policy(references=[reference]), *WEAKER["odd_metric"])
    assert only(policy, "odd_metric").state is BiteState.WARNED


def test_only_what_is_new_counts():
    """A matrix that fails already is not said to catch what it would miss otherwise."""
    broken = with_run(EVIDENCE, "B0/42", late=("pape",))
    assert only(strict_policy(), "late_metric", broken).state is BiteState.MISSED


def test_nothing_is_counted_where_nothing_was_run():
    found = bite(strict_policy(), replace(EVIDENCE, attempts=(), runs=(), registrations=()))
    assert all(one.state is not BiteState.CAUGHT for one in found.every)
    empty = Bite(())
    assert (empty.counted, empty.percent) == (0, 0.0)


def test_a_report_asks_where_the_policy_says_so_and_for_few_runs():
    policy = strict_policy(report={"bite": True})
    assert bite_for_report(strict_policy(), EVIDENCE) is None
    assert bite_for_report(policy, EVIDENCE) == strictly()
    many = replace(EVIDENCE, runs=EVIDENCE.runs * (MOST_RUNS // 12 + 1))
    assert bite_for_report(policy, many) is None
