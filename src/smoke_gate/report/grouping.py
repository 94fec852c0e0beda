"""Checks that say the same of different runs, put together, so that one cause is read once.

Messages of one template say the same; a report shows the values that differ at each place.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from smoke_gate.gates.base import Check
from smoke_gate.message import MARK, Message, Part, Value, between, first_sentence, in_a_line, say

_LONGEST_IN_LINE = 40
_MOST_IN_BRIEF = 2  # values that differ, and subjects


@dataclass(frozen=True)
class CheckGroup:
    """Checks of one gate that say the same, in their order: their messages have one template."""

    checks: tuple[Check, ...]

    @property
    def gate(self) -> str:
        """The gate that found it."""
        return self.checks[0].gate

    @cached_property
    def message(self) -> Message:
        """The message of the checks, with a mark in place of each value that differs."""
        values = iter(range(len(self.checks[0].message.values)))
        return Message(
            MARK if isinstance(part, Value) and next(values) in self._differing else part
            for part in self.checks[0].message.parts
        )

    @property
    def subject(self) -> str | None:
        """The subject that all the checks share, where their message does not name it."""
        first = self.checks[0]
        return first.subject if not self._subjects_differ and _adds_something(first) else None

    @cached_property
    def brief(self) -> Message:
        """The finding in one sentence and without how to fix it; of values that differ, the first ones."""
        found = in_a_line(first_sentence(Message(self._with_values())))
        subjects = dict.fromkeys(check.subject for check in self.checks if _adds_something(check))
        if not subjects:
            return found
        return say("{subjects}: {found}", subjects=_first(map(Value, subjects)), found=found)

    def _with_values(self) -> Iterator[Part]:
        places = iter(range(len(self.checks[0].message.values)))
        for part in self.checks[0].message.parts:
            if not isinstance(part, Value):
                yield part
                continue
            place = next(places)
            yield from _first(check.message.values[place] for check in self.checks).parts

    @cached_property
    def is_long(self) -> bool:
        """True if what one of the checks has alone is so long that each needs a line."""
        return any(len(text) > _LONGEST_IN_LINE for check in self.checks for text in self.own_words(check))

    def own_words(self, check: Check) -> tuple[str, ...]:
        """Return what is to be said of one check besides its pair: its subject and its values, where they differ."""
        subject = check.subject if self._subjects_differ and _adds_something(check) else None
        values = [_seen(check.message.values[index]) for index in self._differing]
        return tuple(dict.fromkeys(text for text in (subject, *values) if text))

    @cached_property
    def _subjects_differ(self) -> bool:
        return len({check.subject for check in self.checks}) > 1

    @cached_property
    def _differing(self) -> tuple[int, ...]:
        """The places of the values that are not the same in all messages."""
        return _differing(self.checks)


Alike = tuple[CheckGroup, ...]
"""One finding: mostly a single group; several where more than one value tells them apart."""


def grouped(checks: Iterable[Check]) -> tuple[Alike, ...]:
    """Group the checks by gate, kind, status, waiver, and what they say, in the order of the first of each."""
    findings: dict[tuple[object, ...], list[Check]] = {}
    for check in checks:
        names_it = any(value.text == check.subject for value in check.message.values)
        about = check.subject if names_it and check.subject != place_of(check) else ""
        cause = (check.gate, check.kind, check.status, check.waived, about, check.message.template)
        findings.setdefault(cause, []).append(check)
    return tuple(_told_apart(same) for same in findings.values())


def place_of(check: Check) -> str | None:
    """Return the pair that a check belongs to, as ``A3/123``; None where it belongs to no cell."""
    return f"{check.cell}/{check.seed}" if check.cell and check.seed else check.cell


def _told_apart(checks: Sequence[Check]) -> Alike:
    """Return one group where a single value differs, which each place can show; else one for each set of values.

    What was observed may differ in such a group all the same.
    """
    if len(_differing(checks)) <= 1:
        return (CheckGroup(tuple(checks)),)
    groups: dict[tuple[Value, ...], list[Check]] = {}
    for check in checks:
        rest = tuple(value for value in check.message.values if value.text != check.observed)
        groups.setdefault(rest, []).append(check)
    return tuple(CheckGroup(tuple(same)) for same in groups.values())


def _first(values: Iterable[Value]) -> Message:
    """Return the first of the distinct values, and a mark where there are more."""
    distinct = list(dict.fromkeys(values))
    more = [Message([MARK])] if len(distinct) > _MOST_IN_BRIEF else []
    return between(", ", [*(Message([value]) for value in distinct[:_MOST_IN_BRIEF]), *more])


def _differing(checks: Sequence[Check]) -> tuple[int, ...]:
    columns = zip(*(check.message.values for check in checks), strict=False)
    return tuple(index for index, column in enumerate(columns) if len(set(column)) > 1)


def _seen(value: Value) -> str:
    """Return a value without quotation marks where it can be seen without them."""
    return value.text if value.text and value.text == value.text.strip() else value.shown


def _adds_something(check: Check) -> bool:
    """Return whether a check's message does not name its subject, which is ``a=b`` where two are compared."""
    named = all(name in check.message for name in check.subject.split("="))
    return check.subject != place_of(check) and not named
