"""Who gets colours, asked of a real terminal."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = """
from pathlib import Path
from smoke_gate.cli.screen import show
from tests.unit.report.judgements import judgement
show(judgement(), {"report": Path("outputs/report.md")}, quiet=False)
"""
TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}


def printed(environment: dict[str, str]) -> str:
    """What a terminal is sent."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "VIRTUAL_ENV") if key in os.environ}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SHOW],
        stdout=theirs,
        stdin=theirs,
        env={**kept, "PYTHONPATH": str(Path.cwd()), **environment},
    ) as process:
        os.close(theirs)
        found = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says so when the other end has closed
                break
            if not part:
                break
            found += part
        assert process.wait() == 0
    os.close(ours)
    return found.decode()


def test_a_terminal_gets_the_matrix_in_colours():
    text = printed(TERMINAL)
    assert "\x1b[32m" in text
    assert "456" in text


@pytest.mark.parametrize(
    "environment",
    [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CI": "true"}, {"PYTHONIOENCODING": "ascii:backslashreplace"}],
)
def test_plain_text_otherwise(environment: dict[str, str]):
    text = printed({**TERMINAL, **environment})
    assert "\x1b" not in text
    assert "G0 PASS    plan" in text
