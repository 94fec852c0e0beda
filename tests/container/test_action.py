"""The action as GitHub runs it: the built image, started as the runner does, for each event and each verdict."""

import json
import re
import signal
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest
from dulwich import porcelain
from dulwich.repo import Repo

from tests.container.accidents import (
    WATCHED,
    cut_off_checkpoint,
    leave_running,
    overwrite_database,
    replace_definition,
    set_commit,
    worsen_metric,
)
from tests.container.conftest import HEAD
from tests.container.runner import ACTION, TOKEN, commit_policy
from tests.github.runner import other, pull_request, workflow_run
from tests.github.server import TIP, Fault, Kept, Pull
from tests.github.storage import storage_of, zipped

STORE = "sqlite:///mlflow.db"


def test_three_pushes_end_with_one_comment_and_a_status_each(runner, github):
    policy = (runner.workspace / "smoke-gate.yml").read_text()
    checkpoint = min(runner.workspace.glob("artifacts/*/artifacts/checkpoints/model.safetensors"))
    whole = checkpoint.read_bytes()

    def push(sha: str):
        github.push(7, sha)
        return runner.run(*pull_request(7, sha), tracking_uri=STORE, commit_status="smoke-gate")

    cut_off_checkpoint(runner.workspace)
    broken = push("1" * 40)
    checkpoint.write_bytes(whole)
    commit_policy(runner, policy + WATCHED)
    doubtful = push("2" * 40)
    commit_policy(runner, policy)
    sound = push("3" * 40)

    assert [step.code for step in (broken, doubtful, sound)] == [1, 0, 0]
    verdicts = [step.outputs["verdict"] for step in (broken, doubtful, sound)]
    assert verdicts == ["FAIL", "WARNING", "ALL PASS"]
    (note,) = github.of()
    assert "Smoke gate: ALL PASS" in note.body
    states = [(one["sha"][0], one["state"]) for one in github.statuses]
    assert states == [("1", "failure"), ("2", "success"), ("3", "success")]
    assert "G3 failed" in broken.summary
    assert all(step.outputs["comment_url"].endswith(str(note.id)) for step in (broken, doubtful, sound))


def test_outputs_and_files_of_a_pass(runner):
    step = runner.run(*pull_request(7, HEAD), tracking_uri=STORE)
    assert step.outputs.keys() == ACTION["outputs"].keys()
    wanted = {
        "verdict": "ALL PASS",
        "critical": "false",
        "pending": "false",
        "failed": "0",
        "published": "true",
    }
    assert wanted.items() <= step.outputs.items()
    assert step.outputs["headline"].startswith("ALL PASS · 12 of 12 runs")
    assert (step.outputs["failed_gates"], step.outputs["attempts"], step.outputs["image"]) == ("", "12", "")
    assert all((runner.workspace / step.outputs[name]).is_file() for name in ("junit", "predicate"))
    assert list((runner.workspace / step.outputs["figures"]).glob("*.png"))
    report = (runner.workspace / step.outputs["report"]).read_text()
    assert report.splitlines()[0] == step.summary.splitlines()[0]
    document = json.loads((runner.workspace / step.outputs["verdict_file"]).read_text())
    assert document["context"]["sha"] == HEAD
    assert document["summary"]["passed"] == int(step.outputs["passed"]) > 0
    assert TOKEN not in step.log + step.summary + json.dumps(document)


def test_a_critical_fail(runner, github):
    replace_definition(runner.workspace)
    step = runner.run(*pull_request(7, HEAD), tracking_uri=STORE)
    assert (step.code, step.outputs["verdict"], step.outputs["critical"]) == (1, "FAIL", "true")
    assert "Smoke gate: CRITICAL FAIL" in github.of()[0].body
    assert step.outputs["failed_gates"] == "G1"
    assert re.search(r"::error file=smoke-gate.yml,line=\d+,col=\d+,title=smoke-gate::G1 A3/", step.log)


def test_no_verdict_is_an_error_on_the_pull_request_too(runner, github):
    """spec: action-error"""
    overwrite_database(runner.workspace)
    step = runner.run(*pull_request(7, HEAD), tracking_uri=STORE, commit_status="smoke-gate")
    assert (step.code, step.outputs["verdict"]) == (3, "ERROR")
    assert "No verdict could be reached" in github.of()[0].body
    assert github.statuses[0]["state"] == "error"
    assert "Traceback" not in step.log


def test_a_fork_is_judged_here_and_published_by_a_second_workflow(runner, github):
    github.pulls[7].label = "fork:main"
    token = github.tokens[TOKEN]
    token.may_comment = token.may_set_status = False
    first = runner.run(*pull_request(7, HEAD, fork=True), tracking_uri=STORE)
    assert (first.code, first.outputs["verdict"], first.outputs["published"]) == (0, "ALL PASS", "false")
    page = "https://github.com/org/smoke-gate/blob/v1/docs/workflows.md#pull-requests-from-forks"
    assert page in first.summary
    assert github.of() == []

    token.may_comment = token.may_set_status = True
    second = runner.run(
        *workflow_run(HEAD), publish=first.outputs["verdict_file"], commit_status="smoke-gate"
    )
    assert (second.code, second.outputs["verdict"], second.outputs["published"]) == (0, "ALL PASS", "true")
    assert "Smoke gate: ALL PASS" in github.of()[0].body
    assert [(one["sha"], one["state"]) for one in github.statuses] == [(HEAD, "success")]


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("schedule", {"schedule": "0 6 * * 1"}),
    ],
)
def test_without_a_pull_request_there_is_everything_but_a_comment(runner, github, name, payload):
    step = runner.run(*other(name, HEAD, **payload), tracking_uri=STORE, commit_status="smoke-gate")
    assert (step.code, step.outputs["verdict"], step.outputs["published"]) == (0, "ALL PASS", "true")
    assert step.outputs["comment_url"] == ""
    assert "Smoke gate: ALL PASS" in step.summary
    assert github.notes == []
    assert [(one["sha"], one["state"]) for one in github.statuses] == [(HEAD, "success")]


def test_a_push_on_a_pull_requests_branch_finds_it(runner, github):
    event, payload = other("push", HEAD, after=HEAD)
    step = runner.run({**event, "GITHUB_REF": "refs/heads/feature"}, payload, tracking_uri=STORE)
    assert (step.code, step.outputs["published"], [note.pull for note in github.of()]) == (0, "true", [7])


def test_a_merge_group_is_judged_by_the_head_and_gets_the_status(runner, github):
    group = "9" * 40
    queued = {"head_sha": group, "head_ref": f"refs/heads/gh-readonly-queue/main/pr-7-{'8' * 40}"}
    runner.commit(HEAD)
    event = other("merge_group", group, merge_group=queued)
    step = runner.run(*event, tracking_uri=STORE, commit_status="smoke-gate")
    assert (step.code, step.outputs["verdict"], step.outputs["published"]) == (0, "ALL PASS", "true")
    document = json.loads((runner.workspace / step.outputs["verdict_file"]).read_text())
    assert document["evidence"]["head"] == {"commit": HEAD, "origin": "pull_request"}
    assert [(one["sha"], one["state"]) for one in github.statuses] == [(group, "success")]


def test_a_wrong_policy_is_shown_at_its_line(runner):
    policy = runner.workspace / "smoke-gate.yml"
    lines = policy.read_text().splitlines()
    policy.write_text("\n".join([*lines, "gatse: {}"]) + "\n")
    step = runner.run(*pull_request(7, HEAD), tracking_uri=STORE)
    assert step.code == 2
    place = f"file=smoke-gate.yml,line={len(lines) + 1},col=1"
    assert f"::error {place},title=smoke-gate::gatse: unknown key" in step.log


def test_a_hidden_comment_is_seen_again_when_it_says_something_else(runner, github):
    runner.run(*pull_request(7, HEAD), tracking_uri=STORE)
    (note,) = github.of()
    note.hidden = True
    cut_off_checkpoint(runner.workspace)
    runner.run(*pull_request(7, HEAD), tracking_uri=STORE)
    assert ("Smoke gate: FAIL" in note.body, note.hidden) == (True, False)


def test_the_time_that_github_asks_for_is_waited_for_and_the_status_comes_first(runner, github):
    limit = {"Retry-After": "4"}
    github.faults.append(Fault("POST", ".*/statuses/.*", 429, "Too many requests", limit))
    step = runner.run(*pull_request(7, HEAD), tracking_uri=STORE, commit_status="smoke-gate")
    assert (step.code, step.outputs["published"], len(github.of())) == (0, "true", 1)
    assert [one["state"] for one in github.statuses] == ["success"]
    written = [
        path.rpartition("/")[2] for verb, path in github.log if verb == "POST" and "graphql" not in path
    ]
    assert written == [HEAD, HEAD, "comments"]


def test_a_dispatched_gate_reports_on_the_pull_request_that_it_is_told(runner, github):
    github.pulls[12] = Pull(12, "d" * 40)
    event = other("workflow_dispatch", "8" * 40, inputs={})
    inputs = {"sha": "d" * 40, "pull_request": "12", "commit_status": "smoke-gate"}
    step = runner.run(*event, tracking_uri=STORE, **inputs)
    assert (step.code, step.outputs["published"]) == (0, "true")
    assert [note.pull for note in github.of()] == [12]
    assert [one["sha"] for one in github.statuses] == ["d" * 40]


def watch(workspace: Path) -> None:
    """Add a reference that no run meets, to the checkout's policy alone: the verdict is WARNING."""
    policy = workspace / "smoke-gate.yml"
    policy.write_text(policy.read_text() + WATCHED)


@pytest.mark.parametrize(
    ("inputs", "accident", "code", "verdict", "state"),
    [
        ({"sha": "d" * 40, "pull_request": "12"}, cut_off_checkpoint, 1, "FAIL", "failure"),
        ({"sha": "d" * 40}, watch, 0, "WARNING", "success"),
        ({"pull_request": "12"}, overwrite_database, 3, "ERROR", "error"),
    ],
    ids=["both", "sha", "pull request"],
)
def test_training_that_ended_elsewhere_is_told_on_its_pull_request(
    runner, github, inputs, accident, code, verdict, state
):
    github.pulls[12] = Pull(12, "d" * 40)
    accident(runner.workspace)
    event = other("repository_dispatch", "8" * 40, action="training-finished", client_payload=inputs)
    step = runner.run(*event, tracking_uri=STORE, commit_status="smoke-gate", **inputs)
    assert (step.code, step.outputs["verdict"], step.outputs["published"]) == (code, verdict, "true")
    assert [(note.pull, f"Smoke gate: {verdict}" in note.body) for note in github.of()] == [(12, True)]
    assert [(one["sha"], one["state"]) for one in github.statuses] == [("d" * 40, state)]


def test_a_workflow_of_the_base_branch_reports_on_the_head(runner, github):
    environ, payload = pull_request(7, HEAD, fork=True)
    event = {**environ, "GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_SHA": "8" * 40}
    step = runner.run(event, payload, tracking_uri=STORE, commit_status="smoke-gate")
    assert (step.code, step.outputs["published"]) == (0, "true")
    assert [note.pull for note in github.of()] == [7]
    assert [(one["sha"], one["state"]) for one in github.statuses] == [(HEAD, "success")]


def test_an_older_commit_leaves_what_a_newer_one_said(runner, github):
    newer = runner.run(*pull_request(7, HEAD), tracking_uri=STORE, commit_status="smoke-gate")
    (said,) = github.of()
    body = said.body
    cut_off_checkpoint(runner.workspace)
    older = runner.run(*pull_request(7, "1" * 40), tracking_uri=STORE, commit_status="smoke-gate")
    assert (newer.code, older.code, older.outputs["verdict"]) == (0, 1, "FAIL")
    assert [note.body for note in github.of()] == [body]
    assert [(one["sha"], one["state"]) for one in github.statuses] == [
        (HEAD, "success"),
        ("1" * 40, "failure"),
    ]


def test_it_waits_for_runs_that_are_not_finished(runner, github):
    leave_running(runner.workspace)
    start = time.monotonic()
    step = runner.run(*pull_request(7, HEAD), tracking_uri=STORE, commit_status="smoke-gate", wait="10s")
    assert time.monotonic() - start > 10
    assert (step.code, step.outputs["verdict"], step.outputs["pending"]) == (1, "FAIL", "true")
    assert github.statuses[0]["state"] == "pending"


def test_a_signal_ends_it_at_once_and_nothing_claims_a_pass(runner, github):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts and never answers
        silent.settimeout(60)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = runner.start(*pull_request(7, HEAD), tracking_uri=address, commit_status="smoke-gate")
        connection, _ = silent.accept()
        with connection:
            started.send(signal.SIGTERM)
            step = started.ended()
    assert step.code == 3
    assert step.outputs.get("verdict", "ERROR") == "ERROR"
    assert "PASS" not in step.summary + "".join(note.body for note in github.notes)
    assert all(one["state"] == "error" for one in github.statuses)


def test_a_pull_request_is_held_against_what_main_keeps(runner, github):
    policy = (runner.workspace / "smoke-gate.yml").read_text()
    commit_policy(runner, policy + "compare: {max_rise: {pape: 0.5}}\n")
    inputs = {"tracking_uri": STORE, "baseline_ref": "main", "commit_status": "smoke-gate"}
    with storage_of(github) as asked:
        nothing = runner.run(*pull_request(7, HEAD), **inputs)
        assert (nothing.code, nothing.outputs["baseline_verdict"]) == (0, "NONE")
        assert "Baseline: NONE" in github.of()[0].body
        merged = runner.run(*other("push", TIP), tracking_uri=STORE)
        file = runner.workspace / merged.outputs["verdict_file"]
        github.kept.append(Kept(id=1, archive=zipped({f"outputs/{file.name}": file.read_bytes()})))
        same = runner.run(*pull_request(7, HEAD), **inputs)
        worsen_metric(runner.workspace)
        worse = runner.run(*pull_request(7, HEAD), **inputs)
    assert (same.code, same.outputs["baseline_verdict"]) == (0, "PASS"), same.log
    assert (worse.code, worse.outputs["baseline_verdict"]) == (1, "FAIL"), worse.log
    assert worse.outputs["verdict"] != "FAIL"
    assert [one["state"] for one in github.statuses] == ["success", "success", "failure"]
    assert "· baseline: FAIL · " in github.of()[0].body.splitlines()[1]
    assert not any(TOKEN in str(request.headers) for request in asked)


def test_a_release_tells_which_image_judged(runner, github):
    image = f"registry.example/org/smoke-gate@sha256:{'e' * 64}"  # as the release writes it into action.yml
    released = replace(runner, env={"SMOKE_GATE_IMAGE_DIGEST": image})
    step = released.run(*pull_request(7, HEAD), tracking_uri=STORE)
    document = json.loads((runner.workspace / step.outputs["verdict_file"]).read_text())
    assert document["tool"]["image_digest"] == step.outputs["image"] == image
    assert image in (runner.workspace / step.outputs["report"]).read_text()
    assert image in github.of()[0].body


def test_git_reads_a_checkout_that_belongs_to_somebody_else(runner, github):
    head = committed(runner.workspace)
    set_commit(runner.workspace, head)
    github.push(7, head)
    policy = (runner.workspace / "smoke-gate.yml").read_text()
    commit_policy(runner, policy + 'runs: {commit: code, code_paths: ["*.py"]}\n')
    step = runner.run(*pull_request(7, head), tracking_uri=STORE)
    assert (step.code, step.outputs["verdict"]) == (0, "ALL PASS"), step.summary


def committed(workspace: Path) -> str:
    """Make a commit of a training script, and return its hash."""
    (workspace / "train.py").write_text("print('training')\n")
    with Repo.init(str(workspace)) as repository:
        porcelain.add(repository, [str(workspace / "train.py")])
        author = b"A <a@example.org>"
        return porcelain.commit(repository, b"Train", author=author, committer=author).decode()
