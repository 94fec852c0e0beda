"""Gates of other packages: one that is faulty, in whatever way, is FAIL with its name; never a crash, never a pass."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from smoke_gate.bite import bite
from smoke_gate.gates import BUILT_IN, all_gates, gates_of, needs_of
from smoke_gate.gates.base import Plugin, Status
from smoke_gate.gates.plugins import installed, missing
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.consistency import inconsistencies
from smoke_gate.policy_file.errors import PolicyError
from smoke_gate.policy_file.formats import policy_from_json, policy_json
from smoke_gate.policy_file.schema import policy_schema
from smoke_gate.report.explain import explain, gates_page
from smoke_gate.report.html import html
from smoke_gate.report.junit import junit
from smoke_gate.report.markdown import markdown
from smoke_gate.verdict import GateResult, VerdictStatus, evaluate
from smoke_gate.verdict_file.schema import verdict_schema
from smoke_gate.verdict_file.write import document_text
from tests.support.matrix import passing_matrix, passing_policy, with_run
from tests.support.plugin import GATE, install
from tests.unit.policy.reading import load, problem, with_plan
from tests.unit.report.judgements import judgement

VERDICTS = jsonschema.Draft202012Validator(verdict_schema())
CELLS = ["B0", "A3"]
PASSING = passing_matrix(CELLS, ["42"])
for _cell in CELLS:
    PASSING = with_run(PASSING, f"{_cell}/42", params={"device": "cpu"}, metrics={"latency": "0.5"})


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder in which packages are installed; they are forgotten afterwards."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(folder) in str(sys.modules[name].__file__):
            del sys.modules[name]
    installed.cache_clear()
    missing.cache_clear()


def policy_with(**gates: Any) -> Policy:
    return passing_policy(plan={"cells": CELLS, "seeds": ["42"]}, gates=gates)


def policy(**section: Any) -> Policy:
    return policy_with(latency=section)


def changed(*replacements: tuple[str, str]) -> str:
    """Return the gate's module with other text in some places."""
    source = GATE
    for old, new in replacements:
        assert old in source
        source = source.replace(old, new)
    return source


def result_of(policy: Policy) -> GateResult:
    """Evaluate the passing matrix, write all reports of it, and return the plug-in's result."""
    judged = judgement(policy, PASSING)
    VERDICTS.validate(json.loads(document_text(judged.document)))
    result = judged.verdict.gates[-1]
    for report in (markdown(judged), html(judged), "".join(junit(judged))):
        assert result.id in report
    return result


# --- one that works ---------------------------------------------------------------------------------------------------


def test_a_plugin_judges_beside_the_others(packages):
    """spec: plugin-section"""
    install(packages)
    result = result_of(policy())
    assert (result.id, result.name, result.status) == ("L1", "latency", Status.PASS)
    assert result.plugin == Plugin(name="latency-gate", version="1.2.3")
    slow = evaluate(policy(most=0.1), PASSING)
    assert (slow.status, slow.gates[-1].status) == (VerdictStatus.FAIL, Status.FAIL)


def test_it_runs_only_where_the_policy_has_its_section(packages):
    """spec: plugin-section"""
    install(packages)
    assert [result.id for result in evaluate(policy_with(), PASSING).gates] == [gate.id for gate in BUILT_IN]


def test_its_facts_are_read_and_its_cells_are_known(packages):
    install(packages)
    assert "device" in needs_of(policy()).params
    assert "device" not in needs_of(policy(enabled=False, reason="slow machine")).params
    assert inconsistencies(policy(cells=[CELLS[0]])) == []
    ((place, _),) = inconsistencies(policy(cells=["none"]))
    assert place == ("gates", "latency", "cells", 0)


def test_a_waiver_may_name_it(packages, tmp_path):
    install(packages)
    text = "gates: {latency: {}}\nwaivers: [{gate: L1, reason: r, expires: 2026-12-31}]"
    assert load(tmp_path, with_plan(text)).waivers[0].gate == "L1"


def test_its_settings_are_checked_like_others(packages, tmp_path):
    install(packages)
    assert problem(tmp_path, with_plan("gates: {latency: {mots: 1}}"))[2].startswith(
        "unknown key; did you mean 'most'?"
    )


def test_it_is_explained_and_stands_in_the_schema_and_on_the_page(packages):
    install(packages)
    assert "L1  latency" in explain()
    assert explain("l1") == explain("latency")
    assert "# The longest time of a prediction that is good, in seconds." in explain("L1")
    assert "## L1 latency: Predictions are fast enough" in gates_page()
    sections = policy_schema()["$defs"]["Gates"]["properties"]
    assert list(sections)[-1] == "latency"
    jsonschema.validate({"version": 1, "gates": {"latency": {"most": 2}}}, policy_schema())


def test_what_is_not_there_costs_no_look_at_what_is_installed(monkeypatch):
    def looked(**_facts: object) -> None:
        raise AssertionError("what is installed was looked at")

    monkeypatch.setattr("smoke_gate.gates.plugins.entry_points", looked)
    assert evaluate(policy_with(), PASSING).status is VerdictStatus.ALL_PASS
    assert explain("G2")


# --- one that is not there --------------------------------------------------------------------------------------------


def test_a_section_without_a_gate_asks_for_the_package(tmp_path):
    """spec: plugin-section"""
    place, key, message = problem(tmp_path, with_plan("gates: {latency: {most: 2}}"))
    assert (place, key) == ("6:9", "gates.latency")
    assert message.endswith("Is the package that brings this gate installed?")


@pytest.mark.parametrize("waivers", [[], [{"gate": "L1", "reason": "r", "expires": "2026-12-31"}]])
def test_a_recorded_policy_of_a_gate_that_is_not_installed_fails_with_its_name(waivers):
    """spec: plugin-faulty"""
    recorded = policy_json(policy_with())
    recorded["gates"]["latency"] = {"enabled": True, "most": 2.0}
    recorded["waivers"] = [
        {"cell": None, "seed": None, "run_id": None, "subject": None, **waiver} for waiver in waivers
    ]
    result = result_of(policy_from_json(recorded))
    assert (result.name, result.status) == ("latency", Status.FAIL)
    assert "No gate 'latency' is installed here" in result.message


@pytest.mark.parametrize(
    "section", ["_x", "model_config", "by_section", "copy", "A", "a b", "", "x\n", "__init__"]
)
def test_no_section_of_a_strangers_policy_is_a_crash(section):
    recorded = policy_json(policy_with())
    recorded["gates"][section] = {}
    with pytest.raises(PolicyError, match="unknown key"):
        policy_from_json(recorded)


# --- one that is faulty -----------------------------------------------------------------------------------------------

FAULTY = {
    "raises on import": ("1 / 0", "cannot be loaded: ZeroDivisionError"),
    "ends the program on import": ("raise SystemExit(0)", "cannot be loaded: SystemExit: 0"),
    "lacks the gate": ("OTHER = 1", "has no attribute 'GATE'"),
    "is not Python": ("def", "cannot be loaded: SyntaxError"),
    "is not a gate": ("GATE = 'L1'", "it is str, expected smoke_gate.gates.base.Gate"),
    "is a gate's class": ("from smoke_gate.gates.base import Gate as GATE", "it is type, expected"),
    "has a bad id": (changed(('id="L1"', 'id="l1"')), "its id is 'l1', expected capital letters"),
    "has a number as its id": (changed(('id="L1"', "id=1")), "its id is '1', expected capital letters"),
    "has a taken id": (changed(('id="L1"', 'id="G2"')), "its id is 'G2', expected capital letters"),
    "has another section": (changed(('section="latency"', 'section="speed"')), "its section is 'speed'"),
    "has no settings": (changed(("settings=LatencySettings", "settings=None")), "settings"),
    "has another's settings": (
        changed(("settings=LatencySettings", "settings=ThresholdSettings")), "those of another gate",
    ),
    "has settings without a default": (changed(('device: Text = "cpu"', "device: Text")), "Field required"),
    "has no explanation": (changed(("explanation=Explanation(", "explanation=dict(")), "cannot be used"),
    "has an explanation without words": (
        changed(('question="Does a prediction take at most as long as it may?"', "question=1")), "question",
    ),
    "has no judge": (changed(("judge=judge", "judge=None")), "judge"),
    "has a broken place": (changed(('"the run\'s metrics: {}"', '"{name}"')), "KeyError: 'name'"),
    "raises in needs": (changed(("    return Needs(params", "    1 / 0\n    return Needs(params")), "ZeroDivision"),
    "needs nothing that it may": (
        changed(('return Needs(params=frozenset({"device"}))', "return None")), "returned NoneType, expected Needs",
    ),
    "needs odd keys": (changed(('frozenset({"device"})', "1")), "frozenset"),
    "raises in cells": (changed(('    yield ("cells",), settings.cells', "    1 / 0\n    yield")), "ZeroDivisionError"),
    "has odd cells": (changed(('    yield ("cells",), settings.cells', "    return [1]")), "tuple"),
    "raises in defaults": (changed(("    cells=cells,", "    cells=cells, defaults=lambda policy: 1 / 0,")), "Zero"),
    "has odd defaults": (
        changed(("    cells=cells,", "    cells=cells, defaults=lambda policy: [1],")), "expected Defaults",
    ),
    "raises in judge": (changed(("    checks = []", "    1 / 0")), "ZeroDivisionError"),
    "ends the program in judge": (changed(("    checks = []", "    raise SystemExit(0)")), "SystemExit: 0"),
    "raises what cannot be said": (
        changed(("    checks = []", "    raise type('Odd', (Exception,), {'__str__': lambda self: 1})")), "Odd",
    ),
    "returns nothing": (changed(("    return Outcome(", "    Outcome(")), "returned NoneType, expected an Outcome"),
    "returns no checks": (changed(("checks=tuple(checks)", "checks=None")), "NoneType"),
    "returns a text as a check": (changed(("checks=tuple(checks)", "checks=('PASS',)")), "not one of L1: 'PASS'"),
    "judged more than it should": (
        changed(("evaluated=len(case.judged)", "evaluated=1000")), "says that it judged 1000 of 2 runs",
    ),
    "judged less than nothing": (changed(("evaluated=len(case.judged)", "evaluated=-1")), "judged -1 of 2 runs"),
    "judged more than is planned": (
        changed(("expected=len(case.matrix.places), evaluated=len(case.judged)", "expected=9, evaluated=9")),
        "judged 9 of 9 runs, and 2 are planned",
    ),
    "counts in words": (changed(("evaluated=len(case.judged)", "evaluated='all'")), "judged 'all' of 2 runs"),
    "judged none": (
        changed(("evaluated=len(case.judged)", "evaluated=0")), "None of the 2 runs that the gate applies to",
    ),
    "has a check of another gate": (changed(('judged.check("L1"', 'judged.check("G2"')), "not one of L1"),
    "has a check without a subject": (changed(('status, "latency", message', "status, None, message")), "subject"),
    "has a check with an odd status": (changed(('status, "latency", message', "'PASS', 'a', message")), "status"),
    "has a check with an odd kind": (changed(('"L1", "latency", status', '"L1", "\\x00 <b>", status')), "kind"),
    "has a check with an odd value": (changed(("observed=found)", "observed=0.5)")), "observed"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "said"), FAULTY.values(), ids=FAULTY)
def test_a_faulty_gate_fails_with_its_name(packages, source, said):
    """spec: plugin-faulty"""
    install(packages, source)
    asked = policy()
    verdict = evaluate(asked, PASSING)
    result = result_of(asked)
    assert (verdict.status, result.status, result.name) == (VerdictStatus.FAIL, Status.FAIL, "latency")
    assert any(said in check.message for check in verdict.checks if check.gate == result.id)
    assert [one.status for one in verdict.gates[:-1]] == [Status.PASS] * len(BUILT_IN)
    assert len({gate.id for gate in gates_of(asked)}) == len(gates_of(asked))
    assert policy_from_json(policy_json(asked)) == asked
    assert "latency" in explain()
    assert "latency" in gates_page()
    assert "latency" in policy_schema()["$defs"]["Gates"]["properties"]


def test_a_text_in_place_of_a_message_can_do_nothing(packages):
    text = "@octocat <b> [x](http://e.example)"
    slow = changed(("message, observed", f"{text!r}, observed"), ("<= settings.most", "< 0"))
    install(packages, slow)
    judged = judgement(policy(), PASSING)
    failing = [check for check in judged.verdict.checks if check.gate == "L1"]
    assert {(check.status, check.message) for check in failing} == {(Status.FAIL, text)}
    assert "@octocat" not in markdown(judged)
    assert "<b>" not in markdown(judged)


def test_a_check_cannot_waive_itself(packages):
    replaced = "replace(judged.check('L1', 'latency', Status.FAIL, 'latency', message), waived='by me')"
    install(
        packages,
        changed(
            ('judged.check("L1", "latency", status, "latency", message, observed=found)', replaced),
            ("from smoke_gate.gates.needs", "from dataclasses import replace\nfrom smoke_gate.gates.needs"),
        ),
    )
    assert result_of(policy()).status is Status.FAIL


def test_settings_that_raise_anything_are_a_problem_of_the_policy(packages, tmp_path):
    validator = '    @field_validator("most")\n    @classmethod\n    def _ok(cls, value):\n'
    validator += "        return value / (7 - value)\n\n"
    source = changed(
        ("def needs(policy)", f"{validator}\ndef needs(policy)"),
        ("from smoke_gate.gates.base", "from pydantic import field_validator\nfrom smoke_gate.gates.base"),
    )
    install(packages, source)
    found = problem(tmp_path, with_plan("gates: {latency: {most: 7}}"))
    assert found[1] == "gates.latency"
    assert "ZeroDivisionError" in found[2]


def test_two_gates_of_one_id_are_not_mixed_up(packages):
    install(packages)
    again = changed(('section="latency"', 'section="second"'))
    install(packages, again, section="second", module="second_gate")
    asked = policy_with(latency={}, second={})
    results = evaluate(asked, PASSING).gates[-2:]
    assert [(result.id, result.status) for result in results] == [
        ("L1", Status.PASS),
        ("SECOND", Status.FAIL),
    ]


def test_a_section_like_a_built_in_id_is_another_gate(packages):
    install(packages, "1 / 0", section="g1")
    verdict = evaluate(policy_with(g1={}), PASSING)
    assert [result.id for result in verdict.gates[-1:]] == ["XG1"]
    assert [result.status for result in verdict.gates if result.id == "G1"] == [Status.PASS]


def test_every_installed_gate_is_known(packages):
    install(packages)
    install(packages, "1 / 0", section="broken", module="broken_gate")
    assert [gate.section for gate in all_gates()[len(BUILT_IN) :]] == ["broken", "latency"]
    assert all_gates()[-1].plugin == Plugin(name="latency-gate", version="1.2.3")


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("return (Mutation(", "return 1 / 0 or (Mutation(", []),
        ("return (Mutation(", 'return ("slower",) or (Mutation(', []),
        (
            "def slower(case):",
            "def slower(case):\n    raise SystemExit(0)",
            ["It could not be made: SystemExit: 0."],
        ),
        ("def slower(case):", "def slower(case):\n    return 7", ["It could not be made: it returned int."]),
    ],
)
def test_a_faulty_mutation_breaks_nothing(packages, old, new, names):
    install(packages, GATE.replace(old, new))
    found = bite(policy(), PASSING, ["slower"])
    assert [str(one.why) for one in found.every] == names
    assert evaluate(policy(), PASSING).status is VerdictStatus.ALL_PASS
