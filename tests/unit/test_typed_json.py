import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from smoke_gate.typed_json import TypedJsonError, typed_json


class Colour(StrEnum):
    """A colour."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part."""

    name: str
    size: Annotated[int, Field(ge=0)] = 0
    """In bytes."""
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole."""

    kind: Literal["whole"]
    code: Annotated[str, Field(pattern="^[a-f]+$")] = "a"
    parts: tuple[Part, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    low: float = 0.0
    good: bool = True
    free: dict[str, Any] = field(default_factory=dict)


FORM = typed_json(Whole)
FULL = Whole(
    kind="whole",
    code="fade",
    parts=(Part(name="한"), Part(name="", size=2**60, colour=Colour.BLUE)),
    notes={"a": "b"},
    low=-0.5,
    free={"any": [1, {"thing": None}]},
)


@pytest.mark.parametrize("value", [FULL, Whole(kind="whole")])
def test_it_comes_back_as_it_was(value):
    assert FORM.read(json.loads(json.dumps(FORM.dump(value))), most=1) == value


def test_what_is_left_out_has_its_default():
    assert FORM.read({"kind": "whole"}, most=1) == Whole(kind="whole")


def test_chosen_parts_are_written_alone():
    assert FORM.dump(FULL, ("code", "kind")) == {"kind": "whole", "code": "fade"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "half"}, "kind: found 'half', expected 'whole'"),
        ({"code": "xyz"}, "code: found 'xyz', expected a text that matches ^[a-f]+$"),
        ({"parts": {}}, "parts: found an object, expected a list"),
        ({"parts": [[]]}, "parts.0: found a list, expected an object"),
        ({"parts": [{}]}, "parts.0.name: this key is missing"),
        ({"parts": [{"name": None}]}, "parts.0.name: found null, expected a text"),
        ({"parts": [{"name": "", "size": -1}]}, "parts.0.size: found -1, expected 0 or more"),
        ({"parts": [{"name": "", "size": 1.0}]}, "parts.0.size: found 1.0, expected a whole number"),
        ({"parts": [{"name": "", "size": "1"}]}, "parts.0.size: found '1', expected a whole number"),
        ({"parts": [{"name": "", "colour": "pink"}]},
         "parts.0.colour: found 'pink', expected 'red' or 'blue'"),
        ({"parts": [{"name": "", "weight": 1}]}, "parts.0.weight: this key is unknown"),
        ({"notes": {"a": 1}}, "notes.a: found 1, expected a text"),
        ({"notes": {"a\n::error::b": 1}}, "notes.a\\n::error::b: found 1, expected a text"),
        ({"notes": {"a": ["x" * 1000]}}, "notes.a: found a list, expected a text"),
        ({"low": "x" * 1000}, f"low: found '{'x' * 78}…, expected a number"),
        ({"low": float("nan")}, "low: found nan, expected a finite number"),
        ({"good": 1}, "good: found 1, expected true or false"),
        ({"free": []}, "free: found a list, expected an object"),
    ],
)  # fmt: skip
def test_a_mistake_says_where_it_is_what_was_found_and_what_was_expected(changes, told):
    with pytest.raises(TypedJsonError) as caught:
        FORM.read({"kind": "whole", **changes}, most=10)
    assert caught.value.mistakes == (told,)


def test_only_the_first_mistakes_are_told():
    value = {"kind": 1, "code": 1, "low": "x", "good": "y"}
    with pytest.raises(TypedJsonError) as caught:
        FORM.read(value, most=2)
    assert str(caught.value) == "kind: found 1, expected 'whole'; code: found 1, expected a text"


def test_a_list_ends_at_its_first_wrong_entry():
    with pytest.raises(TypedJsonError) as caught:
        FORM.read({"kind": "whole", "parts": [1] * 1000}, most=10)
    assert caught.value.mistakes == ("parts.0: found 1, expected an object",)


def test_very_many_mistakes_are_only_counted():
    notes = dict.fromkeys(map(str, range(20_000)), 1)
    with pytest.raises(TypedJsonError) as caught:
        FORM.read({"kind": "whole", "notes": notes}, most=10)
    assert str(caught.value) == "20000 mistakes"


def test_the_schema_describes_what_is_written():
    part = FORM.definitions()["Part"]
    assert part["required"] == ["name", "size", "colour"]
    assert part["additionalProperties"] is False
    assert part["properties"]["size"]["description"] == "In bytes."
