"""The reference pages that are made from the code: commands, the contract, the verdict file.

``python -m checks.reference`` writes them anew. `make check` says which of them is not what the code says.
"""

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from smoke_gate.cli import commands

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "smoke_gate"
SECTION = re.compile(r"(?m)^(Args|Returns|Raises):$")
KINDS = {"integer": "whole number", "boolean": "true or false", "string": "text", "array": "list"}
ENTRY = re.compile(r"(?ms)^(\S[^:\n]*): (.*?)(?=^\S|\Z)")


def reference_findings(root: Path) -> Iterator[str]:
    """Yield the pages that differ from what the code says."""
    for name, text in pages().items():
        page = root / "docs" / name
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            yield f"docs/{name} is not what the code says: run `python -m checks.reference`"


def pages() -> Mapping[str, str]:
    """Name of a page → its text."""
    return {
        "command-line.md": "\n".join(_command_line()) + "\n",
        "contract.md": "\n".join(_contract()),
        "verdict-file.md": "\n".join(_verdict_file()) + "\n",
    }


# --- the command line -------------------------------------------------------------------------------------------------


def _command_line() -> Iterator[str]:
    yield "# The command line\n"
    yield (
        "`smoke-gate COMMAND --help` prints the same. An option that has a variable can be set by it, too; the\n"
        "command line wins. Exit codes are in the [specification](specification.md), and messages in\n"
        "[troubleshooting](troubleshooting.md).\n"
    )
    names = sorted(commands.commands)
    yield "| command | what it does |\n| --- | --- |"
    for name in names:
        yield f"| [`{name}`](#{name}) | {_cell(commands.commands[name].get_short_help_str(200))} |"
    for name in names:
        yield from _command(name, commands.commands[name])


def _command(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"smoke-gate {name}")
    yield f"\n## {name}\n"
    yield f"`{' '.join(command.get_usage(context).removeprefix('Usage: ').split())}`\n"
    yield _words(inspect.cleandoc(command.help or "")) + "\n"
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    if options:
        yield "| option | variable | meaning |\n| --- | --- | --- |"
    for option in options:
        record = option.get_help_record(context)
        usage, meaning = record or ("", "")
        variable = f"`{option.envvar}`" if option.envvar else ""
        yield f"| `{_cell(usage)}` | {variable} | {_cell(meaning)} |"


# --- the contract -----------------------------------------------------------------------------------------------------


def _contract() -> Iterator[str]:
    package = SOURCE / "contract" / "__init__.py"
    tree = ast.parse(package.read_text(encoding="utf-8"))
    homes = {
        alias.name: node.module or ""
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    yield "# `smoke_gate.contract`, name by name\n"
    yield (
        "What training scripts import: `from smoke_gate import contract`.\n"
        "[producer-contract.md](producer-contract.md) says which function serves which gate. `client` and\n"
        "`run_id` name a run; without them it is the active one of `with mlflow.start_run():`.\n"
    )
    definitions = {name: _definition(homes[name], name) for name in sorted(homes, key=str.casefold)}
    functions = {name: one for name, one in definitions.items() if isinstance(one, ast.FunctionDef)}
    classes = {name: one for name, one in definitions.items() if isinstance(one, ast.ClassDef)}
    for title, found in (("Functions", functions), ("Classes and errors", classes)):
        yield f"## {title}\n"
        for name, node in found.items():
            yield from _documented(f"contract.{name}", node)
    yield "## Callbacks of frameworks\n"
    for module, name in (("lightning", "LightningContract"), ("transformers", "TransformersContract")):
        home = f"smoke_gate.integrations.{module}"
        yield from _documented(f"{home}.{name}", _definition(home, name))


def _definition(module: str, name: str) -> ast.FunctionDef | ast.ClassDef:
    """Return where a name is defined; a package passes it on from one of its modules."""
    path = ROOT / "src" / Path(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return node
        if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]:
            return _definition(node.module or "", name)
    raise LookupError(f"{module} does not define {name}")


def _documented(name: str, node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    short = name.rpartition(".")[2]
    yield f"### `{short}`\n"
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        yield f"```python\nclass {name}({bases})\n```\n" if bases else f"```python\nclass {name}\n```\n"
        yield from _docstring(node)
        for inner in node.body:
            if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
                yield _signature(short, inner)
                yield from _docstring(inner)
    else:
        yield _signature(name, node)
        yield from _docstring(node)


def _signature(name: str, node: ast.FunctionDef) -> str:
    """Return how a function is called, an argument a line where there are many."""
    arguments = node.args
    own = [one for one in arguments.args if one.arg != "self"]
    defaults = dict(zip([one.arg for one in arguments.args][::-1], arguments.defaults[::-1], strict=False))
    parts = [_argument(one, defaults.get(one.arg)) for one in own]
    if arguments.vararg:
        parts.append("*" + _argument(arguments.vararg, None))
    elif arguments.kwonlyargs:
        parts.append("*")
    parts += [
        _argument(one, default)
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg:
        parts.append("**" + _argument(arguments.kwarg, None))
    returned = f" -> {_type(node.returns)}" if node.returns else ""
    line = f"{name}({', '.join(parts)}){returned}"
    if len(line) > 90:
        line = f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){returned}"
    return f"```python\n{line}\n```\n"


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    typed = f": {_type(argument.annotation)}" if argument.annotation else ""
    given = f" = {ast.unparse(default)}" if default else ""
    return f"{argument.arg}{typed}{given}"


def _type(annotation: ast.expr | None) -> str:
    """Return a type as it is written, without the quotes of one that is not imported at run time."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return ast.unparse(annotation) if annotation else ""


def _docstring(node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    before, *sections = SECTION.split(ast.get_docstring(node) or "")
    if before.strip():
        yield _words(before).strip() + "\n"
    for title, text in zip(sections[::2], sections[1::2], strict=True):
        body = textwrap.dedent(text.strip("\n")).rstrip()
        if title == "Returns":
            yield f"**Returns** {_words(_line(body))}\n"
        else:
            yield f"**{'Arguments' if title == 'Args' else 'Raises'}**\n"
            yield "".join(f"- `{name}`: {_words(_line(said))}\n" for name, said in ENTRY.findall(body))


# --- the verdict file -------------------------------------------------------------------------------------------------


def _verdict_file() -> Iterator[str]:
    schema = json.loads((SOURCE / "schemas" / "verdict.json").read_text(encoding="utf-8"))
    yield "# The verdict file, key by key\n"
    yield (
        f"{schema['description']}\nIt is JSON, `smoke_verdict_….json`. Its form is `{schema['title']}`; the\n"
        "[JSON Schema](../src/smoke_gate/schemas/verdict.json) says the same for programs, and the\n"
        "[specification](specification.md#how-the-schema-may-change) how it may change.\n"
    )
    yield "## The file\n"
    yield from _keys(schema)
    for name, definition in schema["$defs"].items():
        yield f"\n## {name}\n"
        if said := definition.get("description"):
            yield f"{_null(_words(said))}\n"
        if "enum" in definition:
            yield "One of " + ", ".join(f"`{value}`" for value in definition["enum"]) + ".\n"
        if "properties" in definition:
            yield from _keys(definition)


def _keys(definition: Mapping[str, Any]) -> Iterator[str]:
    yield "| key | type | meaning |\n| --- | --- | --- |"
    for key, value in definition["properties"].items():
        yield f"| `{key}` | {_form(value)} | {_cell(_null(_words(value.get('description', ''))))} |"


def _form(value: Mapping[str, Any]) -> str:
    """Return what a value may be, with links to the parts of the page."""
    match value:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return f"[{name}](#{name.lower()})"
        case {"const": constant}:
            return f"`{json.dumps(constant)}`"
        case {"enum": list(allowed)}:
            return " or ".join(f"`{json.dumps(one)}`" for one in allowed)
        case {"anyOf": list(forms)}:
            return " or ".join(dict.fromkeys(map(_form, forms)))
        case {"type": "array", "items": dict(items)}:
            return f"list of {_form(items)}"
        case {"type": "object", "additionalProperties": dict(items)}:
            return f"mapping to {_form(items)}"
        case {"type": "object"}:
            return "mapping"
        case {"type": str(kind)}:
            return KINDS.get(kind, kind)
        case _:
            return "any"


# --- words ------------------------------------------------------------------------------------------------------------


def _words(text: str) -> str:
    """Return the words of a docstring as Markdown has them."""
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")


def _null(text: str) -> str:
    """Return the words of a docstring about JSON, which has another name for nothing."""
    return re.sub(r"\bNone\b", "null", text)


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")


if __name__ == "__main__":
    for name, text in pages().items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")
