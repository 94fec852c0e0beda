import pytest

from smoke_gate.github.retry import Answer, Problem, pause_before_repeat, problem_of

NOW = 1_800_000_000.0
EXHAUSTED = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000020"}


@pytest.mark.parametrize(
    ("status", "text", "headers", "problem", "pause"),
    [
        (0, "ConnectionError", {}, Problem.UNREACHABLE, 8),
        (500, "", {}, Problem.UNREACHABLE, 8),
        (503, "", {"retry-after": "3"}, Problem.UNREACHABLE, 3),
        (429, "", {}, Problem.LIMITED, 60),
        (429, "", {"retry-after": "0"}, Problem.LIMITED, 8),
        (503, "", {"retry-after": "0"}, Problem.UNREACHABLE, 8),
        (429, "", EXHAUSTED, Problem.LIMITED, 21),
        (403, "API rate limit exceeded", EXHAUSTED, Problem.LIMITED, 21),
        (403, "secondary rate limit", {"retry-after": "30"}, Problem.LIMITED, 30),
        (403, "secondary rate limit", {"x-ratelimit-remaining": "10"}, Problem.LIMITED, 60),
        (
            403,
            "Resource not accessible by integration",
            {"x-ratelimit-remaining": "10"},
            Problem.FORBIDDEN,
            None,
        ),
        (401, "Bad credentials", {}, Problem.UNAUTHORIZED, None),
        (404, "Not Found", {}, Problem.NOT_FOUND, None),
        (410, "Gone", {}, Problem.NOT_FOUND, None),
        (409, "", {}, Problem.INVALID, None),
        (422, "Validation Failed", {}, Problem.INVALID, None),
        (302, "", {}, Problem.INVALID, None),
    ],
)
def test_an_answer_is_understood(status, text, headers, problem, pause):
    answer = Answer(status=status, text=text, headers=headers)
    assert not answer.granted
    assert problem_of(answer) is problem
    assert pause_before_repeat(answer, 3, now=NOW) == pause


@pytest.mark.parametrize(
    "down", [Answer(status=502, text=""), Answer(status=429, text="", headers={"retry-after": "0"})]
)
def test_pauses_grow_to_a_bound(down):
    assert [pause_before_repeat(down, repeats, now=NOW) for repeats in range(6)] == [1, 2, 4, 8, 16, 16]
