from ssl import SSLCertVerificationError

import pytest
import requests
from requests.exceptions import SSLError

from smoke_gate.github import transport
from smoke_gate.github.access import Access
from smoke_gate.github.client import GitHub
from smoke_gate.github.retry import Refusal
from smoke_gate.github.transport import Clock, GitHubError
from tests.github.server import BOT, REPOSITORY, FakeGitHub, Fault, Pull, Token, running
from tests.github.waits import HEAD, Waits
from tests.support.http import dripping_server

MAIN = "refs/heads/main"
COMMENTS = f"/repos/{REPOSITORY}/issues/7/comments"


@pytest.fixture
def client(github: FakeGitHub, waits: Waits) -> GitHub:
    return client_of(github, waits)


def client_of(
    github: FakeGitHub,
    waits: Waits,
    *,
    token: str = "secret-token",
    repository: str = REPOSITORY,
    timeout: int = 10,
) -> GitHub:
    access = Access(
        repository=repository,
        token=token,
        api_url=github.url,
        graphql_url=f"{github.url}/graphql",
        timeout=timeout,
    )
    return GitHub(access, waits.clock)


def test_a_pull_request_is_read(client):
    pull = client.pull_request(7)
    assert (pull.number, pull.head_sha, pull.base_ref, pull.is_open) == (7, HEAD, "main", True)


def test_all_pages_of_comments_are_read_and_own_ones_known(github, client):
    for number in range(230):
        github.say(7, f"comment {number}", BOT if number % 2 else "somebody")
    github.say(8, "of another pull request")
    found = client.discussion(7)
    assert [comment.body for comment in found.comments] == [f"comment {number}" for number in range(230)]
    assert sum(comment.own for comment in found.comments) == 115
    assert found.comments[0].id > 2**31
    assert github.asked("POST", "/graphql") == 3


def test_the_head_is_the_one_of_the_last_page(github, client):
    for number in range(101):
        github.say(7, f"comment {number}")

    def push(verb: str, path: str) -> None:
        if github.asked("POST", "/graphql") == 2:
            github.push(7, "b" * 40)

    github.before = push
    assert client.discussion(7).head_sha == "b" * 40


def test_comments_are_created_updated_and_deleted(github, client):
    client.create_comment(7, "first")
    (note,) = github.of()
    client.update_comment(note.id, "second")
    assert note.body == "second"
    client.delete_comment(note.id)
    client.delete_comment(note.id)  # gone already: done
    assert github.of() == []


def test_what_is_written_shows_no_secret(github, client, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "pw-CANARY-3")
    client.create_comment(7, "the server said pw-CANARY-3 and cHctQ0FOQVJZLTM=")
    (comment,) = client.discussion(7).comments
    assert "CANARY" not in comment.body
    assert "cHctQ0FOQVJZLTM" not in comment.body
    assert comment.body.startswith("the server said ")


def test_a_pull_request_is_found_by_its_commit(client):
    assert [pull.number for pull in client.pull_requests_of(HEAD)] == [7]


def test_the_pull_request_of_a_fork_is_found_by_its_branch(github, client):
    # This repository does not have a fork's commit: GitHub says 422.
    github.pulls[9] = Pull(9, "f" * 40, label="fork:main")
    github.pulls[10] = Pull(10, "e" * 40, label="fork:main")  # the same branch, another commit
    assert client.pull_requests_of("f" * 40) == []
    assert [pull.number for pull in client.pull_requests_of("f" * 40, "fork:main")] == [9]


def test_closed_pull_requests_do_not_count(github, client):
    github.pulls[7].state = "closed"
    assert client.pull_requests_of(HEAD) == []


def test_a_file_of_a_branch_is_read(github, client):
    github.files["refs/heads/main:configs/smoke-gate.yml"] = {"text": "version: 1\n"}
    paths = ["configs/smoke-gate.yml", "other.yml"]
    assert client.contents.texts(MAIN, paths) == {"configs/smoke-gate.yml": "version: 1\n"}


@pytest.mark.parametrize("blob", [{"text": None, "isBinary": True}, {"text": "ver", "isTruncated": True}])
def test_a_file_that_is_not_whole_is_an_error(github, client, blob):
    github.files["refs/heads/main:smoke-gate.yml"] = blob
    with pytest.raises(GitHubError, match="not a text that GitHub gives whole"):
        client.contents.texts(MAIN, ["smoke-gate.yml"])


# --- what GitHub refuses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("token-of-nobody", Refusal.UNAUTHORIZED),
        ("token-that-reads", Refusal.FORBIDDEN),
    ],
)
def test_a_refusal_is_told_at_once_and_without_the_token(github, waits, token, problem):
    github.tokens["token-that-reads"] = Token(may_comment=False)
    with pytest.raises(GitHubError) as caught:
        client_of(github, waits, token=token).create_comment(7, "text")
    assert caught.value.refusal is problem
    assert token not in str(caught.value)
    assert waits.pauses == []


def test_what_is_not_there_is_told(client, github, waits):
    with pytest.raises(GitHubError, match="Could not resolve") as caught:
        client.discussion(99)
    assert caught.value.refusal is Refusal.NOT_FOUND
    with pytest.raises(GitHubError) as caught:
        client.pull_request(99)
    assert caught.value.refusal is Refusal.NOT_FOUND
    with pytest.raises(GitHubError, match="lab/elsewhere"):
        client_of(github, waits, repository="lab/elsewhere").discussion(7)


def test_a_file_that_may_not_be_read_is_told(github, waits):
    github.tokens["blind"] = Token(may_read_files=False)
    with pytest.raises(GitHubError, match="Resource not accessible") as caught:
        client_of(github, waits, token="blind").contents.texts(MAIN, ["smoke-gate.yml"])
    assert caught.value.refusal is Refusal.FORBIDDEN


def test_a_text_that_is_too_long_is_refused(client, waits):
    with pytest.raises(GitHubError, match="too long") as caught:
        client.create_comment(7, "x" * 65_537)
    assert caught.value.refusal is Refusal.INVALID
    assert waits.pauses == []


def test_what_is_not_github_is_told(github, client):
    github.faults.append(Fault("GET", ".*/pulls/7", 200, message="no pull request at all"))
    with pytest.raises(GitHubError, match="in a form that is not known here"):
        client.pull_request(7)


@pytest.mark.parametrize("path", [".*/pulls/7", "/graphql"])
def test_a_proxy_that_answers_in_githubs_place_is_told(github, client, path):
    github.faults += [Fault(verb, path, 200, html="<html>Please log in</html>") for verb in ("GET", "POST")]
    with pytest.raises(GitHubError, match="did not answer in JSON"):
        client.discussion(7) if path == "/graphql" else client.pull_request(7)


def test_a_proxy_that_refuses_is_told(github, client):
    github.faults.append(Fault("GET", ".*", 407, html="<html>Who are you?</html>"))
    with pytest.raises(GitHubError, match="HTTP 407"):
        client.pull_request(7)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("same_host", [True, False])
def test_a_redirect_is_told_and_not_followed(github, client, status, same_host):
    with running(FakeGitHub(pulls={7: Pull(7, HEAD)})) as elsewhere:
        host = github.url if same_host else elsewhere.url.replace("//", "//me:password@")
        location = f"{host}/repositories/1/pulls/7?token=password"
        github.faults.append(Fault("GET", ".*", status, "Moved", {"Location": location}))
        with pytest.raises(GitHubError, match=rf"HTTP {status}, Moved, redirected to") as caught:
            client.pull_request(7)
    assert elsewhere.log == []
    assert len(github.log) == 1
    assert f"{host.replace('me:password@', '')}/repositories/1/pulls/7" in str(caught.value)
    assert "password" not in str(caught.value)


def test_what_netrc_holds_for_the_host_does_not_take_the_tokens_place(github, waits, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert client_of(github, waits).pull_request(7).number == 7


# --- limits, failures, lost answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message", "headers", "pause"),
    [
        (429, "Too many requests", {"Retry-After": "7"}, 7),
        (403, "You have exceeded a secondary rate limit", {"Retry-After": "11"}, 11),
        (
            403,
            "API rate limit exceeded",
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000030"},
            31,
        ),
        (502, "Bad Gateway", {}, 1),
        (503, "Unavailable", {"Retry-After": "5"}, 5),
        (None, "", {}, 1),
    ],
)
def test_a_passing_failure_is_waited_for(github, client, waits, status, message, headers, pause):
    github.faults.append(Fault("PATCH", ".*", status, message, headers))
    note = github.say(7, "old", BOT)
    client.update_comment(note.id, "new")
    assert note.body == "new"
    assert waits.pauses == [pause]


@pytest.mark.parametrize(
    ("status", "message", "headers"),
    [
        (429, "Too many requests", {"Retry-After": "3600"}),
        (429, "Too many requests", {"Retry-After": "121"}),
        (
            403,
            "API rate limit exceeded",
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800003600"},
        ),
    ],
)
def test_a_limit_far_beyond_the_deadline_is_not_waited_for(github, client, waits, status, message, headers):
    github.faults.append(Fault("GET", ".*", status, message, headers, times=100))
    with pytest.raises(GitHubError, match="beyond the deadline") as caught:
        client.pull_request(7)
    assert caught.value.refusal is Refusal.LIMITED
    assert waits.pauses == []


@pytest.mark.parametrize(
    ("status", "message", "headers", "pause"),
    [
        (429, "Too many requests", {"Retry-After": "60"}, 60),
        (503, "Unavailable", {"Retry-After": "60"}, 60),
        (403, "You have exceeded a secondary rate limit", {}, 60),
        (403, "API rate limit", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000110"}, 111),
    ],
)
def test_a_pause_that_github_asks_for_is_waited_for_once_beyond_the_deadline(
    github, client, waits, status, message, headers, pause
):
    """spec: action-limits"""
    github.faults.append(Fault("GET", ".*", status, message, headers, times=1))
    assert client.pull_request(7).number == 7
    assert waits.pauses == [pause]
    github.faults.append(Fault("GET", ".*", 502, times=1))
    assert client.pull_request(7).number == 7  # the pause took nothing of the deadline
    limit = {"Retry-After": "60"}
    github.faults.append(Fault("GET", ".*", 429, "Too many requests", limit, times=9))
    with pytest.raises(GitHubError, match="beyond the deadline"):
        client.pull_request(7)
    assert waits.pauses == [pause, 1]


def test_a_lasting_failure_ends_at_the_deadline(github, client, waits):
    """spec: action-limits"""
    github.faults.append(Fault("GET", ".*", 500, times=1000))
    with pytest.raises(GitHubError) as caught:
        client.pull_request(7)
    assert caught.value.refusal is Refusal.UNREACHABLE
    assert waits.pauses == [1, 2, 4, 8, 16, 16]
    assert sum(waits.pauses) < 60
    with pytest.raises(GitHubError):  # the deadline is for all requests together
        client.pull_request(7)
    assert len(waits.pauses) <= 10


def test_a_limit_that_asks_for_no_pause_gets_one(github, client, waits):
    github.faults.append(Fault("GET", ".*", 429, "slow down", {"Retry-After": "0"}, times=1000))
    with pytest.raises(GitHubError, match="beyond the deadline"):
        client.pull_request(7)
    assert waits.pauses == [1, 2, 4, 8, 16, 16]


def test_slow_answers_end_at_the_deadline_too(github, client, waits):
    def take_25_seconds(verb: str, path: str) -> None:
        waits.time += 25

    github.before = take_25_seconds
    for _ in range(3):
        client.pull_request(7)
    with pytest.raises(GitHubError, match="not asked: the 60 s that requests may take together are over"):
        client.pull_request(7)
    assert len(github.log) == 3


def test_queries_leave_time_for_the_commit_status(github, client, waits):
    def take_25_seconds(verb: str, path: str) -> None:
        waits.time += 25 if path == "/graphql" else 1

    github.before = take_25_seconds
    for _ in range(2):
        client.discussion(7)
    with pytest.raises(GitHubError, match="not asked: the 45 s that requests may take together are over"):
        client.discussion(7)
    client.set_status(HEAD, state="failure", context="gate", description="FAIL", target_url=None)
    assert [one["state"] for one in github.statuses] == ["failure"]


def test_an_answer_that_comes_byte_by_byte_is_given_up(monkeypatch):
    monkeypatch.setattr(transport, "DEADLINE", 1.0)
    with dripping_server() as url:
        client = GitHub(Access(repository=REPOSITORY, token="secret-token", api_url=url), Clock())
        with pytest.raises(GitHubError, match="TimeoutError") as caught:
            client.pull_request(7)
    assert caught.value.refusal is Refusal.UNREACHABLE


def test_a_query_that_github_had_no_time_for_is_repeated(github, client, waits):
    github.faults.append(Fault("POST", "/graphql", 502, times=2))
    assert client.discussion(7).head_sha == HEAD
    assert waits.pauses == [1, 2]


@pytest.mark.parametrize("status", [None, 500, 502])
def test_a_comment_whose_answer_was_lost_is_not_written_twice(github, client, status):
    """spec: action-limits"""
    github.faults.append(Fault("POST", COMMENTS, status, done=True))
    client.create_comment(7, "<!-- marker -->\nbody")
    assert [note.body for note in github.of()] == ["<!-- marker -->\nbody"]
    assert github.asked("POST", COMMENTS) == 1


@pytest.mark.parametrize("status", [None, 502])
def test_a_comment_that_was_not_written_is_written_again(github, client, status):
    github.say(7, "<!-- marker -->\nsomebody else's")
    github.faults.append(Fault("POST", COMMENTS, status))
    client.create_comment(7, "<!-- marker -->\nbody")
    assert [note.body for note in github.of()] == ["<!-- marker -->\nbody"]
    assert github.asked("POST", COMMENTS) == 2


@pytest.mark.parametrize("done", [True, False])
def test_a_status_whose_answer_was_lost_is_set_once(github, client, done):
    github.faults.append(Fault("POST", ".*/statuses/.*", None, done=done))
    client.set_status(HEAD, state="success", context="gate", description="good", target_url=None)
    assert [status["state"] for status in github.statuses] == ["success"]


def test_a_status_that_only_looks_like_it_is_no_proof(github, client):
    client.set_status(HEAD, state="pending", context="gate", description="good", target_url=None)
    github.faults.append(Fault("POST", ".*/statuses/.*", 502))
    client.set_status(HEAD, state="success", context="gate", description="good", target_url=None)
    assert [status["state"] for status in github.statuses] == ["pending", "success"]


def test_a_server_that_says_nothing_is_given_up(github, waits):
    client = client_of(github, waits, timeout=1)
    github.faults.append(Fault("GET", ".*", None, delay=1.5))
    assert client.pull_request(7).number == 7
    assert waits.pauses == [1]


def test_a_server_that_is_not_there_is_told(waits):
    client = client_of(FakeGitHub(url="http://127.0.0.1:9"), waits)
    with pytest.raises(GitHubError, match="ConnectionError") as caught:
        client.pull_request(7)
    assert caught.value.refusal is Refusal.UNREACHABLE
    assert "ConnectionError at 127.0.0.1:9 (Connection refused)" in str(caught.value)
    assert "secret-token" not in str(caught.value)


def test_a_host_that_has_no_address_is_told(waits):
    client = client_of(FakeGitHub(url="http://me:password@github.invalid"), waits)
    with pytest.raises(GitHubError, match=r"ConnectionError at github\.invalid \(.*[Nn]ame .+\)") as caught:
        client.pull_request(7)
    assert "password" not in str(caught.value)


def test_a_certificate_that_is_not_trusted_is_told(github, waits, monkeypatch):
    untrusted = SSLCertVerificationError(1, "certificate verify failed")
    untrusted.verify_message = "self-signed certificate"

    def refuse(*_: object, **__: object) -> None:
        raise SSLError("all that a library says, a proxy's password too") from untrusted

    monkeypatch.setattr(requests.Session, "request", refuse)
    with pytest.raises(
        GitHubError, match=r"SSLError at 127\.0\.0\.1:\d+ \(self-signed certificate\)"
    ) as caught:
        client_of(github, waits).pull_request(7)
    assert "password" not in str(caught.value)
