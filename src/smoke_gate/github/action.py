"""The action inside GitHub Actions: inputs, verdict, publishing, in this order. The verdict decides the exit code."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import click

from smoke_gate.baseline import Baseline
from smoke_gate.errors import ExitCode, SmokeGateError, UnexpectedError
from smoke_gate.github.advice import advice
from smoke_gate.github.annotations import Annotation, of_policy
from smoke_gate.github.announcement import (
    NOWHERE,
    Announcement,
    Space,
    announcement_of,
    announcement_of_error,
    refuted,
)
from smoke_gate.github.baseline import asked_baseline
from smoke_gate.github.claim import disagreements, in_time, judged_again, read_claim
from smoke_gate.github.code import asks_github
from smoke_gate.github.event import Situation
from smoke_gate.github.expectation import expectation_of
from smoke_gate.github.job import Job, job_of, timestamp
from smoke_gate.github.pages import pages_of
from smoke_gate.github.publish import Failure, Published, publish
from smoke_gate.github.retry import NO_ACCESS, Refusal
from smoke_gate.github.settings import (
    FailOn,
    InputError,
    PolicyRef,
    Settings,
    by_inputs,
    settings_of,
    token_has_blanks,
)
from smoke_gate.github.transport import Clock, GitHubError
from smoke_gate.github.which_policy import policy_that_counts
from smoke_gate.github.workflow import commands_stopped, log, mask_credentials
from smoke_gate.pipeline import Request, Result, request_of
from smoke_gate.policy_file.cell_places import cell_places
from smoke_gate.policy_file.errors import PolicyError, Position
from smoke_gate.policy_file.names import unread_policies
from smoke_gate.report.comparison import baseline_lines
from smoke_gate.report.terminal import summary
from smoke_gate.verdict_file.read import LARGEST_OF_OTHERS, too_large_for_others

Check = Callable[[Request, float], Result]
"""Reads the runs and judges them; the number is how many seconds to wait for runs that are not finished."""

# Outputs and summary need no place; nothing else is written where it is not certain where it belongs.
_LEFT_OPEN = Failure(
    step="comment and commit status", refusal=Refusal.INVALID, message="the error leaves open where they go"
)
_NO_PLACE = Failure(
    step="comment and commit status",
    refusal=Refusal.INVALID,
    message="there is no pull request, and no commit whose status is to be set (`pull_request`, `commit_status`)",
)
_NOWHERE = Job(settings=Settings(), situation=Situation(), github=None, run_url=None, failures=(_LEFT_OPEN,))


def run_action(environ: Mapping[str, str], check: Check, clock: Clock | None = None) -> int:
    """Do what the action's inputs ask for, publish it, and return the exit code.

    Args:
        environ: ``INPUT_*``, ``GITHUB_*`` and what else the job's environment holds.
        check: the main job.
        clock: time, as the client of GitHub waits.

    """

    def work(job: Job) -> int:
        if job.settings.publish is not None:
            return _publish_claim(job.settings.publish, job, environ)
        with commands_stopped(environ):
            request = _request(job)
            result = check(request, job.settings.wait)
        if warning := too_large_for_others(result.files["verdict_file"]):
            log(warning)
        announcement = _announcement(result, job, cells=cell_places(request.policy_file))
        _publish(announcement, result, job, environ)
        return int(result.exit_code(fail_on=job.settings.fail_on))

    return _in_job(work, environ, clock or Clock())


def publish_file(
    file: Path, environ: Mapping[str, str], *, require_publish: bool = False, clock: Clock | None = None
) -> int:
    """Publish the report of a verdict file that exists, and return the exit code of the verdict found in its evidence.

    Args:
        file: the verdict file.
        environ: as for ``run_action``; the token is ``GITHUB_TOKEN`` where ``INPUT_GITHUB_TOKEN`` is not given.
        require_publish: whether a failure to publish is an error although the verdict is not.
        clock: time, as the client of GitHub waits.

    """

    def work(job: Job) -> int:
        return _publish_claim(file, job, environ, require_publish=require_publish)

    return _in_job(work, environ, clock or Clock())


# --- the steps --------------------------------------------------------------------------------------------------------


def _in_job(work: Callable[[Job], int], environ: Mapping[str, str], clock: Clock) -> int:
    """Find out where this job stands, and do the work; whatever goes wrong ends as ERROR, told where a verdict goes.

    A bug is not an exception: it must end as ERROR on the pull request too, and never as a pass.
    """
    mask_credentials(environ)
    if token_has_blanks(environ):
        log("the GitHub token has white space around it, which was left out: store the secret without it")
    job = _NOWHERE
    try:
        try:
            job = job_of(environ, settings_of(environ), clock)
        except InputError as error:
            if error.place_is_known:
                job = job_of(environ, error.settings, clock)
            raise
        return work(job)
    except SmokeGateError as error:
        return _no_verdict(error, job, environ)
    except Exception as error:  # noqa: BLE001 - the last line of defence of a job that others rely on
        return _no_verdict(UnexpectedError(error), job, environ)


def _request(job: Job) -> Request:
    """Return what is asked of the main job."""
    options = replace(job.settings.options, sha=job.situation.sha, pull_request=job.situation.pull_request)
    if options.policy is None and (warning := unread_policies()):
        log(by_inputs(warning))
    policy, file, change = policy_that_counts(job, options)
    request = request_of(options, policy)
    return replace(
        request,
        source=replace(request.source, head=job.head, merge_commit=job.situation.merge_sha),
        context=job.context,
        policy_file=file,
        policy_change=change,
        baseline=_baseline(job, file),
        ask_code=asks_github(job),
    )


def _baseline(job: Job, policy_file: Path | str | None, *, largest: int | None = None) -> Baseline | None:
    return asked_baseline(
        job.settings.options,
        github=job.github,
        repository=job.situation.repository,
        run_id=job.situation.run_id,
        policy_file=policy_file,
        largest=largest,
    )


def _publish_claim(file: Path, job: Job, environ: Mapping[str, str], *, require_publish: bool = False) -> int:
    """Judge a verdict file again and publish what comes of it."""
    if require_publish and not job.has_place:
        job = replace(job, failures=(*job.failures, _NO_PLACE))
    with in_time(file):  # a pull request's own policy is a stranger's too
        expected = expectation_of(job)
    with in_time(file):
        claim = read_claim(file, job.context)
    # It has a bound of its own, and two cannot stand around the same thing.
    baseline = _baseline(job, claim.document.source.policy_file, largest=LARGEST_OF_OTHERS)
    with in_time(file):
        judgement = judged_again(
            claim,
            expected,
            context=job.context,
            head=job.head,
            file=file,
            ask_code=asks_github(job),
            merge_commit=job.situation.merge_sha,
            image_digest=environ.get("SMOKE_GATE_IMAGE_DIGEST") or None,
            baseline=baseline,
            server=job.settings.options.tracking_uri or environ.get("MLFLOW_TRACKING_URI"),
        )
        result = Result(judgement=judgement, files={"verdict_file": file})
        announcement, disagreement = _announcement(result, job), disagreements(claim)
        if disagreement:
            announcement = refuted(announcement, disagreement)
        # A report that cannot be made is an ERROR, not a comment that stays as it was.
        announcement.body(Space())
    for text in disagreement:
        log(text)
    published = _publish(announcement, result, job, environ)
    code = ExitCode.FAIL if disagreement else result.exit_code(fail_on=job.settings.fail_on)
    if code is ExitCode.OK and require_publish and not published.complete:
        return int(ExitCode.NO_VERDICT)
    return int(code)


def _announcement(result: Result, job: Job, cells: Mapping[str, Position] = NOWHERE) -> Announcement:
    return announcement_of(
        result.judgement,
        _from_here(result),
        pages=pages_of(job, result.judgement),
        warning_fails=job.settings.fail_on is FailOn.WARNING,
        cells=cells,
    )


def _publish(announcement: Announcement, result: Result, job: Job, environ: Mapping[str, str]) -> Published:
    click.echo(summary(result.judgement.verdict, announcement.headline, _from_here(result)), nl=False)
    click.echo(baseline_lines(result.judgement), nl=False)
    looked_at = result.judgement.document.created_at
    return publish(announcement, job.target(looked_at), environ, earlier=job.failures)


def _from_here(result: Result) -> dict[str, Path]:
    return {name: Path(os.path.relpath(file)) for name, file in result.files.items()}


def _no_verdict(error: SmokeGateError, job: Job, environ: Mapping[str, str]) -> int:
    """Tell everybody that there is no verdict, and why."""
    how_to = None
    if isinstance(error, GitHubError) and error.refusal in NO_ACCESS:
        where = replace(job.situation, reads_only=False)  # what was asked is to read
        how_to = advice([error.refusal], where, sets_status=job.settings.commit_status is not None)
    text = by_inputs(str(error))
    for said in filter(None, (text, how_to)):
        log(said)
    announcement = announcement_of_error(
        text, how_to, _at_its_lines(error, job), commit=job.situation.sha, pages=pages_of(job)
    )
    publish(announcement, job.target(timestamp()), environ, earlier=job.failures)
    return int(error.exit_code)


def _at_its_lines(error: SmokeGateError, job: Job) -> tuple[Annotation, ...]:
    """Return the problems of a policy at their lines; nothing for any other error."""
    if not isinstance(error, PolicyError):
        return ()
    found = of_policy(error, here=job.settings.policy_ref is PolicyRef.HEAD)
    return tuple(replace(one, message=by_inputs(one.message)) for one in found)
