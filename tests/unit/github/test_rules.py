from pathlib import Path

from smoke_gate.github.rules import repository_path

POLICY = "version: 1\nexperiments: [a]\n"


def test_the_path_is_from_the_root_of_the_checkout(tmp_path, monkeypatch):
    (tmp_path / "code" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert repository_path(tmp_path / "code" / "gates" / "policy.yml") == "gates/policy.yml"


def test_without_a_checkout_the_working_directory_is_the_root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert repository_path(tmp_path / "gates" / "policy.yml") == "gates/policy.yml"
    assert repository_path(tmp_path.parent / "policy.yml") is None


def test_no_link_is_followed(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "lenient.yml").write_text(POLICY)
    (tmp_path / "smoke-gate.yml").symlink_to("examples/lenient.yml")
    (tmp_path / "gates").symlink_to("examples")
    monkeypatch.chdir(tmp_path)
    assert repository_path(Path("smoke-gate.yml")) == "smoke-gate.yml"
    assert repository_path(Path("gates/../gates/lenient.yml")) == "gates/lenient.yml"
