"""Messages that know their parts: our own words, and the values that they are about.

A report groups messages by their words, and escapes their values: neither has to guess which is which.
"""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import lru_cache
from string import Formatter
from typing import NamedTuple, Self, TypeAlias

from smoke_gate.text import quoted

MARK = "…"
"""Stands for a value that is not the same in all messages of a group."""

_PLAIN_WORD = re.compile(r"\(?(?:[^\W\d_]+(?:['-][^\W\d_]+)*|\d{0,6})\)?[.,;:]?\)?")


class Style(Enum):
    """How a message shows a value."""

    PLAIN = "as it is"
    QUOTED = "in quotation marks"
    NUMBER = "as it is, and it needs no escaping"


class Value(NamedTuple):
    """A value in a message; ``text`` may be foreign: the name of a run, a path, what a run logged."""

    text: str
    style: Style = Style.PLAIN

    @property
    def shown(self) -> str:
        """The value as plain text shows it."""
        return quoted(self.text) if self.style is Style.QUOTED else self.text


Part: TypeAlias = str | Value
"""Our own words, or a value."""


class Message(str):
    """A text for people that knows its parts. :func:`say` makes one."""

    __slots__ = ("parts",)
    parts: tuple[Part, ...]

    def __new__(cls, parts: Iterable[Part]) -> Self:
        """Return the message that the parts make, in order."""
        kept = tuple(parts)
        message = super().__new__(cls, "".join(map(shown, kept)))
        message.parts = kept
        return message

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[Part, ...]]]:
        return type(self), (self.parts,)

    @property
    def template(self) -> tuple[str | None, ...]:
        """The message's own words, with None in place of each value: what messages of one cause share."""
        return tuple(None if isinstance(part, Value) else part for part in self.parts)

    @property
    def values(self) -> tuple[Value, ...]:
        """The values, in order."""
        return tuple(part for part in self.parts if isinstance(part, Value))


def shown(part: Part) -> str:
    """Return a part as plain text shows it."""
    return part.shown if isinstance(part, Value) else part


def say(template: str, /, **values: str | int | float | Message) -> Message:
    """Return a message.

    Args:
        template: Our own words. ``{name}`` stands for a value, ``{name!r}`` for one in quotation marks.
        values: A text is foreign and a number is not. Another message brings its own words and values.

    """
    return Message(_parts(template, values))


def sentences(messages: Iterable[Message]) -> Message:
    """Return the messages one after another, as one message."""
    return between(" ", messages)


def between(separator: str, messages: Iterable[Message]) -> Message:
    """Return the messages as one, with ``separator`` between them."""
    parts: list[Part] = []
    for message in messages:
        parts += [separator, *message.parts] if parts else message.parts
    return Message(parts)


def cut(message: Message, longest: int) -> Message:
    """Return the message so that it has at most ``longest`` characters; a cut one ends in an ellipsis."""
    if len(message) <= longest:
        return message
    kept: list[Part] = []
    left = longest - len(MARK)
    for part in message.parts:
        if len(shown(part)) > left:
            kept.append(_beginning(part, left))
            break
        kept.append(part)
        left -= len(shown(part))
    return Message([*kept, MARK])


def capitalised(message: Message) -> Message:
    """Return the message with a capital letter, for the beginning of a sentence; a value is not changed."""
    first, *rest = message.parts or ("",)
    return Message([first[:1].upper() + first[1:] if not isinstance(first, Value) else first, *rest])


def first_sentence(message: Message) -> Message:
    """Return a message's first sentence without its full stop: a finding says what was found before how to fix it.

    Only our own words end a sentence: a value may hold any text.
    """
    kept: list[Part] = []
    for part in message.parts:
        if isinstance(part, Value):
            kept.append(part)
            continue
        if part.startswith(" ") and kept and _ends_sentence(kept[-1]):
            break
        words, stop, _ = part.partition(". ")
        kept.append(words)
        if stop:
            return Message(kept)
    if kept and _ends_sentence(kept[-1]):
        kept[-1] = shown(kept[-1])[:-1]
    return Message(kept)


def in_a_line(message: Message) -> Message:
    """Return the message as it stands behind a colon: a word of ours at its beginning loses its capital letter."""
    first, *rest = message.parts or ("",)
    if isinstance(first, Value) or not (first[1:2].islower() or first[1:2] == " "):
        return message
    return Message([first[:1].lower() + first[1:], *rest])


def _ends_sentence(part: Part) -> bool:
    return not isinstance(part, Value) and part.endswith(".")


def recorded(text: str) -> Message:
    """Return a sentence that a file holds as a message; as text it stays the same.

    It should be ours, but others may have written it. So only what can do nothing in a report is taken for our words:
    plain words with the signs of a sentence, and what stands in backquotes. Everything else is a value.
    """
    return Message(_recorded_parts(text))


def _recorded_parts(text: str) -> Iterator[Part]:
    for index, piece in enumerate(re.split("(`[^`]*`)", text)):
        if index % 2:
            yield piece
            continue
        for word in re.split("( )", piece):
            yield word if word == " " or _PLAIN_WORD.fullmatch(word) else Value(word)


def _beginning(part: Part, longest: int) -> Part:
    """Return as much of a part as fits; a value in quotation marks keeps both of them, or is left out."""
    if not isinstance(part, Value):
        return part[:longest]
    shorter = (part._replace(text=part.text[:length]) for length in range(longest, -1, -1))
    return next((value for value in shorter if len(value.shown) <= longest), "")


def _parts(template: str, values: dict[str, str | int | float | Message]) -> Iterator[Part]:
    for words, name, conversion in _parsed(template):
        if words:
            yield words
        if name is not None:
            value = values[name]
            if isinstance(value, Message):
                yield from value.parts
            elif isinstance(value, str):
                yield Value(value, Style.QUOTED if conversion else Style.PLAIN)
            else:
                yield Value(str(value), Style.NUMBER)


@lru_cache(maxsize=1024)
def _parsed(template: str) -> tuple[tuple[str, str | None, str | None], ...]:
    return tuple((words, name, conversion) for words, name, _, conversion in Formatter().parse(template))
