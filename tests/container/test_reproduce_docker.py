"""A verdict repeated in the image: by the line of a real report, and by `reproduce --docker`."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from smoke_gate.cli import run
from smoke_gate.reproduce.container import replay_in
from tests.container.image import DOCKER, IMAGE, docker


@pytest.fixture
def verdict(store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Check the demo's matrix as if in the image; return the verdict file, its path from the working directory."""
    monkeypatch.chdir(store)
    monkeypatch.setenv("SMOKE_GATE_IMAGE_DIGEST", IMAGE)
    assert run(["check", "--policy", "smoke-gate.yml", "--tracking-uri", "sqlite:///mlflow.db"]) in (0, 1)
    (path,) = Path("outputs").glob("smoke_verdict_*.json")
    return path


def replay_line(report: Path) -> str:
    """Return the first command of the report's last section, which is folded."""
    _, section = report.read_text().split("<strong>How to reproduce</strong>")
    found = re.search(r"^docker run .*$", section, re.MULTILINE)
    assert found is not None
    return found[0]


def by_shell(line: str) -> "subprocess.CompletedProcess[str]":
    """Run a line as its reader would, with the client that the tests use."""
    command = re.sub(r"^docker ", f"{DOCKER} ", line)
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=240, check=False)


def test_the_line_of_the_report_repeats_the_verdict(verdict):
    (report,) = verdict.parent.glob("smoke_report_*.md")
    done = by_shell(replay_line(report))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"reproduced: {json.loads(verdict.read_text())['headline']}\n")


def test_the_line_of_the_report_exposes_a_change(verdict):
    (report,) = verdict.parent.glob("smoke_report_*.md")
    document = json.loads(verdict.read_text())
    document["evidence"]["as_of"] = "2020-01-01"
    verdict.write_text(json.dumps(document))
    done = by_shell(replay_line(report))
    assert done.returncode == 1
    assert done.stdout.startswith("tampered: the evidence does not match its hash")


def test_the_command_does_the_same(verdict, capsys):
    assert run(["reproduce", str(verdict), "--docker"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{IMAGE}: the same, to the last byte"


def test_the_image_has_the_last_word(verdict, capsys):
    document = json.loads(verdict.read_text())
    document["gates"][2]["message"] = "another"
    verdict.write_text(json.dumps(document))
    assert run(["reproduce", str(verdict), "--docker"]) == 1
    assert "differs: " in capsys.readouterr().out


def test_only_the_file_is_there_and_nothing_leaves(tmp_path, verdict):
    """spec: replay-docker"""
    alone = tmp_path / "elsewhere" / "my verdict.json"
    alone.parent.mkdir()
    shutil.copyfile(verdict, alone)
    before = sorted(alone.parent.iterdir())
    assert replay_in(IMAGE, alone).exit_code == 0
    assert sorted(alone.parent.iterdir()) == before
    assert (
        docker("ps", "--all", "--quiet", "--filter", f"ancestor={IMAGE}", "--filter", "status=exited").stdout
        == ""
    )


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (
            f"registry.example/nobody/smoke-gate@sha256:{'a' * 64}",
            "this engine has no image registry.example/nobody/smoke-gate@sha256:",
        ),
        (
            f"{IMAGE.partition(':')[0]}@sha256:{'a' * 64}",
            f"this engine has {IMAGE.partition(':')[0]} only as ",
        ),
        ("debian:trixie-slim", "the Docker engine cannot run debian:trixie-slim: "),
    ],
    ids=["no image", "another digest", "no smoke-gate"],
)
def test_an_image_that_cannot_be_used_is_named(image, said, verdict, capsys):
    assert run(["reproduce", str(verdict), "--docker", "--image", image]) == 2
    assert said in capsys.readouterr().err


def test_no_engine_is_said_so(verdict, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert run(["reproduce", str(verdict), "--docker"]) == 2
    assert "no Docker engine answers" in capsys.readouterr().err
