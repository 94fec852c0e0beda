"""Whose code it was, by GitHub's trees: a clone need not have the commits."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from smoke_gate.evidence import Answer
from smoke_gate.github.access import Access
from smoke_gate.github.client import GitHub
from smoke_gate.github.code import MOST_LISTINGS, CodeOnGitHub, asks_github
from smoke_gate.github.event import Situation
from smoke_gate.github.job import Job
from smoke_gate.github.settings import Settings
from tests.github.server import REPOSITORY, FakeGitHub, Fault, Token
from tests.github.waits import HEAD, Waits

OLD, MERGE, GONE = "1" * 40, "9" * 40, "e" * 40
PYTHON = ("**/*.py", "!**/tests/**")
FILES = {
    "train.py": {"text": "1"},
    "src/model/net.py": {"text": "2"},
    "src/model/README.md": {"text": "3"},
    "tests/test_net.py": {"text": "4"},
    "docs/a/b/c/page.md": {"text": "5"},
}
TREES = f"/repos/{REPOSITORY}/git/trees/.*"
Commit = Callable[..., None]


@pytest.fixture
def commit(github: FakeGitHub) -> Commit:
    """Put a commit with the usual files on GitHub, except for ``changed`` ones; None: the file is not there."""

    def put(sha: str, **changed: dict[str, Any] | None) -> None:
        github.revisions.add(sha)
        for path, blob in {**FILES, **changed}.items():
            if blob is not None:
                github.files[f"{sha}:{path}"] = blob

    put(HEAD)
    return put


@pytest.fixture
def code(github: FakeGitHub, waits: Waits) -> CodeOnGitHub:
    return code_of(github, waits)


def code_of(github: FakeGitHub, waits: Waits, token: str = "secret-token") -> CodeOnGitHub:
    graphql_url = f"{github.url}/graphql"
    access = Access(repository=REPOSITORY, token=token, api_url=github.url, graphql_url=graphql_url)
    return CodeOnGitHub(GitHub(access, waits.clock).contents)


CHANGES: list[tuple[dict[str, Any], Sequence[str], Answer]] = [
    ({}, PYTHON, Answer.YES),
    ({"src/model/README.md": {"text": "x"}}, PYTHON, Answer.YES),
    ({"tests/test_net.py": {"text": "x"}}, PYTHON, Answer.YES),
    ({"docs/a/b/c/page.md": None}, PYTHON, Answer.YES),
    ({"train.py": {"text": "x"}}, PYTHON, Answer.NO),
    ({"src/model/net.py": None}, PYTHON, Answer.NO),
    ({"src/model/new.py": {"text": "x"}}, PYTHON, Answer.NO),
    ({"train.py": {"text": "1", "mode": "100755"}}, PYTHON, Answer.YES),
    ({"lib": {"commit": "a" * 40}}, PYTHON, Answer.UNKNOWN),
    ({"docs/lib": {"commit": "a" * 40}}, ("src/**/*.py",), Answer.YES),
    ({}, ("**/*.cpp",), Answer.UNKNOWN),
]


@pytest.mark.parametrize(("changed", "paths", "expected"), CHANGES)
@pytest.mark.parametrize("limit", [100_000, 4, 3])
def test_trees_are_compared_also_folder_by_folder(github, code, commit, changed, paths, expected, limit):
    """spec: G0-same-code"""
    github.tree_limit = limit
    commit(OLD, **changed)
    if limit == 3 and len({path.partition("/")[0] for path in {**FILES, **changed}}) > 3:
        expected = Answer.UNKNOWN  # not even a folder is listed whole
    assert code(OLD, HEAD, paths) is expected
    assert code(HEAD, HEAD, paths) is Answer.YES


def test_no_tree_is_asked_for_twice(github, code, commit):
    commits = [f"{number:040x}" for number in range(1, 21)]
    for sha in commits:
        commit(sha)
    for _ in range(3):
        assert {code(sha, HEAD, PYTHON) for sha in commits} == {Answer.YES}
    assert github.asked("GET", TREES) == len(commits) + 1


def test_folders_that_are_equal_are_asked_for_once(github, code, commit):
    github.tree_limit = 4
    commit(OLD, **{"train.py": {"text": "x"}})
    assert code(OLD, HEAD, PYTHON) is Answer.NO
    folders = {path for verb, path in github.log if verb == "GET" and "trees" in path}
    asked = github.asked("GET", TREES)
    assert asked <= 2 * len(folders)
    commit("2" * 40, **{"train.py": {"text": "y"}})
    assert code("2" * 40, HEAD, PYTHON) is Answer.NO
    assert github.asked("GET", TREES) == asked + 2  # the root, and the root without what is below it


def test_folders_without_code_are_not_asked_for(github, code, commit):
    github.tree_limit = 4
    commit(OLD)
    assert code(OLD, HEAD, ("src/**/*.py",)) is Answer.YES
    asked = [path.rpartition("/")[2] for verb, path in github.log if verb == "GET"]
    known = {sha: set(files) for sha, files in github.trees.items()}
    assert not [sha for sha in asked if known.get(sha, set()) & {"a/b/c/page.md", "test_net.py"}]


@pytest.mark.parametrize("one", [HEAD, HEAD.upper(), HEAD[:7]])
def test_head_has_its_own_code_and_is_not_asked_for(github, code, one):
    assert code(one, HEAD, PYTHON) is Answer.YES
    assert github.log == []


@pytest.mark.parametrize("one", ["", "main", "0" * 40, f"{OLD}-dirty", f"{OLD}+", "12345", "x" * 40])
def test_what_is_not_a_clean_commit_is_unknown_and_not_asked_for(github, code, one):
    assert code(one, HEAD, PYTHON) is Answer.UNKNOWN
    assert code(OLD, one, PYTHON) is Answer.UNKNOWN
    assert github.log == []


def test_a_shortened_commit_is_looked_up(github, code, commit):
    commit(OLD)
    github.commits["1111111"] = OLD
    assert code("1111111", HEAD, PYTHON) is Answer.YES
    assert github.asked("GET", f"{TREES[:-2]}{OLD}") == 1


def test_a_branch_with_the_name_of_a_shortened_commit_is_not_one(github, code, commit):
    commit("2" * 40)
    github.commits["1111111"] = "2" * 40
    assert code("1111111", HEAD, PYTHON) is Answer.UNKNOWN


def test_a_commit_that_github_does_not_have_is_unknown_and_asked_for_once(github, code, commit, caplog):
    with caplog.at_level(logging.WARNING):
        assert code(GONE, HEAD, PYTHON) is Answer.UNKNOWN
    assert f"whether {GONE[:12]} has the code of head is not known" in caplog.text
    asked = len(github.log)
    assert code(GONE, HEAD, PYTHON) is Answer.UNKNOWN
    assert len(github.log) == asked
    commit(OLD)
    assert code(OLD, HEAD, PYTHON) is Answer.YES  # the others are still asked for


def test_a_token_that_may_not_read_leaves_it_unknown(github, waits, commit):
    commit(OLD)
    github.tokens["blind"] = Token(may_read_files=False)
    assert code_of(github, waits, "blind")(OLD, HEAD, PYTHON) is Answer.UNKNOWN


def test_a_failure_that_passes_is_not_kept(github, code, commit, waits):
    commit(OLD)
    github.faults.append(Fault("GET", TREES, 502, times=6))
    assert code(OLD, HEAD, PYTHON) is Answer.UNKNOWN
    assert sum(waits.pauses) < 45
    github.faults.clear()
    assert code(OLD, HEAD, PYTHON) is Answer.YES


def test_there_is_a_bound_on_the_requests(github, code, commit):
    github.tree_limit = 4
    deep = {f"{'a/' * number}x.py": {"text": "x"} for number in range(1, MOST_LISTINGS)}
    commit(OLD, **deep)
    assert code(OLD, HEAD, PYTHON) is Answer.UNKNOWN
    assert github.asked("GET", TREES) <= MOST_LISTINGS


def test_a_job_without_a_way_to_github_asks_nobody(github, waits, commit):
    situation = Situation(sha=HEAD, pull_request=7, merge_sha=MERGE)
    job = Job(settings=Settings(), situation=situation, github=None, run_url=None)
    assert asks_github(job) is None


def test_asking_leaves_the_time_to_publish(github, waits, commit):
    commit(OLD)
    access = Access(repository=REPOSITORY, token="secret-token", api_url=github.url)
    client = GitHub(access, waits.clock)
    situation = Situation(sha=HEAD, pull_request=7, merge_sha=MERGE)
    ask = asks_github(Job(settings=Settings(), situation=situation, github=client, run_url=None))
    assert ask is not None

    def take_50_seconds(verb: str, path: str) -> None:
        waits.time += 50 if "trees" in path else 0

    github.before = take_50_seconds
    assert ask(OLD, HEAD, PYTHON) is Answer.UNKNOWN
    assert client.pull_request(7).head_sha == HEAD
