"""What the base branch says that the policy of a verdict file should be.

The file is another job's, and its policy is what that job said: a pull request from a fork could have changed it, and
the difference that its evidence records, at will. So the base branch's is read here, and held against the file's.
"""

from dataclasses import dataclass, fields, replace

from smoke_gate.collect.needs import Needs, needs_of
from smoke_gate.errors import UsageError
from smoke_gate.evidence import Evidence
from smoke_gate.github.base_definition import absent, definition_file, definition_in_base, held_against
from smoke_gate.github.base_policy import base_of, policy_change, policy_unknown
from smoke_gate.github.job import Job
from smoke_gate.github.settings import PolicyRef
from smoke_gate.github.transport import GitHubError
from smoke_gate.options import DEFAULT_POLICY
from smoke_gate.policy.errors import PolicyError
from smoke_gate.policy.formats import effective_yaml
from smoke_gate.policy.load import load_policy
from smoke_gate.policy.model import ByFile, ByRunId, ByRunName, Policy, Runs

_VERDICT_FILE = "the verdict file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The policy that a verdict file should have been made with.

    ``policy`` is the base branch's with this job's own options over it, and with the hash of the branch's definition in
    place of a file's name; None where it is not known, and ``unknown`` says why then. ``counts``: evidence is judged by
    it and not by the file's.
    """

    branch: str
    policy: Policy | None
    unknown: str | None = None
    counts: bool = False

    def applied(self, policy: Policy, evidence: Evidence) -> tuple[Policy, Evidence]:
        """Return what is judged of a verdict file: by which policy, and with which change of it in the evidence.

        Raises:
            UsageError: this policy counts, and the evidence is not what it would have read.

        """
        if self.policy is None:
            unknown = policy_unknown(self.unknown or "", other=_VERDICT_FILE)
            return policy, replace(evidence, policy_change=unknown)
        expected, found = effective_yaml(self.policy), effective_yaml(_with_hash(policy, evidence))
        if self.counts and (differ := _reading_differs(self.policy, policy)):
            raise UsageError(
                f"the evidence was read by another policy than that of {self.branch}, which is to count: they differ "
                f"in {', '.join(differ)}. Run the first workflow again on that one, or give it `policy_ref: base` too"
            )
        change = policy_change(
            expected, found, branch=self.branch, other=_VERDICT_FILE, base_counts=self.counts
        )
        return self.policy if self.counts else policy, replace(evidence, policy_change=change)


def expectation_of(job: Job) -> Expectation | None:
    """Return what the base branch expects; None where there is no pull request that could have changed it.

    Raises:
        GitHubError: it is to count, and cannot be read.
        UsageError: it is to count, and no pull request says which branch's it is, or its definition file is none.
        PolicyError: it is to count, and is no policy.

    """
    options, counts = job.settings.options, job.settings.policy_ref is PolicyRef.BASE
    base = base_of(job, options)
    if base is None:
        return None
    if base.unknown is not None:
        return Expectation(branch=base.branch, policy=None, unknown=base.unknown)
    file, text = (None, None) if base.text is None else (options.policy or DEFAULT_POLICY, base.text.encode())
    try:
        policy = load_policy(file, options.overrides, plan_required=counts, text=text)
    except PolicyError as error:
        if counts:
            raise
        unknown = f"the policy of {base.branch} is none: {error}"
        return Expectation(branch=base.branch, policy=None, unknown=unknown)
    try:
        policy = _with_base_hash(policy, job, base.branch)
    except (GitHubError, UsageError) as error:
        if counts:
            raise
        return Expectation(branch=base.branch, policy=None, unknown=str(error))
    branch = base.branch if base.text is not None else f"{base.branch}, which has no policy file"
    return Expectation(branch=branch, policy=policy, counts=counts)


def _with_base_hash(policy: Policy, job: Job, branch: str) -> Policy:
    """Return the base branch's policy with its definition's hash in place of the file's name."""
    file = definition_file(policy, job.settings.options)
    if file is None:
        return policy
    definition = definition_in_base(job, file, branch)
    if definition is None:
        raise absent(file, branch)
    return held_against(policy, definition.sha256)


def _with_hash(policy: Policy, evidence: Evidence) -> Policy:
    """Return a verdict file's policy in the same form; what the file says is the hash, may be any text."""
    sha256 = evidence.definition_sha256
    names_file = isinstance(policy.gates.definition_hash.expected, ByFile)
    return held_against(policy, sha256) if names_file and sha256 is not None else policy


def _reading_differs(one: Policy, other: Policy) -> tuple[str, ...]:
    """Return where two policies do not have the same evidence read, in words.

    The plan is not among it: a planned pair that only one of them has is not read, which is FAIL.
    """
    needs = needs_of(one), needs_of(other)
    settings = {
        "experiments": (one.experiments, other.experiments),
        **{
            f"runs.{name}": (getattr(one.runs, name), getattr(other.runs, name)) for name in Runs.model_fields
        },
        "gates.definition_hash.expected": (_named_registration(one), _named_registration(other)),
        **{
            f"what the gates read ({field.name})": tuple(getattr(need, field.name) for need in needs)
            for field in fields(Needs)
        },
    }
    return tuple(name for name, (ours, theirs) in settings.items() if ours != theirs)


def _named_registration(policy: Policy) -> ByRunId | ByRunName | None:
    expected = policy.gates.definition_hash.expected
    return expected if isinstance(expected, ByRunId | ByRunName) else None
