"""Checks that say the same thing of different runs, put together, so that one cause is read once.

What a group says is what all its messages have in common: a value of one run is never said of another.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from smoke_gate.gates.base import Check
from smoke_gate.policy.model import GateId

OWN = "…"
"""Stands in a group's message for what differs; each place has its own."""

_FURTHER = r"(?:[./:=+-]+\w+)*"  # of a name: the seed behind a cell, the parts of a path
_WITH_A_DIGIT = rf"(?<!\w)-?(?=[\w./:=+-]*\d)\w+{_FURTHER}"
_VALUES = "|".join(
    (
        r"(?<!\w)'[^']*'(?!\w)",
        r'(?<!\w)"[^"]*"(?!\w)',
        rf"{_WITH_A_DIGIT}(?: / {_WITH_A_DIGIT})?",  # names with numbers, numbers, and quotients of them
        r"\b[0-9a-f]{7,}\b",
    )
)

_ENDS = re.compile(r"[.:;]\s")  # of a clause

Parts = tuple[str, ...]
"""A message, taken apart: our words, and what may be one run's own, by turns."""


@dataclass(frozen=True)
class CheckGroup:
    """Checks of one gate whose messages differ only in names, values and numbers; in the checks' order.

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
        text, end, parts = "", 0, self.parts[0]
        for span in self._differing:
            text += "".join(parts[end : span.start]) + OWN
            end = span.stop
        return (text + "".join(parts[end:])).replace(f"{OWN} {OWN}", OWN)

    @property
    def subject(self) -> str | None:
        """The subject that all the checks share, where their message does not name it."""
        first = self.checks[0]
        return first.subject if not self._subjects_differ and _adds_something(first) else None

    def own_words(self, check: Check) -> tuple[str, ...]:
        """Return what is to be said of one check besides its pair: its subject and values, where they differ."""
        parts = self._parts_of[check]
        subject = [check.subject] if self._subjects_differ and _adds_something(check) else []
        values = [_words(parts[span]) for span in self._values]
        return tuple(dict.fromkeys([*subject, *values]))

    @cached_property
    def _parts_of(self) -> dict[Check, Parts]:
        return dict(zip(self.checks, self.parts, strict=True))

    @cached_property
    def _subjects_differ(self) -> bool:
        return len({check.subject for check in self.checks}) > 1

    @cached_property
    def _differing(self) -> tuple[slice, ...]:
        """Which parts differ; values that one clause holds are one, with our words between them."""
        spans: list[slice] = []
        for index, column in enumerate(zip(*self.parts, strict=True)):
            if len(set(column)) == 1:
                continue
            start = spans[-1].start if spans and self._is_one_clause(spans[-1], index) else None
            if start is None:
                spans.append(slice(index, index + 1))
            else:
                spans[-1] = slice(start, index + 1)
        return tuple(spans)

    @cached_property
    def _values(self) -> tuple[slice, ...]:
        """What differs besides the names of the places; asked for each check, and there may be many."""
        return tuple(span for span in self._differing if not self._names_places(span))

    def _is_one_clause(self, span: slice, index: int) -> bool:
        between = "".join(self.parts[0][span.stop : index : 2])
        return not (
            self._names_places(span) or self._names_places(slice(index, index + 1)) or _ENDS.search(between)
        )

    def _names_places(self, span: slice) -> bool:
        """Whether what differs is but the name of each check's place."""
        return all(
            "".join(parts[span]) in (place_of(check), check.cell, check.seed, check.run_id)
            for parts, check in zip(self.parts, self.checks, strict=True)
        )


def grouped(checks: Iterable[Check]) -> tuple[CheckGroup, ...]:
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
    return tuple(CheckGroup(*zip(*group, strict=True)) for group in groups.values())


def place_of(check: Check) -> str | None:
    """Return the pair that a check belongs to, as ``A3/123``; None where it belongs to no cell."""
    return f"{check.cell}/{check.seed}" if check.cell and check.seed else check.cell


def _adds_something(check: Check) -> bool:
    return check.subject != place_of(check) and check.subject not in check.message


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
    values = f"{listed}{_VALUES}"
    return rf"{subject}\((?:{values})\)|{values}"


def _place_names(check: Check) -> Iterable[str]:
    return (name for name in (check.cell, check.seed) if name and _has_a_letter(name))


def _whole(texts: Iterable[str]) -> str:
    return rf"(?<!\w)(?:{'|'.join(map(re.escape, texts))})(?!\w)"


def _needs_naming(text: str, message: str) -> bool:
    """Whether a text is not found as a value already: each pattern that is made takes its time, and checks are many."""
    return f"'{text}'" not in message and not re.fullmatch(_VALUES, text) and _has_a_letter(text)


def _has_a_letter(text: str) -> bool:
    return re.search(r"[^\W\d]", text) is not None


def _words(parts: Sequence[str]) -> str:
    """Return values with our words between them; one alone without what it stands in."""
    text = "".join(parts)
    return text[1:-1] if len(parts) == 1 and f"{text[0]}{text[-1]}" in ("''", '""', "()") else text
