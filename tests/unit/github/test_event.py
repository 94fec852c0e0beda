from typing import Any

import pytest

from smoke_gate.github.event import Situation, situation

HEAD, MERGE, DEFAULT = "a" * 40, "b" * 40, "c" * 40
JOB = {
    "GITHUB_REPOSITORY": "lab/forecasts",
    "GITHUB_RUN_ID": "100",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SHA": MERGE,
}
PULL = {
    "number": 7,
    "head": {"sha": HEAD, "repo": {"full_name": "lab/forecasts"}},
    "base": {"ref": "main", "repo": {"full_name": "lab/forecasts"}},
}
FORK = {**PULL, "head": {"sha": HEAD, "repo": {"full_name": "fork/forecasts"}}}
DELETED_FORK = {**PULL, "head": {"sha": HEAD, "repo": None}}
FIRST_RUN = {
    "id": 90,
    "run_attempt": 3,
    "event": "pull_request",
    "head_sha": HEAD,
    "head_branch": "patch-1",
    "head_repository": {"owner": {"login": "fork"}},
}


def of(event: str, payload: Any = None, actor: str = "somebody", **inputs: Any) -> Situation:
    environ = {**JOB, "GITHUB_EVENT_NAME": event, "GITHUB_ACTOR": actor}
    return situation(environ, payload or {}, **inputs)


@pytest.mark.parametrize(
    ("event", "pull", "actor", "reads_only"),
    [
        ("pull_request", PULL, "somebody", False),
        ("pull_request", FORK, "somebody", True),
        ("pull_request", DELETED_FORK, "somebody", True),
        ("pull_request", PULL, "dependabot[bot]", False),
        ("pull_request_target", FORK, "somebody", False),
        ("pull_request_review", PULL, "somebody", False),
        ("pull_request_review_comment", FORK, "somebody", True),
    ],
)
def test_of_a_pull_request_the_head_counts_and_never_the_merge_commit(event, pull, actor, reads_only):
    """spec: action-status"""
    assert of(event, {"pull_request": pull}, actor) == Situation(
        event=event,
        repository="lab/forecasts",
        sha=HEAD,
        pull_request=7,
        base_ref="main",
        reads_only=reads_only,
        by_dependabot=actor == "dependabot[bot]",
        merge_sha=None if event == "pull_request_target" else MERGE,
        run_id=100,
        run_attempt=2,
    )


@pytest.mark.parametrize("event", ["issue_comment", "check_run", "status", "of tomorrow"])
def test_an_unknown_event_is_of_no_commit_unless_it_is_named(event):
    found = of(event, {"issue": {"number": 7, "pull_request": {}}, "pull_request": PULL})
    assert (found.sha, found.pull_request, found.asks_api) == (None, None, False)
    assert found.is_unknown
    for inputs in ({"sha": HEAD}, {"pull_request": 7}):
        assert not of(event, **inputs).is_unknown


@pytest.mark.parametrize("event", ["push", "pull_request", "workflow_run", "merge_group", ""])
def test_a_known_event_is_not_unknown_whatever_its_payload_lacks(event):
    assert not of(event).is_unknown


@pytest.mark.parametrize(
    "event",
    ["schedule", "workflow_dispatch", "repository_dispatch", "release", "deployment", "create", ""],
)
def test_other_events_are_of_their_commit_and_of_no_pull_request(event):
    found = of(event)
    assert (found.sha, found.pull_request, found.asks_api, found.reads_only) == (MERGE, None, False, False)


@pytest.mark.parametrize(
    ("ref", "base"),
    [
        (f"refs/heads/gh-readonly-queue/main/pr-123-{DEFAULT}", "main"),
        (f"refs/heads/gh-readonly-queue/release/1.x/pr-123-{DEFAULT}", "release/1.x"),
        (f"refs/heads/gh-readonly-queue/a/pr-9-b/pr-123-{'c' * 64}", "a/pr-9-b"),
    ],
)
def test_a_merge_group_is_about_the_pull_request_that_its_branch_names(ref, base):
    found = of("merge_group", {"merge_group": {"head_sha": MERGE, "head_ref": ref}})
    assert (found.pull_request, found.base_ref, found.sha) == (123, base, None)  # the API knows the head
    assert (found.merge_sha, found.group_sha, found.status_sha) == (MERGE, MERGE, MERGE)


@pytest.mark.parametrize("ref", [None, "", "refs/heads/main", "refs/heads/gh-readonly-queue/main/pr-0-c", 7])
def test_a_merge_group_whose_branch_names_none_is_of_its_own_head(ref):
    found = of("merge_group", {"merge_group": {"head_sha": HEAD, "head_ref": ref}})
    assert (found.sha, found.status_sha, found.pull_request, found.asks_api) == (HEAD, HEAD, None, False)


@pytest.mark.parametrize(
    ("ref", "asks"), [("refs/heads/feature", True), ("refs/tags/v1", False), ("", False)]
)
def test_a_branch_that_is_pushed_may_be_a_pull_requests(ref, asks):
    environ = {**JOB, "GITHUB_EVENT_NAME": "push", "GITHUB_REF": ref}
    found = situation(environ, {})
    assert (found.sha, found.pull_request, found.asks_api, found.on_chance) == (MERGE, None, asks, asks)
    named = situation(environ, {}, sha=HEAD)
    assert (named.sha, named.asks_api, named.on_chance) == (HEAD, True, False)


def test_a_second_workflow_is_about_the_first_ones_run():
    found = of("workflow_run", {"workflow_run": FIRST_RUN})
    assert found == Situation(
        event="workflow_run",
        repository="lab/forecasts",
        sha=HEAD,
        asks_api=True,
        head_label="fork:patch-1",
        of_pull_request=True,
        run_id=90,
        run_attempt=3,
    )


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("pull_request", True),
        ("pull_request_target", True),
        ("push", False),
        ("merge_group", False),
        (None, False),
    ],
)
def test_a_second_workflow_knows_whether_the_first_one_ran_for_a_pull_request(event, expected):
    payload = {"workflow_run": {**FIRST_RUN, "event": event}}
    assert of("workflow_run", payload).of_pull_request is expected


@pytest.mark.parametrize(
    "facts", [{"head_repository": None}, {"head_repository": {"owner": None}}, {"head_branch": None}]
)
def test_a_fork_that_was_deleted_has_no_label(facts):
    found = of("workflow_run", {"workflow_run": {**FIRST_RUN, **facts}})
    assert (found.sha, found.asks_api, found.head_label) == (HEAD, True, None)


@pytest.mark.parametrize(
    ("inputs", "sha", "pull_request", "asks_api"),
    [
        ({"sha": HEAD}, HEAD, None, True),
        ({"pull_request": 7}, None, 7, False),
        ({"sha": HEAD, "pull_request": 7}, HEAD, 7, False),
    ],
)
def test_inputs_say_what_a_dispatched_gate_is_about(inputs, sha, pull_request, asks_api):
    found = of("repository_dispatch", **inputs)
    assert (found.sha, found.pull_request, found.asks_api) == (sha, pull_request, asks_api)


def test_inputs_that_repeat_the_event_change_nothing():
    payload = {"pull_request": PULL}
    assert of("pull_request", payload, pull_request=7) == of("pull_request", payload)
    assert of("pull_request", payload, sha=HEAD) == of("pull_request", payload)


def test_an_input_for_another_pull_request_leaves_the_event_behind():
    found = of("pull_request", {"pull_request": PULL}, pull_request=8)
    assert (found.sha, found.pull_request, found.base_ref) == (None, 8, None)


@pytest.mark.parametrize("payload", [{}, {"pull_request": None}, {"pull_request": {"head": []}}])
def test_a_payload_that_does_not_go_so_far_is_no_crash(payload):
    assert of("pull_request", payload).sha is None
    assert of("workflow_run", payload).sha is None


def test_outside_of_actions_nothing_is_known():
    assert situation({}, {}) == Situation()
    assert situation({**dict.fromkeys(JOB, ""), "GITHUB_RUN_ID": "local"}, {}) == Situation()
    assert situation({}, {}, sha=HEAD) == Situation(sha=HEAD)  # and there is nobody to ask
