"""The loopback GitHub judges rightly: what GitHub's description does not allow is found."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from smoke_gate.github.access import Access
from smoke_gate.github.client import GitHub
from tests.github.openapi import example, violation
from tests.github.server import REPOSITORY, FakeGitHub, running

COMMENTS = f"/repos/{REPOSITORY}/issues/7/comments"
STATUSES = f"/repos/{REPOSITORY}/statuses/{'a' * 40}"


def judged(verb: str, path: str, request: object, status: int, response: object) -> str | None:
    return violation(verb, path, {}, json.dumps(request).encode(), status, json.dumps(response).encode())


def test_what_the_description_allows_is_no_violation():
    assert judged("POST", COMMENTS, {"body": "text"}, 201, example("issue-comment")) is None
    assert judged("POST", STATUSES, {"state": "success"}, 201, example("status")) is None
    assert judged("POST", COMMENTS, {"body": "text"}, 502, "a proxy speaks") is None


@pytest.mark.parametrize(
    ("path", "request_body", "response"),
    [
        (COMMENTS, {"text": "no body"}, example("issue-comment")),
        (COMMENTS, {"body": 7}, example("issue-comment")),
        (COMMENTS, {"body": "text"}, {"id": 1}),
        (STATUSES, {"state": "great"}, example("status")),
    ],
)
def test_what_the_description_does_not_allow_is_a_violation(path, request_body, response):
    assert judged("POST", path, request_body, 201, response) is not None


def test_an_operation_that_github_does_not_have_is_a_violation():
    assert judged("POST", f"/repos/{REPOSITORY}/stickers", {}, 201, {}) is not None


def ask(github: FakeGitHub, ask_it: Callable[[GitHub], object]) -> None:
    with running(github):
        ask_it(GitHub(Access(repository=REPOSITORY, token="secret-token", api_url=github.url)))


def test_a_request_that_is_not_allowed_fails_the_test_that_made_it():
    def wrong(client: GitHub) -> None:
        state: Any = "great"
        client.set_status("a" * 40, state=state, context="x", description="", target_url=None)

    with pytest.raises(AssertionError, match="great"):
        ask(FakeGitHub(), wrong)


def test_a_query_that_github_does_not_know_fails_the_test_that_made_it():
    github = FakeGitHub()

    def wrong(_: GitHub) -> None:
        query = {"query": '{ repository(owner: "lab", name: "forecasts") { stickers } }'}
        headers = {"Authorization": "token secret-token"}
        requests.post(f"{github.url}/graphql", json=query, headers=headers, timeout=5)

    with pytest.raises(AssertionError, match="Cannot query field 'stickers'"):
        ask(github, wrong)
