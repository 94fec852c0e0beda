import json
import re
from pathlib import Path

import click
import pytest

from smoke_gate.errors import NoVerdictError, UsageError
from smoke_gate.github.action import run_action
from tests.github.runner import (
    POLICY,
    Step,
    all_pass,
    critical,
    fail,
    other,
    pending,
    pull_request,
    read_outputs,
    warning,
    workflow_run,
)
from tests.github.server import REPOSITORY, Fault, Pull, Token
from tests.github.waits import HEAD, said
from tests.support.matrix import passing_matrix, passing_policy, with_run

COUNTS = ("gates_off", "failed", "warned", "passed", "skipped")
COMMENTS = f"/repos/{REPOSITORY}/issues/7/comments"


# --- verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "code", "verdict", "state", "is_critical", "is_pending"),
    [
        (all_pass(), 0, "ALL PASS", "success", "false", "false"),
        (warning(), 0, "WARNING", "success", "false", "false"),
        (fail(), 1, "FAIL", "failure", "false", "false"),
        (critical(), 1, "FAIL", "failure", "true", "false"),
        (pending(), 1, "FAIL", "pending", "false", "true"),
        (NoVerdictError("the store does not answer"), 3, "ERROR", "error", "false", "false"),
    ],
    ids=["all pass", "warning", "fail", "critical", "pending", "error"],
)
def test_a_verdict_is_published_everywhere(
    runner, github, evidence, code, verdict, state, is_critical, is_pending
):
    """spec: action-order"""
    step = runner.run(evidence, *pull_request(7, HEAD), commit_status="smoke-gate")
    assert step.code == code
    assert step.outputs["verdict"] == verdict
    assert (step.outputs["critical"], step.outputs["pending"]) == (is_critical, is_pending)
    (note,) = github.of()
    assert step.outputs["comment_url"].endswith(f"/pull/7#issuecomment-{note.id}")
    assert step.outputs["published"] == "true"
    assert "the comment was left as it is" not in step.stderr
    assert f"Smoke gate: {'CRITICAL ' if is_critical == 'true' else ''}{verdict}" in note.body
    assert note.body.partition("\n")[2].splitlines()[0] == step.summary.splitlines()[0]
    (status,) = github.statuses
    assert (status["sha"], status["state"], status["context"]) == (HEAD, state, "smoke-gate")
    assert verdict in status["description"]
    assert status["target_url"] == f"https://github.com/{REPOSITORY}/actions/runs/100"


def test_the_files_are_outputs_from_the_workspace(runner):
    step = runner.run(all_pass(), *pull_request(7, HEAD))
    assert Path(step.outputs["report"]).parent == Path("outputs")
    document = json.loads(Path(step.outputs["verdict_file"]).read_text())
    assert document["context"] == {
        "repository": REPOSITORY,
        "sha": HEAD,
        "pull_request": 7,
        "run_id": 100,
        "run_attempt": 1,
    }
    assert {name: int(step.outputs[name]) for name in COUNTS} == {
        name: document["summary"][name] for name in COUNTS
    }


@pytest.mark.parametrize(("largest", "warned"), [(64 << 20, False), (1 << 10, True)])
def test_a_file_that_a_second_workflow_would_refuse_is_told(runner, monkeypatch, largest, warned):
    monkeypatch.setattr("smoke_gate.verdict_file.read.LARGEST_OF_OTHERS", largest)
    step = runner.run(all_pass(), *pull_request(7, HEAD))
    assert (step.code, step.outputs["verdict"]) == (0, "ALL PASS")
    lines = [line for line in step.stderr.splitlines() if "a second workflow publishes at most" in line]
    assert [step.outputs["verdict_file"] in line for line in lines] == [True] * warned


def test_a_warning_fails_where_it_is_asked_to(runner, github):
    step = runner.run(warning(), *pull_request(7, HEAD), commit_status="gate", fail_on="warning")
    assert step.code == 4
    assert github.statuses[0]["state"] == "failure"


def test_the_log_has_the_verdict_and_a_line_a_gate(runner):
    lines = runner.run(fail(), *pull_request(7, HEAD)).stdout.splitlines()
    assert lines[0].startswith("FAIL · G2 failed · 12 of 12 runs")
    assert [line[:2] for line in lines[1:9]] == ["G0", "G1", "G2", "G3", "G4", "G5", "G6", "G7"]
    assert any(line.startswith("verdict_file: outputs/smoke_verdict_") for line in lines)


def test_what_failed_stands_on_the_jobs_page(runner):
    step = runner.run(fail(), *pull_request(7, HEAD))
    (line,) = [line for line in step.stdout.splitlines() if line.startswith("::error")]
    assert re.match(r"::error file=smoke-gate.yml,line=\d+,col=\d+,title=smoke-gate::G2 A3/42: ", line)
    assert "must be equal" in line
    number = int(re.findall(r"line=(\d+)", line)[0])
    assert "A3" in POLICY.splitlines()[number - 1]
    warned = runner.run(warning(), *pull_request(7, HEAD)).stdout
    assert re.search(r"::warning file=smoke-gate.yml,\S+,title=smoke-gate::G0 A3/42: ", warned)


def test_a_wrong_policy_is_shown_at_its_lines(runner):
    (runner.workspace / "smoke-gate.yml").write_text(f"{POLICY}gatse: {{}}\nprofil: basic\n")
    lines = runner.run(all_pass(), *pull_request(7, HEAD)).stdout.splitlines()
    first = len(POLICY.splitlines()) + 1
    assert [line.partition("unknown key")[0] for line in lines if line.startswith("::error")] == [
        f"::error file=smoke-gate.yml,line={first},col=1,title=smoke-gate::gatse: ",
        f"::error file=smoke-gate.yml,line={first + 1},col=1,title=smoke-gate::profil: ",
    ]


def test_lines_of_another_branchs_policy_are_not_shown_at_this_ones(runner, github):
    github.files["refs/heads/main:smoke-gate.yml"] = {"text": f"{POLICY}gatse: {{}}\n"}
    step = runner.run(all_pass(), *pull_request(7, HEAD), policy_ref="base")
    assert step.outputs["verdict"] == "ERROR"
    assert "::error title=smoke-gate::smoke-gate.yml:" in step.stdout


def test_the_outputs_say_what_other_steps_need(runner):
    step = runner.run(fail(), *pull_request(7, HEAD))
    assert step.outputs["headline"] == step.stdout.splitlines()[0]
    assert (step.outputs["failed_gates"], step.outputs["attempts"]) == ("G2", "12")
    assert all(Path(step.outputs[name]).is_file() for name in ("junit", "predicate", "report", "html_report"))
    assert (step.outputs["figures"], step.outputs["image"]) == ("", "")
    step = runner.run(NoVerdictError("the store\ndoes not answer"), *pull_request(7, HEAD))
    assert step.outputs["headline"] == "ERROR: the store\\ndoes not answer"
    empty = {name: value for name, value in step.outputs.items() if not value}
    assert empty.keys() == {
        *("baseline_verdict", "failed_gates", "attempts", "image", *COUNTS),
        *("report", "html_report", "verdict_file", "junit", "predicate", "figures"),
    }


def test_the_commit_status_comes_before_the_comment(runner, github):
    """spec: action-order"""
    runner.run(fail(), *pull_request(7, HEAD), commit_status="gate")
    asked = [path for verb, path in github.log if verb == "POST" and not path.endswith("/graphql")]
    assert asked == [f"/repos/{REPOSITORY}/statuses/{HEAD}", COMMENTS]


def test_a_bug_is_an_error_and_no_pass(runner, github):
    """spec: action-error"""
    step = runner.run(ZeroDivisionError("secret value"), *pull_request(7, HEAD), commit_status="gate")
    assert step.code == 3
    assert step.outputs["verdict"] == "ERROR"
    assert "unexpected ZeroDivisionError" in github.of()[0].body
    assert "secret value" not in github.of()[0].body + step.summary + step.stdout + step.stderr
    assert github.statuses[0]["state"] == "error"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            {"comment": "sometimes"},
            "input `comment`: found 'sometimes'; expected one of always, problems, never",
        ),
        ({"wait": "30 minutes", "threshold": "0"}, "input `wait`: found '30 minutes'"),
        ({"policy": "nowhere.yml"}, "nowhere.yml: cannot be read"),
        ({"cells": "B9"}, "input `cells`: "),
    ],
)
def test_a_wrong_input_is_an_error_everywhere(runner, github, inputs, message):
    runner.run(all_pass(), *pull_request(7, HEAD), commit_status="gate")
    step = runner.run(all_pass(), *pull_request(7, HEAD), commit_status="gate", **inputs)
    assert (step.code, step.outputs["verdict"], step.outputs["published"]) == (2, "ERROR", "true")
    assert message in step.stderr
    assert not re.search("--[a-z]", step.stderr)
    assert "No verdict could be reached" in step.summary
    assert "Smoke gate: ERROR" in github.of()[0].body
    assert [status["state"] for status in github.statuses] == ["success", "error"]


def test_a_folder_that_is_lost_with_the_container_is_an_error(runner, github):
    event, payload = pull_request(7, HEAD)
    event = {**event, "GITHUB_WORKSPACE": str(runner.workspace)}
    step = runner.run(all_pass(), event, payload, output_dir="../elsewhere")
    assert (step.code, step.outputs["verdict"]) == (2, "ERROR")
    assert "input `output_dir`: found '../elsewhere'" in step.stderr
    assert not (runner.workspace.parent / "elsewhere").exists()
    assert runner.run(all_pass(), event, payload, output_dir="reports").code == 0


@pytest.mark.parametrize(
    "inputs",
    [
        {"sha": "main"},
        {"pull_request": "#8"},
        {"comment_id": "a -->"},
        {"commit_status": "gate \N{BUG}"},
        {"github_token": "tok€n"},
        {"github_token": "tok€n", "wait": "30"},
    ],
    ids=["sha", "pull request", "comment id", "commit status", "token", "token and another"],
)
def test_an_input_that_leaves_open_where_to_publish_is_an_error_that_is_written_nowhere(
    runner, github, inputs
):
    step = runner.run(all_pass(), *pull_request(7, HEAD), **{"commit_status": "gate", **inputs})
    assert (step.code, step.outputs["verdict"], step.outputs["published"]) == (2, "ERROR", "false")
    assert "not published: comment and commit status" in step.stderr
    assert "No verdict could be reached" in step.summary
    assert (github.log, github.statuses) == ([], [])
    assert "tok€n" not in step.stdout + step.stderr + step.summary


# --- the comment over time --------------------------------------------------------------------------------------------


def test_three_pushes_end_with_one_comment_and_a_status_each(runner, github):
    """spec: comment-one"""
    pushes = [("1" * 40, fail()), ("2" * 40, warning()), ("3" * 40, all_pass())]
    for sha, evidence in pushes:
        github.push(7, sha)
        runner.run(evidence, *pull_request(7, sha), commit_status="smoke-gate")
    (note,) = github.of()
    assert "Smoke gate: ALL PASS" in note.body
    assert said(note.body).sha == "3" * 40
    assert [(one["sha"][0], one["state"]) for one in github.statuses] == [
        ("1", "failure"),
        ("2", "success"),
        ("3", "success"),
    ]


def test_a_gate_of_an_older_commit_leaves_the_comment_alone(runner, github):
    github.push(7, "2" * 40)
    runner.run(all_pass(), *pull_request(7, "2" * 40))
    step = runner.run(fail(), *pull_request(7, "1" * 40), commit_status="smoke-gate")
    (note,) = github.of()
    assert "Smoke gate: ALL PASS" in note.body
    assert "the comment was left as it is: this gate judged 111111111111" in step.stderr
    assert step.code == 1
    assert step.outputs["comment_url"].endswith(str(note.id))
    assert github.statuses[0]["sha"] == "1" * 40


def test_a_gate_that_does_not_know_its_run_finds_its_comment_again(runner, github):
    event, payload = pull_request(7, HEAD)
    for evidence in (fail(), all_pass()):
        runner.run(evidence, {**event, "GITHUB_RUN_ID": "", "GITHUB_RUN_ATTEMPT": ""}, payload)
    (note,) = github.of()
    assert "ALL PASS" in note.body


def test_a_gate_of_an_older_attempt_leaves_the_comment_alone(runner, github):
    event, payload = pull_request(7, HEAD)
    runner.run(all_pass(), {**event, "GITHUB_RUN_ATTEMPT": "2"}, payload)
    runner.run(fail(), event, payload)
    (note,) = github.of()
    assert "ALL PASS" in note.body
    runner.run(fail(), {**event, "GITHUB_RUN_ATTEMPT": "3"}, payload)
    assert "FAIL" in note.body


def test_the_comment_of_somebody_else_is_left_alone(runner, github):
    runner.run(fail(), *pull_request(7, HEAD))
    (own,) = github.of()
    github.notes.clear()
    copied = github.say(7, own.body)
    step = runner.run(all_pass(), *pull_request(7, HEAD))
    assert copied in github.notes
    assert copied.body == own.body
    (note,) = github.of()
    assert "ALL PASS" in note.body
    assert step.outputs["comment_url"].endswith(str(note.id))


def test_comments_beyond_the_first_pages_are_found(runner, github):
    github.graphql_page = 30
    for number in range(95):
        github.say(7, f"comment {number}")
    runner.run(fail(), *pull_request(7, HEAD))
    for number in range(95):
        github.say(7, f"comment {number}")
    runner.run(all_pass(), *pull_request(7, HEAD))
    (note,) = github.of()
    assert "ALL PASS" in note.body


def test_a_hidden_comment_is_seen_again_when_it_says_something_else(runner, github):
    """spec: comment-when"""
    runner.run(fail(), *pull_request(7, HEAD))
    (note,) = github.of()
    note.hidden = True
    step = runner.run(all_pass(), *pull_request(7, HEAD))
    assert ("ALL PASS" in note.body, note.hidden, step.outputs["published"]) == (True, False, "true")
    assert "still hidden" not in step.stderr


def test_a_hidden_comment_that_may_not_be_shown_is_told_and_up_to_date(runner, github):
    runner.run(fail(), *pull_request(7, HEAD))
    (note,) = github.of()
    note.hidden, github.tokens["secret-token"] = True, Token(may_show=False)
    step = runner.run(all_pass(), *pull_request(7, HEAD))
    assert ("ALL PASS" in note.body, note.hidden, step.outputs["published"]) == (True, True, "true")
    assert "the comment is up to date, but still hidden: " in step.stderr


def test_comments_of_others_stay_hidden(runner, github):
    runner.run(fail(), *pull_request(7, HEAD))
    copy = github.say(7, github.of()[0].body)
    copy.hidden = True
    runner.run(all_pass(), *pull_request(7, HEAD))
    assert copy.hidden


def test_gates_with_their_own_ids_have_their_own_comments(runner, github):
    runner.run(all_pass(), *pull_request(7, HEAD), comment_id="vision")
    runner.run(fail(), *pull_request(7, HEAD), comment_id="language")
    runner.run(warning(), *pull_request(7, HEAD), comment_id="vision")
    assert [said(note.body).comment_id for note in github.of()] == ["vision", "language"]
    assert ["WARNING" in note.body for note in github.of()] == [True, False]


@pytest.mark.parametrize(
    ("mode", "evidence", "comments"),
    [
        ("always", all_pass(), 1),
        ("problems", all_pass(), 0),
        ("problems", warning(), 1),
        ("problems", NoVerdictError("nothing"), 1),
        ("never", fail(), 0),
    ],
)
def test_a_comment_is_made_when_it_is_wanted(runner, github, mode, evidence, comments):
    step = runner.run(evidence, *pull_request(7, HEAD), comment=mode)
    assert len(github.of()) == comments
    assert step.outputs["published"] == "true"


@pytest.mark.parametrize("mode", ["always", "problems", "never"])
@pytest.mark.parametrize(
    ("evidence", "word"), [(all_pass(), "ALL PASS"), (NoVerdictError("nothing"), "ERROR")]
)
def test_an_existing_comment_is_always_brought_up_to_date(runner, github, mode, evidence, word):
    runner.run(fail(), *pull_request(7, HEAD))
    runner.run(evidence, *pull_request(7, HEAD), comment=mode)
    (note,) = github.of()
    assert f"Smoke gate: {word}" in note.body


def test_the_head_that_moves_while_writing_is_seen(runner, github):
    # The head moves after the first look; the gate of the new head writes; then this gate looks again.
    def push(verb, path):
        if verb == "POST" and path == COMMENTS and github.pulls[7].sha == HEAD:
            github.push(7, "b" * 40)

    github.before = push
    step = runner.run(fail(), *pull_request(7, HEAD))
    assert step.code == 1
    github.before = lambda verb, path: None
    runner.run(all_pass(), *pull_request(7, "b" * 40))
    (note,) = github.of()
    assert said(note.body).sha == "b" * 40


def test_a_comment_that_is_deleted_while_it_is_written_is_made_again(runner, github):
    runner.run(fail(), *pull_request(7, HEAD))

    def delete(verb, path):
        if verb == "PATCH":
            github.notes.clear()

    github.before = delete
    runner.run(all_pass(), *pull_request(7, HEAD))
    (note,) = github.of()
    assert "ALL PASS" in note.body


def test_a_report_that_is_too_long_is_cut_and_says_so(runner, github):
    """spec: comment-size"""
    cells, seeds = ["실험" * 40 + name for name in "abcd"], [str(seed) for seed in range(100)]
    policy = passing_policy(plan={"seeds": seeds}).model_dump(mode="json", exclude={"narrowed"})
    policy["plan"]["cells"] = cells
    (runner.workspace / "smoke-gate.yml").write_text(json.dumps(policy))
    step = runner.run(passing_matrix(cells, seeds, vq_cells=[]), *pull_request(7, HEAD))
    (note,) = github.of()
    assert len(note.body) <= 65_536
    assert "Shortened, because a comment has a limit: Attempt ledger." in note.body
    assert "Shortened" not in step.summary
    assert step.outputs["published"] == "true"


# --- events -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "sha"),
    [
        (other("schedule", HEAD), HEAD),
        (other("workflow_dispatch", HEAD), HEAD),
        (other("repository_dispatch", HEAD), HEAD),
        (other("merge_group", "9" * 40, merge_group={"head_sha": HEAD}), HEAD),
    ],
    ids=["schedule", "workflow_dispatch", "repository_dispatch", "merge_group"],
)
def test_without_a_pull_request_there_is_everything_but_a_comment(runner, github, event, sha):
    """spec: action-status"""
    step = runner.run(all_pass(), *event, commit_status="smoke-gate")
    assert github.of() == []
    assert github.asked("POST", "/graphql") == 0
    assert step.outputs["comment_url"] == ""
    assert step.outputs["published"] == "true"
    assert "ALL PASS" in step.summary
    assert github.statuses[0]["sha"] == sha


def pushed(sha: str, ref: str = "refs/heads/feature"):
    event, payload = other("push", sha, after=sha)
    return {**event, "GITHUB_REF": ref}, payload


def test_a_push_on_a_pull_requests_branch_finds_it(runner, github):
    step = runner.run(all_pass(), *pushed(HEAD), commit_status="gate")
    assert (step.outputs["published"], [note.pull for note in github.of()]) == ("true", [7])
    document = json.loads(Path(step.outputs["verdict_file"]).read_text())
    assert (document["context"]["sha"], document["context"]["pull_request"]) == (HEAD, 7)
    assert [one["sha"] for one in github.statuses] == [HEAD]


@pytest.mark.parametrize(
    ("sha", "ref"), [("e" * 40, "refs/heads/main"), (HEAD, "refs/tags/v1")], ids=["another commit", "tag"]
)
def test_a_push_of_anything_else_is_of_no_pull_request(runner, github, sha, ref):
    step = runner.run(all_pass(), *pushed(sha, ref), commit_status="gate")
    assert (step.outputs["published"], step.outputs["comment_url"], github.of()) == ("true", "", [])
    assert [one["sha"] for one in github.statuses] == [sha]


@pytest.mark.parametrize("status", [403, 500])
def test_a_push_whose_pull_request_github_does_not_tell_is_as_one_without(runner, github, status):
    github.faults.append(Fault("GET", ".*/pulls", status, "Resource not accessible", times=1000))
    step = runner.run(all_pass(), *pushed(HEAD))
    assert (step.code, step.outputs["verdict"], step.outputs["published"]) == (0, "ALL PASS", "true")
    assert "whether a pull request has this commit as its head is not known" in step.stderr


GROUP = "9" * 40
QUEUED = {"head_sha": GROUP, "head_ref": f"refs/heads/gh-readonly-queue/main/pr-7-{'8' * 40}"}


def test_a_merge_group_is_judged_by_its_pull_requests_head_and_waits_for_its_own_status(runner, github):
    """spec: action-merge-queue"""
    runner.commit({}, {"sha": HEAD})
    step = runner.run(all_pass(), *other("merge_group", GROUP, merge_group=QUEUED), commit_status="gate")
    document = json.loads(Path(step.outputs["verdict_file"]).read_text())
    assert (step.code, step.outputs["verdict"], step.outputs["published"]) == (0, "ALL PASS", "true")
    assert (document["context"]["sha"], document["context"]["pull_request"]) == (HEAD, 7)
    assert [(one["sha"], one["state"]) for one in github.statuses] == [(GROUP, "success")]
    assert [said(note.body).sha for note in github.of()] == [HEAD]


def test_a_merge_group_whose_head_github_does_not_tell_is_no_pass(runner, github):
    github.faults.append(Fault("GET", ".*/pulls/7", 404, "Not Found", times=1000))
    step = runner.run(all_pass(), *other("merge_group", GROUP, merge_group=QUEUED), commit_status="gate")
    assert (step.outputs["verdict"], step.outputs["published"]) == ("WARNING", "false")
    assert [one["sha"] for one in github.statuses] == [GROUP]
    assert github.of() == []


@pytest.mark.parametrize(
    "inputs",
    [{"sha": HEAD}, {"pull_request": "7"}, {"sha": HEAD, "pull_request": "7"}],
    ids=["sha", "pull request", "both"],
)
def test_a_dispatched_gate_turns_the_pending_status_green(runner, github, inputs):
    """spec: action-status"""
    runner.run(pending(), *pull_request(7, HEAD), commit_status="smoke-gate")
    event, payload = other("repository_dispatch", "8" * 40)
    runner.run(all_pass(), {**event, "GITHUB_RUN_ID": "150"}, payload, commit_status="smoke-gate", **inputs)
    assert [(one["sha"], one["state"]) for one in github.statuses] == [(HEAD, "pending"), (HEAD, "success")]
    (note,) = github.of()
    assert "ALL PASS" in note.body


def test_a_plain_docker_run_needs_nothing_of_github(runner, github, tmp_path):
    environ = {"GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    blank = dict.fromkeys(
        ("GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_API_URL"), ""
    )
    step = runner.run(all_pass(), {**environ, **blank}, {}, github_token="")
    assert step.code == 0
    assert github.log == []
    assert step.outputs["published"] == "true"


@pytest.mark.parametrize("event", ["issue_comment", "check_run", "of_tomorrow"])
def test_an_unknown_event_is_told_nowhere_but_in_the_job(runner, github, event):
    payload = {"issue": {"number": 7, "pull_request": {}}, "pull_request": {"number": 7}}
    step = runner.run(fail(), *other(event, HEAD, **payload), commit_status="gate")
    assert (step.code, step.outputs["verdict"], step.outputs["published"]) == (1, "FAIL", "false")
    assert (github.notes, github.statuses) == ([], [])
    assert f"the event `{event}` does not say which commit the runs belong to" in step.stderr
    assert "does not say which commit the runs belong to" in step.summary
    quiet = runner.run(all_pass(), *other(event, HEAD, **payload), comment="never")
    assert (quiet.outputs["published"], "does not say which" in quiet.stderr) == ("true", False)


@pytest.mark.parametrize("inputs", [{"sha": HEAD}, {"pull_request": "7"}])
def test_an_unknown_event_with_its_place_named_is_told_there(runner, github, inputs):
    step = runner.run(all_pass(), *other("issue_comment", "8" * 40), commit_status="gate", **inputs)
    assert (step.outputs["published"], [note.pull for note in github.of()]) == ("true", [7])
    assert [(one["sha"], one["state"]) for one in github.statuses] == [(HEAD, "success")]


# --- what GitHub does not allow ---------------------------------------------------------------------------------------


def test_a_fork_is_told_of_the_second_workflow(runner, github):
    """spec: action-permissions"""
    github.tokens["secret-token"] = Token(may_comment=False, may_set_status=False)
    step = runner.run(fail(), *pull_request(7, HEAD, fork=True), commit_status="gate")
    assert step.code == 1
    assert step.outputs["verdict"] == "FAIL"
    assert step.outputs["published"] == "false"
    assert "Smoke gate: FAIL" in step.summary
    assert "workflow_run" in step.summary
    assert "docs/workflows.md" in step.stderr


def test_a_job_that_wants_no_comment_lacks_nothing_where_it_may_not_write(runner, github):
    runner.run(fail(), *pull_request(7, HEAD))  # the second workflow's, say
    github.tokens["secret-token"] = Token(may_comment=False)
    step = runner.run(all_pass(), *pull_request(7, HEAD), comment="never")
    assert step.outputs["published"] == "true"
    assert "permissions:" not in step.summary


def test_a_missing_permission_is_named(runner, github):
    """spec: action-permissions"""
    github.tokens["secret-token"] = Token(may_comment=False)
    step = runner.run(all_pass(), *pull_request(7, HEAD), commit_status="gate")
    assert step.code == 0
    block = "permissions:\n  contents: read\n  pull-requests: write\n  statuses: write\n"
    assert block in step.summary
    assert block in step.stderr
    assert step.outputs["published"] == "false"
    assert github.statuses[0]["state"] == "success"  # a failed comment keeps nothing else from being done
    assert (
        "::warning title=smoke-gate::not published%3A comment" not in step.stdout
    )  # `:` is escaped in titles only
    assert "::warning title=smoke-gate::not published: comment: POST" in step.stdout


@pytest.mark.parametrize(("mode", "status"), [("always", 403), ("always", 404), ("never", 422)])
def test_a_comment_that_could_not_be_brought_up_to_date_is_told(runner, github, mode, status):
    runner.run(fail(), *pull_request(7, HEAD))
    github.faults.append(Fault("PATCH", ".*", status, "no", times=9))
    step = runner.run(all_pass(), *pull_request(7, HEAD), comment=mode)
    assert step.outputs["published"] == "false"
    assert "not published: comment: PATCH" in step.stderr


def test_without_a_token_everything_else_is_done(runner, github):
    step = runner.run(all_pass(), *pull_request(7, HEAD), github_token="")
    assert step.outputs["verdict"] == "WARNING"  # nobody knows whether the policy was changed
    assert step.outputs["published"] == "false"
    assert "there is no token" in step.summary
    assert github.log == []
    step = runner.run(all_pass(), *pull_request(7, HEAD), github_token="", comment="never")
    assert step.outputs["published"] == "true"


@pytest.mark.parametrize("status", [500, 429, None])
def test_github_that_is_down_costs_the_comment_and_nothing_else(runner, github, waits, status):
    """spec: action-exit"""
    github.faults.append(Fault("POST", COMMENTS, status, "down", times=1000))
    step = runner.run(fail(), *pull_request(7, HEAD))
    assert step.code == 1
    assert step.outputs["published"] == "false"
    assert sum(waits.pauses) <= 60
    assert "not published: comment" in step.stderr


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "Unable to create comment because issue is locked.",
            "The conversation of the pull request is locked",
        ),
        ("Repository was archived so is read-only.", "The repository is archived"),
        ("Resource protected by organization SAML enforcement.", "single sign-on"),
    ],
)
def test_advice_is_about_what_happened(runner, github, message, told):
    github.faults.append(Fault("POST", COMMENTS, 403, message, times=9))
    step = runner.run(all_pass(), *pull_request(7, HEAD))
    assert step.outputs["published"] == "false"
    assert told in step.summary
    assert "permissions:" not in step.summary


@pytest.mark.parametrize("given", [{"github_token": "secret-token\n"}, {"github_token": ""}])
def test_white_space_around_the_token_is_left_out_and_told(runner, github, given):
    """spec: credentials-not-shown"""
    event, payload = pull_request(7, HEAD)
    step = runner.run(all_pass(), {**event, "GITHUB_TOKEN": " secret-token\r\n"}, payload, **given)
    assert step.outputs["published"] == "true"
    assert "the GitHub token has white space around it" in step.stderr
    assert "secret-token" not in step.stdout + step.stderr + step.summary + github.of()[0].body


def test_the_token_is_never_shown(runner, github):
    github.faults.append(Fault("POST", ".*", 403, "forbidden", times=1000))
    step = runner.run(fail(), *pull_request(7, HEAD))
    assert "secret-token" not in step.stdout + step.stderr + step.summary + str(step.outputs)


def test_a_commit_status_has_no_character_that_github_refuses(runner, github):
    step = runner.run(
        UsageError(f"cell '\N{BUG}{'x' * 200}' is not known"), *pull_request(7, HEAD), commit_status="gate"
    )
    (status,) = github.statuses
    assert status["description"].startswith("ERROR: cell '\N{REPLACEMENT CHARACTER}xx")
    assert len(status["description"]) == 140
    assert "\N{BUG}" in github.of()[0].body
    assert step.outputs["published"] == "true"


def test_an_error_with_very_much_to_say_fits_into_a_comment(runner, github):
    step = runner.run(UsageError("\n".join(["@:" * 600] * 30)), *pull_request(7, HEAD))
    assert step.outputs["published"] == "true"
    assert "Smoke gate: ERROR" in github.of()[0].body


def test_the_password_of_the_store_is_masked(runner):
    event, payload = pull_request(7, HEAD)
    step = runner.run(
        all_pass(),
        {**event, "GITHUB_ACTIONS": "true"},
        payload,
        tracking_uri="https://me:p%40ss@mlflow.example.org/",
    )
    assert "::add-mask::p%2540ss" in step.stdout.splitlines()  # as written; the runner decodes %25
    assert "::add-mask::p@ss" in step.stdout.splitlines()


# --- the policy of the base branch ------------------------------------------------------------------------------------


def test_a_changed_policy_is_a_warning_that_shows_the_difference(runner, github):
    (runner.workspace / "smoke-gate.yml").write_text(
        POLICY.replace("fail_threshold: 2", "fail_threshold: 12")
    )
    step = runner.run(all_pass(), *pull_request(7, HEAD))
    assert step.outputs["verdict"] == "WARNING"
    (note,) = github.of()
    assert "Policy of the base branch" in note.body
    assert any(line.startswith("+") and "fail_threshold: 12" in line for line in note.body.splitlines())


def test_the_policy_of_the_base_counts_where_it_is_asked_to(runner, github):
    (runner.workspace / "smoke-gate.yml").write_text(POLICY.replace("'456'", "'456', '789'"))
    assert runner.run(all_pass(), *pull_request(7, HEAD)).outputs["verdict"] == "FAIL"
    step = runner.run(all_pass(), *pull_request(7, HEAD), policy_ref="base")
    assert step.outputs["verdict"] == "ALL PASS"
    document = json.loads(Path(step.outputs["verdict_file"]).read_text())
    assert document["policy"]["plan"]["seeds"] == ["42", "123", "456"]
    assert document["evidence"]["policy_change"] is None


def test_a_base_branch_without_a_policy_is_told_apart_from_one_with_another(runner, github):
    github.files.clear()
    step = runner.run(all_pass(), *pull_request(7, HEAD))
    assert step.outputs["verdict"] == "WARNING"
    found = "There is no policy in main, and there is one in this pull request."
    assert f"{found} That of this pull request counted." in step.stdout
    inputs = {"cells": "B0,A3", "seeds": "42", "experiment": "stage05"}
    step = runner.run(all_pass(), *pull_request(7, HEAD), policy_ref="base", **inputs)
    assert step.outputs["verdict"] != "ERROR"
    assert "There is no policy" not in github.of()[0].body


def test_a_pull_request_that_removes_the_policy_is_told_so(runner, github):
    (runner.workspace / "smoke-gate.yml").unlink()
    step = runner.run(all_pass(), *pull_request(7, HEAD), cells="B0,A3", seeds="42", experiment="stage05")
    assert step.outputs["verdict"] == "WARNING"
    assert "There is no policy in this pull request, and there is one in main." in step.stdout


def test_a_base_policy_that_cannot_be_read_is_a_warning(runner, github):
    """spec: base-policy-ref"""
    github.tokens["secret-token"] = Token(may_read_files=False)
    step = runner.run(all_pass(), *pull_request(7, HEAD))
    assert step.outputs["verdict"] == "WARNING"
    assert "The policy of main could not be read" in step.stdout
    known = "Whether this pull request has another one is not known. That of this pull request counted."
    assert known in step.stdout
    assert "The difference" not in github.of()[0].body


def test_a_base_policy_that_must_count_and_cannot_be_read_is_an_error(runner, github):
    """spec: base-policy-ref"""
    github.tokens["secret-token"] = Token(may_read_files=False)
    step = runner.run(all_pass(), *pull_request(7, HEAD), policy_ref="base")
    assert step.code == 3
    assert step.outputs["verdict"] == "ERROR"
    assert "the policy of main could not be read" in step.stderr
    block = "permissions:\n  contents: read\n  pull-requests: write\n```"
    assert all(block in text for text in (step.summary, step.stderr, github.of()[0].body))


LENIENT = POLICY.replace("fail_threshold: 2", "fail_threshold: 12")


def threshold(step: Step) -> int:
    """Return G5's threshold by the policy that counted."""
    document = json.loads(Path(step.outputs["verdict_file"]).read_text())
    return int(document["policy"]["gates"]["metric_ratio"]["fail_threshold"])


@pytest.mark.parametrize(("policy_ref", "counted"), [("head", 12), ("base", 2)])
def test_a_link_in_the_policys_place_is_a_change_of_the_policy(runner, github, policy_ref, counted):
    (runner.workspace / "lenient.yml").write_text(LENIENT)
    github.files["refs/heads/main:lenient.yml"] = {"text": LENIENT}  # which main has had for long
    (runner.workspace / "smoke-gate.yml").unlink()
    (runner.workspace / "smoke-gate.yml").symlink_to("lenient.yml")
    step = runner.run(all_pass(), *pull_request(7, HEAD), policy_ref=policy_ref)
    assert threshold(step) == counted
    warns = policy_ref == "head"
    assert step.outputs["verdict"] == ("WARNING" if warns else "ALL PASS")
    assert ("Policy of the base branch" in github.of()[0].body) is warns


@pytest.mark.parametrize(("policy_ref", "counted"), [("head", 12), ("base", 3)])
def test_the_policy_that_the_input_names_is_the_one_of_the_base_too(runner, github, policy_ref, counted):
    (runner.workspace / "gates").mkdir()
    (runner.workspace / "gates" / "policy.yml").write_text(LENIENT)
    other_policy = POLICY.replace("fail_threshold: 2", "fail_threshold: 3")
    github.files["refs/heads/main:gates/policy.yml"] = {"text": other_policy}
    step = runner.run(all_pass(), *pull_request(7, HEAD), policy="gates/policy.yml", policy_ref=policy_ref)
    warns = policy_ref == "head"
    assert (step.outputs["verdict"], threshold(step)) == ("WARNING" if warns else "ALL PASS", counted)
    assert ("-    fail_threshold: 3" in github.of()[0].body) is warns


DISPATCHED = other("repository_dispatch", "8" * 40)
SECOND = workflow_run(HEAD, owner="lab", branch="feature")


@pytest.mark.parametrize(("event", "inputs"), [(DISPATCHED, {"sha": HEAD}), (SECOND, {})])
@pytest.mark.parametrize("policy_ref", ["head", "base"])
def test_the_base_policy_of_a_pull_request_that_is_looked_up_counts(
    runner, github, event, inputs, policy_ref
):
    (runner.workspace / "smoke-gate.yml").write_text(LENIENT)
    step = runner.run(all_pass(), *event, policy_ref=policy_ref, **inputs)
    assert (step.outputs["verdict"], threshold(step)) == (
        ("WARNING", 12) if policy_ref == "head" else ("ALL PASS", 2)
    )


@pytest.mark.parametrize(("event", "inputs"), [(DISPATCHED, {"sha": HEAD}), (SECOND, {})])
def test_where_the_pull_request_cannot_be_looked_up_the_base_policy_is_not_known(
    runner, github, event, inputs
):
    github.faults.append(Fault("GET", ".*/pulls", 403, "Resource not accessible by integration", times=9))
    step = runner.run(all_pass(), *event, **inputs)
    assert (step.code, step.outputs["verdict"]) == (0, "WARNING")
    assert "The policy of the base branch could not be read" in step.summary
    step = runner.run(all_pass(), *event, policy_ref="base", commit_status="gate", **inputs)
    assert (step.code, step.outputs["verdict"]) == (3, "ERROR")
    assert "the pull request could not be looked up" in step.stderr
    assert [status["state"] for status in github.statuses] == ["error"]


def test_a_commit_that_truly_has_no_pull_request_has_no_base_policy(runner, github):
    step = runner.run(all_pass(), *DISPATCHED, sha="e" * 40)
    assert (step.code, step.outputs["verdict"]) == (0, "ALL PASS")
    step = runner.run(all_pass(), *DISPATCHED, sha="e" * 40, policy_ref="base")
    assert (step.code, step.outputs["verdict"]) == (2, "ERROR")
    assert f"no open one has the head commit {'e' * 40}: name it with the input `pull_request`" in step.stderr


@pytest.mark.parametrize("event", ["push", "schedule"])
def test_an_event_that_is_of_no_pull_request_is_judged_by_the_checkouts_policy(runner, github, event):
    (runner.workspace / "smoke-gate.yml").write_text(LENIENT)
    step = runner.run(all_pass(), *other(event, HEAD), policy_ref="base")
    assert (step.outputs["verdict"], threshold(step)) == ("ALL PASS", 12)


def test_of_several_pull_requests_with_one_head_the_base_is_not_known(runner, github):
    github.pulls[8] = Pull(8, HEAD, base="lenient")
    step = runner.run(all_pass(), *SECOND)
    assert step.outputs["verdict"] == "WARNING"
    assert [note.pull for note in github.of()] == [7]
    step = runner.run(all_pass(), *SECOND, policy_ref="base")
    assert step.outputs["verdict"] == "ERROR"
    assert "several open pull requests have this head commit, and not one base branch" in step.stderr
    step = runner.run(all_pass(), *SECOND, policy_ref="base", pull_request="7")
    assert step.outputs["verdict"] == "ALL PASS"
    github.pulls[8].base = "main"
    assert runner.run(all_pass(), *SECOND, policy_ref="base").outputs["verdict"] == "ALL PASS"


def test_what_libraries_print_while_reading_is_no_command(runner):
    event, payload = pull_request(7, HEAD)
    environ = runner.environ({**event, "GITHUB_ACTIONS": "true"}, payload, {"tracking_uri": "http://mlflow"})

    def check(request, wait):
        click.echo("::error::a run's name")
        raise NoVerdictError("the store does not answer")

    lines = runner.printed(lambda: run_action(environ, check)).splitlines()
    start, hostile, end, *_ = lines
    assert hostile == "::error::a run's name"
    assert start.startswith("::stop-commands::")
    assert end == f"::{start.removeprefix('::stop-commands::')}::"


def test_hostile_text_stays_text_in_the_log(runner):
    hostile = "x\n::set-output name=a::b\n##[error]"
    evidence = with_run(passing_matrix(), "A3/42", params={"vq_input_unit": hostile})
    step = runner.run(evidence, *pull_request(7, HEAD))
    commands = [line for line in step.stdout.splitlines() if line.lstrip().startswith("::")]
    assert all(line.startswith(("::error ", "::warning ", "::add-mask::")) for line in commands)
    assert "title=smoke-gate::G2 A3/42: " in step.stdout
    assert "##[" not in step.stdout + step.stderr


# --- surroundings that are not as they should be ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"GITHUB_API_URL": "api.github.com"}, "GITHUB_API_URL is 'api.github.com'; expected an address"),
        ({"GITHUB_GRAPHQL_URL": "https://["}, "GITHUB_GRAPHQL_URL is 'https://['"),
        ({"GITHUB_GRAPHQL_URL": "https://api.github.com/graphql"}, "the token goes to one host only"),
        ({"GITHUB_EVENT_PATH": "/nowhere/event.json"}, "cannot be read"),
    ],
)
def test_a_runner_that_is_none_is_an_error(runner, variables, message):
    event, payload = pull_request(7, HEAD)
    step = runner.run(all_pass(), {**event, **variables}, payload)
    assert step.code == 2
    assert message in step.stderr
    assert (step.outputs["verdict"], step.outputs["published"]) == ("ERROR", "false")


def test_a_commit_without_a_pull_request_gets_no_comment(runner, github):
    step = runner.run(all_pass(), *workflow_run("e" * 40, owner="lab", branch="feature"))
    assert github.of() == []
    assert step.outputs["published"] == "true"


def test_a_pull_request_that_could_not_be_looked_up_is_told(runner, github):
    github.faults.append(Fault("GET", ".*/pulls", 403, "Resource not accessible by integration"))
    step = runner.run(all_pass(), *workflow_run(HEAD, owner="lab", branch="feature"), commit_status="gate")
    assert step.code == 0
    assert step.outputs["published"] == "false"
    assert "not published: pull request: GET" in step.stderr
    assert github.statuses[0]["sha"] == HEAD  # the status needs no pull request


def test_a_summary_that_cannot_be_written_costs_the_summary_alone(runner, github, tmp_path):
    event, payload = pull_request(7, HEAD)
    full = tmp_path / "full"
    full.mkdir()
    environ = runner.environ({**event, "GITHUB_STEP_SUMMARY": str(full)}, payload, {})
    code = runner.act(environ, fail())
    assert code == 1
    assert "FAIL" in github.of()[0].body
    assert read_outputs(Path(environ["GITHUB_OUTPUT"]))["published"] == "false"
