"""Load: many gates at once against one MLflow server and one GitHub end with the right verdicts.

Each gate is a process of its own, forked from one that has imported all it needs, before a server or a thread is
started.
"""

import contextlib
import io
import json
import os
import select
import signal
import sys
import time
from pathlib import Path

from smoke_gate import pipeline
from smoke_gate.collect.progress import silent
from smoke_gate.github.action import run_action
from smoke_gate.options import Options
from smoke_gate.pipeline import Request, Result
from tests.github.openapi import api
from tests.github.runner import pull_request
from tests.github.server import MAIN, REPOSITORY, FakeGitHub, Pull, running
from tests.github.waits import said
from tests.support.mlflow_server import free_port, mlflow_server
from tests.support.recorded import COMMIT, record
from tests.support.stores import sqlite_store
from tests.torture.proxy import faulty_proxy
from tests.torture.server_faults import POLICY, matrices, record_matrices
from tests.torture.tally import Tally

TRUE = {"good": 0, "again": 4, "missing": 1, "cut": 1}
_LONGEST_SECONDS = 300


def load(_seed: int, count: int, folder: Path) -> Tally:
    """Start so many gates at once, each on a pull request of its own; look at verdicts, comments and connections."""
    tally = Tally("gates at once")
    port = free_port()
    wait, go = os.pipe()
    gates: dict[int, int] = {}
    names = [list(TRUE)[number % len(TRUE)] for number in range(count)]
    with contextlib.chdir(folder):
        _import_all(folder)
        for number, name in enumerate(names):
            child = os.fork()
            if child == 0:
                os.close(go)
                _gate(number, name, port, folder, wait)
            gates[child] = number
        record_matrices(folder, TRUE)
        github = FakeGitHub(pulls={number + 1: Pull(number + 1, _sha(number)) for number in range(count)})
        heads = [_sha(number) for number in range(count)]
        github.files = {f"{commit}:smoke-gate.yml": {"text": POLICY} for commit in (MAIN, *heads)}
        github.files |= {f"{commit}:train.py": {"text": "trains"} for commit in (COMMIT, *heads)}
        with (
            mlflow_server(folder, workers=2) as address,
            faulty_proxy(address, port) as proxy,
            running(github),
        ):
            (folder / "github").write_text(github.url)
            os.close(go)  # all start
            codes = _ended(gates, tally)
        _look(tally, names, codes, github, proxy.most_open, folder)
    return tally


def _sha(number: int) -> str:
    return f"{number + 1:040x}"


def _import_all(folder: Path) -> None:
    """Check a small store, so that the gates share what is imported for it; read what GitHub judges by."""
    from smoke_gate.cli import run

    api()

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        (folder / "smoke-gate.yml").write_text(POLICY)
        record(sqlite_store(folder / "first.db"), matrices()["good"], "good")
        run(
            [
                "check",
                "--tracking-uri",
                f"sqlite:///{folder / 'first.db'}",
                "--no-figures",
                "--output-dir",
                "first",
            ]
        )


def _gate(number: int, name: str, port: int, folder: Path, wait: int) -> None:
    """Wait for the start and judge one pull request, as the action does, in a workspace of its own."""
    code = 99
    try:
        os.read(wait, 1)
        github = (folder / "github").read_text()
        workspace = folder / f"gate-{number}"
        workspace.mkdir()
        os.chdir(workspace)
        Path("smoke-gate.yml").write_text(POLICY)
        log = os.open("log", os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = run_action(_environ(number, name, port, github), _check)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _check(request: Request, wait: float) -> Result:
    return pipeline.check(request, silent, wait=wait)


def _environ(number: int, name: str, port: int, github: str) -> dict[str, str]:
    event, payload = pull_request(number + 1, _sha(number))
    Path("event.json").write_text(json.dumps(payload))
    return {
        **event,
        "GITHUB_API_URL": github,
        "GITHUB_GRAPHQL_URL": f"{github}/graphql",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_RUN_ID": str(100 + number),
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_EVENT_PATH": "event.json",
        "GITHUB_OUTPUT": "output",
        "GITHUB_STEP_SUMMARY": "summary",
        "INPUT_GITHUB_TOKEN": "secret-token",
        "INPUT_TRACKING_URI": f"http://127.0.0.1:{port}/gate-{number}",
        "INPUT_EXPERIMENT": name,
        "INPUT_OUTPUT_DIR": "outputs",
        "INPUT_NO_FIGURES": "true",
        "INPUT_FAIL_ON": "warning",
        "INPUT_COMMIT_STATUS": "gate",
    }


def _ended(gates: dict[int, int], tally: Tally) -> dict[int, int]:
    """Return the exit codes of the gates; one that does not end is killed and noted."""
    end, codes = time.monotonic() + _LONGEST_SECONDS, {}
    left = dict(gates)
    while left:
        for child in list(left):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                codes[left.pop(child)] = os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            for child in left:
                os.kill(child, signal.SIGKILL)
            tally.wrong += [f"gate {number} did not end" for number in left.values()]
            end += _LONGEST_SECONDS
        select.select([], [], [], 0.05)
    return codes


def _look(
    tally: Tally,
    names: list[str],
    codes: dict[int, int],
    github: FakeGitHub,
    most_open: dict[str, int],
    folder: Path,
) -> None:
    """Compare each gate's exit code, comment and connections with what they should be."""
    for number, name in enumerate(names):
        case, code = f"gate {number}, {name}", codes.get(number)
        log = (folder / f"gate-{number}" / "log").read_text()
        tally.end("the true verdict" if code == TRUE[name] else "another end")
        tally.look_for_a_crash(case, log)
        if code != TRUE[name]:
            tally.wrong.append(f"{case}: exit code {code} instead of {TRUE[name]}: {log[-600:]}")
        notes = [note for note in github.of() if note.pull == number + 1]
        if [said(note.body).sha for note in notes] != [_sha(number)]:
            tally.wrong.append(f"{case}: {len(notes)} comments: {log[-600:]}")
        if (opened := most_open.get(str(number), 0)) > Options().workers:
            tally.wrong.append(f"{case}: {opened} connections at once with {Options().workers} workers")
    tally.ends[f"at most {max(most_open.values(), default=0)} connections of a gate"] += 1
