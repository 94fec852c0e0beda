"""Which policy counts on a pull request: the one that the base branch would have after the merge.

Three policies say it: the one where the pull request left its base branch, the pull request's own, and the branch's
newest. If the pull request changes nothing, the branch's newest counts. Otherwise its own counts, or what GitHub merged
of both, and a warning shows the difference.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from smoke_gate.errors import SmokeGateError, UsageError
from smoke_gate.evidence import PolicyChange
from smoke_gate.github.contents import BRANCH, Contents
from smoke_gate.github.job import Job
from smoke_gate.github.policy_change import PULL_REQUEST, policy_unknown
from smoke_gate.github.retry import NO_ACCESS, Refusal
from smoke_gate.github.rules import Read, Rules, absent, change_between, rules_at, rules_in_checkout
from smoke_gate.github.settings import PolicyRef
from smoke_gate.github.transport import GitHubError
from smoke_gate.options import Options
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.load import load_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Which rules count on a pull request, as far as GitHub tells it.

    ``branch`` is its base branch and ``tip`` that one's rules, None if they are not known. ``counted`` are those that
    count, None if GitHub cannot tell. ``unknown`` says why one of them is None.
    """

    branch: str
    tip: Rules | None = None
    counted: Rules | None = None
    unknown: str = ""


def policy_that_counts(job: Job, options: Options) -> tuple[Policy, Path | None, PolicyChange | None]:
    """Return the policy that counts for a job, its file, and how it differs from the base branch's.

    Without a pull request it is the checkout's. It is the checkout's too where GitHub cannot tell which one counts.

    Raises:
        SmokeGateError: the policy that counts is not one, or it cannot be read.

    """
    decision = decide(job, options)
    if decision is None or decision.tip is None:
        file = options.policy_file
        policy = load_policy(file, options.overrides, plan_required=False)
        return policy, file, None if decision is None else policy_unknown(decision.unknown)
    tip, counted = decision.tip, decision.counted
    if job.settings.policy_ref is PolicyRef.BASE:
        return tip.counted, tip.file, None
    if counted is None or _is_only_in_checkout(counted, tip, options):
        here = rules_in_checkout(options)
        return here.policy, here.file, _unsure(change_between(tip, here), decision.unknown)
    return counted.counted, counted.file, None if counted is tip else change_between(tip, counted)


def decide(job: Job, options: Options) -> Decision | None:
    """Return which rules count; None if there is no pull request that could have changed them.

    Raises:
        SmokeGateError: the base branch's are to count, and cannot be read, or nothing says which branch's.

    """
    tip_counts = job.settings.policy_ref is PolicyRef.BASE
    branch = job.situation.base_ref or "the base branch"
    try:
        if not _has_pull_request(job):
            return None
        tip = rules_at(_reader(job, f"{BRANCH}{_base_ref(job)}"), options, branch)
    except SmokeGateError as error:
        told = _why_unknown(error, branch)
        if tip_counts:
            raise told if isinstance(told, GitHubError) else error from error
        return Decision(branch=branch, unknown=str(told))  # not having looked warns, as a change does
    if tip_counts:
        return Decision(branch=branch, tip=tip, counted=tip)
    if not tip.is_known:
        return Decision(branch=branch, tip=tip)
    try:
        return Decision(branch=branch, tip=tip, counted=_counted(job, options, tip))
    except SmokeGateError as error:
        return Decision(branch=branch, tip=tip, unknown=" ".join(str(error).split()).rstrip("."))


def three_way(
    tip: Rules, head: Rules, merge_base: Callable[[], Rules], merged: Callable[[], Rules | None]
) -> Rules:
    """Return which of three rules count.

    Args:
        tip: those of the base branch.
        head: those of the pull request.
        merge_base: reads those of the commit where they part.
        merged: reads those of the commit that GitHub made of both; None if there is no such commit.

    """
    if head.same_as(tip):
        return tip
    old = merge_base()
    if head.same_as(old):
        return tip
    if tip.same_as(old):
        return head
    return merged() or head


def _counted(job: Job, options: Options, tip: Rules) -> Rules:
    """Return the rules that count.

    Raises:
        SmokeGateError: GitHub does not tell, or one of the three is not a policy.

    """
    where, branch = job.situation, f"{BRANCH}{_base_ref(job)}"
    if where.sha is None:
        raise GitHubError(Refusal.INVALID, "the head of the pull request is not known")

    def rules(commit: str, whose: str) -> Rules:
        found = rules_at(_reader(job, commit), options, whose)
        if found.definition is not None and not found.is_known:
            raise found.definition.error or absent(found.definition.file, whose)
        return found

    def merge_base() -> Rules:
        commit = _contents(job).merge_base(branch, sha)
        return rules(commit, f"{tip.whose} as it was before this pull request")

    def merged() -> Rules | None:
        try:
            return None if where.merge_sha is None else rules(where.merge_sha, "the merge commit")
        except SmokeGateError:
            return None

    sha = where.sha
    return three_way(tip, rules(sha, PULL_REQUEST), merge_base, merged)


def _has_pull_request(job: Job) -> bool:
    """Return whether a pull request could have changed the policy.

    Raises:
        GitHubError: GitHub does not tell, or the pull request is not there any more.
        UsageError: the base branch's policy is to count, and there is no pull request.

    """
    where = job.situation
    if where.pull_request is None and not where.asks_api:
        return False
    if job.failures:
        failure = job.failures[0]
        raise GitHubError(failure.refusal, f"the pull request could not be looked up: {failure.message}")
    if where.pull_request is not None or job.github is None:
        return True
    if job.settings.policy_ref is PolicyRef.BASE:
        raise UsageError(
            f"`policy_ref: base` needs a pull request, and no open one has the head commit {where.sha}: "
            "name it with the input `pull_request`, or use `policy_ref: head`"
        )
    if where.of_pull_request:
        # It was closed, or has another head by now: no reason to believe what the commit says of its own rules.
        raise GitHubError(Refusal.INVALID, f"no open pull request has the head commit {where.sha}")
    return False


def _reader(job: Job, revision: str) -> Read:
    return partial(_contents(job).texts, revision)


def _contents(job: Job) -> Contents:
    if job.github is None:
        raise GitHubError(Refusal.NO_TOKEN, "there is no token: pass `github_token`")
    return job.github.contents


def _base_ref(job: Job) -> str:
    if job.situation.base_ref is None:
        message = "several open pull requests have this head commit, and not one base branch"
        raise GitHubError(Refusal.INVALID, f"{message}: name one with the input `pull_request`")
    return job.situation.base_ref


def _why_unknown(error: SmokeGateError, branch: str) -> SmokeGateError:
    """Return an error that says whose policy is not known."""
    if isinstance(error, GitHubError):
        needed = " (`contents: read` is needed)" if error.refusal in NO_ACCESS else ""
        return GitHubError(error.refusal, f"the policy of {branch} could not be read{needed}: {error}")
    return UsageError(f"the policy of {branch} cannot be used: {error}")


def _is_only_in_checkout(counted: Rules, tip: Rules, options: Options) -> bool:
    """Return whether a policy, or its definition, was put into the working tree by the workflow: no commit has it."""
    if counted.file is None:
        return options.policy is not None or (tip.file is None and options.policy_file is not None)
    definition = counted.definition
    return definition is not None and definition.text is None and definition.file.exists()


def _unsure(change: PolicyChange | None, unknown: str) -> PolicyChange | None:
    """Return a change with the reason why nobody knows which of the two branches made it."""
    if change is None or not unknown:
        return change
    found = f"{change.found} Which of the two changed it is not known: {unknown}. `fail_on: warning` fails on this."
    return replace(change, found=found)
