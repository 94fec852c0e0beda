"""What runs inside GitHub Actions: inputs, verdict, publishing, in this order; the exit code is the verdict's alone."""

import os
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import click

from smoke_gate.errors import ExitCode, NoVerdictError, SmokeGateError
from smoke_gate.github.base_policy import rules_of
from smoke_gate.github.claim import disagreements, judged_again, read_claim
from smoke_gate.github.event import Situation
from smoke_gate.github.job import Job, job_of, timestamp
from smoke_gate.github.message import message_of, message_of_error
from smoke_gate.github.publish import Published, publish
from smoke_gate.github.settings import FailOn, Settings, settings_of
from smoke_gate.github.transport import Clock
from smoke_gate.github.workflow import commands_stopped, log, mask_credentials
from smoke_gate.pipeline import Request, Result, request_of
from smoke_gate.policy.load import load_policy
from smoke_gate.report.terminal import summary

Check = Callable[[Request, float], Result]
"""Reads the runs and judges them; the number is how many seconds to wait for runs that are not finished."""


def run_action(environ: Mapping[str, str], check: Check, clock: Clock | None = None) -> int:
    """Do what the action's inputs ask for, publish it, and return the exit code.

    Args:
        environ: ``INPUT_*``, ``GITHUB_*`` and what else the job's environment holds.
        check: the main job.
        clock: time, as the client of GitHub waits.

    """
    try:
        settings = settings_of(environ)
        job = job_of(environ, settings, clock or Clock())
    except SmokeGateError as error:
        # Without inputs there is no telling where to publish; outputs and summary need none.
        nowhere = Job(settings=Settings(), situation=Situation(), github=None, run_url=None)
        return _no_verdict(error, nowhere, environ)
    mask_credentials(settings.options.tracking_uri or environ.get("MLFLOW_TRACKING_URI"))
    if settings.publish is not None:
        return _publish_claim(settings.publish, job, environ)
    try:
        with commands_stopped(environ):
            result = check(_request(job), settings.wait)
    except SmokeGateError as error:
        return _no_verdict(error, job, environ)
    except Exception as error:  # noqa: BLE001 - a bug must end as ERROR on the pull request too, and never as a pass
        return _no_verdict(_bug(error), job, environ)
    _publish(result, job, environ)
    return int(result.exit_code(fail_on=settings.fail_on))


def publish_file(
    file: Path, environ: Mapping[str, str], *, require_publish: bool = False, clock: Clock | None = None
) -> int:
    """Publish the report of a verdict file that exists, and return the exit code of the verdict found in its evidence.

    Args:
        file: the verdict file.
        environ: as for ``run_action``; the token is ``GITHUB_TOKEN`` where ``INPUT_GITHUB_TOKEN`` is not given.
        require_publish: whether a failure to publish is an error where the verdict is none.
        clock: time, as the client of GitHub waits.

    Raises:
        SmokeGateError: an input or an address of GitHub is wrong.

    """
    settings = settings_of(environ)
    job = job_of(environ, settings, clock or Clock())
    return _publish_claim(file, job, environ, require_publish=require_publish)


# --- the steps --------------------------------------------------------------------------------------------------------


def _request(job: Job) -> Request:
    """Return what is asked of the main job."""
    options = replace(job.settings.options, sha=job.situation.sha, pull_request=job.situation.pull_request)
    rules = rules_of(job, options)
    policy = load_policy(rules.file, options.overrides, plan_required=False, text=rules.text)
    return replace(request_of(options, policy), context=job.context, policy_change=rules.change)


def _publish_claim(file: Path, job: Job, environ: Mapping[str, str], *, require_publish: bool = False) -> int:
    """Judge a verdict file again and publish what comes of it."""
    try:
        claim = read_claim(file)
        judgement = judged_again(claim, context=job.context, file=file)
    except SmokeGateError as error:
        return _no_verdict(error, job, environ)
    disagreement = disagreements(claim, judgement)
    for text in disagreement:
        log(text)
    result = Result(judgement=judgement, files={"verdict_file": file})
    published = _publish(result, job, environ)
    code = ExitCode.FAIL if disagreement else result.exit_code(fail_on=job.settings.fail_on)
    if code is ExitCode.OK and require_publish and not published.complete:
        return int(ExitCode.NO_VERDICT)
    return int(code)


def _publish(result: Result, job: Job, environ: Mapping[str, str]) -> Published:
    judgement = result.judgement
    files = {name: Path(os.path.relpath(file)) for name, file in result.files.items()}
    click.echo(summary(judgement.verdict, judgement.document["headline"], files), nl=False)
    message = message_of(
        judgement,
        files,
        run_url=job.run_url,
        warning_fails=job.settings.fail_on is FailOn.WARNING,
    )
    return publish(message, job.target(judgement.document["created_at"]), environ, earlier=job.failures)


def _no_verdict(error: SmokeGateError, job: Job, environ: Mapping[str, str]) -> int:
    """Tell everybody that there is no verdict, and why."""
    log(str(error))
    publish(message_of_error(error), job.target(timestamp()), environ, earlier=job.failures)
    return int(error.exit_code)


def _bug(error: Exception) -> NoVerdictError:
    """Name the place, so that a report of the bug is of use, and not the values, which may be secret."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.filename.rpartition('smoke_gate/')[2]}:{frame.lineno}"
    return NoVerdictError(f"unexpected {type(error).__name__} at {place}. This is a bug; please report it.")
