"""Faults of GitHub: at most one comment, always the newest verdict, and the exit code is the verdict's alone."""

import contextlib
import io
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from smoke_gate.collect.errors import StoreError
from smoke_gate.evidence import Evidence
from tests.github.runner import (
    Runner,
    Step,
    all_pass,
    critical,
    fail,
    pending,
    pull_request,
    runner_in,
    warning,
)
from tests.github.server import REPOSITORY, FakeGitHub, Fault, Pull, running
from tests.github.waits import HEAD, Waits, said
from tests.torture.tally import Tally

REPO = f"/repos/{REPOSITORY}"
WRITES = (
    ("POST", f"{REPO}/issues/7/comments"),
    ("PATCH", f"{REPO}/issues/comments/.*"),
    ("DELETE", f"{REPO}/issues/comments/.*"),
    ("POST", f"{REPO}/statuses/.*"),
    ("GET", f"{REPO}/commits/.*/status"),
)
READS = (
    ("POST", "/graphql"),
    ("GET", f"{REPO}/pulls/7"),
    ("GET", f"{REPO}/contents/.*"),
    ("GET", f"{REPO}/compare/.*"),
    ("GET", f"{REPO}/git/trees/.*"),
    ("GET", ".*"),
)
STATUSES = (None, 200, 400, 401, 403, 404, 408, 409, 410, 422, 429, 500, 502, 503, 504)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {},
    {"Retry-After": "1"},
    {"Retry-After": "3600"},
    {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000900"},
)
MESSAGES = (
    "Server Error",
    "You have exceeded a secondary rate limit",
    "Resource not accessible by integration",
)
PAGE = "<html><body>Sign in</body></html>"
RANKS = {0: 0, 4: 1, 1: 2, 2: 3, 3: 3}
ENDS: dict[str, Callable[[], Evidence | BaseException]] = {
    "all pass": all_pass,
    "warning": warning,
    "fail": fail,
    "critical": critical,
    "pending": pending,
    "no store": lambda: StoreError("the store is down"),
}


@dataclass
class Printed:
    """The printed texts, as pytest's ``capsys`` gives it."""

    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)

    def readouterr(self) -> "Texts":
        """Return what was printed since the last time."""
        texts = Texts(self.out.getvalue(), self.err.getvalue())
        for stream in (self.out, self.err):
            stream.seek(0)
            stream.truncate()
        return texts


@dataclass(frozen=True)
class Texts:
    """The two texts."""

    out: str
    err: str


def github_faults(seed: int, count: int, folder: Path) -> Tally:
    """Let so many pull requests be judged, each several times in a row, by a GitHub that fails."""
    tally = Tally("faults of GitHub")
    codes = {name: _Case(folder / "true", random.Random(seed)).sound_code(name) for name in ENDS}
    if set(codes.values()) != {0, 1, 3, 4}:
        raise AssertionError(f"the ends do not give every exit code: {codes}")
    for number in range(count):
        case = _Case(folder / f"case-{number}", random.Random(f"{seed} {number}"))
        case.judge_several_times(tally, codes)
    return tally


@dataclass
class _Case:
    folder: Path
    chance: random.Random

    def sound_code(self, name: str) -> int:
        """Return the exit code of an end where GitHub is sound."""
        with self._runner() as (runner, _):
            return self._judged(runner, name, attempt=1).code

    def judge_several_times(self, tally: Tally, codes: dict[str, int]) -> None:
        """Judge while GitHub fails, then once while it is sound."""
        chance = self.chance
        only_writes = chance.random() < 0.5
        with self._runner() as (runner, github):
            attempts = range(1, chance.randint(2, 4) + 1)
            for attempt in attempts:
                faults = (
                    [] if attempt == attempts[-1] else self._faults(WRITES if only_writes else WRITES + READS)
                )
                github.faults, asked = faults, sum(fault.times for fault in faults)
                name = chance.choice([*ENDS])
                step = self._judged(runner, name, attempt)
                tally.faults += asked - sum(fault.times for fault in faults)
                self._look(
                    tally,
                    github,
                    step,
                    attempt,
                    codes[name],
                    f"{name}, {faults}",
                    exact=only_writes or not faults,
                )
            tally.end("pull requests")

    def _look(
        self, tally: Tally, github: FakeGitHub, step: Step, attempt: int, code: int, case: str, *, exact: bool
    ) -> None:
        wrong = tally.wrong.append
        tally.look_for_a_crash(case, step.stdout + step.stderr + step.summary)
        if step.code != code and (exact or RANKS[step.code] < RANKS[code]):
            wrong(f"{case}: exit code {step.code} instead of {code}: {step.stderr}")
        notes = github.of()
        if len(notes) > 1:
            wrong(f"{case}: {len(notes)} comments")
        shown = {said(note.body).run_attempt for note in notes}
        published = step.outputs["published"] == "true"
        if published and shown != {attempt}:
            wrong(f"{case}: published, but the comment is that of attempt {shown} instead of {attempt}")
        if not published and "not published" not in step.stderr + step.summary:
            wrong(f"{case}: nobody was told that it was not published")
        if not github.faults and not published:
            wrong(f"{case}: not published by a sound GitHub: {step.stderr}")

    def _faults(self, places: tuple[tuple[str, str], ...]) -> list[Fault]:
        chance = self.chance
        return [
            Fault(
                *chance.choice(places),
                status := chance.choice(STATUSES),
                chance.choice(MESSAGES),
                chance.choice(HEADERS),
                times=chance.choice((1, 1, 2, 5, 1000)),
                html=PAGE if status == 200 or chance.random() < 0.2 else "",
                done=chance.random() < 0.3,
            )
            for _ in range(chance.randint(1, 4))
        ]

    @contextmanager
    def _runner(self) -> Iterator[tuple[Runner, FakeGitHub]]:
        printed = Printed()
        self.folder.mkdir(parents=True)
        with (
            running(FakeGitHub(pulls={7: Pull(7, HEAD)})) as github,
            contextlib.redirect_stdout(printed.out),
            contextlib.redirect_stderr(printed.err),
        ):
            runner = runner_in(self.folder, github, cast("Any", printed), Waits().clock)
            with contextlib.chdir(runner.workspace):
                yield runner, github
        shutil.rmtree(self.folder)

    def _judged(self, runner: Runner, name: str, attempt: int) -> Step:
        event, payload = pull_request(7, HEAD)
        event = {**event, "GITHUB_RUN_ATTEMPT": str(attempt)}
        return runner.run(ENDS[name](), event, payload, commit_status="gate", fail_on="warning")
