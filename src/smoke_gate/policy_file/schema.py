"""The JSON Schema of the policy file, for editors; and what each key means, from the models' own docstrings."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import yaml
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema, to_jsonable_python

from smoke_gate.gates import all_gates, policy_type
from smoke_gate.policy.fields import Section

TEXT = ["string", "number", "boolean"]  # as a reader of JSON or YAML sees what this tool reads as text


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a policy file, with the sections of the gates that are installed."""
    schema = policy_type(all_gates()).model_json_schema(schema_generator=_FileSchema)
    del schema["properties"]["narrowed"], schema["$defs"]["Narrowing"]
    one = {"description": "The one experiment, instead of `experiments`.", "type": TEXT, "minLength": 1}
    schema["properties"]["experiment"] = one
    return {"$schema": GenerateJsonSchema.schema_dialect, "title": "smoke-gate policy", **_untitled(schema)}


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a section, for people to read."""

    name: str
    default: str | None
    """As YAML in one line; None: the key must be there."""
    meaning: str


def keys(section: type[Section]) -> tuple[Key, ...]:
    """Return the keys of a section in order, without what no file can say."""
    return tuple(
        Key(name, _default(section.model_fields[name]), meaning)
        for name, meaning in meanings(section).items()
        if name != "narrowed"
    )


def _default(field: FieldInfo) -> str | None:
    if field.is_required():
        return None
    value = to_jsonable_python(field.get_default())
    return (
        yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
        .removesuffix("...\n")
        .strip()
    )


def meanings(section: type[Section]) -> dict[str, str]:
    """Return what each key of a section means, in one line: the docstring below it, in the order of the keys."""
    texts: dict[str, str] = {}
    for base in reversed(section.__mro__):
        if issubclass(base, Section) and _is_written(base):
            texts |= _attribute_docstrings(base)
    return {key: field.description or texts.get(key, "") for key, field in section.model_fields.items()}


def _is_written(section: type[Section]) -> bool:
    """Return whether a model is written in a module, and not made from the gates."""
    return getattr(sys.modules[section.__module__], section.__name__, None) is section


def _attribute_docstrings(section: type[Section]) -> dict[str, str]:
    try:
        source = inspect.getsource(section)
    except OSError:  # a package may bring its code without the text
        return {}
    body = ast.parse(textwrap.dedent(source)).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    texts = {}
    for attribute, text in pairwise(statements):
        if isinstance(attribute, ast.AnnAssign) and isinstance(text, ast.Expr):
            texts[ast.unparse(attribute.target)] = " ".join(ast.literal_eval(text.value).split())
    return texts


class _FileSchema(GenerateJsonSchema):
    """Describes the file as written: where a text is meant, ``42`` and ``True`` need no quotes."""

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        text = super().str_schema(schema)
        return text if "pattern" in text else {**text, "type": TEXT}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        section = super().model_schema(schema)
        section["description"] = " ".join((schema["cls"].__doc__ or "").split())
        for key, meaning in meanings(schema["cls"]).items():
            section["properties"][key]["description"] = meaning
        return section


def _untitled(schema: Any) -> Any:
    """Return the schema without the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [_untitled(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    titles = [key for key, part in schema.items() if key == "title" and isinstance(part, str)]
    return {key: _untitled(part) for key, part in schema.items() if key not in titles}
