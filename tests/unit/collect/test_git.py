from collections.abc import Sequence
from pathlib import Path

import pytest
from dulwich import porcelain
from dulwich.objects import Blob, Commit, ObjectID, Tree
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
    """spec: G0-same-code"""
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


@pytest.mark.parametrize("patterns", [("scr/**/*.py",), ("*.pyx", "a"), ("a.py/*",)])
def test_patterns_that_match_nothing_compare_nothing(checkout, patterns):
    """spec: G0-same-code"""
    ran = commit(checkout, src__a_py="1", notes_md="1")
    head = commit(checkout, src__a_py="2")
    assert answer(checkout, ran, head, patterns) is Answer.UNKNOWN
    assert answer(checkout, ran, head, (*patterns, "*.md")) is Answer.YES
    assert answer(checkout, ran, ran, patterns) is Answer.YES


def with_submodule(checkout: Path, at: str) -> str:
    """Return a commit of one file and of a submodule at a commit of this digit."""
    with Repo(checkout) as repository:
        blob, tree = Blob.from_string(b"1"), Tree()
        tree.add(b"a.py", 0o100644, blob.id)
        tree.add(b"lib", 0o160000, ObjectID(at.encode() * 40))
        made = Commit()
        made.tree, made.message = tree.id, b"m"
        made.author = made.committer = ME
        made.author_time = made.commit_time = made.author_timezone = made.commit_timezone = 0
        for thing in (blob, tree, made):
            repository.object_store.add_object(thing)
    return made.id.decode()


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (PYTHON, Answer.UNKNOWN),
        (("lib/**/*.py",), Answer.UNKNOWN),
        (("a.py",), Answer.YES),
        (("src/**/*.py", "*.py"), Answer.YES),
        (("a.py", "lib"), Answer.NO),
        (("**",), Answer.NO),
    ],
)
def test_a_submodule_of_another_commit(checkout, patterns, expected):
    ran, head = with_submodule(checkout, "1"), with_submodule(checkout, "2")
    assert answer(checkout, ran, head, patterns) is expected


def test_a_damaged_object_is_unknown(checkout, caplog):
    ran = commit(checkout, a_py="1")
    head = commit(checkout, a_py="2")
    broken = checkout / ".git/objects" / ran[:2] / ran[2:]
    broken.chmod(0o600)
    broken.write_bytes(b"no zlib")
    assert answer(checkout, ran, head, PYTHON) is Answer.UNKNOWN
    with opened(checkout) as repository:
        assert is_ancestor(repository, ran, head) is Answer.UNKNOWN
    assert "cannot be read" in caplog.text


def test_a_head_that_is_none(checkout):
    commit(checkout, a_py="1")
    (checkout / ".git/HEAD").write_text("garbage\n")
    with opened(checkout) as repository:
        assert head_of(repository) is None


@pytest.mark.parametrize(
    "setting", ["[extensions]\n\tpartialClone = origin\n", "[extensions]\n\tfuture = true\n", "[core\nfoo"]
)
def test_a_repository_of_a_form_that_is_not_known_is_none(checkout, caplog, setting):
    commit(checkout, a_py="1")
    with (checkout / ".git/config").open("a") as config:
        config.write(f"[core]\n\trepositoryformatversion = 1\n{setting}")
    assert open_repository(checkout) is None
    assert "cannot be read" in caplog.text


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
