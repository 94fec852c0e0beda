"""A sample of ``make torture``: each kind with a few cases, in a process of its own as there."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("kind", "count"), [("server", 4), ("github", 4), ("kills", 4), ("together", 2), ("texts", 2)]
)
def test_nothing_is_wrong(kind, count):
    command = [sys.executable, "-m", "tests.torture", kind, "--count", str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{count} cases" in done.stdout
    assert done.stdout.count("wrong: 0") == 1
