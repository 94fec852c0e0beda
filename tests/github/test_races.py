"""Gates that publish at the same time, each through its own client."""

import random
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from smoke_gate.github.access import Access
from smoke_gate.github.client import GitHub
from smoke_gate.github.comment import Stamp
from smoke_gate.github.publish import bring_up_to_date
from tests.github.server import BOT, REPOSITORY, STRANGER, FakeGitHub
from tests.github.waits import HEAD, said

GATES = 8
COMMENTS = f"/repos/{REPOSITORY}/issues/7/comments"
AT = "2026-01-31T12:00:00Z"


def stamp(attempt: int = 1, sha: str = HEAD) -> Stamp:
    return Stamp(comment_id="smoke-gate", sha=sha, run_id=100, run_attempt=attempt, at=AT)


def race(github: FakeGitHub, stamps: Sequence[Stamp]) -> None:
    """Let a gate with each of the stamps publish, all at once."""
    access = Access(
        repository=REPOSITORY, token="secret-token", api_url=github.url, graphql_url=f"{github.url}/graphql"
    )
    problems: list[BaseException] = []

    def gate(stamp: Stamp) -> None:
        try:
            bring_up_to_date(GitHub(access), 7, stamp, f"attempt {stamp.run_attempt}", may_create=True)
        except BaseException as error:
            problems.append(error)
            raise

    threads = [threading.Thread(target=gate, args=(stamp,)) for stamp in stamps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def hold_until_all_wrote(github: FakeGitHub) -> Callable[[str, str], None]:
    """Return the worst that can happen: every gate sees no comment and makes one, before any looks again."""
    all_write = threading.Barrier(GATES)

    def hold(verb: str, path: str) -> None:
        if (verb, path) == ("POST", COMMENTS):
            all_write.wait(timeout=20)
        elif github.asked("POST", COMMENTS) == GATES:
            while github.made < GATES:
                time.sleep(0.001)

    return hold


def test_gates_that_all_saw_no_comment_end_with_one(github):
    """spec: comment-newer"""
    stranger = github.say(7, stamp().marker + "\nmine", STRANGER)
    github.before = hold_until_all_wrote(github)
    race(github, [stamp()] * GATES)
    assert github.asked("POST", COMMENTS) == GATES
    assert len(github.of()) == 1
    assert stranger in github.notes


def test_of_gates_that_all_saw_no_comment_the_newest_attempt_is_shown(github):
    github.before = hold_until_all_wrote(github)
    race(github, [stamp(attempt) for attempt in range(1, GATES + 1)])
    (note,) = github.of()
    assert said(note.body).run_attempt == GATES
    assert note.body.endswith(f"attempt {GATES}")


@pytest.mark.parametrize("seed", range(3))
def test_gates_that_come_as_they_like_end_with_one(github, seed):
    chance = random.Random(seed)
    github.before = lambda verb, path: time.sleep(chance.random() / 50)
    race(github, [stamp(attempt) for attempt in chance.choices(range(1, 4), k=GATES)])
    assert len(github.of()) == 1


def test_the_gate_of_the_head_wins_over_those_of_older_commits(github):
    github.before = lambda verb, path: time.sleep(random.random() / 50)
    old = [stamp(attempt, sha=f"{attempt}" * 40) for attempt in range(2, GATES + 1)]
    race(github, [*old, stamp()])
    (note,) = github.of()
    assert said(note.body) == stamp()


def test_an_older_gate_that_wrote_into_the_newer_ones_comment_is_written_over(github):
    # The newer gate has looked; the older one writes; the newer one writes and looks again.
    first = github.say(7, f"{stamp(1).marker}\nattempt 1", BOT)

    def overwrite(verb: str, path: str) -> None:
        if verb == "PATCH" and github.asked("PATCH", ".*") == 1:
            first.body = f"{stamp(2).marker}\nattempt 2"

    github.before = overwrite
    race(github, [stamp(3)])
    (note,) = github.of()
    assert note is first
    assert note.body.endswith("attempt 3")


def test_own_comments_that_were_left_are_deleted_but_the_first(github):
    first = github.say(7, f"{stamp(1).marker}\nattempt 1", BOT)
    for _ in range(2):
        github.say(7, first.body, BOT)
    race(github, [stamp(2)])
    (note,) = github.of()
    assert note is first
    assert note.body.endswith("attempt 2")
    assert (github.asked("PATCH", ".*"), github.asked("POST", "/graphql")) == (1, 2)  # and looked again


def test_a_newer_one_that_is_not_the_first_is_not_deleted_by_an_older_gate(github):
    github.say(7, f"{stamp(1).marker}\nattempt 1", BOT)
    newer = github.say(7, f"{stamp(5).marker}\nattempt 5", BOT)
    race(github, [stamp(2)])
    assert newer in github.notes
    race(github, [stamp(5)])  # the gate that wrote it puts it into the first
    (note,) = github.of()
    assert note.body.endswith("attempt 5")
