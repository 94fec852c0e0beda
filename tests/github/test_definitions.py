"""A pull request does not choose the metric definition: the base branch's is shown beside it, and may count."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from smoke_gate.collect.definitions import definition_sha256
from smoke_gate.evidence import Evidence
from smoke_gate.policy_file.formats import effective_yaml
from tests.github.runner import Runner, Step, pull_request, workflow_run
from tests.github.server import Pull, Token
from tests.github.waits import HEAD
from tests.support.matrix import passing_matrix, passing_policy

FORK = "f" * 40
SECOND = workflow_run(FORK)
MAIN = "refs/heads/main"
FIGURES_OFF = {"enabled": False, "reason": "they name a definition too"}
FILES = {
    "definition.json": ('{"metric": "pape", "of": "peak"}', '{"metric": "pape", "of": "nothing"}'),
    "definition.yml": ("metric: pape\nof: peak\n", "metric: pape\nof: nothing\n"),
}


def policy_naming(file: str) -> str:
    gates = {"definition_hash": {"expected": {"file": file}}, "figures": FIGURES_OFF}
    return effective_yaml(passing_policy(gates=gates))


def computed(file: Path) -> Evidence:
    """Return the evidence of runs that computed what the checkout's file says."""
    evidence, sha256 = passing_matrix(), definition_sha256(file)
    runs = [
        replace(run, params={**run.params, "pape_definition_hash": sha256}, payload=None)
        for run in evidence.runs
    ]
    return replace(evidence, runs=tuple(runs), registrations=(), definition_sha256=sha256)


@pytest.fixture(params=FILES)
def name(request, runner, github) -> str:
    """A definition that main has, and of which the checkout has another one."""
    file = str(request.param)
    both(runner, github, "smoke-gate.yml", policy_naming(file))
    ours, theirs = FILES[file]
    both(runner, github, file, ours)
    (runner.workspace / file).write_text(theirs)
    github.pulls[9] = Pull(9, FORK, label="fork:main")
    github.tokens["read-only"] = Token(may_comment=False, may_set_status=False)
    return file


def both(runner, github, path: str, text: str) -> None:
    (runner.workspace / path).parent.mkdir(exist_ok=True)
    (runner.workspace / path).write_text(text)
    github.files[f"{MAIN}:{path}"] = {"text": text}


def judged(runner: Runner, file: str, **inputs: str) -> Step:
    event, payload = pull_request(7, HEAD)
    return runner.run(computed(runner.workspace / file), event, payload, **inputs)


def claimed(runner: Runner, file: str, **inputs: str) -> Path:
    """Return the verdict file of a fork's job."""
    event, payload = pull_request(9, FORK, fork=True)
    evidence = computed(runner.workspace / file)
    step = runner.run(evidence, event, payload, github_token="read-only", **inputs)
    return Path(step.outputs["verdict_file"])


# --- the job that judges ----------------------------------------------------------------------------------------------


def test_another_definition_is_a_warning_that_shows_the_difference(runner, github, name):
    step = judged(runner, name)
    assert (step.code, step.outputs["verdict"]) == (0, "WARNING")
    found = f"The definition {name} of this pull request differs from that of main."
    assert f"{found} That of this pull request counted." in step.stdout
    body = github.of()[0].body
    assert f"--- definition {name} of main\n+++ definition {name} of this pull request\n" in body
    assert [line for line in body.splitlines() if line[:1] in "+-" and "nothing" in line]


def test_the_bases_definition_counts_where_the_bases_policy_does(runner, name):
    step = judged(runner, name, policy_ref="base")
    assert (step.code, step.outputs["verdict"], step.outputs["critical"]) == (1, "FAIL", "true")
    assert "differs from that of main" not in step.stdout
    document = json.loads(Path(step.outputs["verdict_file"]).read_text())
    (runner.workspace / name).write_text(FILES[name][0])
    expected = {"sha256": definition_sha256(runner.workspace / name)}
    assert document["policy"]["gates"]["definition_hash"]["expected"] == expected


@pytest.mark.parametrize("policy_ref", ["head", "base"])
def test_the_same_definition_in_another_form_is_no_change(runner, name, policy_ref):
    """spec: base-policy"""
    text = FILES[name][0]
    (runner.workspace / name).write_text(f"\n{text}\n" if name.endswith(".json") else f"# pape\r\n{text}")
    step = judged(runner, name, policy_ref=policy_ref)
    assert (step.code, step.outputs["verdict"]) == (0, "ALL PASS")


def test_a_change_that_no_line_shows_is_one(runner, github, name):
    file = "folded.yml"  # where the last line's end is a part of the value
    both(runner, github, "smoke-gate.yml", policy_naming(file))
    both(runner, github, file, "metric: |\n  pape\n")
    (runner.workspace / file).write_text("metric: |\n  pape")
    assert judged(runner, file).outputs["verdict"] == "WARNING"
    assert judged(runner, file, policy_ref="base").outputs["verdict"] == "FAIL"


def test_changes_of_the_policy_and_of_the_definition_are_both_told(runner, github, name):
    policy = runner.workspace / "smoke-gate.yml"
    policy.write_text(policy.read_text().replace("fail_threshold: 2", "fail_threshold: 12"))
    step = judged(runner, name)
    body = github.of()[0].body
    assert "The policy of this pull request differs from that of main." in step.stdout
    assert "+    fail_threshold: 12" in body
    assert f"+++ definition {name} of this pull request" in body


def test_a_definition_is_named_from_the_policys_folder(runner, github):
    both(runner, github, "gates/policy.yml", policy_naming("../definition.json"))
    both(runner, github, "definition.json", FILES["definition.json"][0])
    assert judged(runner, "definition.json", policy="gates/policy.yml").outputs["verdict"] == "ALL PASS"
    assert judged(runner, "definition.json", policy="gates/policy.yml", policy_ref="base").code == 0


def test_a_definition_that_the_base_does_not_have_warns_and_is_an_error_where_its_counts(
    runner, github, name
):
    del github.files[f"{MAIN}:{name}"]
    step = judged(runner, name)
    assert step.outputs["verdict"] == "WARNING"
    assert f"There is no definition {name} in main, and there is one in this pull request." in step.stdout
    step = judged(runner, name, policy_ref="base")
    assert (step.code, step.outputs["verdict"]) == (2, "ERROR")
    assert f"the policy names the definition {name}, and main has no such file" in step.stderr


@pytest.mark.parametrize(
    ("blob", "code", "told"),
    [
        ({"text": "["}, 2, "in main, the definition file {name} "),
        ({"text": None}, 3, "the definition {name} of main could not be read: "),
    ],
    ids=["no definition", "no text"],
)
def test_a_definition_of_the_base_that_cannot_be_read_warns_and_is_an_error_where_it_counts(
    runner, github, name, blob, code, told
):
    github.files[f"{MAIN}:{name}"] = blob
    said = told.format(name=name)
    step = judged(runner, name)
    assert step.outputs["verdict"] == "WARNING"
    assert f"{said[0].upper()}{said[1:]}" in step.stdout
    assert "Whether this pull request has another one is not known." in step.stdout
    step = judged(runner, name, policy_ref="base")
    assert (step.code, step.outputs["verdict"]) == (code, "ERROR")
    assert said in step.stderr


def test_a_definition_that_the_pull_request_removes_is_that_of_main_where_mains_counts(runner, name):
    evidence = computed(runner.workspace / name)
    (runner.workspace / name).unlink()
    step = runner.run(evidence, *pull_request(7, HEAD), policy_ref="base")
    assert step.outputs["verdict"] == "FAIL"
    document = json.loads(Path(step.outputs["verdict_file"]).read_text())
    (runner.workspace / name).write_text(FILES[name][0])
    expected = {"sha256": definition_sha256(runner.workspace / name)}
    assert document["policy"]["gates"]["definition_hash"]["expected"] == expected


# --- the job that publishes -------------------------------------------------------------------------------------------


def test_the_definition_that_a_verdict_file_was_held_against_is_held_against_mains(runner, github, name):
    file = claimed(runner, name)
    step = runner.publish(file, *SECOND)
    assert (step.code, step.outputs["verdict"]) == (0, "WARNING")
    assert f"The definition {name} of this pull request differs from that of main." in step.stdout
    assert f"+sha256: {definition_sha256(runner.workspace / name)}" in github.of()[0].body
    step = runner.publish(file, *SECOND, policy_ref="base")
    assert (step.code, step.outputs["verdict"], step.outputs["critical"]) == (1, "FAIL", "true")


@pytest.mark.parametrize("judging", ["head", "base"])
@pytest.mark.parametrize("publishing", ["head", "base"])
def test_the_same_definition_passes_whoever_named_it(runner, name, judging, publishing):
    (runner.workspace / name).write_text(FILES[name][0])
    file = claimed(runner, name, policy_ref=judging)
    assert runner.publish(file, *SECOND, policy_ref=publishing).outputs["verdict"] == "ALL PASS"


def test_a_hash_that_a_verdict_file_makes_up_is_a_difference(runner, github, name):
    file = claimed(runner, name)
    document = json.loads(file.read_text())
    document["policy"]["gates"]["definition_hash"]["expected"] = {"file": name}
    document["evidence"]["definition_sha256"] = "no hash"
    file.write_text(json.dumps(document))
    assert runner.publish(file, *SECOND).outputs["verdict"] == "FAIL"
    assert "sha256: no hash" in github.of()[0].body


def test_publishing_needs_mains_definition_too(runner, github, name):
    file = claimed(runner, name)
    del github.files[f"{MAIN}:{name}"]
    step = runner.publish(file, *SECOND)
    assert step.outputs["verdict"] == "WARNING"
    assert f"The policy names the definition {name}, and main has no such file." in step.stdout
    step = runner.publish(file, *SECOND, policy_ref="base")
    assert (step.code, step.outputs["verdict"]) == (2, "ERROR")
