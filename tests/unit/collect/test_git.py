from collections.abc import Sequence
from pathlib import Path

import pytest
from dulwich import porcelain
from dulwich.objects import Commit, ObjectID
from dulwich.repo import Repo

from smoke_gate.collect.git import head_of, is_ancestor, open_repository, same_code
from smoke_gate.evidence import Answer

PYTHON = ("**/*.py",)
ME = b"Me <me@example.org>"


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout"
    folder.mkdir()
    porcelain.init(folder).close()
    return folder


def commit(checkout: Path, **files: str | None) -> str:
    """Write files (`a_py` is a.py; None deletes) and return the commit that holds them."""
    for name, text in files.items():
        path = checkout / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    porcelain.add(checkout, [str(checkout)])
    return str(porcelain.commit(checkout, message=b"m", author=ME, committer=ME), "ascii")


def answer(checkout: Path, ran: str | None, head: str | None, patterns: Sequence[str]) -> Answer:
    with opened(checkout) as repository:
        return same_code(repository, ran, head, patterns)


def opened(checkout: Path) -> Repo:
    repository = open_repository(checkout)
    assert repository is not None
    return repository


def test_no_repository_and_no_commit(tmp_path, checkout):
    assert open_repository(tmp_path) is None
    with opened(checkout) as repository:
        assert head_of(repository) is None


def test_head_from_a_folder_below_the_root(checkout):
    first = commit(checkout, src__a_py="1")
    with opened(checkout / "src") as repository:
        assert head_of(repository) == first


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a_py": "2"}, Answer.NO),
        ({"deep__b_py": "2"}, Answer.NO),
        ({"new_py": "1"}, Answer.NO),
        ({"a_py": None}, Answer.NO),
        ({"notes_md": "2"}, Answer.YES),
        ({"new_md": "1", "notes_md": None}, Answer.YES),
    ],
)
def test_same_code(checkout, files, expected):
    ran = commit(checkout, a_py="1", deep__b_py="1", notes_md="1")
    head = commit(checkout, **files)
    assert answer(checkout, ran, head, PYTHON) is expected
    assert answer(checkout, head, ran, PYTHON) is expected
    assert answer(checkout, ran, ran, PYTHON) is Answer.YES


def test_the_same_code_again_after_a_detour(checkout):
    ran = commit(checkout, a_py="1")
    commit(checkout, a_py="2")
    head = commit(checkout, a_py="1", notes_md="1")
    assert answer(checkout, ran, head, PYTHON) is Answer.YES


def test_a_mode_is_no_code(checkout):
    ran = commit(checkout, a_py="1")
    (checkout / "a.py").chmod(0o755)
    head = commit(checkout, notes_md="1")
    assert answer(checkout, ran, head, PYTHON) is Answer.YES


@pytest.mark.parametrize(
    "commits", [(None, 1), (1, None), ("", 1), ("main", 1), ("c0ffee", 1), ("0" * 40, 1)]
)
def test_unknown_commits(checkout, commits):
    known = commit(checkout, a_py="1")
    left, right = (known if found == 1 else found for found in commits)
    assert answer(checkout, left, right, PYTHON) is Answer.UNKNOWN
    with opened(checkout) as repository:
        assert is_ancestor(repository, left, right) is Answer.UNKNOWN


def test_what_is_no_commit(checkout):
    known = commit(checkout, a_py="1")
    with Repo(checkout) as repository:
        found = repository.object_store[ObjectID(known.encode())]
        assert isinstance(found, Commit)
        tree = found.tree.decode()
    assert answer(checkout, tree, known, PYTHON) is Answer.UNKNOWN


def test_ancestors(checkout):
    first = commit(checkout, a_py="1")
    second = commit(checkout, a_py="2")
    third = commit(checkout, a_py="3")
    with opened(checkout) as repository:
        assert is_ancestor(repository, first, third) is Answer.YES
        assert is_ancestor(repository, second, second) is Answer.YES
        assert is_ancestor(repository, third, first) is Answer.NO


def test_a_shallow_clone_does_not_know(checkout, tmp_path):
    first = commit(checkout, a_py="1")
    second = commit(checkout, a_py="2")
    third = commit(checkout, notes_md="3")
    shallow = tmp_path / "shallow"
    porcelain.clone(str(checkout), shallow, depth=2).close()
    assert answer(shallow, first, third, PYTHON) is Answer.UNKNOWN
    assert answer(shallow, second, third, PYTHON) is Answer.YES
    with opened(shallow) as repository:
        assert is_ancestor(repository, first, third) is Answer.UNKNOWN
        assert is_ancestor(repository, second, third) is Answer.YES
        assert is_ancestor(repository, third, second) is Answer.UNKNOWN
