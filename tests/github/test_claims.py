"""The second workflow: it publishes what another job made, and believes nothing of it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smoke_gate.evidence_json import evidence_from_json
from smoke_gate.hashing import canonical_json, sha256_hex
from smoke_gate.policy_file.formats import policy_from_json, policy_sha256
from smoke_gate.verdict import evaluate
from tests.github.runner import CODE, POLICY, Step, all_pass, fail, other, pull_request, workflow_run
from tests.github.server import REPOSITORY, Pull, Token
from tests.github.waits import HEAD, said

FORK, OTHER = "f" * 40, "c" * 40
SECOND = workflow_run(FORK)
LENIENT = POLICY.replace("fail_threshold: 2", "fail_threshold: 12")
BASE = "refs/heads/main:smoke-gate.yml"


@pytest.fixture
def verdict_file(runner, github):
    """The verdict file of a fork's job, whose token could only read."""
    github.pulls[9] = Pull(9, FORK, label="fork:main")
    github.tokens["read-only"] = Token(may_comment=False, may_set_status=False)
    step = runner.run(all_pass(), *pull_request(9, FORK, fork=True), github_token="read-only")
    assert github.of() == []
    return Path(step.outputs["verdict_file"])


def edited(file: Path, **changes) -> Path:
    document = {**json.loads(file.read_text()), **changes}
    made = file.with_name("edited.json")
    made.write_text(json.dumps(document))
    return made


def forged(file: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change a verdict file as somebody would who knows how it is checked: it agrees with itself."""
    document = json.loads(file.read_text())
    change(document)
    policy, evidence = policy_from_json(document["policy"]), evidence_from_json(document["evidence"])
    verdict = evaluate(policy, evidence)
    document |= {
        "policy_sha256": policy_sha256(policy),
        "evidence_sha256": sha256_hex(canonical_json(document["evidence"])),
        "verdict": verdict.status.value,
        "critical": verdict.critical,
        "pending": verdict.pending,
    }
    made = file.with_name("forged.json")
    made.write_text(json.dumps(document))
    return made


def with_lenient_policy(document: dict[str, Any]) -> None:
    """Let the units of the run that has wrong ones pass."""
    document["policy"]["gates"]["unit_contract"]["rules"][0]["equal"] = []
    document["evidence"]["runs"][6]["params"]["vq_input_unit"] = "kW"


def test_the_second_workflow_publishes_the_verdict(runner, github, verdict_file):
    step = runner.publish(verdict_file, *workflow_run("f" * 40), commit_status="smoke-gate")
    assert step.code == 0
    (note,) = github.of()
    assert note.pull == 9
    assert "Smoke gate: ALL PASS" in note.body
    assert said(note.body).run_id == 100
    assert github.statuses[0]["sha"] == "f" * 40
    assert github.statuses[0]["target_url"].endswith("/actions/runs/200")
    assert step.outputs["verdict"] == "ALL PASS"
    assert step.outputs["published"] == "true"


def test_the_actions_publish_input_does_the_same(runner, github, verdict_file):
    step = runner.run(fail(), *workflow_run("f" * 40), publish=str(verdict_file))
    assert step.code == 0
    assert [note.pull for note in github.of()] == [9]


def test_nothing_that_the_first_job_wrote_is_posted(runner, github, verdict_file):
    """spec: publish-evidence-only"""
    claim = edited(verdict_file, headline="@everyone look at my page", verdict="ALL PASS")
    runner.publish(claim, *workflow_run("f" * 40))
    assert "everyone" not in github.of()[0].body


def test_a_claim_that_its_evidence_does_not_bear_out_fails(runner, github, verdict_file):
    """spec: publish-claim"""
    claim = edited(verdict_file, verdict="FAIL")
    step = runner.publish(claim, *workflow_run("f" * 40))
    assert step.code == 1
    assert 'verdict: the file says "FAIL", its evidence gives "ALL PASS"' in step.stderr
    assert "Smoke gate: ALL PASS" not in github.of()[0].body


def test_forged_evidence_does_not_make_a_pass(runner, github, verdict_file):
    """spec: publish-evidence-only"""
    evidence = json.loads(verdict_file.read_text())["evidence"]
    evidence["runs"][0]["params"]["pape_definition_hash"] = "0" * 64
    step = runner.publish(edited(verdict_file, evidence=evidence), *workflow_run("f" * 40))
    assert step.code == 1
    assert step.outputs["critical"] == "true"
    assert "CRITICAL FAIL" in github.of()[0].body


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not a verdict file"),
        (b"[" * 100_000, "is not a verdict file"),
        (b'{"schema": NaN}', "it holds NaN"),
        (b'{"schema": "smoke-gate/verdict/v1"}', "is not a verdict file"),
        (b" " * (64 * 1024 * 1024 + 1), "is larger than 64 MiB"),
        (None, "cannot be read"),
    ],
    ids=["no JSON", "too deep", "NaN", "too little", "too large", "absent"],
)
def test_what_is_no_verdict_file_is_refused(runner, github, content, message):
    file = runner.workspace / "verdict.json"
    if content is not None:
        file.write_bytes(content)
    step = runner.publish(file, *workflow_run(HEAD, owner="lab", branch="feature"))
    assert step.code == 2
    assert step.outputs["verdict"] == "ERROR"
    assert message in step.stderr
    assert "Smoke gate: ERROR" in github.of()[0].body


def test_a_file_with_more_than_the_schema_knows_is_refused(runner, verdict_file):
    step = runner.publish(edited(verdict_file, extra="<img>"), *workflow_run("f" * 40))
    assert step.code == 2
    assert "extra" in step.stderr


def test_a_file_about_another_commit_is_refused(runner, github, verdict_file):
    """spec: publish-about"""
    step = runner.publish(verdict_file, *workflow_run(HEAD, owner="lab", branch="feature"))
    assert step.code == 2
    assert "is about commit" in step.stderr


def about_head(commit: str, **context: object) -> Callable[[dict[str, Any]], None]:
    """Let all runs be of a commit that is head, and the file say so much of itself."""

    def change(document: dict[str, Any]) -> None:
        document["context"] |= context
        document["evidence"]["head"]["commit"] = commit
        for attempt in document["evidence"]["attempts"]:
            attempt["commit"] = commit

    return change


def no_head(document: dict[str, Any]) -> None:
    document["evidence"] |= {"head": {"commit": None, "origin": "none"}, "codes": {}}


def another_head(document: dict[str, Any]) -> None:
    document["evidence"]["head"]["commit"] = OTHER


def no_code_known(document: dict[str, Any]) -> None:
    document["evidence"]["codes"] = {}


def code_said_to_be_heads(document: dict[str, Any]) -> None:
    document["evidence"]["head"] = {"commit": FORK, "origin": "pull_request"}
    document["evidence"]["codes"] = {OTHER: {"same_code": "yes", "by": "api"}}


HEADS = [no_head, another_head, no_code_known, code_said_to_be_heads]


@pytest.mark.parametrize("change", HEADS)
@pytest.mark.parametrize(
    ("rule", "verdict"), [("auto", "WARNING"), ("same", "ALL PASS"), ("head", "FAIL"), ("code", "FAIL")]
)
@pytest.mark.parametrize("code", ["other", None], ids=["other code", "unknown code"])
def test_what_a_file_says_of_head_and_of_code_is_asked_again(
    runner, github, verdict_file, change, rule, verdict, code
):
    """spec: publish-policy"""

    def claim(document: dict[str, Any]) -> None:
        about_head(OTHER)(document)
        document["policy"]["runs"]["commit"] = rule
        change(document)

    if code is not None:
        github.files[f"{OTHER}:{CODE}"] = {"text": code}
        github.revisions.add(OTHER)
    github.files[BASE] = {"text": POLICY.replace("commit: auto", f"commit: {rule}")}
    step = runner.publish(forged(verdict_file, claim), *SECOND, policy_ref="base", commit_status="gate")
    assert step.outputs["verdict"] == verdict


@pytest.mark.parametrize("change", HEADS)
def test_the_code_of_head_passes_whatever_the_file_says_of_it(runner, github, verdict_file, change):
    step = runner.publish(forged(verdict_file, change), *SECOND, commit_status="gate")
    assert (step.code, step.outputs["verdict"], github.statuses[-1]["state"]) == (0, "ALL PASS", "success")


@pytest.mark.parametrize(("missing", "kind"), [("sha", "commit"), ("repository", "repository")])
@pytest.mark.parametrize("event", [SECOND, other("workflow_dispatch", FORK)], ids=["second", "dispatch"])
def test_a_file_that_does_not_say_what_it_is_about_is_refused(
    runner, github, verdict_file, missing, kind, event
):
    """spec: publish-about"""
    claim = forged(verdict_file, about_head(FORK, **{missing: None}))
    step = runner.publish(claim, *event, commit_status="gate")
    assert (step.code, step.outputs["verdict"], github.statuses[-1]["state"]) == (2, "ERROR", "error")
    assert f"does not say which {kind} it is about" in step.stderr


def test_a_file_about_another_repository_is_refused(runner, github, verdict_file):
    """spec: publish-about"""
    change = about_head(FORK, repository="somebody/else")
    step = runner.publish(forged(verdict_file, change), *SECOND, commit_status="gate")
    assert (step.code, step.outputs["verdict"], github.statuses[-1]["state"]) == (2, "ERROR", "error")
    assert f"is about repository 'somebody/else', this job about {REPOSITORY}" in step.stderr


@pytest.mark.parametrize(("expires", "verdict"), [("2026-02-01", "FAIL"), ("9999-12-31", "WARNING")])
def test_a_waiver_that_has_expired_does_not_hold_whatever_day_the_file_is_of(
    runner, github, verdict_file, expires, verdict
):
    """spec: publish-claim"""
    waiver = f"waivers:\n- {{gate: G2, cell: A3, reason: known, expires: '{expires}'}}"
    policy = POLICY.replace("waivers: []", waiver)
    github.files[BASE] = {"text": policy}
    (runner.workspace / "smoke-gate.yml").write_text(policy)
    step = runner.run(fail(), *pull_request(9, FORK, fork=True), github_token="read-only")
    file = Path(step.outputs["verdict_file"])
    assert step.outputs["verdict"] == "WARNING"
    assert json.loads(file.read_text())["evidence"]["as_of"] == "2026-01-31"
    assert runner.publish(file, *SECOND).outputs["verdict"] == verdict


def test_publishing_may_be_required(runner, github, verdict_file):
    """spec: action-exit"""
    github.tokens["secret-token"] = Token(may_comment=False)
    event = workflow_run("f" * 40)
    assert runner.publish(verdict_file, *event).code == 0
    assert runner.publish(verdict_file, *event, require_publish=True).code == 3


def test_where_publishing_is_required_there_must_be_a_place(runner, verdict_file):
    event = other("workflow_dispatch", FORK)
    assert runner.publish(verdict_file, *event).outputs["published"] == "true"
    step = runner.publish(verdict_file, *event, require_publish=True)
    assert (step.code, step.outputs["published"]) == (3, "false")
    assert "there is no pull request" in step.stderr
    assert runner.publish(verdict_file, *event, require_publish=True, commit_status="gate").code == 0


# --- the policy that it should have been made with --------------------------------------------------------------------


def test_a_policy_that_the_file_brings_itself_is_shown_and_warns(runner, github, verdict_file):
    """spec: publish-policy"""
    claim = forged(verdict_file, with_lenient_policy)
    assert json.loads(claim.read_text())["verdict"] == "ALL PASS"
    step = runner.publish(claim, *SECOND, commit_status="gate")
    assert (step.code, step.outputs["verdict"]) == (0, "WARNING")
    body = github.of()[0].body
    assert "--- policy of main\n+++ policy of the verdict file\n" in body
    assert re.search(r"^-\s+- - vq_input_unit$|^-\s+equal:$|^\+\s+equal: \[\]$", body, re.MULTILINE)


def test_a_policy_that_the_file_brings_itself_does_not_count_where_the_bases_does(
    runner, github, verdict_file
):
    claim = forged(verdict_file, with_lenient_policy)
    step = runner.run(all_pass(), *SECOND, publish=str(claim), policy_ref="base", commit_status="gate")
    assert (step.code, step.outputs["verdict"]) == (1, "FAIL")
    assert "G2 failed" in github.statuses[-1]["description"]
    assert "Policy of the base branch" not in github.of()[0].body


@pytest.mark.parametrize(
    ("section", "change", "told"),
    [
        ((), {"experiments": ["elsewhere"]}, "experiments"),
        (("runs",), {"where": "tags.keep = 'yes'"}, "runs.where"),
        (("runs",), {"seed": "tags.seed"}, "runs.seed"),
        (("gates", "definition_hash"), {"expected": {"run_id": "own"}}, "gates.definition_hash.expected"),
        (("gates", "checkpoints"), {"max_bytes": 1}, "what the gates read (max_bytes)"),
        (("gates", "figures"), {"paths": ["none/*.png"]}, "what the gates read (figures)"),
    ],
)
def test_evidence_that_another_policy_chose_is_no_evidence_where_the_bases_counts(
    runner, github, verdict_file, section, change, told
):
    def read_otherwise(document: dict[str, Any]) -> None:
        place = document["policy"]
        for key in section:
            place = place[key]
        place |= change

    claim = forged(verdict_file, read_otherwise)
    step = runner.publish(claim, *SECOND, policy_ref="base", commit_status="gate")
    assert (step.code, step.outputs["verdict"], github.statuses[-1]["state"]) == (2, "ERROR", "error")
    assert f"another policy than that of main, which is to count: they differ in {told}. Run" in step.stderr
    assert runner.publish(claim, *SECOND).outputs["verdict"] != "ERROR"  # the difference is shown


def test_a_plan_that_leaves_pairs_out_fails_where_the_bases_counts(runner, github, verdict_file):
    def without_a_cell(document: dict[str, Any]) -> None:
        del document["policy"]["plan"]["cells"]["A3"]
        runs = {one["run_id"] for one in document["evidence"]["attempts"] if one["cell"] == "A3"}
        facts = document["evidence"]["runs"]
        document["evidence"]["runs"] = [one for one in facts if one["run_id"] not in runs]

    step = runner.publish(forged(verdict_file, without_a_cell), *SECOND, policy_ref="base")
    assert (step.code, step.outputs["verdict"]) == (1, "FAIL")


def test_a_change_of_the_policy_cannot_be_kept_quiet(runner, github, verdict_file):
    (runner.workspace / "smoke-gate.yml").write_text(LENIENT)
    step = runner.run(all_pass(), *pull_request(9, FORK, fork=True), github_token="read-only")
    quiet = forged(
        Path(step.outputs["verdict_file"]), lambda document: document["evidence"].update(policy_change=None)
    )
    assert json.loads(quiet.read_text())["verdict"] == "ALL PASS"
    step = runner.publish(quiet, *SECOND)
    assert step.outputs["verdict"] == "WARNING"
    assert "+    fail_threshold: 12" in github.of()[0].body


def test_a_change_of_the_policy_that_is_none_is_not_believed(runner, github, verdict_file):
    change = {"found": "They differ.", "difference": ["-everything"]}
    claim = forged(verdict_file, lambda document: document["evidence"].update(policy_change=change))
    assert json.loads(claim.read_text())["verdict"] == "WARNING"
    assert runner.publish(claim, *SECOND).outputs["verdict"] == "ALL PASS"


def test_the_step_that_publishes_is_given_the_options_of_the_one_that_judges(runner, github, verdict_file):
    event = pull_request(9, FORK, fork=True)
    options = {"cells": "B0,A3", "threshold": "1", "experiment": "stage05"}
    step = runner.run(all_pass(), *event, github_token="read-only", **options)
    file = Path(step.outputs["verdict_file"])
    assert runner.publish(file, *SECOND, **options).outputs["verdict"] == step.outputs["verdict"]
    assert "Policy of the base branch" not in github.of()[0].body
    runner.publish(file, *SECOND)
    assert "+# narrowed: --cells 'B0,A3'" in github.of()[0].body


def test_the_policy_is_the_one_that_the_input_names(runner, github, verdict_file):
    github.files["refs/heads/main:gates/policy.yml"] = {"text": LENIENT}
    step = runner.publish(verdict_file, *SECOND, policy="gates/policy.yml")
    assert step.outputs["verdict"] == "WARNING"
    assert "-    fail_threshold: 12" in github.of()[0].body


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (None, 2, "plan"),
        ("plan: {cells: [B0]", 2, "smoke-gate.yml:1:19"),
        ("version: 2", 2, "smoke-gate.yml:1:1"),
    ],
)
def test_a_base_branch_without_a_policy_warns_and_is_an_error_where_its_counts(
    runner, github, verdict_file, text, code, told
):
    github.files.pop(BASE)
    if text is not None:
        github.files[BASE] = {"text": text}
    step = runner.publish(verdict_file, *SECOND)
    assert step.outputs["verdict"] == "WARNING"
    added = "There is no policy in main, and there is one in this pull request."
    assert (added in step.stdout) is (text is None)
    assert ("The policy of main cannot be used: " in step.stdout) is (text is not None)
    assert f"That of {'this pull request' if text is None else 'the verdict file'} counted." in step.stdout
    step = runner.publish(verdict_file, *SECOND, policy_ref="base")
    assert (step.code, step.outputs["verdict"]) == (code, "ERROR")
    assert told in step.stderr


def test_a_base_policy_that_cannot_be_read_warns_and_is_an_error_where_it_counts(
    runner, github, verdict_file
):
    github.tokens["secret-token"] = Token(may_read_files=False)
    step = runner.publish(verdict_file, *SECOND)
    assert (step.code, step.outputs["verdict"]) == (0, "WARNING")
    assert "The policy of main could not be read" in step.stdout
    assert "That of the verdict file counted." in step.stdout
    step = runner.publish(verdict_file, *SECOND, policy_ref="base", commit_status="gate")
    assert (step.code, step.outputs["verdict"], step.outputs["published"]) == (3, "ERROR", "true")
    block = "permissions:\n  actions: read\n  contents: read\n  pull-requests: write\n  statuses: write\n```"
    assert all(block in text for text in (github.of()[0].body, step.summary, step.stderr))


def test_without_a_pull_request_the_files_policy_is_all_that_is_known(runner, github, verdict_file):
    claim = forged(verdict_file, with_lenient_policy)
    step = runner.publish(claim, *other("workflow_dispatch", FORK))
    assert (step.code, step.outputs["verdict"]) == (0, "ALL PASS")


def test_a_pull_request_that_is_not_found_any_more_warns_and_is_an_error_where_the_bases_policy_counts(
    runner, github, verdict_file
):
    github.push(9, "e" * 40)
    claim = forged(verdict_file, with_lenient_policy)
    step = runner.publish(claim, *SECOND, commit_status="gate", fail_on="warning")
    assert (step.code, step.outputs["verdict"], github.statuses[-1]["state"]) == (4, "WARNING", "failure")
    why = f"The policy of the base branch could not be read: no open pull request has the head commit {FORK}."
    assert f"{why} Whether the verdict file has another one is not known." in step.stdout
    step = runner.publish(claim, *SECOND, commit_status="gate", policy_ref="base")
    assert (step.code, step.outputs["verdict"], github.statuses[-1]["state"]) == (2, "ERROR", "error")
    assert f"no open one has the head commit {FORK}" in step.stderr


def test_a_first_workflow_that_ran_for_no_pull_request_has_no_base_policy(runner, github, verdict_file):
    github.push(9, "e" * 40)
    step = runner.publish(verdict_file, *workflow_run(FORK, event="push"))
    assert (step.code, step.outputs["verdict"]) == (0, "ALL PASS")


# --- files that are not what they say ---------------------------------------------------------------------------------


def shown_as_a_failure(step: Step, github) -> bool:
    """Return whether nothing of what was published is green."""
    body, status = github.of()[0].body, github.statuses[-1]
    return (
        step.code == 1
        and step.outputs["verdict"] == "FAIL"
        and status["state"] == "failure"
        and status["description"] == "FAIL · the verdict file is not borne out by its own evidence"
        and "## ❌ Smoke gate: FAIL\n\n> [!CAUTION]\n> **The verdict file is not borne out" in body
        and body.partition("\n")[2] == step.summary.rstrip("\n") + "\n"
        and step.stdout.startswith("FAIL · the verdict file is not borne out by its own evidence\n")
    )


def test_a_file_that_was_changed_is_shown_as_a_failure(runner, github, verdict_file):
    evidence = json.loads(verdict_file.read_text())["evidence"]
    evidence["runs"][0]["params"]["extra"] = "x"  # changes nothing but the hash
    step = runner.publish(
        edited(verdict_file, evidence=evidence), *SECOND, commit_status="gate", comment="problems"
    )
    assert shown_as_a_failure(step, github)
    assert "the evidence does not match its hash" in github.of()[0].body
    assert "::error title=smoke-gate::the evidence does not match its hash" in step.stdout


def test_a_file_that_claims_too_much_is_shown_as_a_failure(runner, github, verdict_file):
    runner.publish(verdict_file, *SECOND, commit_status="gate")
    github.push(9, FORK)
    claim = edited(verdict_file, verdict="WARNING", pending=True)
    step = runner.publish(claim, *SECOND, commit_status="gate")
    assert shown_as_a_failure(step, github)
    assert step.outputs["pending"] == "false"
    assert 'verdict&#58;<wbr> the file says "WARNING", its evidence gives "ALL PASS"' in github.of()[0].body


def first_metric(document: dict[str, Any]) -> None:
    document["evidence"]["runs"][0]["metrics"]["pape"] = "abc"


def first_history(document: dict[str, Any]) -> None:
    document["evidence"]["runs"][0]["histories"]["val_loss"]["first"] = "abc"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda document: document["evidence"].update(as_of="2026-99-99"),
            "as_of: expected a day as YYYY-MM-DD",
        ),
        (first_metric, "runs.0.metrics.pape: expected a number"),
        (first_history, "runs.0.histories.val_loss: expected numbers"),
    ],
)
def test_values_that_are_none_are_an_error_everywhere(runner, github, verdict_file, change, told):
    runner.publish(verdict_file, *SECOND, commit_status="gate")
    document = json.loads(verdict_file.read_text())
    change(document)
    step = runner.publish(edited(verdict_file, **document), *SECOND, commit_status="gate")
    assert (step.code, step.outputs["verdict"], step.outputs["published"]) == (2, "ERROR", "true")
    assert told in step.stderr
    assert "Smoke gate: ERROR" in github.of()[0].body
    assert [status["state"] for status in github.statuses] == ["success", "error"]


@pytest.mark.parametrize(
    "place", ["smoke_gate.github.claim.evaluate", "smoke_gate.github.announcement.markdown"]
)
def test_a_bug_is_an_error_everywhere(runner, github, verdict_file, monkeypatch, place):
    def crash(*arguments, **options):
        raise ZeroDivisionError("secret value")

    runner.publish(verdict_file, *SECOND, commit_status="gate")
    monkeypatch.setattr(place, crash)
    step = runner.publish(verdict_file, *SECOND, commit_status="gate")
    assert (step.code, step.outputs["verdict"]) == (3, "ERROR")
    assert "unexpected ZeroDivisionError" in github.of()[0].body
    assert github.statuses[-1]["state"] == "error"
    assert "secret value" not in github.of()[0].body + step.summary + step.stderr


# --- files that are too much ------------------------------------------------------------------------------------------


def many_wrong_attempts(document: dict[str, Any]) -> None:
    document["evidence"]["attempts"] = [1] * 2_000_000


def many_wrong_checks(document: dict[str, Any]) -> None:
    document["checks"] = [1] * 2_000_000


@pytest.mark.parametrize(
    ("change", "place"), [(many_wrong_attempts, "attempts"), (many_wrong_checks, "checks")]
)
def test_of_very_many_mistakes_the_first_are_enough(runner, github, verdict_file, change, place):
    document = json.loads(verdict_file.read_text())
    change(document)
    step = runner.publish(edited(verdict_file, **document), *SECOND)
    assert (step.code, step.outputs["verdict"]) == (2, "ERROR")
    assert f"{place}.0: found 1, expected an object" in step.stderr  # it stopped there


def many_rules(document: dict[str, Any]) -> None:
    rules = document["policy"]["gates"]["metric_ratio"]["rules"]
    document["policy"]["gates"]["metric_ratio"]["rules"] = rules * 40_000


def many_metrics(document: dict[str, Any]) -> None:
    document["policy"]["plan"]["required_metrics"] = [f"metric {number}" for number in range(300_000)]


def many_seeds(document: dict[str, Any]) -> None:
    document["policy"]["plan"]["cells"]["B0"]["seeds"] = [str(seed) for seed in range(300_000)]


def many_checkpoints(document: dict[str, Any]) -> None:
    (one,) = document["evidence"]["runs"][0]["checkpoints"]
    document["evidence"]["runs"][0]["checkpoints"] = [
        {**one, "path": f"other/{number}"} for number in range(20_000)
    ]
    document["policy"]["gates"]["checkpoints"]["paths"] = [f"checkpoints/{number}" for number in range(1000)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of hypothesis' own callback
@pytest.mark.parametrize("change", [many_rules, many_metrics, many_seeds, many_checkpoints])
def test_a_file_that_takes_too_long_is_an_error_everywhere(runner, github, verdict_file, monkeypatch, change):
    """spec: verdict-file-size"""
    runner.publish(verdict_file, *SECOND, commit_status="gate")
    monkeypatch.setattr("smoke_gate.github.claim.LONGEST_JUDGING", 0.5)
    document = json.loads(verdict_file.read_text())
    change(document)
    step = runner.publish(edited(verdict_file, **document), *SECOND, commit_status="gate")
    assert (step.code, step.outputs["verdict"], step.outputs["published"]) == (2, "ERROR", "true")
    assert "edited.json is not judged within 0.5 s" in step.stderr
    assert "Smoke gate: ERROR" in github.of()[0].body
    assert [status["state"] for status in github.statuses] == ["success", "error"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of hypothesis' own callback
def test_a_policy_of_the_pull_request_that_takes_too_long_is_an_error(
    runner, github, verdict_file, monkeypatch
):
    monkeypatch.setattr("smoke_gate.github.claim.LONGEST_JUDGING", 1.0)
    cells = "\n".join(f"  - cell {number}" for number in range(15_000))
    github.files[f"{FORK}:smoke-gate.yml"] = {"text": f"version: 1\nplan:\n  seeds: [1]\n  cells:\n{cells}\n"}
    step = runner.publish(verdict_file, *SECOND, commit_status="gate")
    assert (step.code, step.outputs["verdict"], github.statuses[-1]["state"]) == (2, "ERROR", "error")
    assert "is not judged within 1 s" in step.stderr


# --- where the report leads -------------------------------------------------------------------------------------------


def links(body: str) -> set[str]:
    """Return where a comment leads, other than to the commit and the workflow run."""
    found = re.findall(r"\]\((https?://[^)#]*)", body)
    return {address for address in found if not address.startswith(f"https://github.com/{REPOSITORY}/")}


@pytest.mark.parametrize(
    ("inputs", "variables", "linked"),
    [
        ({}, {}, False),
        ({"tracking_uri": "https://mlflow.example.org/"}, {}, True),
        ({}, {"MLFLOW_TRACKING_URI": "https://me:secret@mlflow.example.org"}, True),
        ({"tracking_uri": "https://mlflow.elsewhere.org"}, {}, False),
    ],
)
def test_the_report_links_to_the_store_that_the_publishing_job_names(
    runner, github, verdict_file, inputs, variables, linked
):
    def place(document: dict[str, Any]) -> None:
        for attempt in document["evidence"]["attempts"]:
            attempt["experiment_id"] = "1"

    event, payload = SECOND
    runner.publish(forged(verdict_file, place), {**event, **variables}, payload, **inputs)
    body = github.of()[0].body
    assert links(body) == ({"https://mlflow.example.org/"} if linked else set())
    assert "mlflow&#46;example&#46;org" in body  # as text it is shown all the same


def test_the_report_names_the_image_that_publishes(runner, github, verdict_file):
    image = f"ghcr.io/org/smoke-gate@sha256:{'a' * 64}"
    event, payload = SECOND
    runner.publish(verdict_file, {**event, "SMOKE_GATE_IMAGE_DIGEST": image}, payload)
    (command,) = re.findall(r"^docker run .*$", github.of()[0].body, re.MULTILINE)
    assert command.endswith(f" {image} reproduce {verdict_file}")
    assert "The store read again" not in github.of()[0].body
    assert "sha256&#58;<wbr>aaaa" in github.of()[0].body
