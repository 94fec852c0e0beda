"""The problems of a policy: where, which key, what was found, what is allowed; all at once."""

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import get_args

from pydantic_core import ErrorDetails

from smoke_gate.errors import SmokeGateError
from smoke_gate.policy.fields import Section
from smoke_gate.policy.model import Gates
from smoke_gate.policy.terms import nearest

Location = tuple[str | int, ...]

_LONGEST_SHOWN = 80
_MOST_SHOWN = 20
_MOST_PROBLEMS = 100
_EXPECTED = {
    "byte_size": "a size such as 256MiB",
    "byte_size_unit": "a size such as 256MiB",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "model_type": "a mapping",
    "string_too_short": "a text that is not empty",
    "string_type": "a text",
    "too_short": "at least one entry",
    "tuple_type": "a list",
}
_THRESHOLD_OF_G1 = ("gates", "definition_hash", "fail_threshold")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where an entry of the policy begins: in a file (lines and columns from 1), or in an option (line 0)."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with a policy."""

    place: Position
    key: str
    """The entry as a path, ``plan.exclude[0].cell``; empty for the policy as a whole."""
    message: str
    """What was found, what is allowed, and the nearest valid name."""

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.place), self.key, self.message) if part)


class PolicyError(SmokeGateError):
    """A policy that cannot be used: a line for each problem, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        more = len(self.problems) - _MOST_PROBLEMS
        lines = [
            *map(str, self.problems[:_MOST_PROBLEMS]),
            *([f"and {more} more problems"] if more > 0 else []),
        ]
        super().__init__("\n".join(lines))


def place_of(location: Location, places: Mapping[Location, Position]) -> Position:
    """Return where an entry begins, or the nearest one around it; ``places`` knows the policy as a whole, ``()``."""
    while location not in places:
        location = location[:-1]
    return places[location]


def problem_at(location: Location, message: str, places: Mapping[Location, Position]) -> Problem:
    """Return the problem of one entry."""
    key = "" if location[:1] == ("narrowed",) else key_text(location)  # there the option is the place
    return Problem(place_of(location, places), key, message)


def key_text(location: Location) -> str:
    """Return an entry's location as a path: ``plan.exclude[0].cell``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{_name(step)}" for step in location)
    return "".join(steps).removeprefix(".")


def _name(step: str) -> str:
    return step if re.fullmatch(r"[\w/-]+", step) else shown(step)


def shown(value: object) -> str:
    """Return what was found, short enough for a message and in one line."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping | list | tuple):
        kind = "mapping" if isinstance(value, Mapping) else "list"
        return f"a {kind}" if value else f"an empty {kind}"
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def suggestion(name: str, allowed: Collection[str]) -> str:
    """Return the nearest valid name, if one is near, and the valid ones."""
    near = nearest(name, allowed, cutoff=0.5)
    question = f"did you mean {shown(near)}? " if near is not None else ""
    names = ", ".join(map(shown, islice(allowed, _MOST_SHOWN))) or "none"
    more = f" and {len(allowed) - _MOST_SHOWN} more" if len(allowed) > _MOST_SHOWN else ""
    return f"{question}allowed: {names}{more}"


def model_problem(
    error: ErrorDetails, raw: object, places: Mapping[Location, Position], model: type[Section]
) -> Problem:
    """Return what ``model`` says of the policy as read, in this tool's words."""
    location, found = _walk(raw, error["loc"])
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden" if location == _THRESHOLD_OF_G1:
            message = "G1 takes no threshold: one run of another definition is enough"
        case "extra_forbidden":
            key = str(location[-1])
            section = _section_at(error["loc"][:-1], model)
            allowed = [name for name in section.model_fields if name != "narrowed"]
            message = f"unknown key; {suggestion(key, allowed)}"
            if issubclass(section, Gates):
                message += ". Is the package that brings this gate installed?"
        case "missing":
            message = f"lacks {key_text(error['loc'][-1:])}"
        case "literal_error":
            allowed = re.findall(r"'([^']*)'", context["expected"]) or [context["expected"]]
            message = f"found {shown(found)}; {suggestion(str(found), allowed)}"
        case "greater_than_equal":
            message = f"found {shown(found)}; expected {context['ge']} or more"
        case "less_than_equal":
            message = f"found {shown(found)}; expected {context['le']} or less"
        case "too_long":
            message = f"found {context['actual_length']} entries; expected {context['max_length']}"
        case "section":
            location = location if context["key"] not in _keys(found) else (*location, context["key"])
            message = context["message"]
        case kind:
            expected = _EXPECTED.get(kind)
            own = f"expected {expected}" if expected else error["msg"].removeprefix("Value error, ")
            message = f"found {shown(found)}; {own}" if own.startswith("expected") else own
    return problem_at(location, message, places)


def _keys(value: object) -> Collection[object]:
    return value if isinstance(value, Mapping) else ()


def _walk(raw: object, steps: Location) -> tuple[Location, object]:
    """Follow an error's location into the policy as read; pydantic also names tags and forms, which are not there."""
    location: list[str | int] = []
    for step in steps:
        if isinstance(raw, str):
            break
        with suppress(KeyError, IndexError, TypeError):
            raw = raw[step]  # type: ignore[index]
            location.append(step)
    return tuple(location), raw


def _section_at(steps: Location, section: type[Section]) -> type[Section]:
    forms: dict[object, type[Section]] = {}
    for step in steps:
        field = section.model_fields.get(str(step))
        sections = _sections(field.annotation) if field else []
        section = sections[0] if sections else forms.get(step, section)
        forms = {_tag_of(form): form for form in sections} or forms
    return section


def _tag_of(form: type[Section]) -> str:
    """Return the tag of a form that is known by its one key; in brackets, since locations show it among keys."""
    return f"({next(iter(form.model_fields), '')})"


def _sections(annotation: object) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections(part)]
