"""The metric definition that a policy names by a file is the base branch's business, as the policy itself is."""

from dataclasses import dataclass
from pathlib import Path

from smoke_gate.collect.definitions import definition_sha256
from smoke_gate.errors import UsageError
from smoke_gate.evidence import PolicyChange
from smoke_gate.github.base_policy import (
    Rules,
    policy_change,
    policy_unknown,
    repository_path,
    text_in_base,
    text_in_checkout,
)
from smoke_gate.github.job import Job
from smoke_gate.github.settings import PolicyRef
from smoke_gate.github.transport import GitHubError
from smoke_gate.options import DEFAULT_POLICY, Options
from smoke_gate.policy.model import ByFile, BySha256, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a definition file holds, and the hash that runs are held against."""

    text: str
    sha256: str

    @property
    def shown(self) -> str:
        """The text below its hash: what is left out of a comparison of texts may still change the hash."""
        return f"sha256: {self.sha256}\n{self.text}"


def definition_file(policy: Policy, options: Options) -> Path | None:
    """Return the definition file that a policy names, None where it names none, or where G1 is off."""
    gate = policy.gates.definition_hash
    if not (gate.enabled and isinstance(gate.expected, ByFile)):
        return None
    return (options.policy or DEFAULT_POLICY).parent / gate.expected.file


def held_against(policy: Policy, sha256: str) -> Policy:
    """Return a policy with a definition's hash, which may be any text, in place of where that is from."""
    return policy.with_definition_hash(expected=BySha256.model_construct(sha256=sha256))


def definition_in_base(job: Job, file: Path, branch: str) -> Definition | None:
    """Return what a definition file holds in the base branch, None where that has no such file.

    Raises:
        GitHubError: it cannot be read.
        UsageError: it holds no definition.

    """
    try:
        text = text_in_base(job, file)
    except GitHubError as error:
        message = f"the definition {shown(file)} of {branch} could not be read: {error}"
        raise GitHubError(error.problem, message) from error
    if text is None:
        return None
    try:
        return Definition(text=text, sha256=definition_sha256(file, text.encode()))
    except UsageError as error:
        raise UsageError(f"in {branch}, {error}") from None


def with_definition(
    job: Job, options: Options, rules: Rules, policy: Policy
) -> tuple[Policy, PolicyChange | None]:
    """Return the policy that counts, held against the definition that counts, and how head's differ from the base's.

    Args:
        job: the job, whose base branch is known where ``rules`` name it.
        options: its options.
        rules: where the policy is from.
        policy: the policy that counts.

    Raises:
        SmokeGateError: the base branch's definition is to count, and cannot be read, or is none.

    """
    file, branch = definition_file(policy, options), rules.branch
    if file is None or branch is None:
        return policy, rules.change
    counts = job.settings.policy_ref is PolicyRef.BASE
    try:
        base = definition_in_base(job, file, branch)
        if base is None and counts:
            raise absent(file, branch)
    except (GitHubError, UsageError) as error:
        if counts:
            raise
        return policy, _both(rules.change, policy_unknown(str(error)))
    head = _definition_in_checkout(file)
    if base is not None and isinstance(head, Definition) and head.sha256 == base.sha256:
        return policy, rules.change
    change = policy_change(
        base.shown if base is not None else None,
        head.shown if isinstance(head, Definition) else head,
        branch=branch,
        what=f"definition {shown(file)}",
        base_counts=counts,
    )
    counted = held_against(policy, base.sha256) if counts and base is not None else policy
    return counted, _both(rules.change, change)


def absent(file: Path, branch: str) -> UsageError:
    """Return that the base branch does not have the definition that is to count."""
    return UsageError(f"the policy names the definition {shown(file)}, and {branch} has no such file")


def shown(file: Path) -> str:
    """Return a file as messages name it: from the repository's root, where it lies in it."""
    return repository_path(file) or str(file)


def _definition_in_checkout(file: Path) -> Definition | str | None:
    """Return head's definition; its text alone where that is none; None where there is no file."""
    text = text_in_checkout(file)
    try:
        return text if text is None else Definition(text=text, sha256=definition_sha256(file))
    except UsageError:  # reading the runs says what is wrong with it, where it counts
        return text


def _both(one: PolicyChange | None, other: PolicyChange | None) -> PolicyChange | None:
    if one is None or other is None:
        return one or other
    return PolicyChange(found=f"{one.found} {other.found}", difference=(*one.difference, *other.difference))
