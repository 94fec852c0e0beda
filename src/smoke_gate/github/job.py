"""The job as a whole: its inputs, where it stands, and the way to GitHub."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smoke_gate.commits import read_commit
from smoke_gate.errors import UsageError
from smoke_gate.evidence import NO_HEAD, Head, HeadFrom
from smoke_gate.github.access import access_of
from smoke_gate.github.client import GitHub
from smoke_gate.github.documentation import SERVER_URL
from smoke_gate.github.event import Situation, situation
from smoke_gate.github.publish import Failure, Target
from smoke_gate.github.retry import Refusal
from smoke_gate.github.settings import CommentMode, Settings
from smoke_gate.github.transport import Clock, GitHubError
from smoke_gate.github.workflow import log
from smoke_gate.verdict_file.document import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The state that the steps share. ``failures``: what GitHub refused before there was anything to publish."""

    settings: Settings
    situation: Situation
    github: GitHub | None
    run_url: str | None
    failures: tuple[Failure, ...] = ()
    server_url: str = SERVER_URL

    @property
    def context(self) -> Context:
        """The entry of the verdict file for this job."""
        where = self.situation
        return Context(
            repository=where.repository,
            sha=where.sha,
            pull_request=where.pull_request,
            run_id=where.run_id,
            run_attempt=where.run_attempt,
        )

    @property
    def head(self) -> Head:
        """The commit whose code the runs should have, as far as this job knows one."""
        where = self.situation
        if where.sha is None:
            return NO_HEAD
        said_by = HeadFrom.JOB if self.settings.options.sha is None else HeadFrom.OPTION
        origin = said_by if where.pull_request is None else HeadFrom.PULL_REQUEST
        return Head(commit=read_commit(where.sha).digits, origin=origin)

    @property
    def has_place(self) -> bool:
        """True if there is anything on GitHub that a verdict can be told at: a pull request, or a commit's status."""
        where = self.situation
        sets_status = self.settings.commit_status is not None and where.status_sha is not None
        return where.pull_request is not None or sets_status

    def target(self, looked_at: str) -> Target:
        """Return where a message of this job goes; ``looked_at``: when its evidence was read (ISO 8601, UTC)."""
        return Target(
            situation=self.situation,
            settings=self.settings,
            github=self.github,
            looked_at=looked_at,
            run_url=self.run_url,
        )


def job_of(environ: Mapping[str, str], settings: Settings, clock: Clock) -> Job:
    """Find out where this job stands; GitHub is asked only for what the event does not tell.

    Raises:
        UsageError: the event file, or an address of GitHub, is not what it should be.

    """
    options = settings.options
    where = situation(environ, _event(environ), sha=options.sha, pull_request=options.pull_request)
    access = access_of(environ, repository=where.repository, token=settings.github_token)
    github = GitHub(access, clock) if access else None
    job = Job(
        settings=settings,
        situation=where,
        github=github,
        run_url=_run_url(environ),
        server_url=_server_url(environ),
        failures=_nowhere(where, settings),
    )
    if github is None:
        return job
    try:
        return replace(job, situation=located(github, where))
    except GitHubError as error:
        if where.on_chance:
            log(f"whether a pull request has this commit as its head is not known: {error}")
            return replace(job, situation=replace(where, asks_api=False, on_chance=False))
        failure = Failure(step="pull request", refusal=error.refusal, message=str(error))
        return replace(job, failures=(failure,))


def _nowhere(where: Situation, settings: Settings) -> tuple[Failure, ...]:
    """Return that an unknown event leaves open where a verdict goes, if it is to go anywhere."""
    if not where.is_unknown or (settings.comment is CommentMode.NEVER and settings.commit_status is None):
        return ()
    message = (
        f"the event `{where.event}` does not say which commit the runs belong to, so there is no comment and no "
        "commit status. Give the input `pull_request` or `sha`"
    )
    return (Failure(step="comment and commit status", refusal=Refusal.INVALID, message=message),)


def located(github: GitHub, where: Situation) -> Situation:
    """Return the situation with what the event left open.

    Of several pull requests with the commit as their head it is the oldest; where they do not go to one branch,
    ``base_ref`` stays None.

    Raises:
        GitHubError: GitHub does not tell.

    """
    if where.pull_request is not None and (where.sha is None or where.base_ref is None):
        pull = github.pull_request(where.pull_request)
        return replace(where, sha=where.sha or pull.head_sha, base_ref=pull.base_ref)
    if where.pull_request is None and where.asks_api and where.sha is not None:
        pulls = github.pull_requests_of(where.sha, where.head_label)
        bases = {pull.base_ref for pull in pulls}
        if pulls:
            # Whose job this is cannot be told: `workflow_run` lists whatever has this head, not what started the run.
            base_ref = bases.pop() if len(bases) == 1 else None
            return replace(where, pull_request=pulls[0].number, base_ref=base_ref)
    return where


def timestamp() -> str:
    """Return the time as verdict files have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _event(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Read the event file, empty where there is none."""
    file = environ.get("GITHUB_EVENT_PATH")
    if not file:
        return {}
    try:
        event = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"GITHUB_EVENT_PATH: {file} cannot be read: {error}") from None
    return event if isinstance(event, dict) else {}


def _run_url(environ: Mapping[str, str]) -> str | None:
    """Return the page of this workflow run, which is where the job summary and the uploaded report are."""
    repository, run_id = environ.get("GITHUB_REPOSITORY"), environ.get("GITHUB_RUN_ID")
    if not repository or not run_id:
        return None
    return f"{_server_url(environ)}/{repository}/actions/runs/{run_id}"


def _server_url(environ: Mapping[str, str]) -> str:
    return environ.get("GITHUB_SERVER_URL", "").rstrip("/") or SERVER_URL
