import pytest

from smoke_gate.github.retry import Refusal, Reply, is_asked_for, pause_before_repeat, refusal_of

NOW = 1_800_000_000.0
EXHAUSTED = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000020"}


@pytest.mark.parametrize(
    ("status", "text", "headers", "problem", "pause"),
    [
        (0, "ConnectionError", {}, Refusal.UNREACHABLE, 8),
        (500, "", {}, Refusal.UNREACHABLE, 8),
        (503, "", {"retry-after": "3"}, Refusal.UNREACHABLE, 3),
        (429, "", {}, Refusal.LIMITED, 60),
        (429, "", {"retry-after": "0"}, Refusal.LIMITED, 8),
        (503, "", {"retry-after": "0"}, Refusal.UNREACHABLE, 8),
        (429, "", EXHAUSTED, Refusal.LIMITED, 21),
        (403, "API rate limit exceeded", EXHAUSTED, Refusal.LIMITED, 21),
        (403, "secondary rate limit", {"retry-after": "30"}, Refusal.LIMITED, 30),
        (403, "secondary rate limit", {"x-ratelimit-remaining": "10"}, Refusal.LIMITED, 60),
        (
            403,
            "Resource not accessible by integration",
            {"x-ratelimit-remaining": "10"},
            Refusal.FORBIDDEN,
            None,
        ),
        (403, "Unable to create comment because issue is locked.", {}, Refusal.LOCKED, None),
        (403, "Repository was archived so is read-only.", {}, Refusal.ARCHIVED, None),
        (403, "Resource protected by organization SAML enforcement.", {}, Refusal.PROTECTED, None),
        (403, "the `lab` organization has an IP allow list enabled", {}, Refusal.PROTECTED, None),
        (401, "Bad credentials", {}, Refusal.UNAUTHORIZED, None),
        (404, "Not Found", {}, Refusal.NOT_FOUND, None),
        (410, "Gone", {}, Refusal.NOT_FOUND, None),
        (409, "", {}, Refusal.INVALID, None),
        (422, "Validation Failed", {}, Refusal.INVALID, None),
        (302, "", {}, Refusal.INVALID, None),
    ],
)
def test_an_answer_is_understood(status, text, headers, problem, pause):
    reply = Reply(status=status, text=text, headers=headers)
    assert not reply.granted
    assert refusal_of(reply) is problem
    assert pause_before_repeat(reply, 3, now=NOW) == pause


@pytest.mark.parametrize(
    "down", [Reply(status=502, text=""), Reply(status=429, text="", headers={"retry-after": "0"})]
)
def test_pauses_grow_to_a_bound(down):
    assert [pause_before_repeat(down, repeats, now=NOW) for repeats in range(6)] == [1, 2, 4, 8, 16, 16]


@pytest.mark.parametrize(
    ("status", "headers", "asked"),
    [
        (429, {"retry-after": "60"}, True),
        (429, {}, True),  # GitHub's documentation asks for a minute
        (403, EXHAUSTED, True),
        (503, {"retry-after": "60"}, True),
        (429, {"retry-after": "0"}, False),
        (503, {}, False),
        (503, {"retry-after": "0"}, False),
        (0, {}, False),
        (404, {"retry-after": "60"}, False),
    ],
)
def test_a_pause_that_github_asks_for_is_told_from_one_that_only_may_help(status, headers, asked):
    assert is_asked_for(Reply(status=status, text="", headers=headers)) is asked
