"""A copy of the trained matrix for each test of the image, and a GitHub for those of the action."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.runner import Runner, runner_in
from tests.github.server import FakeGitHub, Pull, running

HEAD = "a" * 40


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
