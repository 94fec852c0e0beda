"""Checks that say the same thing of different runs, put together, so that one cause is read once."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from smoke_gate.gates.base import Check
from smoke_gate.policy.model import GateId


@dataclass(frozen=True)
class CheckGroup:
    """Checks of one gate whose messages differ only in the run, its values and numbers; in the checks' order."""

    checks: tuple[Check, ...]

    @property
    def gate(self) -> GateId:
        """The gate that found it."""
        return self.checks[0].gate

    @property
    def message(self) -> str:
        """What the first of the checks says."""
        return self.checks[0].message

    @property
    def subject(self) -> str | None:
        """The subject that all the checks share, where their message does not name it."""
        first = self.checks[0]
        shared = all(check.subject == first.subject for check in self.checks)
        return first.subject if shared and _adds_something(first) else None

    def own_words(self, check: Check) -> tuple[str, ...]:
        """Return what is to be said of one of the checks besides its pair: its subject and value, where they differ."""
        subjects_differ, values_differ = self._differing
        subject = check.subject if subjects_differ and _adds_something(check) else None
        return tuple(text for text in (subject, check.observed if values_differ else None) if text)

    @cached_property
    def _differing(self) -> tuple[bool, bool]:
        """Whether the subjects differ, and whether the values do; asked for each check, and there may be many."""
        subjects = {check.subject for check in self.checks}
        return len(subjects) > 1, len({check.observed for check in self.checks}) > 1


def grouped(checks: Iterable[Check]) -> tuple[CheckGroup, ...]:
    """Group the checks by gate, kind, waiver and the shape of their messages, in the order of the first of each."""
    groups: dict[tuple[str, ...], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.gate, check.kind, check.waived or "", _shape(check)), []).append(check)
    return tuple(CheckGroup(tuple(group)) for group in groups.values())


def place_of(check: Check) -> str | None:
    """Return the pair that a check belongs to, as ``A3/123``; None where it belongs to no cell."""
    return f"{check.cell}/{check.seed}" if check.cell and check.seed else check.cell


def _adds_something(check: Check) -> bool:
    return check.subject != place_of(check) and check.subject not in check.message


def foreign_texts(check: Check) -> tuple[str, ...]:
    """Return the texts in a check's message that are not our own words; values stand in quotation marks there.

    A seed that is a number would be found in every number, and a subject that is a word is mostly one of ours.
    """
    seed = None if check.seed is None or check.seed.isdigit() else check.seed
    subject = None if check.subject.isalpha() else check.subject
    return tuple(text for text in (place_of(check), check.cell, seed, check.run_id, subject) if text)


def _shape(check: Check) -> str:
    """Return the message with a mark in place of what belongs to this run only: its names, values and numbers."""
    own = [text for text in (*foreign_texts(check), check.observed) if text and re.search(r"[^\W\d]", text)]
    own.sort(key=len, reverse=True)
    names = "|".join(rf"(?<!\w){re.escape(text)}(?!\w)" for text in own if text != check.subject)
    shape = re.sub(names, "…", check.message) if names else check.message
    return re.sub(r"'[^']*'|\b[0-9a-f]{7,}\b|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", "…", shape)
