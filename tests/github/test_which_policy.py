"""The policy that the base branch would have after the merge counts: three effective policies say which one it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from smoke_gate.policy_file.formats import effective_yaml
from smoke_gate.policy_file.load import load_policy
from tests.github.runner import POLICY, Runner, Step, all_pass, pull_request, workflow_run
from tests.github.server import MAIN, REPOSITORY, FakeGitHub, Fault, Pull, Token
from tests.github.waits import HEAD

FORK_POINT, MERGE, FORK = "1" * 40, "9" * 40, "f" * 40
SECOND = workflow_run(FORK)
COMPARE = f"/repos/{REPOSITORY}/compare/.*"


def policy(threshold: int = 2, seeds: str = "'456'", comment: str = "") -> str:
    """Return the policy with two settings that two branches may change each on its own."""
    text = POLICY.replace("fail_threshold: 2", f"fail_threshold: {threshold}").replace("'456'", seeds)
    return comment + text


@pytest.fixture
def three(runner: Runner, github: FakeGitHub):
    """Set the policies of the three commits, and of GitHub's merge; None: the commit has no such file."""

    def put(old: str | None, head: str | None, tip: str | None, merged: str | None = None) -> None:
        github.merge_base = FORK_POINT
        github.files = {
            f"{revision}:{name}": blob for (revision, name), blob in _blobs(old, head, tip, merged).items()
        }
        github.revisions |= {FORK_POINT, MERGE}
        (runner.workspace / "smoke-gate.yml").unlink(missing_ok=True)
        if head is not None:
            (runner.workspace / "smoke-gate.yml").write_text(head)

    return put


def _blobs(
    old: str | None, head: str | None, tip: str | None, merged: str | None
) -> dict[tuple[str, str], dict[str, str]]:
    texts = {FORK_POINT: old, HEAD: head, MAIN: tip, MERGE: merged}
    return {
        (revision, "smoke-gate.yml"): {"text": text} for revision, text in texts.items() if text is not None
    }


def judged(runner: Runner, **inputs: Any) -> Step:
    return runner.run(all_pass(), *pull_request(7, HEAD), **inputs)


def threshold(step: Step) -> int:
    """Return G5's threshold by the policy that counted."""
    document = json.loads(Path(step.outputs["verdict_file"]).read_text())
    return int(document["policy"]["gates"]["metric_ratio"]["fail_threshold"])


A, B, C = policy(2), policy(3), policy(4)


@pytest.mark.parametrize(
    ("old", "head", "tip", "merged", "verdict", "counted"),
    [
        (A, A, A, A, "ALL PASS", 2),  # nobody changed it
        (A, A, B, B, "ALL PASS", 3),  # main did: its newest counts
        (A, A, policy(2, comment="# a comment\n"), A, "ALL PASS", 2),
        (A, policy(2, comment="# a comment\n"), B, B, "ALL PASS", 3),  # a comment changes nothing
        (A, B, A, B, "WARNING", 3),  # the pull request did
        (A, B, policy(2, comment="# a comment\n"), B, "WARNING", 3),
        (A, B, B, B, "ALL PASS", 3),  # both did the same
        (A, B, C, B, "WARNING", 3),  # both did: what GitHub merged counts
        (A, B, C, C, "ALL PASS", 4),  # and does not differ from main's
        (A, B, C, None, "WARNING", 2),  # as the merge commit has it, which is without a policy file
        (None, None, B, B, "ALL PASS", 3),  # main has one since
        (None, B, None, B, "WARNING", 3),
    ],
)
def test_which_policy_counts(runner, three, old, head, tip, merged, verdict, counted):
    """spec: base-policy"""
    three(old, head, tip, merged)
    options = {"cells": "B0,A3", "seeds": "42,123", "experiment": "stage05"}
    step = judged(runner, **(options if None in (head, merged) else {}))
    assert step.outputs["verdict"] == verdict
    assert threshold(step) == counted


@pytest.mark.parametrize("policy_ref", ["head", "base"])
def test_a_comment_on_main_is_told_nowhere(runner, github, three, policy_ref):
    """spec: base-policy"""
    three(A, A, "# one line more\n" + A)
    step = judged(runner, policy_ref=policy_ref)
    assert (step.code, step.outputs["verdict"]) == (0, "ALL PASS")
    assert "Policy of the base branch" not in github.of()[0].body


@pytest.mark.parametrize("head", [A, B, policy(12, seeds="'456', '789'"), "version: 2", None])
def test_the_newest_of_the_base_counts_without_a_warning_where_it_is_asked_to(runner, three, head):
    """spec: base-policy-ref"""
    three(A, head, C)
    step = judged(runner, policy_ref="base")
    assert (step.outputs["verdict"], threshold(step)) == ("ALL PASS", 4)


def test_a_merge_that_cannot_be_had_leaves_the_pull_requests_own(runner, github, three):
    three(A, B, C)
    github.revisions.discard(MERGE)
    step = judged(runner)
    assert (step.outputs["verdict"], threshold(step)) == ("WARNING", 3)
    assert "-    fail_threshold: 4" in github.of()[0].body
    assert "+    fail_threshold: 3" in github.of()[0].body


def test_what_main_changed_is_no_part_of_the_difference(runner, github, three):
    three(A, B, policy(2, seeds="'789'"), policy(3, seeds="'789'"))
    judged(runner)
    lines = github.of()[0].body.splitlines()
    changed = [
        line for line in lines if line.startswith(("-  ", "+  ")) and ("threshold" in line or "789" in line)
    ]
    assert changed == ["-    fail_threshold: 2", "+    fail_threshold: 3"]


@pytest.mark.parametrize("checkout", [A, B, C])
def test_the_checkout_is_not_asked(runner, three, checkout):
    """spec: base-policy"""
    three(A, A, C)
    event, payload = pull_request(7, HEAD)
    (runner.workspace / "smoke-gate.yml").write_text(checkout)
    environ = runner.environ(event, payload, {})
    assert runner.act(environ, all_pass()) == 0
    document = json.loads(max((runner.workspace / "outputs").glob("smoke_verdict_*.json")).read_text())
    assert document["policy"]["gates"]["metric_ratio"]["fail_threshold"] == 4


# --- both names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("yaml", "yml"), ("yml", "yaml"), ("yaml", "yaml")])
def test_both_names_are_looked_for(runner, github, three, names):
    """spec: base-policy"""
    three(None, None, None)
    old, head = (f"smoke-gate.{suffix}" for suffix in names)
    github.files[f"{FORK_POINT}:{old}"] = github.files[f"{MAIN}:{old}"] = {"text": A}
    (runner.workspace / head).write_text(A)
    step = judged(runner)
    assert (step.outputs["verdict"], threshold(step)) == ("ALL PASS", 2)


@pytest.mark.parametrize("policy_ref", ["head", "base"])
def test_a_base_branch_with_both_names_is_told(runner, github, three, policy_ref):
    three(A, A, A)
    github.files[f"{MAIN}:smoke-gate.yaml"] = {"text": A}
    step = judged(runner, policy_ref=policy_ref)
    assert step.outputs["verdict"] == ("WARNING" if policy_ref == "head" else "ERROR")
    assert "main has both smoke-gate.yaml and smoke-gate.yml" in step.stdout + step.stderr


# --- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Fault("GET", COMPARE, 403, "Resource not accessible by integration", times=9),
        Fault("GET", COMPARE, 404, "Not Found", times=9),
    ],
    ids=["refused", "not there"],
)
def test_where_the_commit_that_they_share_is_unknown_the_newest_is_compared(runner, github, three, fault):
    github.faults.append(fault)
    three(A, A, A)
    assert judged(runner).outputs["verdict"] == "ALL PASS"
    three(A, A, B)
    step = judged(runner, fail_on="warning")
    assert (step.code, step.outputs["verdict"], threshold(step)) == (4, "WARNING", 2)
    assert "Which of the two changed it is not known: " in step.stdout
    assert "`fail_on: warning` fails on this." in step.stdout
    assert judged(runner, policy_ref="base").outputs["verdict"] == "ALL PASS"


@pytest.mark.parametrize("old", ["version: 2", "plan: {cells: [B0]"])
def test_an_old_policy_that_is_not_one_any_more_is_a_reason_not_to_know(runner, three, old):
    three(old, A, B)
    step = judged(runner)
    assert (step.outputs["verdict"], threshold(step)) == ("WARNING", 2)
    assert "Which of the two changed it is not known: " in step.stdout


def test_a_policy_of_the_pull_request_that_is_not_one_is_an_error(runner, three):
    three(A, "version: 2", A)
    step = judged(runner)
    assert (step.code, step.outputs["verdict"]) == (2, "ERROR")
    assert "smoke-gate.yml:1:1" in step.stderr


def test_a_policy_that_only_the_working_tree_has_counts_with_a_warning(runner, github, three):
    three(None, None, None)
    event, payload = pull_request(7, HEAD)
    (runner.workspace / "smoke-gate.yml").write_text(C)  # which an earlier step of the workflow wrote
    printed = runner.printed(lambda: runner.act(runner.environ(event, payload, {}), all_pass()))
    assert "There is no policy in main, and there is one in this pull request." in printed
    assert "Smoke gate: WARNING" in github.of()[0].body


def test_few_requests_answer_it(runner, github, three):
    three(A, A, A)
    judged(runner, comment="never")
    texts = github.asked("POST", "/graphql")
    assert github.asked("GET", COMPARE) == 0
    github.log.clear()
    three(A, B, C, B)
    judged(runner, comment="never")
    assert github.asked("GET", COMPARE) == 1
    assert github.asked("POST", "/graphql") == texts + 2  # the commit that they share, and GitHub's merge


# --- the job that publishes -------------------------------------------------------------------------------------------


@pytest.fixture
def publishing(runner: Runner, github: FakeGitHub):
    """Judge a fork's pull request and publish its verdict file, with the policies of the three commits."""
    github.pulls[9] = Pull(9, FORK, label="fork:main")
    github.tokens["read-only"] = Token(may_comment=False, may_set_status=False)

    def publish(old: str, head: str, tip: str, later: str | None = None, policy_ref: str = "head") -> Step:
        github.merge_base = FORK_POINT
        github.files |= {
            f"{FORK_POINT}:smoke-gate.yml": {"text": old},
            f"{MAIN}:smoke-gate.yml": {"text": tip},
        }
        (runner.workspace / "smoke-gate.yml").write_text(head)
        inputs: dict[str, Any] = {"github_token": "read-only", "policy_ref": policy_ref}
        step = runner.run(all_pass(), *pull_request(9, FORK, fork=True), **inputs)
        if later is not None:
            github.files[f"{MAIN}:smoke-gate.yml"] = {"text": later}
        return runner.publish(Path(step.outputs["verdict_file"]), *SECOND, policy_ref=policy_ref)

    return publish


@pytest.mark.parametrize(
    ("old", "head", "tip", "verdict"),
    [
        (A, A, A, "ALL PASS"),
        (A, A, "# a comment\n" + A, "ALL PASS"),
        (A, A, B, "ALL PASS"),
        (A, B, A, "WARNING"),
        (A, B, C, "WARNING"),
        (A, B, B, "ALL PASS"),
    ],
)
def test_publishing_decides_it_in_the_same_way(publishing, old, head, tip, verdict):
    """spec: publish-policy"""
    assert publishing(old, head, tip).outputs["verdict"] == verdict
    assert publishing(old, head, tip, policy_ref="base").outputs["verdict"] == "ALL PASS"


def test_a_change_of_the_pull_request_is_shown_once_and_against_main(publishing, github):
    publishing(A, B, A)
    body = github.of()[0].body
    assert body.count("+    fail_threshold: 3") == 1
    assert "--- policy of main\n+++ policy of this pull request\n" in body


def test_a_file_of_older_rules_than_mains_newest_is_shown(publishing, github):
    step = publishing(A, A, A, later=B)
    assert step.outputs["verdict"] == "WARNING"
    assert "--- policy of main\n+++ policy of the verdict file\n" in github.of()[0].body


def test_the_policies_of_this_file_are_policies():
    texts = {effective_yaml(load_policy(Path("x.yml"), text=text.encode())) for text in (A, B, C)}
    assert len(texts) == 3
