"""Frozen dataclasses as JSON and back: strict, every key known, each mistake told with its place."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import GenericAlias
from typing import Any, Generic, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, SchemaValidator

from smoke_gate.text import shortened, visible

_T = TypeVar("_T")

_SETTINGS = ConfigDict(
    allow_inf_nan=False,
    extra="forbid",
    json_schema_serialization_defaults_required=True,
    strict=True,
)
_DESCRIBED = ConfigDict(**_SETTINGS, use_attribute_docstrings=True)  # reads source files, which takes 0.1 s
_MOST_MISTAKES = 10_000  # that are looked at one by one
_LONGEST_PLACE, _LONGEST_FOUND, _LONGEST_EXPECTED = 120, 80, 200  # characters
_EXPECTED = {
    "bool_type": "true or false",
    "dataclass_type": "an object",
    "dict_type": "an object",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_type": "a whole number",
    "string_type": "a text",
    "tuple_type": "a list",
}


class TypedJsonError(ValueError):
    """A JSON text does not have the form of a dataclass; ``mistakes`` are the first ones, a line each."""

    def __init__(self, mistakes: Collection[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(mistakes))


@dataclass(frozen=True, slots=True)
class TypedJson(Generic[_T]):
    """How a dataclass is written as JSON and read from it; :func:`typed_json` makes one."""

    _holder: Any
    _adapter: TypeAdapter[tuple[_T]]
    _validator: SchemaValidator

    def dump(self, value: _T, keys: Collection[str] | None = None) -> dict[str, Any]:
        """Return the fields, or those that ``keys`` names, in their order as JSON values: tuples become lists."""
        chosen = {0: set(keys)} if keys is not None else None
        (document,) = self._adapter.dump_python((value,), mode="json", include=chosen)
        return dict(document)

    def read(self, value: object, *, most: int) -> _T:
        """Return the dataclass that a parsed JSON text describes.

        A key that is absent has the field's default. Nothing is converted.

        Args:
            value: The value of the text, as ``parse_json`` returns it.
            most: How many mistakes an error names.

        Raises:
            TypedJsonError: A key is unknown, or one without a default is missing, or a value is of another type.

        """
        try:
            (found,) = self._validator.validate_python([value])
        except ValidationError as error:
            raise TypedJsonError(list(islice(_mistakes(error), most))) from None
        return cast(_T, found)

    def definitions(self) -> dict[str, Any]:
        """Return JSON Schema definitions by name: of the dataclass and of its parts, as they are written."""
        adapter: TypeAdapter[tuple[_T]] = TypeAdapter(self._holder, config=_DESCRIBED)
        return dict(adapter.json_schema(mode="serialization")["$defs"])


def typed_json(kind: type[_T]) -> TypedJson[_T]:
    """Return how a dataclass is written and read; that takes a while, so keep it.

    The type stands in a tuple because a dataclass takes its settings only from what holds it.
    """
    holder: Any = GenericAlias(tuple, (kind,))
    adapter: TypeAdapter[tuple[_T]] = TypeAdapter(holder, config=_SETTINGS)
    return TypedJson(holder, adapter, SchemaValidator(_for_parsed_json(adapter.core_schema)))


def _for_parsed_json(schema: Any) -> Any:
    """Return a strict schema that takes what JSON has instead: lists for tuples, texts for enums, objects.

    Each list ends at its first wrong entry: a file may hold millions, and each mistake costs 400 bytes of memory.
    An old pydantic does not know this, and reads the list to its end.
    """
    if isinstance(schema, list):
        return [_for_parsed_json(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {key: _for_parsed_json(part) for key, part in schema.items()}
    match schema.get("type"):
        case "tuple":
            return {**parts, "strict": False, "fail_fast": True}
        case "enum" | "dataclass" | "lax-or-strict":  # the last is what an old pydantic makes of an enum
            return {**parts, "strict": False}
        case _:
            return parts


def _mistakes(error: ValidationError) -> Iterator[str]:
    if error.error_count() > _MOST_MISTAKES:
        yield f"{error.error_count()} mistakes"
        return
    yield from map(_mistake, error.errors(include_url=False))


def _mistake(error: ErrorDetails) -> str:
    """Return where a mistake is, what was found and what was expected, on one line."""
    place = shortened(visible(".".join(map(str, error["loc"][1:]))), _LONGEST_PLACE) or "the whole"
    match error["type"]:
        case "missing":
            return f"{place}: this key is missing"
        case "unexpected_keyword_argument":
            return f"{place}: this key is unknown"
        case _:
            return f"{place}: found {_found(error['input'])}, expected {_expected(error)}"


def _found(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping | list):
        return "an object" if isinstance(value, Mapping) else "a list"
    return shortened(visible(repr(value)), _LONGEST_FOUND)


def _expected(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "enum" | "literal_error":
            expected = str(context["expected"])
        case "greater_than_equal":
            expected = f"{context['ge']} or more"
        case "string_pattern_mismatch":
            expected = f"a text that matches {context['pattern']}"
        case kind:
            expected = _EXPECTED.get(kind, error["msg"].removeprefix("Input should be "))
    return shortened(expected, _LONGEST_EXPECTED)
