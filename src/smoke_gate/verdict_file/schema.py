"""The JSON Schema of the verdict file: made from the types of ``document.py`` and the evidence, shipped as a file."""

import json
from importlib.resources import files
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def verdict_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of ``smoke-gate/verdict/v1``, as shipped."""
    text = (files("smoke_gate") / "schemas" / "verdict.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def made_schema() -> dict[str, Any]:
    """Return the schema that the types give; the shipped file is this one's text."""
    from smoke_gate.evidence_json import evidence_definitions
    from smoke_gate.verdict_file.document import SCHEMA, VerdictDocument, document_form

    definitions = document_form().definitions()
    schema = definitions.pop(VerdictDocument.__name__)
    schema["properties"]["evidence"] = {"$ref": "#/$defs/Evidence"}
    schema = {"$defs": dict(sorted({**definitions, **evidence_definitions()}.items())), **schema}
    head = {"$schema": DIALECT, "title": SCHEMA}
    return {**head, **{key: _part(key, value) for key, value in schema.items() if key not in head}}


def schema_text() -> str:
    """Return the text of the shipped file."""
    return json.dumps(made_schema(), indent=1, ensure_ascii=False) + "\n"


def _plain(node: Any) -> Any:
    """Leave out titles that only repeat a key, defaults (every key is always there), and how docstrings are folded."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: _part(key, value) for key, value in node.items() if key not in ("title", "default")}


def _part(key: str, value: Any) -> Any:
    if key in ("properties", "$defs"):
        return {name: _plain(part) for name, part in value.items()}
    return " ".join(value.split()) if key == "description" else _plain(value)


if __name__ == "__main__":
    import sys

    sys.stdout.write(schema_text())
