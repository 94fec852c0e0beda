"""The policy is what the base branch says it should be: its text there, and what the pull request changes in it."""

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from smoke_gate.github.job import Job
from smoke_gate.github.retry import Problem
from smoke_gate.github.settings import PolicyRef
from smoke_gate.github.transport import GitHubError
from smoke_gate.options import DEFAULT_POLICY, Options

LONGEST_CHANGE = 400  # lines of a difference that evidence keeps
LONGEST_LINE = 400


def repository_path(policy_file: Path) -> str | None:
    """Return the policy file's path from the root of its checkout, as GitHub names it.

    None where the file lies outside: then no branch can have it. Without a checkout the working directory is the root.
    """
    file = policy_file.resolve()
    root = next((parent for parent in file.parents if (parent / ".git").exists()), Path.cwd().resolve())
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else None


def policy_change(base: str | None, head: str | None, *, branch: str) -> str | None:
    """Return what head changes in the policy of the base branch, as a unified difference; None: nothing.

    Args:
        base: the policy's text in the base branch; None: it has no such file.
        head: the same in the checkout.
        branch: the base branch's name.

    """
    # Line ends do not count: a checkout may change them.
    old, new = (base or "").splitlines(), (head or "").splitlines()
    if old == new and (base is None) == (head is None):
        return None
    lines = list(unified_diff(old, new, f"policy of {branch}", "policy of this pull request", lineterm=""))
    shown = [line[:LONGEST_LINE] for line in lines[:LONGEST_CHANGE]]
    if len(lines) > LONGEST_CHANGE:
        shown.append(f"… and {len(lines) - LONGEST_CHANGE} more lines")
    return "\n".join(shown) or f"an empty policy file was {'added' if base is None else 'removed'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The policy that counts: its file, None where there is none; its text where that is not the file's.

    ``change`` is the difference between base and head.
    """

    file: Path | None
    text: bytes | None = None
    change: str | None = None


def rules_of(job: Job, options: Options) -> Rules:
    """Return the policy that counts for a job. Without a pull request that is the checkout's.

    Raises:
        GitHubError: the base branch's policy is to count, and cannot be read.

    """
    if job.situation.pull_request is None:
        return Rules(file=options.policy_file)
    use_base = job.settings.policy_ref is PolicyRef.BASE
    branch = job.situation.base_ref or "the base branch"
    try:
        base = _base_text(job, options.policy_file or DEFAULT_POLICY)
    except GitHubError as error:
        if use_base:
            raise
        # Not having looked is no pass: it warns as a change does.
        unknown = f"unknown: the policy of {branch} could not be read (`contents: read` is needed): {error}"
        return Rules(file=options.policy_file, change=unknown)
    change = policy_change(base, _head_text(options.policy_file), branch=branch)
    if not use_base:
        return Rules(file=options.policy_file, change=change)
    if base is None:
        return Rules(file=None, change=change)
    return Rules(file=options.policy_file or DEFAULT_POLICY, text=base.encode(), change=change)


def _base_text(job: Job, policy_file: Path) -> str | None:
    """Return the policy's text in the base branch, None where that has no such file."""
    if job.github is None or job.situation.base_ref is None:
        raise GitHubError(
            Problem.UNREACHABLE, "there is no token, or the pull request could not be looked up"
        )
    path = repository_path(policy_file)
    return None if path is None else job.github.file_text(job.situation.base_ref, path)


def _head_text(policy_file: Path | None) -> str | None:
    try:
        return policy_file.read_text(encoding="utf-8", errors="replace") if policy_file else None
    except OSError:  # loading the policy says what is wrong with it
        return None
