"""A sample of ``make torture``: each kind with a few cases, in a process of its own as there."""

from pathlib import Path

import pytest

from tests.support.forked import python_m

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("kind", "count"), [("server", 4), ("github", 4), ("kills", 4), ("together", 2), ("texts", 2)]
)
def test_nothing_is_wrong(kind, count):
    done = python_m("tests.torture", kind, "--count", str(count), cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, b"")
    said = done.stdout.decode()
    assert f"{count} cases" in said
    assert said.count("wrong: 0") == 1
