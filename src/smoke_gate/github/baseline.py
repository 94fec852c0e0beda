"""The baseline that a job asks for: a file, or the newest verdict file that a branch's workflow runs left behind.

What cannot be had is not an error: the verdict stands, and says why there is no baseline and how to make one. Taken is
only what such a run made of the branch itself, so that a pull request is not its own baseline.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from smoke_gate.baseline import HOW_TO, Baseline, baseline_in
from smoke_gate.deadline import time_limit
from smoke_gate.errors import UsageError
from smoke_gate.github.archive import verdict_files
from smoke_gate.github.artifacts import KeptArtifact, WorkflowRun
from smoke_gate.github.client import GitHub
from smoke_gate.github.contents import BRANCH
from smoke_gate.github.retry import NO_ACCESS
from smoke_gate.github.transport import GitHubError
from smoke_gate.message import Message, say
from smoke_gate.options import Options
from smoke_gate.policy_file.names import reported
from smoke_gate.verdict_file.read import LARGEST_OF_OTHERS, Recorded, document_of, untampered

# Runs of these events are of the branch. A pull request's may have a branch of the same name, and `workflow_run` may
# pass on what a pull request made.
OWN_EVENTS = ("push", "schedule", "workflow_dispatch", "repository_dispatch")
MOST_TRIED = 10  # artifacts
LONGEST_READING = 60.0  # seconds; what an honest job writes in that many bytes takes some ten


class _UnsuitableError(UsageError):
    """An artifact, or a file in it, is not what is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeker:
    """Who looks for a baseline.

    ``github`` is None where there is no way to GitHub. ``run_id`` is the own workflow run, which is not its own
    baseline. ``policy_file`` tells several gates of a repository apart.
    """

    github: GitHub | None
    repository: str | None = None
    run_id: int | None = None
    policy_file: str | None = None


def asked_baseline(
    options: Options,
    *,
    github: GitHub | None,
    repository: str | None,
    run_id: int | None,
    policy_file: Path | str | None,
    largest: int | None = None,
) -> Baseline | None:
    """Return the baseline that the options ask for; None if they ask for none.

    Args:
        options: what is asked.
        github: the way to GitHub; None: there is none.
        repository: ``owner/name``.
        run_id: this job's own workflow run.
        policy_file: the policy file that counts.
        largest: the most bytes that are read of a file; None: any number.

    Raises:
        UsageError: they ask for two; or there is a file, and it is not a verdict file.

    """
    if options.baseline is not None and options.baseline_ref is not None:
        raise UsageError("--baseline and --baseline-ref both name a baseline: give one of them")
    if options.baseline is not None:
        return baseline_in(options.baseline, largest=largest)
    if options.baseline_ref is None:
        return None
    file = reported(policy_file) if isinstance(policy_file, Path) else policy_file
    seeker = Seeker(github=github, repository=repository, run_id=run_id, policy_file=file)
    return newest_of(options.baseline_ref, seeker)


def newest_of(branch: str, seeker: Seeker) -> Baseline:
    """Return the newest suitable verdict file among the artifacts of a branch's workflow runs."""
    name = say("the newest verdict of {branch}", branch=branch)
    if seeker.github is None:
        return Baseline(
            name=name,
            missing=say(
                "The artifacts of {branch} were not looked for: there is no token. Pass `github_token`, or set "
                "GITHUB_TOKEN and GITHUB_REPOSITORY.",
                branch=branch,
            ),
        )
    skipped: list[Message] = []
    try:
        with time_limit(LONGEST_READING):
            found = _first(branch, seeker, seeker.github.apart(), skipped)
    except GitHubError as error:
        return Baseline(name=name, missing=_refused(branch, error))
    except TimeoutError:
        why = say(
            "The artifacts of {branch} could not be read within {seconds} s.", branch=branch, seconds=60
        )
        return Baseline(name=name, missing=why)
    return found or Baseline(name=name, missing=_nothing(branch, skipped))


# --- the search -------------------------------------------------------------------------------------------------------


def _first(branch: str, seeker: Seeker, github: GitHub, skipped: list[Message]) -> Baseline | None:
    """Return the first artifact that is suitable; ``skipped`` gets why each of the others is not."""
    tried = 0
    for artifact in _likely_first(github.artifacts.of_branch(branch)):
        if artifact.run_id == seeker.run_id:
            continue
        if tried == MOST_TRIED:
            break
        tried += 1
        try:
            return _baseline(artifact, branch, seeker, github)
        except _UnsuitableError as error:
            skipped.append(say("{name}: {why}", name=artifact.name, why=str(error)))
    return None


def _likely_first(artifacts: Iterator[KeptArtifact]) -> Iterator[KeptArtifact]:
    """Yield first those whose name speaks of the gate: a busy branch has many others, and only so many are tried."""
    others = []
    for artifact in artifacts:
        if "smoke" in artifact.name.lower():
            yield artifact
        else:
            others.append(artifact)
    yield from others


def _baseline(artifact: KeptArtifact, branch: str, seeker: Seeker, github: GitHub) -> Baseline:
    """Return what an artifact holds.

    Raises:
        _UnsuitableError: it is not of the branch itself, is too large, or holds no suitable verdict file.
        GitHubError: GitHub does not give it.

    """
    run = github.artifacts.run(artifact.run_id)
    if run.event not in OWN_EVENTS or run.repository != seeker.repository:
        raise _UnsuitableError(f"its run was started by {run.event}")
    if artifact.size > LARGEST_OF_OTHERS:
        raise _UnsuitableError(f"it is larger than {LARGEST_OF_OTHERS >> 20} MiB")
    archive = github.artifacts.archive(artifact, largest=LARGEST_OF_OTHERS)
    recorded = _newest_suitable(archive, lambda found: _refuse(found, run, branch, seeker, github))
    commit = (recorded.document.context.sha or run.head_sha)[:12]
    name = say(
        "artifact {name} of run {run} on {branch}, commit {commit}",
        name=artifact.name,
        run=run.id,
        branch=branch,
        commit=commit,
    )
    return Baseline(name=name, recorded=recorded)


def _newest_suitable(archive: bytes, refuse: Callable[[Recorded], None]) -> Recorded:
    """Return the newest verdict file of an archive that is not refused.

    Raises:
        _UnsuitableError: there is none; it says why the newest is not.

    """
    why: list[str] = []
    for name, content in _contents(archive):
        try:
            found = untampered(document_of(content, name), name)
            refuse(found)
        except UsageError as error:
            why.append(str(error))
        else:
            return found
    raise _UnsuitableError(why[0] if why else "it holds no verdict file")


def _contents(archive: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        yield from verdict_files(archive)
    except UsageError as error:
        raise _UnsuitableError(str(error)) from None


def _refuse(found: Recorded, run: WorkflowRun, branch: str, seeker: Seeker, github: GitHub) -> None:
    """Refuse a verdict that is not one of this gate about the branch.

    Raises:
        _UnsuitableError: it is not.

    """
    about, file = found.document.context, found.document.source.policy_file
    if about.repository != seeker.repository or about.sha is None:
        raise _UnsuitableError(
            "its verdict is about another repository, or does not say which commit it is about"
        )
    if found.document.pending:
        raise _UnsuitableError("its verdict is pending: the runs were not finished")
    if None not in (file, seeker.policy_file) and file != seeker.policy_file:
        raise _UnsuitableError(f"its verdict is another gate's: the policy file is {file}")
    if about.sha != run.head_sha and not _is_in(about.sha, branch, github):
        raise _UnsuitableError(f"its verdict is about {about.sha[:12]}, which is not a commit of the branch")


def _is_in(sha: str, branch: str, github: GitHub) -> bool:
    """Return whether a commit is in a branch's history: where both part, it is."""
    try:
        return github.contents.merge_base(f"{BRANCH}{branch}", sha) == sha
    except GitHubError:
        return False


# --- why there is none ------------------------------------------------------------------------------------------------


def _refused(branch: str, error: GitHubError) -> Message:
    if error.refusal in NO_ACCESS:
        return say(
            "GitHub does not give the artifacts of {branch} ({error}). Give the job the permission `actions: read`.",
            branch=branch,
            error=str(error),
        )
    return say(
        "The artifacts of {branch} could not be read ({error}). Run the job again.",
        branch=branch,
        error=str(error),
    )


def _nothing(branch: str, skipped: list[Message]) -> Message:
    none = say("No artifact of a workflow run on {branch} holds a verdict file of this gate", branch=branch)
    newest = say(" (the newest is not suitable: {why})", why=skipped[0]) if skipped else say("")
    return say("{none}{newest}. {how_to}", none=none, newest=newest, how_to=say(HOW_TO))
