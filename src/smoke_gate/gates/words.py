"""What a gate says of itself in a line."""

from collections.abc import Sequence

from smoke_gate.gates.base import Check, Outcome, Status


def gate_message(checks: Sequence[Check], outcome: Outcome, failing: int, threshold: int) -> str:
    """Say in a line what the gate found."""
    if len(checks) == 1 and checks[0].status in (Status.SKIPPED, Status.FAIL):
        return checks[0].message
    failed = sum(check.status is Status.FAIL for check in checks)
    waived = sum(check.waived is not None for check in checks)
    warned = sum(check.warns for check in checks)
    runs = f" in {_count(failing, 'run')} (FAIL at {threshold})" if failing else ""
    parts = [
        f"{outcome.evaluated} of {outcome.expected} runs judged",
        f"{_count(failed, 'failing check')}{runs}" if failed else "",
        _count(warned, "warning") if warned else "",
        f"{waived} waived" if waived else "",
    ]
    return ", ".join(filter(None, parts))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
