"""The policy that a verdict file should have been made with.

The file is another job's, and its policy is what that job said: a pull request from a fork could have changed it, and
the difference that its evidence records, at will. So the policy that counts is found out again, and held against it.
"""

from dataclasses import dataclass, fields, replace

from smoke_gate.errors import SmokeGateError, UsageError
from smoke_gate.evidence import Evidence, PolicyChange
from smoke_gate.gates import needs_of
from smoke_gate.gates.definition import ByFile, ByRunId, ByRunName, DefinitionHashSettings
from smoke_gate.gates.needs import Needs
from smoke_gate.github.job import Job
from smoke_gate.github.policy_change import policy_change, policy_unknown
from smoke_gate.github.rules import change_between, with_hash
from smoke_gate.github.settings import PolicyRef
from smoke_gate.github.which_policy import decide
from smoke_gate.policy.model import Policy
from smoke_gate.policy.plan import Runs
from smoke_gate.policy_file.formats import effective_yaml
from smoke_gate.policy_file.load import has_plan

_VERDICT_FILE = "the verdict file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The policy that a verdict file should have been made with.

    ``policy`` is the one that counts, with this job's own options over it, and ``tip`` the base branch's newest; both
    hold their definition's hash in place of a file's name. They are None if they are not known, and ``unknown`` says
    why. ``change`` is what the pull request changes. ``judges``: evidence is judged by it and not by the file's.
    """

    branch: str
    policy: Policy | None = None
    tip: Policy | None = None
    change: PolicyChange | None = None
    unknown: str = ""
    judges: bool = False

    def applied(self, policy: Policy, evidence: Evidence) -> tuple[Policy, Evidence]:
        """Return what is judged of a verdict file: by which policy, and with which change of it in the evidence.

        Raises:
            UsageError: this policy judges, and the evidence is not what it would have read.

        """
        if self.policy is None or self.tip is None:
            unknown = policy_unknown(self.unknown, other=_VERDICT_FILE)
            return policy, replace(evidence, policy_change=unknown)
        if self.judges:
            if differ := _reading_differs(self.policy, policy):
                raise UsageError(
                    f"the evidence was read by another policy than that of {self.branch}, which is to count: they "
                    f"differ in {', '.join(differ)}. Run the first workflow again on that one, or give it "
                    "`policy_ref: base` too"
                )
            return self.policy, replace(evidence, policy_change=None)
        found = effective_yaml(_with_recorded_hash(policy, evidence))
        change = self.change
        if found != effective_yaml(self.policy):
            change = policy_change(effective_yaml(self.tip), found, branch=self.branch, other=_VERDICT_FILE)
        return policy, replace(evidence, policy_change=change)


def expectation_of(job: Job) -> Expectation | None:
    """Return the policy that is expected; None if there is no pull request that could have changed it.

    Raises:
        SmokeGateError: the base branch's is to count, and cannot be read or is not a policy, or nothing says which
            branch's it is.

    """
    judges = job.settings.policy_ref is PolicyRef.BASE
    decision = decide(job, job.settings.options)
    if decision is None:
        return None
    if decision.tip is None:
        return Expectation(branch=decision.branch, unknown=decision.unknown)
    tip = decision.tip
    counted = decision.counted or tip
    try:
        policies = counted.counted, tip.counted
    except SmokeGateError as error:
        if judges:
            raise
        return Expectation(branch=decision.branch, unknown=str(error))
    if judges and not has_plan(tip.policy):
        raise UsageError(f"the policy of {decision.branch} is to count, and it has no plan")
    return Expectation(
        branch=decision.branch if tip.file else f"{decision.branch}, which has no policy file",
        policy=policies[0],
        tip=policies[1],
        change=None if counted is tip else change_between(tip, counted),
        judges=judges,
    )


def _with_recorded_hash(policy: Policy, evidence: Evidence) -> Policy:
    """Return a verdict file's policy with the hash that it recorded, which may be any text."""
    sha256 = evidence.definition_sha256
    names_file = isinstance(policy.settings(DefinitionHashSettings).expected, ByFile)
    return with_hash(policy, sha256) if names_file and sha256 is not None else policy


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
    expected = policy.settings(DefinitionHashSettings).expected
    return expected if isinstance(expected, ByRunId | ByRunName) else None
