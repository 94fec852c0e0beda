"""Secrets that sing: values that nothing may show, every form in which software writes a text, and how to find them.

Each canary holds the letters CANARY, which no encoding but base64 changes, so that a form that nobody thought of is
found too.
"""

import base64
import html
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

from smoke_gate.text import visible


def basic(text: str, encoding: str = "utf-8") -> str:
    """Return base64 as Basic authentication has it."""
    try:
        return base64.b64encode(text.encode(encoding)).decode()
    except UnicodeEncodeError:  # then clients take UTF-8
        return basic(text)


FORMS: Mapping[str, Callable[[str], str]] = {
    "clear": str,
    "in a sentence": lambda secret: f"bad: {secret}; try again",
    "with a line end": lambda secret: f"{secret}\n",
    "as a header": lambda secret: f"Authorization: Bearer {secret}",
    "repr": repr,
    "repr of repr": lambda secret: repr(repr(secret)),
    "ascii": ascii,
    "bytes": lambda secret: repr(secret.encode()),
    "latin-1 bytes": lambda secret: repr(secret.encode("latin-1", "backslashreplace")),
    "JSON": json.dumps,
    "JSON as it is": lambda secret: json.dumps(secret, ensure_ascii=False),
    "JSON in JSON": lambda secret: json.dumps(json.dumps({"message": secret})),
    "JSON in a page": lambda secret: json.dumps(secret).replace("<", "\\u003c").replace("&", "\\u0026"),
    "path of a URL": quote,
    "part of a URL": lambda secret: quote(secret, safe=""),
    "query of a URL": quote_plus,
    "URL in a URL": lambda secret: quote(quote(secret, safe="")),
    "URL in lower case": lambda secret: re.sub("%..", lambda found: found[0].lower(), quote(secret)),
    "HTML": html.escape,
    "HTML with numbers": lambda secret: "".join(c if c.isalnum() else f"&#{ord(c)};" for c in secret),
    "HTML in HTML": lambda secret: html.escape(html.escape(secret)),
    "Markdown": lambda secret: re.sub(r"([^\w\s])", r"\\\1", secret),
    "one visible line": visible,
    "Basic": lambda secret: basic(f"user:{secret}"),
    "Basic of latin-1": lambda secret: basic(f"user:{secret}", "latin-1"),
    "Basic of another user": lambda secret: basic(f"somebody else:{secret}"),
    "base64": basic,
    "base64 amid others": lambda secret: basic(f"ab{secret}yz"),
    "base64 for URLs": lambda secret: basic(f"user:{secret}").translate(str.maketrans("+/", "-_")),
}

VARIABLES = (
    "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_CLIENT_SECRET", "DATABRICKS_TOKEN", "DATABRICKS_CLIENT_SECRET", "GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "PGPASSWORD",
)  # fmt: skip
"""Variables that hold secrets; :func:`canaries` gives each a value of its own."""


def canaries(odd: str = "/+=%&\"'\\<_*~") -> dict[str, str]:
    """Return a value for each variable; ``odd`` are the signs that encodings change."""
    return {name: f"{chr(97 + place)}{odd}CANARY{odd}{place:02}" for place, name in enumerate(VARIABLES)}


def leaks(shown: str) -> list[str]:
    """Return what of any canary a text shows, with what stands around it."""
    # What base64 makes of CANARY behind a multiple of three bytes, and one and two bytes further on.
    seen = [
        "CANARY",
        *(basic(" " * n + "CANARY")[first:last] for n, first, last in ((0, 0, 8), (1, 2, 9), (2, 3, 10))),
    ]
    return [
        shown[max(0, found.start() - 40) : found.end() + 40]
        for pattern in seen
        for found in re.finditer(re.escape(pattern), shown)
    ]
