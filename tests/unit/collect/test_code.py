import pytest

from smoke_gate.collect.code import CommitFiles, may_hold_code, same_code
from smoke_gate.evidence import Answer

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
