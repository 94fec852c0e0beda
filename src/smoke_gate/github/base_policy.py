"""The policy is what the base branch says it should be: its text there, and what the pull request changes in it."""

import os.path
from dataclasses import dataclass
from difflib import unified_diff
from io import StringIO
from pathlib import Path

from smoke_gate.errors import UsageError
from smoke_gate.evidence import PolicyChange
from smoke_gate.github.job import Job
from smoke_gate.github.retry import NO_ACCESS, Problem
from smoke_gate.github.settings import PolicyRef
from smoke_gate.github.transport import GitHubError
from smoke_gate.options import DEFAULT_POLICY, Options

LONGEST_CHANGE = 400  # lines of a difference that evidence keeps
LONGEST_LINE = 400
PULL_REQUEST = "this pull request"
MOST_COMPARED = 5000  # lines; what compares them takes much longer than their number says


def repository_path(policy_file: Path) -> str | None:
    """Return the policy file's path from the root of its checkout, as GitHub names it.

    No link is followed: a pull request could put one in the policy's place, to another file that its base has too.
    None where the file lies outside: then no branch can have it. Without a checkout the working directory is the root.
    """
    file = Path(os.path.normpath(Path.cwd() / policy_file))
    root = next((parent for parent in file.parents if (parent / ".git").exists()), Path.cwd())
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else None


def policy_change(
    base: str | None,
    head: str | None,
    *,
    branch: str,
    other: str = PULL_REQUEST,
    what: str = "policy",
    base_counts: bool = False,
) -> PolicyChange | None:
    """Return how head's policy differs from the base branch's; None: they are the same.

    Args:
        base: the policy's text in the base branch; None: it has no such file.
        head: the same in the checkout.
        branch: the base branch's name.
        other: whose policy ``head`` is.
        what: what the texts are, where they are no policy but of it.
        base_counts: the runs are judged by the base branch's.

    """
    difference = _difference(base, head, branch=branch, other=other, what=what)
    if difference is None:
        return None
    if base is not None and head is not None:
        found = f"The {what} of {other} differs from that of {branch}."
    else:
        none, one = (branch, other) if base is None else (other, branch)
        found = f"There is no {what} in {none}, and there is one in {one}."
    counted = _counted(base, branch) if base_counts else _counted(head, other)
    return PolicyChange(found=f"{found} {counted}", difference=difference)


def policy_unknown(why: str, *, other: str = PULL_REQUEST) -> PolicyChange:
    """Return that the base branch's policy is not known."""
    line = " ".join(why.split()).rstrip(".")
    found = f"{line[:1].upper()}{line[1:]}. Whether {other} has another one is not known."
    return PolicyChange(found=f"{found} That of {other} counted.")


def _counted(text: str | None, whose: str) -> str:
    return f"That of {whose} counted." if text is not None else "None counted."


def _difference(
    base: str | None, head: str | None, *, branch: str, other: str, what: str
) -> tuple[str, ...] | None:
    old, new = _lines(base), _lines(head)
    if old == new and (base is None) == (head is None):
        return None
    if len(old) + len(new) > MOST_COMPARED:
        return (f"the {what} of {branch} and that of {other} are too long to be compared line by line",)
    lines = list(unified_diff(old, new, f"{what} of {branch}", f"{what} of {other}", lineterm=""))
    shown = [line[:LONGEST_LINE] for line in lines[:LONGEST_CHANGE]]
    if len(lines) > LONGEST_CHANGE:
        shown.append(f"… and {len(lines) - LONGEST_CHANGE} more lines")
    return tuple(shown) or (f"an empty {what} file was {'added' if base is None else 'removed'}",)


def _lines(text: str | None) -> list[str]:
    """Split text at the line ends that a checkout may change, and no others: YAML gives those a meaning."""
    return [line.removesuffix("\n") for line in StringIO(text or "", newline=None)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The policy of the base branch, as far as it is known.

    ``text`` is None where the branch has no such file; ``unknown`` says why nothing is known, None where it is.
    """

    branch: str
    text: str | None = None
    unknown: str | None = None


def base_of(job: Job, options: Options) -> Base | None:
    """Return the base branch's policy; None where there is no pull request, and so nothing to compare with.

    Raises:
        GitHubError: it is to count, and cannot be read.
        UsageError: it is to count, and no pull request says which branch's it is.

    """
    branch = job.situation.base_ref or "the base branch"
    try:
        return _read(job, options.policy or DEFAULT_POLICY, branch)
    except GitHubError as error:
        needed = " (`contents: read` is needed)" if error.problem in NO_ACCESS else ""
        message = f"the policy of {branch} could not be read{needed}: {error}"
        if job.settings.policy_ref is PolicyRef.BASE:
            raise GitHubError(error.problem, message) from error
        # Not having looked is no pass: it warns as a change does.
        return Base(branch=branch, unknown=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The policy that counts: its file, None where there is none; its text where that is not the file's.

    ``branch`` is the base branch that it was compared with, None where there was none to compare with, and ``change``
    how that of head differs from the branch's.
    """

    file: Path | None
    text: bytes | None = None
    branch: str | None = None
    change: PolicyChange | None = None


def rules_of(job: Job, options: Options) -> Rules:
    """Return the policy that counts for a job. Without a pull request that is the checkout's.

    Raises:
        SmokeGateError: as ``base_of`` does.

    """
    base = base_of(job, options)
    if base is None:
        return Rules(file=options.policy_file)
    if base.unknown is not None:
        return Rules(file=options.policy_file, change=policy_unknown(base.unknown))
    counts = job.settings.policy_ref is PolicyRef.BASE
    head = text_in_checkout(options.policy_file) if options.policy_file else None
    change = policy_change(base.text, head, branch=base.branch, base_counts=counts)
    if not counts:
        return Rules(file=options.policy_file, branch=base.branch, change=change)
    if base.text is None:
        return Rules(file=None, branch=base.branch, change=change)
    file, text = options.policy or DEFAULT_POLICY, base.text.encode()
    return Rules(file=file, text=text, branch=base.branch, change=change)


def _read(job: Job, policy_file: Path, branch: str) -> Base | None:
    """Read the policy's text in the base branch; None where there is no pull request."""
    where = job.situation
    if where.pull_request is None and not where.asks_api:
        return None
    if job.failures:
        failure = job.failures[0]
        raise GitHubError(failure.problem, f"the pull request could not be looked up: {failure.message}")
    if where.pull_request is None and job.github is not None:
        if job.settings.policy_ref is PolicyRef.BASE:
            raise UsageError(
                f"`policy_ref: base` needs a pull request, and no open one has the head commit {where.sha}: "
                "name it with the input `pull_request`, or use `policy_ref: head`"
            )
        if where.of_pull_request:
            # It was closed, or has another head by now: no reason to believe what the commit says of its own rules.
            raise GitHubError(Problem.INVALID, f"no open pull request has the head commit {where.sha}")
        return None
    return Base(branch=branch, text=text_in_base(job, policy_file))


def text_in_base(job: Job, file: Path) -> str | None:
    """Return what a file of the checkout holds in the base branch, None where that has no such file.

    Raises:
        GitHubError: it cannot be read, or there is not one base branch.

    """
    if job.github is None:
        raise GitHubError(Problem.UNAUTHORIZED, "there is no token: pass `github_token`")
    if job.situation.base_ref is None:
        message = "several open pull requests have this head commit, and not one base branch"
        raise GitHubError(Problem.INVALID, f"{message}: name one with the input `pull_request`")
    path = repository_path(file)
    return None if path is None else job.github.file_text(job.situation.base_ref, path)


def text_in_checkout(file: Path) -> str | None:
    """Return what a file holds, None where it cannot be read: what is wrong with it, says who needs it."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
