"""The mutations are the gates' own test: each kind of finding is caught by one, and each is seen by whom it names."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from smoke_gate import gates
from smoke_gate.bite import BiteState, Bitten, bite
from smoke_gate.evidence import Evidence
from smoke_gate.gates import BUILT_IN
from smoke_gate.gates.base import Check, Gate, PolicyLine, Status, case_of
from smoke_gate.policy.model import Policy
from smoke_gate.selection import matrix_of
from smoke_gate.verdict import VerdictStatus, evaluate
from tests.support.bitten import WEAKER, strict_policy, talkative_matrix, with_line, with_value

CHECK = re.compile(r'\.check\(\s*"G\d",\s*"(\w+)"|\bkind="(\w+)"')
OTHERS = re.compile(
    r'(?:Finding|_registration_check|_compare|_check|status)\(\s*"(\w+)"'
    r'|_closed\(\s*gate,\s*"(\w+)"|NOTHING_\w+ = "(\w+)"'
)
NO_FINDING = {
    "compared": "G7 says with it what it compared: always PASS",
    "ledger": "G7's notes for people to read: always SKIPPED",
    "structure": "G3 says with it that a large file's structure is sound: always PASS",
    "off": "a gate that the policy switches off: SKIPPED, decided by the policy alone",
    "skipped": "a gate that applies to nothing: SKIPPED",
    "error": "a gate that raised: a bug, which no evidence should cause",
    "nothing_found": "no run at all states a planned pair: one broken run leaves the others",
    "nothing_yet": "no planned pair has a finished run: one broken run leaves the others",
    "nothing_judged": "none of all runs could be judged: one broken run leaves the others",
}
"""The kinds of check that no mutation of one run, or of one cell, can bring about."""

POLICIES = (None, "nan_metric", "dirty_commit", "stale_commit")
"""The strict policy, one that requires no metric, and two that ask other things of commits."""


def kinds() -> set[str]:
    """Return the kinds of check that the built-in gates and the verdict make, as their source says."""
    folder = Path(gates.__file__).parent
    files = [*folder.glob("*.py"), folder.parent / "verdict.py"]
    found = set()
    for path in files:
        text = path.read_text(encoding="utf-8")
        found |= {kind for match in (*CHECK.findall(text), *OTHERS.findall(text)) for kind in match if kind}
    return found


@cache
def tried(weaker: str | None) -> tuple[Bitten, ...]:
    policy = strict_policy()
    if weaker is not None:
        place, value = WEAKER[weaker]
        policy = with_value(policy, place, "auto" if value == "any" else value)
    return bite(policy, talkative_matrix()).every


def found_kinds() -> Iterator[str]:
    for weaker in POLICIES:
        for one in tried(weaker):
            yield from (check.kind for check in one.found if isinstance(check, Check))


def test_each_kind_of_check_is_caught_by_a_mutation():
    assert kinds() - set(found_kinds()) == NO_FINDING.keys()


def test_the_source_names_every_kind():
    """spec: check-order"""
    checks = evaluate(strict_policy(), talkative_matrix()).checks
    assert {check.kind for check in checks} | set(found_kinds()) <= kinds()


def test_the_strict_policy_misses_nothing_of_talkative_runs():
    policy, evidence = strict_policy(), talkative_matrix()
    assert evaluate(policy, evidence).status is VerdictStatus.ALL_PASS
    assert [
        one.mutation.name for one in tried(None) if one.state not in (BiteState.CAUGHT, BiteState.WARNED)
    ] == []


@pytest.mark.parametrize("gate", BUILT_IN, ids=lambda gate: gate.id)
def test_no_gate_sees_a_mutation_that_does_not_name_it(gate: Gate):
    """Only the gates that a mutation names are asked: here all are."""
    policy, evidence = strict_policy(), talkative_matrix()
    case = case_of(policy, evidence, matrix_of(policy, evidence))
    for mutation in gate.mutations():
        changed = mutation.change(case)
        assert isinstance(changed, Evidence)
        found = {
            check.gate
            for check in evaluate(policy, changed).checks
            if check.status in (Status.FAIL, Status.WARNING)
        }
        assert gate.id in found <= {gate.id, *mutation.also}, mutation.name


@pytest.mark.parametrize("gate", BUILT_IN, ids=lambda gate: gate.id)
def test_each_gate_brings_mutations_of_its_own(gate):
    own = [one for one in tried(None) if one.gate == gate.id]
    assert len(own) == len(gate.mutations()) >= 3
    assert all(any(isinstance(check, Check) and check.gate == gate.id for check in one.found) for one in own)


def test_names_and_titles_are_each_given_once():
    every = [mutation for gate in BUILT_IN for mutation in gate.mutations()]
    for words in ([one.name for one in every], [one.title for one in every]):
        assert len(set(words)) == len(words)
    assert all(re.fullmatch(r"[a-z][a-z_]*", one.name) and not one.title.endswith(".") for one in every)


def odd_matrices() -> dict[str, tuple[Policy, Evidence]]:
    """Return matrices that lack what mutations look for."""
    policy, evidence = strict_policy(), talkative_matrix()
    one_seed = with_value(policy, ("plan", "seeds"), ["42"])
    one_cell = with_value(policy, ("plan", "cells"), {"A3": {"expect": {"use_vq": "True"}}})
    silent = replace(
        evidence,
        runs=tuple(type(run)(run_id=run.run_id) for run in evidence.runs),
        attempts=tuple(replace(one, commit=None, start_time=None) for one in evidence.attempts),
        registrations=(),
        ledger=type(evidence.ledger)(),
    )
    return {
        "one seed": (one_seed, talkative_matrix(seeds=["42"])),
        "one cell": (one_cell, talkative_matrix(cells=["A3"])),
        "one run": (with_value(one_cell, ("plan", "seeds"), ["42"]), talkative_matrix(["A3"], ["42"])),
        "silent runs": (policy, silent),
        "no run": (policy, Evidence(as_of="2026-01-31")),
        "basic": (strict_policy(profile="basic"), evidence),
    }


@pytest.mark.parametrize("name", odd_matrices())
def test_every_mutation_can_be_tried_on_any_matrix(name: str):
    policy, evidence = odd_matrices()[name]
    found = bite(policy, evidence)
    assert [str(one.why) for one in found.every if one.why and "could not be made" in one.why] == []
    for one in found.of(BiteState.NOT_APPLICABLE):
        assert one.why, one.mutation.name
    for one in found.of(BiteState.MISSED):
        assert one.why or one.remedy, one.mutation.name


@pytest.mark.parametrize("name", ["nan_metric", "lost_metric"])
def test_a_metric_of_one_cell_is_asked_of_that_cell(name: str):
    """A3 alone logs a metric, and nothing else: the remedy names the cell, and then its loss is FAIL."""
    policy = with_value(strict_policy(), ("plan", "required_metrics"), [])
    policy = with_value(policy, ("plan", "cells"), {"A3": {"expect": {"use_vq": "True"}}, "B0": {}})
    policy = with_value(policy, ("gates", "metric_ratio"), {"enabled": False, "reason": "no losses"})
    evidence = talkative_matrix(["B0", "A3"])
    logged = {"A3": {"a_loss": "0.25"}, "B0": {"pape": "8.5"}}
    evidence = replace(
        evidence, runs=tuple(replace(run, metrics=logged[run.run_id[4:6]]) for run in evidence.runs)
    )
    case = case_of(policy, evidence, matrix_of(policy, evidence))
    (mutation,) = [one for one in BUILT_IN[0].mutations() if one.name == name]
    line, changed = mutation.remedy(case), mutation.change(case)
    assert line == PolicyLine(("plan", "cells", "A3", "required_metrics"), ["a_loss"])
    assert isinstance(changed, Evidence)
    found = evaluate(with_line(policy, line), changed).checks
    failed = {
        check.subject for check in found if (check.kind, check.status) == ("required_metric", Status.FAIL)
    }
    assert failed == {"a_loss"}
