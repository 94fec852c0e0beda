"""docs/tutorial.md, read and done: its commands typed, its files written, its workflow run, to the comment."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.github.jobs import Conclusion, Project
from tests.github.server import FakeGitHub, running
from tests.support.pages import ROOT, Reader, fences, offline

PAGE = ROOT / "docs" / "tutorial.md"


@dataclass(frozen=True)
class Told:
    """What a reader has seen: the terminal's first lines by the command, and the pull request after each push."""

    shown: dict[str, str]
    checked: str
    jobs: list[Conclusion]
    comments: list[list[str]]
    states: list[str]


def own_copy(hosts: Path) -> None:
    """Put what the checkout holds of the package into a repository on the host, as a fork has it."""
    copy = hosts / "org" / "smoke-gate"
    copy.mkdir(parents=True)
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src", "docs/workflows", "*.toml", "*.md", "LICENSE"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
    commands = "git init -q -b main && git add -A && git -c user.name=a -c user.email=a@b commit -qm copy"
    subprocess.run(["bash", "-ec", commands], cwd=copy, check=True)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("tutorial")
    hosts, desk = folder / "hosts", folder / "desk"
    desk.mkdir()
    own_copy(hosts)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(hosts / "org" / "tumours")], check=True)
    shell = offline(folder / "home", hosts)
    reader = Reader(desk, shell)
    with running(FakeGitHub(merge_base="refs/heads/main")) as github:
        project = Project(hosts / "org" / "tumours", github, folder, shell)
        seen = Told({}, "", [], [], [])
        checked = ""
        for fence in fences(PAGE):
            if fence.language == "text" and fence.name in ("check", "red", "green"):
                seen.shown[fence.name] = fence.text
                continue
            printed = reader.does(fence)
            if "smoke-gate check" in fence.text:
                checked = printed
            if fence.language == "console" and re.search("^git push", fence.text, re.MULTILINE) and "main" not in fence.text:
                shell_of_job = {**shell, "PATH": reader.types("echo $PATH").strip()}
                project.shell = shell_of_job
                seen.jobs.append(project.pull_request("smaller-test-set")["train-and-gate.yml"])
                seen.comments.append([note.body for note in github.of()])
                seen.states.append(github.statuses[-1]["state"])
        yield Told(seen.shown, checked, seen.jobs, seen.comments, seen.states)


def test_it(told):
    print(told.shown, told.checked[:300], told.states)
    for job in told.jobs: print(job.green, job.outputs.get("headline"), job.log[-3000:])
    assert 0
