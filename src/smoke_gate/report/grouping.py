"""Checks that say the same of different runs, put together, so that one cause is read once.

What a group says is true of each of its runs: their messages are equal, or differ in nothing but what was observed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from smoke_gate.gates.base import Check
from smoke_gate.policy.model import GateId

OWN = "…"
"""Stands in a group's message for what was observed, where that differs; each place has its own."""

_LONGEST_OWN = 200  # characters of it: a report cuts none
_LONGEST_IN_LINE = 40
_EXPLAINED = r"(?: \([^()]*\))?"  # by brackets behind it: 24 (12 / 0.5)
_MOSTLY_OWN = re.compile(r"'[^']*'|\S*\d\S*")  # names, values, hashes: what tells messages of one cause apart


@dataclass(frozen=True)
class CheckGroup:
    """Checks of one gate that say the same, in their order."""

    checks: tuple[Check, ...]

    @property
    def gate(self) -> GateId:
        """The gate that found it."""
        return self.checks[0].gate

    @property
    def message(self) -> str:
        """What the checks say, with a mark where they differ."""
        return _shared(self.checks[0]) if self._values_differ else self.checks[0].message

    @property
    def subject(self) -> str | None:
        """The subject that all the checks share, where their message does not name it."""
        first = self.checks[0]
        return first.subject if not self._subjects_differ and _adds_something(first) else None

    @cached_property
    def is_long(self) -> bool:
        """Whether what one of the checks has alone is so long that each needs a line."""
        return any(len(text) > _LONGEST_IN_LINE for check in self.checks for text in self.own_words(check))

    def own_words(self, check: Check) -> tuple[str, ...]:
        """Return what is to be said of one check besides its pair: its subject and its value, where they differ."""
        subject = check.subject if self._subjects_differ and _adds_something(check) else None
        value = _observed(check) if self._values_differ else None
        return tuple(dict.fromkeys(text for text in (subject, value) if text))

    @cached_property
    def _subjects_differ(self) -> bool:
        return len({check.subject for check in self.checks}) > 1

    @cached_property
    def _values_differ(self) -> bool:
        return len({check.message for check in self.checks}) > 1


Alike = tuple[CheckGroup, ...]
"""One finding: mostly a single group; several where the messages are alike, and cannot be said as one."""


def grouped(checks: Iterable[Check]) -> tuple[Alike, ...]:
    """Group the checks by gate, kind, waiver, and what they say, in the order of the first of each."""
    findings: dict[tuple[str, ...], dict[str, list[Check]]] = {}
    for check in checks:
        about = check.subject if check.subject in check.message and check.subject != place_of(check) else ""
        shared = _shared(check)
        cause = (check.gate, check.kind, check.waived or "", about, _MOSTLY_OWN.sub("", shared))
        findings.setdefault(cause, {}).setdefault(shared, []).append(check)
    return tuple(tuple(CheckGroup(tuple(same)) for same in alike.values()) for alike in findings.values())


def place_of(check: Check) -> str | None:
    """Return the pair that a check belongs to, as ``A3/123``; None where it belongs to no cell."""
    return f"{check.cell}/{check.seed}" if check.cell and check.seed else check.cell


def foreign_texts(check: Check) -> tuple[str, ...]:
    """Return the texts in a check's message that are not our own words; values stand in quotation marks there.

    A seed that is a number would be found in every number, and a cell or subject that is a word is mostly one of ours.
    """
    seed = None if check.seed is None or check.seed.isdigit() else check.seed
    cell, subject = (None if text is None or text.isalpha() else text for text in (check.cell, check.subject))
    return tuple(text for text in (place_of(check), cell, seed, check.run_id, subject) if text)


def _adds_something(check: Check) -> bool:
    """Whether a check's message does not name its subject, which is ``a=b`` where two are compared."""
    named = all(name in check.message for name in check.subject.split("="))
    return check.subject != place_of(check) and not named


def _shared(check: Check) -> str:
    """Return what a check's message may share with others: all of it but what was observed."""
    said = _said(check)
    return check.message if said is None else said.string[: said.start()] + OWN + said.string[said.end() :]


def _observed(check: Check) -> str | None:
    """Return what was observed as the message says it, without quotes where it can be seen without them."""
    said, observed = _said(check), check.observed
    if said is None or observed is None:
        return None
    return observed if said[0] == repr(observed) and observed == observed.strip() else said[0]


def _said(check: Check) -> re.Match[str] | None:
    """Find what was observed in a message; None where it stands there not at all, twice, or at length.

    A message that was cut has the mark already, which would be taken for the other.
    """
    if not check.observed or OWN in check.message:
        return None
    texts = "|".join(map(re.escape, (repr(check.observed), check.observed)))
    found = list(re.finditer(rf"(?<!\w)(?:{texts}){_EXPLAINED}(?!\w)", check.message))
    return found[0] if len(found) == 1 and len(found[0][0]) <= _LONGEST_OWN else None
