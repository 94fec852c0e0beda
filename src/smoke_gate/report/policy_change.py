"""What a report says of the base branch's policy, where that is not the pull request's, or is not known."""

from dataclasses import dataclass

from smoke_gate.evidence import Evidence

_CALL = "A person must agree with the rules that judge these runs."


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What was found and which policy counted, what to do about it, and the lines of the difference, if it is known."""

    title: str
    found: str
    call: str
    lines: tuple[str, ...]


def policy_change_of(evidence: Evidence) -> PolicyChange | None:
    """Return what is to be said, None where the policies are the same or there is no pull request.

    The first line of the evidence says what was found, those below it are the difference.
    """
    if not evidence.policy_change:
        return None
    found, *lines = evidence.policy_change.splitlines()
    title = "Policy changes of this pull request" if lines else "Policy of the base branch"
    return PolicyChange(title, found, _CALL, tuple(lines))
