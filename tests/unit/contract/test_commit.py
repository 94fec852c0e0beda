import pytest
from dulwich import porcelain
from dulwich.repo import Repo

from smoke_gate.contract.commit import WorkingTree, working_tree


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


def test_no_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert working_tree() is None


def test_a_repository_without_a_commit(tmp_path, monkeypatch):
    Repo.init(str(tmp_path)).close()
    monkeypatch.chdir(tmp_path)
    assert working_tree() is None


def test_a_repository_of_an_unknown_format(commit, tmp_path):
    with (tmp_path / ".git" / "config").open("a") as config:
        config.write("[core]\n\trepositoryformatversion = 99\n")
    assert working_tree() is None
