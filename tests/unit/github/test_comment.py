from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.github.comment import Comment, Stamp, edits, newer, says_other, stamp_of

HEAD, OLD = "a" * 40, "b" * 40
MINE = Stamp(comment_id="smoke-gate", sha=HEAD, run_id=100, run_attempt=2, at="2026-01-31T12:00:00Z")


def comment(number: int, stamp: Stamp = MINE, *, own: bool = True) -> Comment:
    return Comment(id=number, body=f"{stamp.marker}\n## report", own=own, url=f"https://example.org/{number}")


def said(comment: Comment) -> Stamp:
    stamp = stamp_of(comment.body)
    assert stamp is not None
    return stamp


def decide(*comments: Comment, head: str = HEAD, may_create: bool = True, written: bool = False):
    return edits(comments, MINE, head=head, may_create=may_create, written=written)


def test_the_marker_is_read_back():
    assert stamp_of(f"{MINE.marker}\n## report") == MINE


@pytest.mark.parametrize(
    "body", ["", "## report", f"\n{MINE.marker}", f"> {MINE.marker}", MINE.marker.replace("run=", "rum=")]
)
def test_a_marker_elsewhere_is_none(body):
    assert stamp_of(body) is None


@pytest.mark.parametrize(
    ("text", "other"),
    [("## report", False), ("## report\r\n", False), ("## another report", True), ("", True)],
)
def test_a_comment_says_something_else_below_its_marker_or_not_at_all(text, other):
    later = replace(MINE, run_attempt=3)
    assert says_other(f"{MINE.marker}\n## report", f"{later.marker}\n{text}") is other


@pytest.mark.parametrize(
    ("changes", "is_newer"),
    [
        ({}, False),
        ({"run_attempt": 1}, True),
        ({"run_attempt": 3}, False),
        ({"run_id": 200}, False),
        ({"run_id": 200, "at": "2026-01-31T11:59:59Z"}, True),
        ({"run_id": 50, "at": "2026-01-31T12:00:01Z"}, False),
        ({"sha": OLD, "run_attempt": 9}, True),
    ],
)
def test_newer_is_of_the_head_then_of_a_later_attempt_then_later(changes, is_newer):
    assert newer(MINE, replace(MINE, **changes), head=HEAD) is is_newer


def test_without_a_comment_one_is_made():
    assert decide().writes
    assert decide().canonical is None


def test_the_first_own_comment_is_updated_and_the_others_are_deleted():
    """spec: comment-one"""
    decided = decide(comment(9), comment(3), comment(5))
    assert decided.writes
    assert decided.canonical.id == 3
    assert [one.id for one in decided.surplus] == [5, 9]


def test_the_comments_of_others_and_of_other_gates_are_left_alone():
    """spec: comment-one"""
    of_another_action = Comment(id=3, body="## coverage", own=True, url="https://example.org/3")
    others = [comment(1, own=False), comment(2, replace(MINE, comment_id="other")), of_another_action]
    decided = decide(*others)
    assert (decided.canonical, decided.surplus) == (None, ())


def test_a_comment_that_is_not_wanted_is_not_made_but_kept_up_to_date():
    """spec: comment-when"""
    assert not decide(may_create=False).writes
    assert decide(comment(3), may_create=False).writes


def test_a_gate_of_another_commit_writes_nothing():
    """spec: comment-newer"""
    for comments in ((), (comment(3),)):
        decided = decide(*comments, head=OLD)
        assert "the pull request's head is now bbbbbbbbbbbb" in decided.reason


@pytest.mark.parametrize("number", [1, 9])
def test_something_newer_is_not_written_over_wherever_it_stands(number):
    """spec: comment-newer"""
    newer_one = comment(number, replace(MINE, run_attempt=3))
    decided = decide(comment(5), newer_one)
    assert "newer attempt (run 100, attempt 3)" in decided.reason
    assert newer_one not in decided.surplus


def test_having_written_the_gate_only_makes_sure():
    assert decide(comment(3), written=True).reason == "it is up to date"
    assert decide(comment(3, replace(MINE, run_attempt=1)), written=True).writes
    assert decide(written=True).reason == "it was deleted meanwhile"


stamps = st.builds(
    Stamp,
    comment_id=st.sampled_from(["smoke-gate", "other"]),
    sha=st.sampled_from([HEAD, OLD]),
    run_id=st.integers(1, 3),
    run_attempt=st.integers(1, 3),
    at=st.sampled_from(["2026-01-31T12:00:00Z", "2026-01-31T12:00:01Z"]),
)


@given(
    there=st.lists(st.tuples(stamps, st.booleans()), max_size=6),
    mine=stamps,
    may_create=st.booleans(),
    written=st.booleans(),
)
def test_no_plan_touches_what_it_must_not(there, mine, may_create, written):
    comments = [comment(number, stamp, own=own) for number, (stamp, own) in enumerate(there, 1)]
    decided = edits(comments, mine, head=HEAD, may_create=may_create, written=written)
    touched = [*decided.surplus, *([decided.canonical] if decided.canonical else [])]
    assert all(one.own and said(one).comment_id == mine.comment_id for one in touched)
    if decided.canonical is not None:
        first, shown = decided.canonical.id, mine if decided.writes else said(decided.canonical)
        assert all(one.id > first and not newer(said(one), shown, head=HEAD) for one in decided.surplus)
    if decided.writes:
        assert mine.sha == HEAD
        assert not any(newer(said(one), mine, head=HEAD) for one in touched)
