"""Checks that say the same thing of different runs, put together, so that one cause is read once.

What a group says is what all its messages have in common: a value of one run is never said of another. Messages are
said as one where a single value differs, so that nobody must guess what belongs where; else each is said in full.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from smoke_gate.gates.base import Check
from smoke_gate.policy.model import GateId

OWN = "…"
"""Stands in a group's message for the value that differs; each place has its own."""

_LONGEST_OWN = 200  # characters of it: a report cuts none
_LONGEST_IN_LINE = 40
_FEWEST_WORDS = 2  # that are left of a message without it

_FURTHER = r"(?:[./:=+-]+\w+)*"  # of a name: the seed behind a cell, the parts of a path
_WITH_A_DIGIT = rf"(?<!\w)-?(?=[\w./:=+-]*\d)\w+{_FURTHER}"
_QUOTED = r"""(?<!\w)'[^']*'(?!\w)|(?<!\w)"[^"]*"(?!\w)"""
_VALUES = "|".join(
    (
        _QUOTED,
        rf"{_WITH_A_DIGIT}(?: / {_WITH_A_DIGIT})?",  # names with numbers, numbers, and quotients of them
        r"\b[0-9a-f]{7,}\b",
    )
)
_EXPLAINED = r"""(?: \((?:'[^']*'|"[^"]*"|[^()'"])*\))?"""  # by brackets behind it, which belong to a value
_STANDS_ALONE = re.compile(rf"(?:^|[\s(\[]){OWN}(?:$|[\s)\].,;:!?])")
_BRACKETS = {")": "(", "]": "[", "}": "{"}

Parts = tuple[str, ...]
"""A message, taken apart: our words, and what may be one run's own, by turns."""


@dataclass(frozen=True)
class CheckGroup:
    """Checks of one gate whose messages differ in one value at most; in the checks' order.

    ``parts`` are their messages, taken apart alike.
    """

    checks: tuple[Check, ...]
    parts: tuple[Parts, ...]

    @property
    def gate(self) -> GateId:
        """The gate that found it."""
        return self.checks[0].gate

    @cached_property
    def message(self) -> str:
        """What the checks say, with a mark where they differ."""
        return "".join(OWN if index in self._differing else part for index, part in enumerate(self.parts[0]))

    @property
    def subject(self) -> str | None:
        """The subject that all the checks share, where their message does not name it."""
        first = self.checks[0]
        return first.subject if not self._subjects_differ and _adds_something(first) else None

    @cached_property
    def is_long(self) -> bool:
        """Whether what one of the checks has alone is so long that each needs a line."""
        return any(len(text) > _LONGEST_IN_LINE for check in self.checks for text in self.own_words(check))

    @cached_property
    def can_be_said(self) -> bool:
        """Whether the messages can be said as one: one value differs, it is whole, and the rest is a sentence.

        A text that was cut before has the mark too, which would be taken for the other.
        """
        if not self._differing:
            return True
        if self.message.count(OWN) > 1 or not _STANDS_ALONE.search(self.message):
            return False
        ours = re.findall(r"[^\W\d_]+", " ".join(self.parts[0][::2]))
        values = {parts[index] for parts in self.parts for index in self._differing}
        return len(ours) >= _FEWEST_WORDS and all(map(_is_whole, values))

    def own_words(self, check: Check) -> tuple[str, ...]:
        """Return what is to be said of one check besides its pair: its subject and its value, where they differ."""
        subject = [check.subject] if self._subjects_differ and _adds_something(check) else []
        parts = self._parts_of[check]
        values = [] if self._names_places else [_unquoted(parts[index]) for index in self._differing]
        return tuple(dict.fromkeys([*subject, *values]))

    @cached_property
    def _parts_of(self) -> dict[Check, Parts]:
        return dict(zip(self.checks, self.parts, strict=True))

    @cached_property
    def _subjects_differ(self) -> bool:
        return len({check.subject for check in self.checks}) > 1

    @cached_property
    def _differing(self) -> tuple[int, ...]:
        """Which parts differ."""
        columns = enumerate(zip(*self.parts, strict=True))
        return tuple(index for index, column in columns if len(set(column)) > 1)

    @cached_property
    def _names_places(self) -> bool:
        """Whether what differs is but the name of each check's place."""
        return all(
            parts[index] in (place_of(check) or check.run_id, check.cell)
            for parts, check in zip(self.parts, self.checks, strict=True)
            for index in self._differing
        )


Alike = tuple[CheckGroup, ...]
"""One finding: mostly a single group; several where the messages are alike, and cannot be said as one."""


def grouped(checks: Iterable[Check]) -> tuple[Alike, ...]:
    """Group the checks by gate, kind, waiver and our words in their messages, in the order of the first of each."""
    every = tuple(checks)
    names = {name for check in every for name in _place_names(check)}
    known: dict[tuple[str, ...], Parts] = {}
    groups: dict[tuple[str, ...], list[tuple[Check, Parts]]] = {}
    for check in every:
        of_gate = (check.gate, check.kind, check.waived or "")
        same = (*of_gate, check.message)
        if same not in known:  # the same text is taken apart once, so that it cannot become two groups
            known[same] = _parts(check, names)
        groups.setdefault((*of_gate, *known[same][::2]), []).append((check, known[same]))
    return tuple(_alike(CheckGroup(*zip(*group, strict=True))) for group in groups.values())


def _alike(group: CheckGroup) -> Alike:
    """Return a group as it can be said: as one, or one for each message."""
    if group.can_be_said:
        return (group,)
    messages: dict[Parts, list[Check]] = {}
    for check, parts in zip(group.checks, group.parts, strict=True):
        messages.setdefault(parts, []).append(check)
    return tuple(CheckGroup(tuple(same), (parts,) * len(same)) for parts, same in messages.items())


def place_of(check: Check) -> str | None:
    """Return the pair that a check belongs to, as ``A3/123``; None where it belongs to no cell."""
    return f"{check.cell}/{check.seed}" if check.cell and check.seed else check.cell


def _adds_something(check: Check) -> bool:
    """Whether a check's message does not name its subject, which is ``a=b`` where two are compared."""
    named = all(name in check.message for name in check.subject.split("="))
    return check.subject != place_of(check) and not named


def foreign_texts(check: Check) -> tuple[str, ...]:
    """Return the texts in a check's message that are not our own words; values stand in quotation marks there.

    A seed that is a number would be found in every number, and a cell or subject that is a word is mostly one of ours.
    """
    seed = None if check.seed is None or check.seed.isdigit() else check.seed
    cell, subject = (None if text is None or text.isalpha() else text for text in (check.cell, check.subject))
    return tuple(text for text in (place_of(check), cell, seed, check.run_id, subject) if text)


# --- a message, taken apart -------------------------------------------------------------------------------------------


def _parts(check: Check, names: Iterable[str]) -> Parts:
    """Take a message apart.

    A cell that is called like a word of ours is taken for a name in every message, so that all are taken apart alike.
    The subject is what a message is about: two subjects are two findings.
    """
    parts, end = [], 0
    for match in re.finditer(_pattern(check, names), check.message):
        if match.lastgroup != "subject":
            parts += [check.message[end : match.start()], match[0]]
            end = match.end()
    return (*parts, check.message[end:])


def _pattern(check: Check, names: Iterable[str]) -> str:
    own = {*names, check.run_id, check.observed} - {check.subject}
    found = [text for text in own if text and text in check.message and _needs_naming(text, check.message)]
    listed = f"{_whole(sorted(found, key=len, reverse=True))}{_FURTHER}|" if found else ""
    is_about = check.subject in check.message and check.subject != place_of(check)
    subject = f"(?P<subject>{_whole([check.subject])})|" if is_about else ""
    return rf"{subject}(?:{listed}{_VALUES}){_EXPLAINED}"


def _place_names(check: Check) -> Iterable[str]:
    return (name for name in (check.cell, check.seed) if name and _has_a_letter(name))


def _whole(texts: Iterable[str]) -> str:
    return rf"(?<!\w)(?:{'|'.join(map(re.escape, texts))})(?!\w)"


def _needs_naming(text: str, message: str) -> bool:
    """Whether a text is not found as a value already: each pattern that is made takes its time, and checks are many."""
    return f"'{text}'" not in message and not re.fullmatch(_VALUES, text) and _has_a_letter(text)


def _has_a_letter(text: str) -> bool:
    return re.search(r"[^\W\d]", text) is not None


def _is_whole(value: str) -> bool:
    """Whether the quotes and brackets in a value are closed, and a report need not cut it."""
    opened: list[str] = []
    for character in value:
        if character in _BRACKETS.values():
            opened.append(character)
        elif character in _BRACKETS and (not opened or opened.pop() != _BRACKETS[character]):
            return False
    loose = re.search(r"""(?<!\w)['"`]|['"`](?!\w)""", re.sub(_QUOTED, "", value))  # no apostrophe
    return not opened and loose is None and len(value) <= _LONGEST_OWN


def _unquoted(value: str) -> str:
    """Return a value without its quotes, where it is a text that can be seen without them."""
    text = value[1:-1]
    return text if re.fullmatch(_QUOTED, value) and text and text == text.strip() else value
