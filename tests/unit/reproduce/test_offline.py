import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smoke_gate import __version__
from smoke_gate.evidence import PolicyChange
from smoke_gate.evidence_json import evidence_json
from smoke_gate.hashing import canonical_json, sha256_hex
from smoke_gate.policy.model import Policy
from smoke_gate.report.judgement import Judgement
from smoke_gate.reproduce import Replay, ReplayOutcome, offline, replay
from smoke_gate.reproduce.offline import DERIVED, NOT_COVERED, POLICY_NOT_COVERED
from smoke_gate.reproduce.wording import replay_text
from smoke_gate.verdict_file.read import VerdictFileError, read_document
from smoke_gate.verdict_file.write import document_json, document_text
from tests.support.matrix import passing_matrix, passing_policy, with_another_attempt, with_attempt, with_run
from tests.unit.report.judgements import HOSTILE, judgement

WAIVERS = [{"gate": "G3", "cell": "A3", "reason": HOSTILE, "expires": "2030-01-01"}]
REFERENCES = [{"metric": "pape", "low": 9, "high": 10, "n": 2, "tolerance": 0.5, "source": "Kim 2024"}]
SMALL = passing_policy(
    plan={"cells": {"A3": {"expect": {"use_vq": "True"}}}, "seeds": ["42", "123"]},
    waivers=WAIVERS,
    references=REFERENCES,
    report={"metrics": ["pape"], "reference_cell": "A3"},
)


def small(policy: Policy = SMALL) -> Judgement:
    evidence = with_another_attempt(passing_matrix(["A3"], ["42", "123"]), "A3/42", "killed", status="KILLED")
    evidence = with_run(evidence, "A3/42", checkpoints=())
    return judgement(
        policy, replace(evidence, policy_change=PolicyChange(found="They differ.", difference=("-a", "+b")))
    )


def written(document: Any, folder: Path) -> Path:
    path = folder / "verdict.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def again(path: Path) -> Replay:
    return replay(read_document(path), path)


CASES = {
    "all pass": judgement,
    "small": small,
    "fail": lambda: judgement(
        evidence=with_run(passing_matrix(), "A3/42", params={"pape_definition_hash": None})
    ),
    "pending": lambda: judgement(evidence=with_attempt(passing_matrix(), "A3/42", status="RUNNING")),
    "nothing found": lambda: judgement(evidence=replace(passing_matrix(), attempts=(), runs=())),
    "narrowed": lambda: judgement(passing_policy(narrowed={"cells": ["A3"], "seeds": None})),
    "basic": lambda: judgement(passing_policy(profile="basic")),
    "hostile": lambda: judgement(
        evidence=with_run(passing_matrix(), "A3/42", params={"vq_input_unit": HOSTILE})
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_verdict_is_reproduced_from_its_file(case, tmp_path):
    """spec: replay"""
    result = again(written(document_json(case().document), tmp_path))
    assert (result.outcome, result.findings, result.versions) == (ReplayOutcome.REPRODUCED, (), None)


def test_layout_is_no_content(tmp_path):
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(document_json(judgement().document), indent=4, ensure_ascii=True))
    assert again(path).outcome is ReplayOutcome.REPRODUCED


def test_the_order_of_the_plan_is_content(tmp_path):
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(document_json(judgement().document), sort_keys=True))
    assert again(path).findings == ("attempts: the same entries, in another order",)


# --- what is changed is seen ------------------------------------------------------------------------------------------


def test_changed_evidence_is_tampering(tmp_path):
    """spec: verdict-file-hashes"""
    document = document_json(judgement().document)
    document["evidence"]["runs"][0]["metrics"]["pape"] = "1.0"
    result = again(written(document, tmp_path))
    assert result.outcome is ReplayOutcome.TAMPERED
    assert result.findings[0].startswith("the evidence does not match its hash (the file says ")


def test_a_changed_policy_is_tampering(tmp_path):
    document = document_json(judgement().document)
    document["policy"]["gates"]["metric_ratio"]["fail_threshold"] = 9
    result = again(written(document, tmp_path))
    assert result.outcome is ReplayOutcome.TAMPERED
    assert result.findings[0].startswith("the policy does not match its hash")


def test_a_policy_without_a_hashed_part_is_tampering(tmp_path):
    document = document_json(judgement().document)
    del document["policy"]["gates"]
    assert again(written(document, tmp_path)).outcome is ReplayOutcome.TAMPERED


def test_changed_evidence_with_a_new_hash_differs(tmp_path):
    """A file that is not signed can be made anew; then the rest of it gives that away, unless all of it is forged."""
    document = document_json(judgement().document)
    facts = evidence_json(with_run(passing_matrix(), "A3/42", checkpoints=()))
    document["evidence"], document["evidence_sha256"] = facts, sha256_hex(canonical_json(facts))
    result = again(written(document, tmp_path))
    assert result.outcome is ReplayOutcome.DIFFERS
    assert 'verdict: the file says "ALL PASS", its evidence gives "FAIL"' in result.findings
    assert (
        'gates G3: status: the file says "PASS", its evidence gives "FAIL"' in result.findings
    )  # and the others agree
    assert not [line for line in result.findings if line.startswith("gates G1")]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list) and value:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, key))
    else:
        yield path


def shapes(document: Any) -> list[tuple[Any, ...]]:
    """Return one path for each kind of field: list entries count once."""
    return list(
        {
            tuple("*" if isinstance(key, int) else key for key in path): path for path in leaves(document)
        }.values()
    )


def other(value: object) -> object:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value[:-1] + ("0" if value[-1:] != "0" else "1")
        case None:
            return "0"
        case list():
            return ["0"]
        case _:
            return {"0": "0"}


def covered(document: Any) -> str:
    """Return a document without what no hash and no replay covers."""
    plain = {key: value for key, value in document.items() if key not in NOT_COVERED}
    policy = {key: value for key, value in document["policy"].items() if key not in POLICY_NOT_COVERED}
    return json.dumps({**plain, "policy": policy}, sort_keys=True)


def outcome_of(path: Path) -> str:
    """Return what became of a file: how its replay came out, or that it was refused."""
    try:
        return again(path).outcome
    except VerdictFileError:
        return "refused"


DOCUMENT = json.loads(document_text(small().document))


@pytest.mark.parametrize("path", shapes(DOCUMENT), ids=lambda path: ".".join(map(str, path)))
def test_a_change_of_any_field_is_refused_or_changes_nothing_that_matters(path, tmp_path):
    document = copy.deepcopy(DOCUMENT)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = other(place[path[-1]])
    free = path[0] in NOT_COVERED or (path[0] == "policy" and path[1] in POLICY_NOT_COVERED)
    outcome = outcome_of(written(document, tmp_path))
    assert outcome != ReplayOutcome.REPRODUCED or free
    if path[0] in DERIVED:
        assert outcome in (ReplayOutcome.DIFFERS, "refused")


TEXT = document_text(small().document).encode()


@given(position=st.integers(0, len(TEXT) - 1), byte=st.integers(0, 255), way=st.sampled_from("=+-"))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_change_of_any_byte_is_refused_or_changes_nothing_that_matters(tmp_path, position, byte, way):
    """spec: replay"""
    new = b"" if way == "-" else bytes([byte])
    path = tmp_path / "verdict.json"
    path.write_bytes(TEXT[:position] + new + TEXT[position + (way != "+") :])
    if outcome_of(path) is ReplayOutcome.REPRODUCED:
        assert covered(json.loads(path.read_bytes())) == covered(DOCUMENT)


@pytest.mark.parametrize("key", NOT_COVERED)
def test_what_is_not_covered_really_decides_nothing(key, tmp_path):
    document = copy.deepcopy(DOCUMENT)
    document[key] = {
        "created_at": "2000-01-01T00:00:00Z",
        "tool": {"name": "smoke-gate", "version": "99.0", "image_digest": "x"},
        "context": {**document["context"], "repository": "some/other"},
        "source": {"tracking_uri": "elsewhere", "experiments": []},
        "pictures": {"drawn": [], "notes": []},
    }[key]
    assert outcome_of(written(document, tmp_path)) is ReplayOutcome.REPRODUCED


# --- versions ---------------------------------------------------------------------------------------------------------


def made_by(version: str, folder: Path) -> Replay:
    document = document_json(judgement().document)
    document["tool"]["version"] = version
    document["gates"][3]["message"] = "in other words"
    return again(written(document, folder))


def test_another_version_is_named_where_the_outcome_differs(tmp_path):
    assert "no change of semantics is recorded" in (made_by("0.0.1", tmp_path).versions or "")


@pytest.mark.parametrize(
    ("made", "named"), [("0.0.3", True), ("0.0.4", False), ("0.0.4.dev1", False), ("0.0.10", False)]
)
def test_a_change_of_semantics_between_the_versions_is_named(made, named, tmp_path, monkeypatch):
    monkeypatch.setattr(offline, "__version__", "0.0.11")
    monkeypatch.setattr(offline, "SEMANTIC_CHANGES", {"0.0.4": "G3 counts models"})
    said = made_by(made, tmp_path).versions or ""
    assert said.startswith(f"made by version {made}")
    assert ("whose semantics changed in 0.0.4 (G3 counts models)" in said) is named


def test_an_absurd_version_is_shortened(tmp_path):
    result = made_by("9" * 5000, tmp_path)
    assert result.versions == (
        f"made by version {'9' * 39}…, this is {__version__}; no change of semantics is recorded between them"
    )
    assert f"Repeat it with version {'9' * 39}…, or with --docker." in replay_text(result)


def test_the_same_version_explains_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(offline, "__version__", "1.2.3")
    assert made_by("1.2.3", tmp_path).versions is None


# --- alone ------------------------------------------------------------------------------------------------------------


def test_it_needs_no_mlflow_and_no_network(tmp_path):
    """spec: replay"""
    path = written(document_json(judgement().document), tmp_path)
    program = f"""
import socket, sys
def refused(*_): raise AssertionError("a network was asked for")
socket.socket.connect = socket.getaddrinfo = refused
from smoke_gate.cli.reproduce import reproduce
code = reproduce.main([{str(path)!r}], standalone_mode=False)
loaded = [name for name in ("mlflow", "docker", "matplotlib", "github") if name in sys.modules]
sys.exit(f"loaded: {{loaded}}" if loaded else code)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("reproduced: ALL PASS")
