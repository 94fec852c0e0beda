"""A server without GraphQL, as Gitea and Forgejo are: REST does the work."""

from collections.abc import Iterator

import pytest

from smoke_gate.github.access import Access
from smoke_gate.github.client import GitHub
from smoke_gate.github.retry import Refusal
from smoke_gate.github.transport import GitHubError
from tests.github.runner import POLICY, Runner, all_pass, fail, pull_request
from tests.github.server import BOT, MAIN, REPOSITORY, FakeGitHub, Fault, Pull, Token, running
from tests.github.waits import HEAD, Waits

EVENT, PAYLOAD = pull_request(7, HEAD)
EMPTY = {**EVENT, "GITHUB_GRAPHQL_URL": ""}
COMMENTS = f"/repos/{REPOSITORY}/issues/7/comments"


@pytest.fixture(params=["gitea", "graphql is gone"])
def github(request) -> Iterator[FakeGitHub]:
    """A server without GraphQL: it never had one, or an address of one leads nowhere."""
    gitea = request.param == "gitea"
    with running(FakeGitHub(pulls={7: Pull(7, HEAD)}, graphql=not gitea)) as github:
        github.tokens["secret-token"] = Token(may_read_user=True)
        if not gitea:
            github.faults.append(Fault("POST", "/graphql", 404, "Not Found", times=1000))
        yield github


@pytest.fixture
def client(github: FakeGitHub, waits: Waits) -> GitHub:
    graphql_url = f"{github.url}/graphql" if github.graphql else None
    return GitHub(
        Access(repository=REPOSITORY, token="secret-token", api_url=github.url, graphql_url=graphql_url),
        waits.clock,
    )


def event_of(github: FakeGitHub) -> dict[str, str]:
    return EVENT if github.graphql else EMPTY


def test_a_comment_is_created_and_then_updated(runner: Runner, github: FakeGitHub):
    """spec: comment-without-graphql"""
    for evidence, word in ((fail(), "FAIL"), (all_pass(), "ALL PASS")):
        step = runner.run(evidence, event_of(github), PAYLOAD, commit_status="gate")
        (note,) = github.of()
        assert f"Smoke gate: {word}" in note.body
        assert step.outputs["published"] == "true"
        assert step.outputs["comment_url"].endswith(f"#issuecomment-{note.id}")
    assert [one["state"] for one in github.statuses] == ["failure", "success"]


def test_a_strangers_copy_is_not_ours(runner: Runner, github: FakeGitHub):
    runner.run(fail(), event_of(github), PAYLOAD)
    (own,) = github.of()
    github.notes.clear()
    copy = github.say(7, own.body)
    runner.run(all_pass(), event_of(github), PAYLOAD)
    assert copy.body == own.body
    assert "ALL PASS" in github.of()[0].body


def test_where_the_server_does_not_say_who_we_are_a_new_comment_is_made(runner: Runner, github: FakeGitHub):
    """spec: comment-without-graphql"""
    github.tokens["secret-token"] = Token(may_read_user=False)
    for number, evidence in enumerate((fail(), all_pass()), 1):
        step = runner.run(evidence, event_of(github), PAYLOAD)
        assert step.outputs["published"] == "true"
        assert len(github.of()) == number
        assert step.outputs["comment_url"].endswith(f"#issuecomment-{github.of()[-1].id}")
    assert ["ALL PASS" in note.body for note in github.of()] == [False, True]


def test_all_comments_are_read_once_and_graphql_is_asked_once_at_most(github: FakeGitHub, client: GitHub):
    for number in range(230):
        github.say(7, f"comment {number}", BOT if number % 2 else "somebody")
    for _ in range(2):
        found = client.discussion(7).comments
        assert [comment.body for comment in found] == [f"comment {number}" for number in range(230)]
        assert sum(comment.own for comment in found) == 115
    assert github.asked("POST", "(/nowhere)?/graphql") == (1 if github.graphql else 0)


def test_a_server_that_does_not_answer_is_not_one_that_does_not_say(github: FakeGitHub, client: GitHub):
    github.faults.append(Fault("GET", "/user", 502, times=1000))
    with pytest.raises(GitHubError) as caught:
        client.discussion(7)
    assert caught.value.refusal is Refusal.UNREACHABLE


def test_files_are_read(github: FakeGitHub, client: GitHub):
    github.files[f"{MAIN}:gates/seoul 서울.yml"] = {"text": "version: 1\n# 서울\n"}
    paths = ["gates/seoul 서울.yml", "other.yml"]
    assert client.contents.texts(MAIN, paths) == {"gates/seoul 서울.yml": "version: 1\n# 서울\n"}
    for revision in ("refs/heads/elsewhere", "e" * 40):
        with pytest.raises(GitHubError) as caught:
            client.contents.texts(revision, paths)
        assert caught.value.refusal is Refusal.NOT_FOUND


def test_a_link_is_not_a_file(github: FakeGitHub, client: GitHub):
    github.files[f"{MAIN}:smoke-gate.yml"] = {"text": "lenient.yml", "mode": "120000"}
    with pytest.raises(GitHubError, match="not a text that GitHub gives whole"):
        client.contents.texts(MAIN, ["smoke-gate.yml"])


def test_a_changed_policy_is_a_warning_here_too(runner: Runner, github: FakeGitHub):
    (runner.workspace / "smoke-gate.yml").write_text(
        POLICY.replace("fail_threshold: 2", "fail_threshold: 12")
    )
    step = runner.run(all_pass(), event_of(github), PAYLOAD)
    assert step.outputs["verdict"] == "WARNING"
    assert "fail_threshold: 12" in github.of()[0].body
