"""A GitHub, a runner and a clock for every test of publishing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.runner import Runner, runner_in
from tests.github.server import FakeGitHub, Pull, running
from tests.github.waits import HEAD, Waits


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with running(FakeGitHub(pulls={7: Pull(7, HEAD)})) as github:
        yield github


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def runner(
    tmp_path: Path,
    github: FakeGitHub,
    waits: Waits,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Runner:
    made = runner_in(tmp_path, github, capsys, waits.clock)
    monkeypatch.chdir(made.workspace)
    return made
