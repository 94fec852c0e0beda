"""Waivers, ready to be pasted into the policy: one for each failing check and warning that can be waived."""

from collections.abc import Sequence
from datetime import date, timedelta

import yaml

from smoke_gate.gates.base import Check, Status
from smoke_gate.policy_file.formats import inert_yaml
from smoke_gate.text import log_line, shortened
from smoke_gate.verdict import Verdict
from smoke_gate.verdict_file.write import SCOPE, fingerprint

_DAYS = 30  # how long a ready waiver holds: long enough to act, short enough to be looked at again
_LONGEST_MESSAGE = 160
_HEAD = """\
# Waivers for the failing checks and warnings of this verdict. Keep those that you accept, say why in `reason` (a policy
# without it is refused), and paste them into the policy. Each lowers its check by one step (FAIL to WARNING, WARNING to
# PASS), and every report shows it with its reason.
"""


def waivable(verdict: Verdict, as_of: str) -> str:
    """Return the entries as YAML.

    Args:
        verdict: the verdict.
        as_of: the day of the evidence, ``YYYY-MM-DD``; the waivers expire 30 days later.

    Returns:
        Text that ends in a new line: a comment where there is nothing that a waiver could accept.

    """
    found = [check for check in verdict.checks if check.status is Status.FAIL or check.warns]
    ready = [check for check in found if check.waivable]
    rest = sorted({check.gate for check in found if check.status is Status.FAIL and not check.waivable})
    notes = [f"# {gate} fails too and cannot be waived: fix it.\n" for gate in rest]
    if not ready:
        return "".join(["# There is nothing that a waiver could accept.\n", *notes])
    expires = (date.fromisoformat(as_of) + timedelta(days=_DAYS)).isoformat()
    return "".join([_HEAD, *notes, "waivers:\n", *(_entry(check, expires) for check in ready)])


def _entry(check: Check, expires: str) -> str:
    said = log_line(shortened(check.message, _LONGEST_MESSAGE))
    scope = {key: value for key in SCOPE if (value := getattr(check, key)) is not None}
    lines = [f"{key}: {_scalar(value)}" for key, value in scope.items()]
    lines += [f"expires: {_scalar(expires)}", "reason:"]
    return "".join(f"  {line}\n" for line in (f"# {fingerprint(check)}: {said}", *_item(lines)))


def _item(lines: Sequence[str]) -> list[str]:
    return [f"{'- ' if index == 0 else '  '}{line}" for index, line in enumerate(lines)]


def _scalar(text: str) -> str:
    """Return text as a YAML scalar that is the same text again, on one line, to a GitHub runner too."""
    quoted: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9)
    return inert_yaml(quoted.rstrip("\n"))
