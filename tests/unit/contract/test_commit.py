from pathlib import Path

import pytest
from dulwich import porcelain
from dulwich.index import IndexEntry
from dulwich.objects import ObjectID
from dulwich.repo import Repo

from smoke_gate.contract import commit as module
from smoke_gate.contract.commit import UnknownCommitError, WorkingTree, working_tree


@pytest.fixture(autouse=True, params=["dulwich", "git"])
def reader(request, monkeypatch):
    """Choose the reader of the repository: dulwich where it is installed, else git."""
    if request.param == "git":
        monkeypatch.setattr(module, "find_spec", lambda _name: None)
    return request.param


@pytest.fixture
def commit(tmp_path, monkeypatch):
    (tmp_path / "train.py").write_text("pass\n")
    repository = Repo.init(str(tmp_path))
    porcelain.add(repository, [str(tmp_path / "train.py")])
    made = porcelain.commit(repository, message=b"train", author=b"a <a@b>", committer=b"a <a@b>")
    repository.close()
    monkeypatch.chdir(tmp_path)
    return made.decode()


def test_a_clean_tree(commit):
    assert working_tree() == WorkingTree(commit, dirty=False)


def test_a_folder_within_the_repository(commit, tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert working_tree() == WorkingTree(commit, dirty=False)


def test_a_changed_file_makes_it_dirty(commit, tmp_path):
    (tmp_path / "train.py").write_text("raise SystemExit\n")
    assert working_tree() == WorkingTree(commit, dirty=True)


def test_a_staged_file_makes_it_dirty(commit, tmp_path):
    (tmp_path / "new.py").write_text("pass\n")
    porcelain.add(str(tmp_path), [str(tmp_path / "new.py")])
    assert working_tree() == WorkingTree(commit, dirty=True)


def test_a_removed_file_makes_it_dirty(commit, tmp_path):
    (tmp_path / "train.py").unlink()
    assert working_tree() == WorkingTree(commit, dirty=True)


def test_an_untracked_file_does_not(commit, tmp_path):
    (tmp_path / "mlflow.db").write_text("")
    assert working_tree() == WorkingTree(commit, dirty=False)


def committed(folder: Path, **files: str) -> str:
    """Commit files (`a_py` is a.py) of a repository, which is made if there is none."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        Repo.init(str(folder)).close()
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
        porcelain.add(str(folder), [str(folder / name.replace("_", "."))])
    return porcelain.commit(str(folder), message=b"m", author=b"a <a@b>", committer=b"a <a@b>").decode()


@pytest.fixture
def library(commit, tmp_path):
    """A submodule, with the commit of the repository that has it as `below/lib`."""
    (tmp_path / "below").mkdir()
    library = tmp_path / "below/lib"
    link = committed(library, lib_py="1")
    with Repo(str(tmp_path)) as repository:
        index = repository.open_index()
        entry = dict.fromkeys(("ctime", "mtime", "dev", "ino", "uid", "gid", "size"), 0)
        index[b"below/lib"] = IndexEntry(**entry, mode=0o160000, sha=ObjectID(link.encode()))
        index.write()
    committed(tmp_path)
    return library


@pytest.mark.parametrize("folder", [".", "below", "below/lib"])
def test_a_submodule_at_its_commit_is_clean_wherever_one_stands(library, tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path / folder)
    assert not working_tree().dirty


def test_a_changed_file_in_a_submodule_makes_it_dirty(library):
    (library / "lib.py").write_text("2")
    assert working_tree().dirty


def test_a_submodule_at_another_commit_makes_it_dirty(library):
    committed(library, lib_py="2")
    assert working_tree().dirty


def test_a_submodule_that_is_not_checked_out_does_not(library):
    (library / ".git").rename(library.parent / "elsewhere")
    (library / "lib.py").unlink()
    assert not working_tree().dirty


def test_a_broken_submodule(library):
    (library / ".git").rename(library.parent / "elsewhere")
    (library / ".git").write_text("gitdir: nowhere")
    with pytest.raises(
        UnknownCommitError, match=r"submodule (below/)?lib.*cannot be read|cannot be read.*below/lib"
    ):
        working_tree()


def test_no_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownCommitError, match="there is no git repository"):
        working_tree()


def test_a_repository_without_a_commit(tmp_path, monkeypatch):
    Repo.init(str(tmp_path)).close()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownCommitError, match="no commit yet"):
        working_tree()


@pytest.mark.parametrize(
    ("place", "content"),
    [
        ("config", "[core]\n\trepositoryformatversion = 99\n"),
        ("config", "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tfuture = true\n"),
        ("config", "[core\nfoo"),
        ("index", ""),
        ("index", "DIRC"),
        ("HEAD", "garbage\n"),
    ],
)
def test_a_repository_that_cannot_be_read_stops_no_training(commit, reader, tmp_path, place, content):
    (tmp_path / ".git" / place).write_text(content)
    # git calls one without a valid HEAD no repository at all
    expected = "there is no git" if (reader, place) == ("git", "HEAD") else "cannot be read"
    with pytest.raises(UnknownCommitError, match=expected):
        working_tree()


def test_a_machine_without_git(commit, reader, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    if reader == "dulwich":
        assert working_tree() == WorkingTree(commit, dirty=False)
    else:
        with pytest.raises(UnknownCommitError, match="git cannot be started: No such file"):
            working_tree()
