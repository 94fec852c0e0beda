"""The types of the policy's values: texts, flags, references and thresholds, read from text as written.

A YAML reader would turn ``NO`` into a boolean and ``042`` into 34; the policy is read as text, and these types say what
a text means where one of them stands.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    FiniteFloat,
    GetJsonSchemaHandler,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from smoke_gate.policy.terms import Ratio, Template, code_pattern, fact, is_sha256, path_pattern, reference
from smoke_gate.text import is_blank

_THRESHOLD = re.compile(r"[1-9][0-9]{0,8}|(?:[1-9][0-9]?|100)%")


class Section(BaseModel):
    """A part of the policy: unknown keys are refused, values do not change, and each key has a docstring.

    pydantic could take its schema's descriptions from these, but would read the source whenever the tool starts;
    :mod:`smoke_gate.policy_file.schema` reads it when it is asked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


@dataclass(frozen=True, slots=True)
class WrittenAs:
    """Says in the schema how a value is written in the file, where that is another type than the value's own."""

    form: Any

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(TypeAdapter(self.form).core_schema)


def refused(key: str, message: str) -> PydanticCustomError:
    """Return the error of a section as a whole that is to be shown at one of its keys."""
    return PydanticCustomError("section", "{message}", {"key": key, "message": message})


def _flag(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return value.lower() == "true"
    raise ValueError("expected true or false")


def _digits(value: object) -> object:
    """Refuse ``1_000``: Python reads it as a number, but in YAML 1.2 it is a text."""
    if isinstance(value, str) and re.search(r"[0-9]_", value):
        raise ValueError("expected a number without underscores")
    return value


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def distinct(value: Sequence[str]) -> Sequence[str]:
    """Return the names as they are, each of which stands there once; else raise ValueError."""
    twice = sorted(name for name, count in Counter(value).items() if count > 1)
    if twice:
        raise ValueError(f"named twice: {', '.join(map(repr, twice))}")
    return value


def _one_spelling(value: object) -> object:
    """Refuse ``use_vq`` beside ``params.use_vq``: one of them would be lost without a word."""
    if isinstance(value, Mapping):
        known = Counter(f"params.{key}" for key in value if isinstance(key, str))
        twice = sorted(key for key in value if isinstance(key, str) and known[key])
        if twice:
            raise ValueError(f"named twice, with and without `params.`: {', '.join(map(repr, twice))}")
    return value


def _some_are_meant(patterns: tuple[str, ...]) -> tuple[str, ...]:
    if all(pattern.startswith("!") for pattern in patterns):
        raise ValueError("each pattern leaves files out: name some that are compared")
    return patterns


def _cell(value: str) -> str:
    return Template.naming("cell", value).text


def _seed(value: str) -> str:
    return Template.naming("seed", value).text


def _ratio(value: str) -> str:
    Ratio.parse(value)
    return value


def _sha256(value: str) -> str:
    if not is_sha256(value):
        raise ValueError("expected 64 lower-case hex digits")
    return value


def _reason(value: str) -> str:
    if all(character.isspace() or is_blank(character) for character in value):
        raise ValueError("expected a reason that can be read")
    return value


def _threshold(value: object) -> int | str:
    text = str(value)
    if _THRESHOLD.fullmatch(text) is None:
        raise ValueError(
            'expected a number of runs from 1 on, or a percentage of the planned runs such as "10%"'
        )
    return text if text.endswith("%") else int(text)


PLAIN_DIGITS = BeforeValidator(_digits)  # last of a number's annotations: the schema loses bounds behind it

Text = Annotated[str, StringConstraints(min_length=1)]
Reason = Annotated[str, AfterValidator(_reason)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Names = Annotated[tuple[Text, ...], AfterValidator(distinct)]
SomeNames = Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(distinct)]
Pattern = Annotated[Text, AfterValidator(path_pattern)]
Patterns = Annotated[tuple[Pattern, ...], AfterValidator(distinct)]
CodePatterns = Annotated[
    tuple[Annotated[Text, AfterValidator(code_pattern)], ...],
    Field(min_length=1),
    AfterValidator(distinct),
    AfterValidator(_some_are_meant),
]
Number = Annotated[FiniteFloat, PLAIN_DIGITS]
NotNegative = Annotated[FiniteFloat, Field(ge=0), PLAIN_DIGITS]
Count = Annotated[int, Field(ge=1, le=1_000_000), PLAIN_DIGITS]
Reference = Annotated[str, AfterValidator(reference)]
References = Annotated[tuple[Reference, ...], AfterValidator(distinct)]
Facts = Annotated[
    tuple[Annotated[str, AfterValidator(fact)], ...], Field(min_length=1), AfterValidator(distinct)
]
CellIdentity = Annotated[str, AfterValidator(_cell)]
SeedIdentity = Annotated[str, AfterValidator(_seed)]
RatioText = Annotated[str, AfterValidator(_ratio)]
Sha256 = Annotated[
    str, AfterValidator(_sha256), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})
]
Size = Annotated[
    ByteSize,
    Field(ge=1, le=2**53 - 1),
    PLAIN_DIGITS,
    WithJsonSchema({"type": ["integer", "string"]}),
]
AnyOf = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(_one_or_many),
    WrittenAs(str | tuple[str, ...]),
]
Expectations = Annotated[dict[Reference, AnyOf], BeforeValidator(_one_spelling)]
Percentage = Annotated[str, StringConstraints(pattern=r"^(100|[1-9][0-9]?)%$")]
Threshold = Annotated[
    int | str,
    BeforeValidator(_threshold),
    WrittenAs(Annotated[int, Field(ge=1)] | Percentage),
]
