"""A verdict held against an earlier one, such as main's: the baseline. It changes neither verdict nor evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from smoke_gate.compare import Comparison, FindingChanges, Limit, compare, finding_changes, limits_of
from smoke_gate.evidence import Evidence
from smoke_gate.message import Message, between, say
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.formats import policy_sha256
from smoke_gate.text import counted
from smoke_gate.verdict import Verdict, evaluate
from smoke_gate.verdict_file.headline import headline
from smoke_gate.verdict_file.read import Recorded, read_recorded

HOW_TO = (
    "To make one, let that branch's workflow judge, and keep its verdict file. The page docs/baseline.md in the "
    "repository of smoke-gate shows the step."
)


class BaselineVerdict(StrEnum):
    """The result of the limits against a baseline."""

    PASS = "PASS"  # noqa: S105
    FAIL = "FAIL"
    NONE = "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The baseline that was asked for. ``name`` says what it is, ``missing`` why there is none and how to make one.

    Either ``recorded`` or ``missing`` is None.
    """

    name: Message
    recorded: Recorded | None = None
    missing: Message | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """A verdict held against a baseline.

    ``verdict`` is FAIL where a limit is broken, and NONE where not all of them were judged; ``why`` says why not.
    ``headline`` is the baseline's. ``other_policy``: the baseline was judged by another policy.
    """

    name: Message
    verdict: BaselineVerdict
    why: Message | None = None
    headline: Message | None = None
    comparison: Comparison | None = None
    findings: FindingChanges | None = None
    other_policy: bool = False

    @property
    def fails(self) -> bool:
        """True if a limit is broken."""
        return self.verdict is BaselineVerdict.FAIL


def baseline_in(file: Path, *, largest: int | None = None) -> Baseline:
    """Return the baseline that a file holds; a file that is not there is none.

    Args:
        file: the verdict file.
        largest: the most bytes that are read; None: any number.

    Raises:
        VerdictFileError: it cannot be read, is not a verdict file, or does not match its own hashes.

    """
    name = say("{file}", file=str(file))
    if not file.exists():
        return Baseline(
            name=name, missing=say("There is no file {file}. {how_to}", file=str(file), how_to=say(HOW_TO))
        )
    return Baseline(name=name, recorded=read_recorded(file, largest=largest))


def against(
    baseline: Baseline | None,
    policy: Policy,
    evidence: Evidence,
    verdict: Verdict,
    limits: Sequence[Limit] | None = None,
) -> Against | None:
    """Hold a verdict against a baseline, which is judged again; None if none was asked for.

    Args:
        baseline: what it is held against.
        policy: the verdict's policy.
        evidence: its evidence.
        verdict: the verdict.
        limits: what metrics must keep; None: the limits of the policy.

    """
    if baseline is None:
        return None
    base = baseline.recorded
    if base is None:
        return Against(name=baseline.name, verdict=BaselineVerdict.NONE, why=baseline.missing)
    before = evaluate(base.policy, base.evidence)
    comparison = compare(
        (base.policy, base.evidence),
        (policy, evidence),
        limits_of(policy) if limits is None else limits,
        pending=verdict.pending,
    )
    why = None if comparison.is_broken else _undecided(comparison, verdict)
    decided = BaselineVerdict.PASS if why is None else BaselineVerdict.NONE
    return Against(
        name=baseline.name,
        verdict=BaselineVerdict.FAIL if comparison.is_broken else decided,
        why=why,
        headline=headline(before, base.policy, base.evidence),
        comparison=comparison,
        findings=finding_changes(before.checks, verdict.checks),
        other_policy=policy_sha256(base.policy) != policy_sha256(policy),
    )


def _undecided(comparison: Comparison, verdict: Verdict) -> Message | None:
    """Say what was not compared although it was asked for; None where everything was."""
    if verdict.pending:
        waiting = verdict.summary.planned - verdict.summary.found
        return say("Not decided yet: {runs} not finished.", runs=say(counted(waiting, "planned run")))
    if not comparison.paired:
        return say("Nothing was compared: no cell and seed has a run in both.")
    unjudged = [result.limit.metric for result in comparison.limits if not result.judged]
    if not unjudged:
        return None
    metrics = between(", ", [say("{metric}", metric=name) for name in dict.fromkeys(unjudged)])
    return say(
        "The limit of {metrics} was not judged: no cell and seed has a finite value in both. The baseline that is made "
        "after the merge will have it.",
        metrics=metrics,
    )
