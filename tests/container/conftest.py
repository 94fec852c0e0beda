"""One trained matrix for all tests of the image, and a GitHub for those of the action."""

import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from smoke_gate.demo import train
from tests.container.runner import Runner, runner_in
from tests.github.server import FakeGitHub, Pull, running

HEAD = "a" * 40


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str, testrun_uid: str) -> Path:
    """Train the demo's twelve runs, once for all processes of this test run."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    folder = shared / f"demo-{testrun_uid}"
    with (shared / f"demo-{testrun_uid}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            made = folder.with_suffix(".being-made")
            train(made, None, lambda line: None)
            made.rename(folder)
    return folder


@pytest.fixture
def store(demo: Path, tmp_path: Path) -> Path:
    """Return a copy of the demo's folder, elsewhere than where its artifacts were recorded."""
    return Path(shutil.copytree(demo, tmp_path / "store"))


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with running(FakeGitHub(pulls={7: Pull(7, HEAD)})) as github:
        yield github


@pytest.fixture
def runner(tmp_path: Path, github: FakeGitHub, demo: Path) -> Runner:
    return runner_in(tmp_path, github, demo)
