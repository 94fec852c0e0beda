"""The main job, in order: collect, evaluate, write."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from smoke_gate import __version__
from smoke_gate.collect import Source, collect, default_tracking_uri, find_plan
from smoke_gate.collect.progress import Progress
from smoke_gate.errors import ExitCode, UsageError
from smoke_gate.evidence import Evidence
from smoke_gate.options import Options
from smoke_gate.policy.model import Policy
from smoke_gate.report.files import output_directory, stamp, write_whole
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown import markdown
from smoke_gate.report.reproduction import Reproduction
from smoke_gate.report.verdict_file import Context, Origin, Tool, document_text, verdict_document
from smoke_gate.verdict import VerdictStatus, evaluate

LOCAL_IMAGE = "smoke-gate"  # how reports name the image where its digest is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What ``check`` is asked to do, with everything looked up.

    ``policy_change`` is the difference of the policy file in this pull request, which only the action can know.
    """

    options: Options
    policy: Policy
    source: Source
    context: Context
    image_digest: str | None = None
    policy_change: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A verdict with all that led to it, and the files that were written, by what they are."""

    judgement: Judgement
    files: Mapping[str, Path]

    def exit_code(self, *, fail_on: str) -> ExitCode:
        """Return what the process says to its caller; ``fail_on`` is ``fail`` or ``warning``."""
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
    source = Source(
        tracking_uri=options.tracking_uri or default_tracking_uri(Path(), os.environ),
        policy_dir=policy_file.parent if policy_file else Path(),
        artifact_path_map=options.artifact_path_map,
        head=options.sha,
        workers=options.workers,
    )
    return Request(
        options=options,
        policy=policy,
        source=source,
        context=Context(sha=options.sha, pull_request=options.pull_request),
        image_digest=os.environ.get("SMOKE_GATE_IMAGE_DIGEST") or None,
    )


def check(request: Request, progress: Progress) -> Result:
    """Read the runs, judge them, and write the files.

    Raises:
        SmokeGateError: no verdict can be reached, or it cannot be written; then no file is left.
    """
    if not request.policy.plan.cells:
        raise _no_plan(request, progress)
    collected = collect(request.policy, request.source, progress=progress)
    evidence = replace(collected.evidence, policy_change=request.policy_change)
    origin = Origin(tracking_uri=collected.tracking_uri, experiments=collected.experiments)
    return judge_and_write(request, evidence, origin)


def judge_and_write(request: Request, evidence: Evidence, origin: Origin) -> Result:
    """Judge the evidence and write the files, named by the time and the evidence's hash."""
    verdict = evaluate(request.policy, evidence)
    created_at = datetime.now(UTC)
    document = verdict_document(
        verdict,
        request.policy,
        evidence,
        context=request.context,
        source=origin,
        tool=Tool(version=__version__, image_digest=request.image_digest),
        created_at=created_at,
        figures=(),
    )
    output_dir = request.options.output_dir
    name = stamp(created_at, document["evidence_sha256"])
    files = {
        "report": output_dir / f"smoke_report_{name}.md",
        "verdict_file": output_dir / f"smoke_verdict_{name}.json",
    }
    reproduction = Reproduction(
        image=request.image_digest or LOCAL_IMAGE,
        verdict_file=str(files["verdict_file"]),
        options=request.options.arguments(origin.tracking_uri),
    )
    judgement = Judgement(
        verdict=verdict,
        policy=request.policy,
        evidence=evidence,
        document=document,
        reproduction=reproduction,
    )
    output_directory(output_dir)
    write_whole(files["report"], markdown(judgement).encode())
    write_whole(files["verdict_file"], document_text(document).encode())
    return Result(judgement=judgement, files=files)


def _no_plan(request: Request, progress: Progress) -> UsageError:
    """Tell what a plan could be: the cells and seeds that the runs have."""
    found = find_plan(request.policy, request.source, progress=progress)
    where = ", ".join(name for _, name in found.experiments)
    advice = "write it first, in smoke-gate.yml (`smoke-gate explain G0`), or name it"
    if not found.cells:
        places = f"{request.policy.runs.cell} and {request.policy.runs.seed}"
        return UsageError(
            f"no plan was given, and no run of {where} has a cell and a seed ({places}): {advice}"
        )
    ready = f"--cells {','.join(found.cells)} --seeds {','.join(found.seeds)}"
    return UsageError(f"no plan was given: {advice}. The runs of {where} have: {ready}")
