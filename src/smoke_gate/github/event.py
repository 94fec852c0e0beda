"""The event of this job as GitHub Actions tells it: which event, which commit, which pull request. Pure.

Sources: the event payloads and default variables of GitHub Actions' documentation. The commit that counts is always the
pull request's head: ``GITHUB_SHA`` of a pull request is a merge commit that no run was ever made of. So is the commit
of a merge queue's group, whose branch names the pull request: ``gh-readonly-queue/main/pr-123-SHA``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from smoke_gate.github.documentation import documentation

PULL_REQUEST_EVENTS = (
    "pull_request",
    "pull_request_target",
    "pull_request_review",
    "pull_request_review_comment",
)
# Those whose ``GITHUB_SHA`` is the commit that they are about; "" is a run outside of GitHub Actions.
COMMIT_EVENTS = (
    "",
    "create",
    "deployment",
    "deployment_status",
    "push",
    "release",
    "repository_dispatch",
    "schedule",
    "workflow_dispatch",
)
DEPENDABOT = "dependabot[bot]"
BRANCHES = "refs/heads/"
# The hash is that of the commit below the group's; the branch that the queue belongs to may have slashes in its name.
_QUEUE = re.compile(
    rf"{BRANCHES}gh-readonly-queue/(?P<base>.+)/pr-(?P<number>[1-9]\d{{0,17}})-[0-9a-f]{{40,64}}", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Where this job stands.

    ``sha`` is the head commit that the verdict is about, ``pull_request`` its number and ``base_ref`` the branch it
    goes to; None where there is none, or where only the API can tell. ``asks_api``: the pull request is to be looked up
    by its commit; ``on_chance``: only in case there is one, so that an API that does not tell is not a failure.
    ``head_label`` (``owner:branch``) helps to find a fork's. ``of_pull_request``: the first workflow ran
    for one, whether or not it can be found. ``reads_only``: the token cannot write, whatever ``permissions:`` say;
    ``by_dependabot``: it can where they say so, and the secrets are Dependabot's.
    ``merge_sha`` is the commit that GitHub made of the pull request's head and its base for this event. ``group_sha``
    is that commit in a merge queue, which waits for a commit status of its own.
    ``run_id`` and ``run_attempt`` are those of the workflow run that judged the commit: of ``workflow_run`` the first
    workflow's. ``documentation`` is the address of this action's pages, None where it is not known.
    """

    event: str = ""
    repository: str | None = None
    sha: str | None = None
    pull_request: int | None = None
    base_ref: str | None = None
    asks_api: bool = False
    on_chance: bool = False
    head_label: str | None = None
    of_pull_request: bool = False
    reads_only: bool = False
    by_dependabot: bool = False
    merge_sha: str | None = None
    group_sha: str | None = None
    run_id: int | None = None
    run_attempt: int | None = None
    documentation: str | None = None

    @property
    def status_sha(self) -> str | None:
        """The commit whose commit status is set."""
        return self.group_sha or self.sha

    @property
    def is_unknown(self) -> bool:
        """True if nothing says which commit or pull request this job is about."""
        known = self.event in (*COMMIT_EVENTS, *PULL_REQUEST_EVENTS, "merge_group", "workflow_run")
        return not known and self.sha is None and self.pull_request is None


def situation(
    environ: Mapping[str, str],
    payload: Mapping[str, Any],
    *,
    sha: str | None = None,
    pull_request: int | None = None,
) -> Situation:
    """Read the job's situation from its variables and its event file.

    Args:
        environ: the ``GITHUB_*`` variables; any of them may be absent.
        payload: the parsed event file, empty where there is none.
        sha: the input of that name: the commit that the runs belong to, where another event started them.
        pull_request: the input of that name.

    """
    job = Situation(
        event=environ.get("GITHUB_EVENT_NAME", ""),
        repository=environ.get("GITHUB_REPOSITORY") or None,
        by_dependabot=environ.get("GITHUB_ACTOR") == DEPENDABOT,
        run_id=_number(environ.get("GITHUB_RUN_ID")),
        run_attempt=_number(environ.get("GITHUB_RUN_ATTEMPT")),
        documentation=documentation(environ),
    )
    found = _found(job, environ, payload)
    if pull_request is not None and pull_request != found.pull_request:
        # What the event knows is about something else; the head of this pull request has to be looked up.
        return replace(job, pull_request=pull_request, sha=sha)
    if sha is not None:
        asks_api = found.pull_request is None and job.repository is not None
        return replace(found, sha=sha, asks_api=asks_api, on_chance=False)
    return found


def _found(job: Situation, environ: Mapping[str, str], payload: Mapping[str, Any]) -> Situation:
    """Return what the event itself tells."""
    if job.event in PULL_REQUEST_EVENTS:
        return _of_pull_request(job, environ, payload)
    if job.event == "workflow_run":
        return _of_workflow_run(job, payload)
    if job.event == "merge_group":
        return _of_merge_group(job, payload)
    if job.event == "push":
        return _of_push(job, environ)
    if job.event in COMMIT_EVENTS:
        return replace(job, sha=environ.get("GITHUB_SHA") or None)
    return job  # its ``GITHUB_SHA`` may be any commit, such as the default branch's newest


def _of_pull_request(job: Situation, environ: Mapping[str, str], payload: Mapping[str, Any]) -> Situation:
    # A deleted fork has no repository any more; its pull request is still one from a fork.
    fork = _at(payload, "pull_request", "head", "repo", "full_name") != job.repository
    return replace(
        job,
        sha=_at(payload, "pull_request", "head", "sha"),
        pull_request=_at(payload, "pull_request", "number"),
        base_ref=_at(payload, "pull_request", "base", "ref"),
        reads_only=fork and job.event != "pull_request_target",
        merge_sha=None if job.event == "pull_request_target" else environ.get("GITHUB_SHA") or None,
    )


def _of_push(job: Situation, environ: Mapping[str, str]) -> Situation:
    """Take the commit. If a branch was pushed that is a pull request's, the API knows it: a tag is of none."""
    branch = environ.get("GITHUB_REF", "").startswith(BRANCHES) and job.repository is not None
    return replace(job, sha=environ.get("GITHUB_SHA") or None, asks_api=branch, on_chance=branch)


def _of_merge_group(job: Situation, payload: Mapping[str, Any]) -> Situation:
    """Take the pull request that the queue's branch names; the API knows its head, which the runs belong to."""
    group = _at(payload, "merge_group", "head_sha")
    queue = _QUEUE.fullmatch(str(_at(payload, "merge_group", "head_ref")))
    if queue is None:
        return replace(job, sha=group)
    return replace(
        job, pull_request=int(queue["number"]), base_ref=queue["base"], merge_sha=group, group_sha=group
    )


def _of_workflow_run(job: Situation, payload: Mapping[str, Any]) -> Situation:
    """Take the first workflow's run. Its list of pull requests is empty for forks, so the API is asked for them."""
    owner = _at(payload, "workflow_run", "head_repository", "owner", "login")
    branch = _at(payload, "workflow_run", "head_branch")
    return replace(
        job,
        sha=_at(payload, "workflow_run", "head_sha"),
        asks_api=True,
        head_label=f"{owner}:{branch}" if owner and branch else None,
        of_pull_request=_at(payload, "workflow_run", "event") in PULL_REQUEST_EVENTS,
        run_id=_at(payload, "workflow_run", "id"),
        run_attempt=_at(payload, "workflow_run", "run_attempt"),
    )


def _at(payload: Any, *path: str) -> Any:
    """Return what stands at ``path``, None where the payload does not go that far."""
    for key in path:
        if not isinstance(payload, Mapping):
            return None
        payload = payload.get(key)
    return payload


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
