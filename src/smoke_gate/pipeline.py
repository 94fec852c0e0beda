"""The main job, in order: collect, draw, evaluate, write."""

import logging
import os
import shlex
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from smoke_gate import __version__
from smoke_gate.baseline import Baseline, against
from smoke_gate.bite import bite_for_report
from smoke_gate.collect import Source, collect, default_tracking_uri, find_plan, from_here, runner_path_map
from smoke_gate.collect.code import AskCode
from smoke_gate.collect.errors import NoExperimentError
from smoke_gate.collect.progress import Progress
from smoke_gate.commits import read_commit
from smoke_gate.draw import Drawing, draw
from smoke_gate.errors import ExitCode, UsageError
from smoke_gate.evidence import Attempt, Evidence, Head, HeadFrom, PolicyChange
from smoke_gate.gates.base import case_of
from smoke_gate.gates.pairs import newer_than_selected
from smoke_gate.options import Options
from smoke_gate.pictures import NO_PICTURES, Curves, Pictures
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.names import reported
from smoke_gate.report.files import output_directory, stamp, write_folder, write_lines
from smoke_gate.report.html import html
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.junit import junit
from smoke_gate.report.markdown import markdown
from smoke_gate.report.predicate import predicate_text
from smoke_gate.report.reproduction import Reproduction
from smoke_gate.text import log_line
from smoke_gate.times import moment
from smoke_gate.verdict import Verdict, VerdictStatus, evaluate
from smoke_gate.verdict_file.document import Context, Experiment, StoreOrigin, Tool
from smoke_gate.verdict_file.write import document_lines, verdict_document
from smoke_gate.waiting import wait_while

_LONGEST_RUN = timedelta(days=7)
_LOG = logging.getLogger(__name__)
# How reports name the image where its digest is not known: as `make image` does.
LOCAL_IMAGE = "smoke-gate:dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The request to ``check``, with everything looked up.

    ``ask_code`` says whether a commit has head's code where the clone cannot. ``policy_file`` is where the policy was
    read, None where the options are the policy. ``policy_change`` is how this pull request's policy differs from the
    base branch's, which only the action can know. ``baseline`` is what the verdict is held against, if anything.
    """

    options: Options
    policy: Policy
    source: Source
    context: Context
    policy_file: Path | None = None
    image_digest: str | None = None
    policy_change: PolicyChange | None = None
    baseline: Baseline | None = None
    ask_code: AskCode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A verdict with all that led to it, and the files that were written, by what they are."""

    judgement: Judgement
    files: Mapping[str, Path]

    def exit_code(self, *, fail_on: str) -> ExitCode:
        """Return what the process says to its caller; ``fail_on`` is ``fail`` or ``warning``.

        A broken limit against the baseline fails whatever the verdict is; a baseline that is not there changes nothing.
        """
        if self.judgement.baseline is not None and self.judgement.baseline.fails:
            return ExitCode.FAIL
        match self.judgement.verdict.status:
            case VerdictStatus.ALL_PASS:
                return ExitCode.OK
            case VerdictStatus.WARNING:
                return ExitCode.WARNING if fail_on == "warning" else ExitCode.OK
            case VerdictStatus.FAIL:
                return ExitCode.FAIL


def request_of(options: Options, policy: Policy) -> Request:
    """Look up what the options leave to the surroundings: the store, the checkout, the image that this runs in."""
    policy_file = options.policy_file
    runner_folders = runner_path_map(os.environ)
    tracking_uri = options.tracking_uri or default_tracking_uri(Path(), os.environ)
    path_map = [(old, from_here(new, runner_folders)) for old, new in options.artifact_path_map]
    source = Source(
        tracking_uri=from_here(tracking_uri, runner_folders),
        policy_dir=policy_file.parent if policy_file else Path(),
        artifact_path_map=(*path_map, *runner_folders),
        artifact_hosts=options.artifact_hosts,
        head=_head_of(options),
        workers=options.workers,
        executor=options.executor,
        cache=options.cache,
    )
    return Request(
        options=options,
        policy=policy,
        source=source,
        context=Context(sha=options.sha, pull_request=options.pull_request),
        policy_file=policy_file,
        image_digest=os.environ.get("SMOKE_GATE_IMAGE_DIGEST") or None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedMatrix:
    """A verdict, what it rests on, and where that was read; nothing is written yet."""

    evidence: Evidence
    origin: StoreOrigin
    verdict: Verdict
    looked_at: datetime
    drawings: tuple[Drawing, ...] = ()
    pictures: Pictures = NO_PICTURES


def _head_of(options: Options) -> Head:
    """Return the commit that an option says is head; on a pull request the one that is checked out will be."""
    if options.sha is None:
        return Head(origin=HeadFrom.NONE if options.pull_request is None else HeadFrom.PULL_REQUEST)
    return Head(commit=read_commit(options.sha).digits, origin=HeadFrom.OPTION)


def check(request: Request, progress: Progress, *, wait: float = 0.0) -> Result:
    """Read the runs, judge them, and write the files.

    Args:
        request: what is asked.
        progress: is told how far reading is.
        wait: how many seconds to wait, reading again and again, while the verdict is pending.

    Raises:
        SmokeGateError: no verdict can be reached, or it cannot be written; then none of its files is left.
    """
    if not request.policy.plan.cells:
        raise _no_plan(request, progress)
    judged = wait_while(
        may_change,
        lambda: _look(request, progress),
        seconds=wait,
        sleep=_pause,
        now=time.monotonic,
    )
    if isinstance(judged, NoExperimentError):
        raise judged
    return write(request, judged)


def _look(request: Request, progress: Progress) -> "JudgedMatrix | NoExperimentError":
    """Read the runs and judge them; if the experiment does not exist yet, return the error as the answer."""
    try:
        return read_and_judge(request, progress)
    except NoExperimentError as error:
        return error


def may_change(seen: "JudgedMatrix | NoExperimentError") -> bool:
    """Return whether waiting may change what was seen: runs are missing, or a newer attempt at a pair goes on."""
    if isinstance(seen, NoExperimentError):
        return True
    newer = (attempt for place in seen.verdict.matrix.places for attempt in newer_than_selected(place))
    return seen.verdict.pending or any(_goes_on(attempt, seen.looked_at) for attempt in newer)


def _goes_on(attempt: Attempt, now: datetime) -> bool:
    """Return whether an attempt may still finish: a killed process stays RUNNING for ever, so only for some days."""
    started = moment(attempt.start_time)
    return (
        attempt.status in ("RUNNING", "SCHEDULED")
        and attempt.lifecycle_stage == "active"
        and (started is None or now - started < _LONGEST_RUN)
    )


def _pause(seconds: float) -> None:
    _LOG.info("not all runs are there, or one goes on: looking again in %.0f seconds", seconds)
    time.sleep(seconds)


def read_and_judge(request: Request, progress: Progress) -> JudgedMatrix:
    """Read the runs as they are now, and judge them."""
    looked_at = datetime.now(UTC)  # before the first look: facts are as old as that
    collected = collect(
        request.policy,
        request.source,
        with_curves=not request.options.no_figures,
        ask_code=request.ask_code,
        progress=progress,
    )
    evidence = replace(collected.evidence, policy_change=request.policy_change)
    experiments = tuple(Experiment(*one) for one in collected.experiments)
    origin = StoreOrigin(
        tracking_uri=collected.tracking_uri,
        experiments=experiments,
        policy_file=reported(request.policy_file) if request.policy_file else None,
        workspace=collected.workspace,
    )
    judged = judge(request, evidence, origin, looked_at)
    if request.options.no_figures:
        return judged
    return _with_pictures(request.policy, judged, collected.curves, progress)


def judge(
    request: Request,
    evidence: Evidence,
    origin: StoreOrigin,
    looked_at: datetime,
) -> JudgedMatrix:
    """Judge evidence by the request's policy."""
    verdict = evaluate(request.policy, evidence)
    return JudgedMatrix(evidence=evidence, origin=origin, verdict=verdict, looked_at=looked_at)


def write(request: Request, judged: JudgedMatrix) -> Result:
    """Write the files, named by the time and the evidence's hash."""
    document = verdict_document(
        judged.verdict,
        request.policy,
        judged.evidence,
        context=request.context,
        source=judged.origin,
        tool=Tool(version=__version__, image_digest=request.image_digest),
        created_at=judged.looked_at,
        pictures=judged.pictures,
    )
    folder, name = request.options.output_dir, stamp(judged.looked_at, document.evidence_sha256)
    verdict_file = folder / f"smoke_verdict_{name}.json"
    judgement = Judgement(
        verdict=judged.verdict,
        policy=request.policy,
        evidence=judged.evidence,
        document=document,
        reproduction=_reproduction(request, judged.origin, verdict_file),
        baseline=against(request.baseline, request.policy, judged.evidence, judged.verdict),
        bite=bite_for_report(request.policy, judged.evidence),
    )
    # In this order: a report is never there without its verdict file.
    texts: dict[str, tuple[Path, Iterable[str]]] = {
        "verdict_file": (verdict_file, document_lines(document)),
        "report": (folder / f"smoke_report_{name}.md", [markdown(judgement)]),
        "html_report": (folder / f"smoke_report_{name}.html", [html(judgement, judged.drawings)]),
        "junit": (folder / f"smoke_junit_{name}.xml", junit(judgement)),
        "predicate": (folder / f"smoke_predicate_{name}.json", [predicate_text(document)]),
    }
    output_directory(folder)
    files = _written(texts, folder / f"figures_{name}", judged.drawings)
    return Result(judgement=judgement, files=files)


def _written(
    texts: Mapping[str, tuple[Path, Iterable[str]]], figures: Path, drawings: tuple[Drawing, ...]
) -> Mapping[str, Path]:
    """Write all files in order, or leave none: a report without its verdict file would be taken for a verdict."""
    # Another check of this second and this evidence has files of the same names.
    new = [path for path, _ in texts.values() if not path.exists()]
    new_figures = not figures.exists()
    try:
        files = {kind: write_lines(path, lines) for kind, (path, lines) in texts.items()}
        if drawings:
            files["figures"] = write_folder(figures, {drawing.name: drawing.png for drawing in drawings})
    except BaseException:
        for path in reversed(new):
            with suppress(OSError):
                path.unlink()
        if new_figures:
            shutil.rmtree(figures, ignore_errors=True)
        raise
    return files


def _reproduction(request: Request, origin: StoreOrigin, verdict_file: Path) -> Reproduction:
    return Reproduction(
        image=request.image_digest or LOCAL_IMAGE,
        verdict_file=_from_here(verdict_file),
        options=request.options.arguments(origin.tracking_uri),
    )


def _with_pictures(policy: Policy, judged: JudgedMatrix, curves: Curves, progress: Progress) -> JudgedMatrix:
    """Draw the summary figures; what was left out of them is said, and changes nothing."""
    progress("figures", 0, 1)
    notes: list[str] = []
    case = case_of(policy, judged.evidence, judged.verdict.matrix)
    drawings = draw(case, curves, notes.append)
    for note in notes:
        _LOG.warning("%s", note)
    progress("figures", 1, 1)
    figures = tuple(drawing.figure for drawing in drawings)
    return replace(judged, drawings=drawings, pictures=Pictures(drawn=figures, notes=tuple(notes)))


def _from_here(path: Path) -> str:
    """Return a path as a command in the working directory names it, which is what the report's commands mount."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, RuntimeError):  # it is elsewhere, or leads in a circle, which writing to it tells
        return str(path)


def _no_plan(request: Request, progress: Progress) -> UsageError:
    """Tell what a plan could be: the cells and seeds that the runs have."""
    found = find_plan(request.policy, request.source, progress=progress)
    where = ", ".join(name for _, name in found.experiments)
    file = request.policy_file
    by_hand = f"write `plan: {{cells: […], seeds: […]}}` into {file}"
    write = by_hand if file else "`smoke-gate init` writes one from the runs"
    if not found.cells:
        places = f"{request.policy.runs.cell} and {request.policy.runs.seed}"
        init = "`smoke-gate init` looks where else they say it"
        return UsageError(
            f"no plan was given, and no run of {where} has a cell and a seed ({places}): {init}"
        )
    lists = {"--cells": found.cells} | ({"--seeds": found.seeds} if found.seeds else {})
    if not all(_fits_an_option(name) for names in lists.values() for name in names):
        have = " and ".join(f"{option[2:]} {', '.join(map(repr, names))}" for option, names in lists.items())
        return UsageError(
            f"no plan was given: {write}. The runs of {where} have {have}; a comma, a line break or a blank at the end "
            "of a name can be said in a policy file only"
        )
    ready = shlex.join(text for option, names in lists.items() for text in (option, ",".join(names)))
    return UsageError(f"no plan was given: {write}, or name it. The runs of {where} have: {ready}")


def _fits_an_option(name: str) -> bool:
    """Return whether a name can stand in a list on the command line, and can be pasted from a message."""
    return "," not in name and name == name.strip() == log_line(name)
