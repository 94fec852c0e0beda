"""docs/tutorial.md and docs/start.md, read and done: commands typed, files written, workflows run, to the comment."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.github.jobs import Conclusion, Project
from tests.github.server import MAIN, FakeGitHub, running
from tests.support.mlflow_server import mlflow_server
from tests.support.pages import ROOT, Reader, fences, offline, tables

TUTORIAL, START = ROOT / "docs" / "tutorial.md", ROOT / "docs" / "start.md"
WORKFLOWS = ROOT / "docs" / "workflows"
MATRIX, LINES = tables(START)
COPIED = {"trained in CI, within minutes": "ci", "on a cluster, for hours": "cluster", "by hand": "hand"}


# --- what a reader does -----------------------------------------------------------------------------------------------


@dataclass
class Desk:
    """A reader's machine, and the project on GitHub that is pushed to from there."""

    reader: Reader
    project: Project
    shown: dict[str, str] = field(default_factory=dict)
    checked: str = ""
    jobs: list[Conclusion] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def pushed(self, branch: str) -> dict[str, Conclusion]:
        """Let GitHub's jobs for a pull request of a branch run."""
        self.project.shell = {**self.project.shell, "PATH": self.reader.types("echo $PATH").strip()}
        return self.project.pull_request(branch)


def own_copy(hosts: Path) -> None:
    """Put what the checkout holds of the package into a repository on the host, as a fork has it."""
    copy = hosts / "org" / "smoke-gate"
    patterns = ["src", "docs/workflows", "pyproject.toml", "README.md", "LICENSE"]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
    commit = (
        "git init -q -b main && git add -A && git -c user.name=a -c user.email=a@example.org commit -qm copy"
    )
    subprocess.run(["bash", "-ec", commit], cwd=copy, check=True)


@pytest.fixture(scope="module")
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Do what the tutorial says before the pull request, once for all tests."""
    folder = tmp_path_factory.mktemp("first")
    hosts, home = folder / "hosts", folder / "desk"
    home.mkdir()
    own_copy(hosts)
    origin = hosts / "org" / "tumours"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)
    shell = offline(folder / "home", hosts)
    with running(FakeGitHub(merge_base=MAIN)) as github:
        desk = Desk(Reader(home, shell), Project(origin, github, folder, shell))
        for fence in fences(TUTORIAL):
            if fence.name in ("check", "red", "green"):
                desk.shown[fence.name] = fence.text
            elif fence.section[0] in "1234":
                printed = desk.reader.does(fence)
                desk.checked = printed if "smoke-gate check" in fence.text else desk.checked
        yield desk


@pytest.fixture(scope="module")
def desk(at_home: Desk) -> Desk:
    """Do the rest: after each push of the branch, GitHub's job has run."""
    rest = [fence for fence in fences(TUTORIAL) if fence.section[0] in "56" and fence.language != "text"]
    for fence in rest:
        at_home.reader.does(fence)
        if "git push" in fence.text:
            at_home.jobs.append(at_home.pushed("smaller-test-set")["train-and-gate.yml"])
            (note,) = at_home.project.github.of()
            at_home.comments.append(note.body)
    return at_home


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("server"), workers=1) as address:
        yield address


def as_shown(shown: str, found: str) -> bool:
    """Return whether a text says what a page shows, in its order; ``…`` and a line's end stand for anything."""
    parts = [re.escape(part.strip()) for part in re.split("[…\n]+", shown) if part.strip()]
    return re.search(".*?".join(parts), re.sub("[*`#]|<[^>]+>", "", found), re.DOTALL) is not None


# --- the tutorial -----------------------------------------------------------------------------------------------------


def test_the_first_check_passes_as_the_page_shows(at_home):
    assert as_shown(at_home.shown["check"], at_home.checked)


def test_the_pull_request_is_red_and_then_green(desk):
    assert [job.green for job in desk.jobs] == [False, True], desk.jobs[-1].log
    assert [job.outputs["failed_gates"] for job in desk.jobs] == ["G6", ""]
    states = [(one["context"], one["state"]) for one in desk.project.github.statuses[:2]]
    assert states == [("smoke-gate", "failure"), ("smoke-gate", "success")]


def test_one_comment_says_first_the_one_and_then_the_other(desk):
    red, green = desk.comments
    assert as_shown(desk.shown["red"], red)
    assert "test_data_hash" in red
    assert as_shown(desk.shown["green"], green)


# --- the start page ---------------------------------------------------------------------------------------------------


def changes(store: str, training: str, file: str) -> list[tuple[str, str]]:
    """Return what the page says of a file: what stands there, and the lines to write."""
    found = []
    for row in LINES:
        stores, _, only = row["store"].partition(", and a ")
        for_me = stores == "any" or any(one in store for one in stores.split(" or "))
        in_file = (row["in"] == "each workflow" and file != "smoke-gate.yml") or file in row["in"].split(", ")
        if for_me and only in training and in_file:
            there, written = (re.findall("`([^`]+)`", row[column]) for column in ("instead of", "write"))
            found.append((there[0], "\n".join(written)))
    return found


def changed(text: str, todo: list[tuple[str, str]]) -> str:
    """Change lines; each line to change is there once."""
    for there, written in todo:
        (line,) = [one for one in text.splitlines() if one.strip().removeprefix("- uses: ") == there]
        text = text.replace(line, line.replace(there, written))
    return text


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: row["store"])
def test_the_table_counts_files_and_lines(row):
    for training, cell in row.items():
        if training == "store":
            continue
        names = re.findall(r"\(workflows/([\w-]+\.yml)\)", cell)
        (copied,) = [fence for fence in fences(START) if fence.name == copies(row["store"], training)]
        assert re.findall(r"workflows/([\w-]+\.yml)", copied.text) == names
        todo = {name: changes(row["store"], training, name) for name in [*names, "smoke-gate.yml"]}
        texts = {name: (WORKFLOWS / name).read_text() for name in names} | {"smoke-gate.yml": "version: 1\n"}
        lines = 0
        for name, text in texts.items():
            after = changed(text, todo[name]).splitlines()
            lines += len(set(after) - set(text.splitlines()))
        files = sum(bool(one) for one in todo.values())
        said = [int(number) for number in re.findall(r"(\d+) (?:file|line)", cell)]
        assert said == [files, lines], f"{row['store']}, {training}"


def copies(store: str, training: str) -> str:
    """Return the name of the fence that copies the workflows."""
    return "hand" if "local" in store and "CI" not in training else COPIED[training]


def set_up(desk: Desk, branch: str, store: str, training: str) -> None:
    """Do on a branch of main what the page says of a store and a training."""
    reader = desk.reader
    reader.types(f"git switch -qc {branch} main\ngit rm -qr .github")
    (copied,) = [fence for fence in fences(START) if fence.name == copies(store, training)]
    reader.does(copied)
    for file in [*reader.here.glob(".github/workflows/*.yml"), reader.here / "smoke-gate.yml"]:
        file.write_text(changed(file.read_text(), changes(store, training, file.name)))
    reader.types(
        f'git add .github smoke-gate.yml\ngit commit --allow-empty -qm "Set up"\ngit push -qu origin {branch}'
    )


def verdicts(ended: dict[str, Conclusion]) -> dict[str, tuple[bool, str]]:
    return {name: (job.green, job.outputs["verdict"]) for name, job in ended.items()}


def test_a_store_that_is_committed_is_judged(desk):
    set_up(desk, "by-hand", "local: files", "by hand")
    (store,) = [fence for fence in fences(START) if fence.name == "store"]
    desk.reader.does(store)
    ended = desk.pushed("by-hand")
    assert verdicts(ended) == {"direct.yml": (True, "ALL PASS")}, ended["direct.yml"].log
    assert "Smoke gate: ALL PASS" in desk.project.github.of()[0].body


@pytest.fixture(scope="module")
def on_a_server(desk: Desk, server: str) -> dict[str, Conclusion]:
    """Let a job train to the server and judge the runs there."""
    desk.project.variables = {"MLFLOW_TRACKING_URI": server}
    set_up(desk, "on-a-server", "a tracking server", "trained in CI, within minutes")
    return desk.pushed("on-a-server")


def test_a_server_keeps_what_a_job_trains(on_a_server):
    assert verdicts(on_a_server) == {"train-and-gate.yml": (True, "ALL PASS")}, on_a_server


def test_a_pull_request_is_pending_until_the_cluster_has_trained(desk, server, on_a_server):
    set_up(desk, "cluster", "a tracking server", "on a cluster, for hours")
    desk.reader.types("git push -q origin cluster:main")  # a dispatch starts what is on main
    desk.reader.types("git switch -qc split\nsed -i s/test_size=0.3/test_size=0.25/ train.py")
    desk.reader.types('git commit -qam "Train on more"\ngit push -qu origin split')
    first = desk.pushed("split")
    assert verdicts(first) == {"direct.yml": (False, "FAIL")}
    assert first["direct.yml"].outputs["pending"] == "true"
    desk.reader.types(f"MLFLOW_TRACKING_URI={server} python train.py")
    then = desk.project.dispatch(desk.reader.types("git rev-parse HEAD").strip())
    assert verdicts(then) == {"dispatched.yml": (True, "ALL PASS")}, then["dispatched.yml"].log
    assert [one["state"] for one in desk.project.github.statuses[-2:]] == ["pending", "success"]
