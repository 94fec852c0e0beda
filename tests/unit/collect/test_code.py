from dataclasses import replace

import pytest

from smoke_gate.collect.code import CommitFiles, codes_of, may_hold_code, same_code
from smoke_gate.evidence import Answer, Head, HeadFrom
from tests.support.matrix import attempt_of, passing_matrix, passing_policy

PYTHON = ("**/*.py",)
WITHOUT_TESTS = ("**/*.py", "!**/tests/**", "!docs/**", "!**/conftest.py")


@pytest.mark.parametrize(
    ("folder", "patterns", "expected"),
    [
        ("src", PYTHON, True),
        ("a/b/c", PYTHON, True),
        ("src", ("src/*.py",), True),
        ("src/deep", ("src/*.py",), False),
        ("lib", ("src/**/*.py",), False),
        ("tests", WITHOUT_TESTS, False),
        ("src/tests", WITHOUT_TESTS, False),
        ("docs", WITHOUT_TESTS, False),
        ("src/docs", WITHOUT_TESTS, True),
        ("src", ("!**/*.py",), False),
    ],
)
def test_which_folders_may_hold_code(folder, patterns, expected):
    assert may_hold_code(folder, patterns) is expected


SAME = {"train.py": "1", "src/net.py": "2", "README.md": "3", "tests/test_net.py": "4"}


@pytest.mark.parametrize(
    ("change", "patterns", "expected"),
    [
        ({}, PYTHON, Answer.YES),
        ({"README.md": "x"}, PYTHON, Answer.YES),
        ({"new.md": "x"}, PYTHON, Answer.YES),
        ({"train.py": "x"}, PYTHON, Answer.NO),
        ({"train.py": None}, PYTHON, Answer.NO),
        ({"new.py": "x"}, PYTHON, Answer.NO),
        ({"tests/test_net.py": "x"}, PYTHON, Answer.NO),
        ({"tests/test_net.py": "x"}, WITHOUT_TESTS, Answer.YES),
        ({}, ("*.cpp",), Answer.UNKNOWN),
        ({}, ("!**/*.py",), Answer.UNKNOWN),
    ],
)
def test_two_trees(change, patterns, expected):
    other = {path: sha for path, sha in {**SAME, **change}.items() if sha is not None}
    for one, two in ((SAME, other), (other, SAME)):
        assert same_code(CommitFiles(files=one), CommitFiles(files=two), patterns) is expected


@pytest.mark.parametrize(
    ("submodules", "patterns", "expected"),
    [
        ({"lib": "a"}, PYTHON, Answer.YES),
        ({"lib": "b"}, PYTHON, Answer.UNKNOWN),  # what is in it is not in this repository
        ({}, PYTHON, Answer.UNKNOWN),
        ({"lib": "b"}, ("*.py",), Answer.YES),
        ({"lib": "b"}, ("lib", "*.py"), Answer.NO),
        ({"lib": "a"}, ("lib",), Answer.YES),
    ],
)
def test_submodules(submodules, patterns, expected):
    ran, head = (
        CommitFiles(files=SAME, submodules={"lib": "a"}),
        CommitFiles(files=SAME, submodules=submodules),
    )
    assert same_code(ran, head, patterns) is expected


def test_only_the_newest_commits_are_asked_about():
    """spec: G0-same-code"""
    attempt = attempt_of(passing_matrix(), "A3/42")
    attempts = [replace(attempt, commit=f"{index:040x}", start_time=index) for index in range(1, 25)]
    asked = []

    def ask(commit, head, patterns):
        asked.append(commit)
        return Answer.NO

    codes = codes_of(
        passing_policy(), Head(commit="c" * 40, origin=HeadFrom.OPTION), attempts, {"clone": ask}
    )
    assert asked == [f"{index:040x}" for index in range(24, 4, -1)] == list(codes)
