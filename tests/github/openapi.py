"""GitHub's own description of its API, as the judge of what the client sends and the loopback server answers."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

DESCRIPTION = Path(__file__).parent.parent / "fixtures" / "github-openapi-subset.json"
HOST = "https://api.github.com"


@cache
def description() -> dict[str, Any]:
    """Return the description."""
    return dict(json.loads(DESCRIPTION.read_text(encoding="utf-8")))


_ONE_AT_A_TIME = Lock()  # threads that all began to read the description would keep each other from answering


def api() -> OpenAPI:
    """Return the description as what judges; the first time takes half a second."""
    with _ONE_AT_A_TIME:
        return _read_api()


@cache
def _read_api() -> OpenAPI:
    return OpenAPI.from_dict(description())


def violation(
    verb: str, path: str, query: Mapping[str, str], request: bytes, status: int, response: bytes
) -> str | None:
    """Return what in a request or its answer GitHub's description does not allow, None where it allows both.

    Answers that it does not describe at all (a proxy's 502, a rate limit's 429) are not judged.
    """
    asked = MockRequest(HOST, verb, path, args=dict(query), data=request)
    answered = MockResponse(response, status_code=status)
    try:
        api().validate_request(asked)
        if str(status) in _operation(verb, path)["responses"]:
            api().validate_response(asked, answered)
    except OpenAPIError as error:
        return f"{verb} {path}: {error!r} {error.__cause__!r}"
    return None


def _operation(verb: str, path: str) -> dict[str, Any]:
    parts = path.strip("/").split("/")
    for pattern, operations in description()["paths"].items():
        names = pattern.strip("/").split("/")
        fits = len(names) == len(parts) and all(
            name.startswith("{") or name == part for name, part in zip(names, parts, strict=True)
        )
        if fits and verb.lower() in operations:
            return dict(operations[verb.lower()])
    raise LookupError(f"{verb} {path} is not an operation of GitHub's")


def example(name: str, **known: Any) -> dict[str, Any]:
    """Return an object of a schema: what it requires, as small as may be, and what is ``known``."""
    made = _example({"$ref": f"#/components/schemas/{name}"})
    return {**made, **known}


def _example(schema: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        node: Any = description()
        for key in schema["$ref"].removeprefix("#/").split("/"):
            node = node[key]
        return _example(node)
    if schema.get("nullable") and "type" in schema:  # without a type it allows nothing
        return None
    if "enum" in schema:
        return schema["enum"][0]
    for key in ("allOf", "anyOf", "oneOf"):
        if key in schema:
            return _example(schema[key][0])
    kind = schema.get("type", "object")
    if kind == "object":
        properties = schema.get("properties", {})
        return {key: _example(properties.get(key, {})) for key in schema.get("required", [])}
    if kind == "string":
        return {"date-time": "2026-01-31T12:00:00Z", "uri": "https://example.org/"}.get(
            schema.get("format", ""), ""
        )
    return {"array": [], "boolean": False, "integer": 0, "number": 0}[kind]
