"""The messages that end a command with exit code 2 or 3, and docs/troubleshooting.md: the page has an entry for each.

A message is found where it is made: where the code makes one of the package's errors, or refuses an option or an entry
of the policy. It is the last argument there. On the page it stands in a block of the language ``text``, one message a
line, with ``…`` for each value.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path

PAGE = "docs/troubleshooting.md"
SOURCE = Path("src") / "smoke_gate"
ERROR = "SmokeGateError"
REFUSALS = {"BadParameter", "Inconsistency", "Problem", "ValueError", "refused"}
REFUSING = {
    "cli",
    "gates",
    "init",
    "options",
    "origins",
    "policy",
    "policy_file",
    "waiting",
    "github/settings",
}
"""Where a ValueError refuses an option or an entry of the policy; elsewhere it is caught, and is not a message."""

VALUE = "…"
BLOCK = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def message_findings(root: Path) -> Iterator[str]:
    """Yield messages without an entry, and entries whose message is gone."""
    made = messages(root / SOURCE)
    page = (root / PAGE).read_text(encoding="utf-8")
    listed = [line for block in BLOCK.findall(page) for line in block.splitlines()]
    for message in sorted(made.keys() - set(listed)):
        yield f"{made[message]}: {PAGE} has no entry for: {message}"
    for message in sorted(set(listed) - made.keys()):
        yield f"{PAGE}: no code says: {message}"
    for message in sorted({one for one in listed if listed.count(one) > 1}):
        yield f"{PAGE}: stands twice: {message}"


def messages(source: Path) -> Mapping[str, str]:
    """Message with ``…`` for its values → the place where it is made."""
    package = Package(
        {
            path.relative_to(source).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
            for path in sorted(source.rglob("*.py"))
        }
    )
    made: dict[str, str] = {}
    for name in sorted(package.errors | REFUSALS | {"__init__"}):
        for scope, call in package.calls.get(name, ()):
            wording = name == "__init__" and scope.owner in package.errors
            if name in package.errors or wording or (name in REFUSALS and scope.refuses):
                place = f"{SOURCE / scope.module}:{call.lineno}"
                made |= {_tidy(text): place for text in package.texts(call.args[-1], scope)}
    return {message: place for message, place in made.items() if message}


@dataclass(frozen=True)
class Scope:
    """A module, or a function of one: nodes without those of functions in it."""

    module: str
    node: ast.Module | ast.FunctionDef
    nodes: tuple[ast.AST, ...]
    owner: str
    """The class that a method belongs to; empty elsewhere."""

    @property
    def name(self) -> str:
        """The function's name; empty for a module."""
        return self.node.name if isinstance(self.node, ast.FunctionDef) else ""

    @cached_property
    def parameters(self) -> list[str]:
        """The names of the arguments that callers may give by their place."""
        names = [one.arg for one in self.node.args.args] if isinstance(self.node, ast.FunctionDef) else []
        return [name for name in names if name not in ("self", "cls")]

    @property
    def refuses(self) -> bool:
        """True if a ValueError here refuses an option or an entry of the policy."""
        name = self.module.removesuffix(".py")
        return name in REFUSING or name.partition("/")[0] in REFUSING

    def assigned(self, name: str) -> Iterator[ast.expr]:
        """Yield what a name is set to, and what it is taken from in a loop."""
        for node in self.nodes:
            match node:
                case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                    yield value
                case ast.For(target=ast.Name(id=found), iter=value) if found == name:
                    yield value

    def answers(self) -> Iterator[ast.expr]:
        """Yield what the function returns or yields."""
        for node in self.nodes:
            if isinstance(node, ast.Return | ast.Yield) and node.value:
                yield node.value


@dataclass
class Package:
    """The modules of the package, by their names."""

    trees: Mapping[str, ast.Module]
    _open: list[tuple[str, int]] = field(default_factory=list)

    @cached_property
    def scopes(self) -> list[Scope]:
        """Every module and function."""
        found = []
        for module, tree in self.trees.items():
            owners: dict[ast.AST, str] = {}
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    owners |= dict.fromkeys(node.body, node.name)
                if isinstance(node, ast.Module | ast.FunctionDef):
                    found.append(Scope(module, node, tuple(_own(node)), owners.get(node, "")))
        return found

    @cached_property
    def functions(self) -> Mapping[str, list[Scope]]:
        """Name → the functions with that name."""
        found: dict[str, list[Scope]] = defaultdict(list)
        for scope in self.scopes:
            found[scope.name].append(scope)
        return found

    @cached_property
    def constants(self) -> Mapping[str, list[tuple[Scope, ast.expr]]]:
        """Name of a constant → the modules that set it, and what they set it to."""
        found: dict[str, list[tuple[Scope, ast.expr]]] = defaultdict(list)
        for scope in (one for one in self.scopes if not one.name):
            for node in scope.nodes:
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    found[node.targets[0].id].append((scope, node.value))
        return found

    @cached_property
    def errors(self) -> set[str]:
        """The names of the errors that end a command."""
        classes = [
            node for tree in self.trees.values() for node in tree.body if isinstance(node, ast.ClassDef)
        ]
        bases = {one.name: {base.id for base in one.bases if isinstance(base, ast.Name)} for one in classes}
        names = {ERROR}
        while more := {name for name, above in bases.items() if above & names} - names:
            names |= more
        return names

    @cached_property
    def calls(self) -> Mapping[str, list[tuple[Scope, ast.Call]]]:
        """Name of a function or class → its calls that give it something, and where they stand."""
        found: dict[str, list[tuple[Scope, ast.Call]]] = defaultdict(list)
        for scope in self.scopes:
            for node in scope.nodes:
                if isinstance(node, ast.Call) and node.args:
                    found[_called(node)].append((scope, node))
        return found

    def texts(self, node: ast.expr, scope: Scope) -> set[str]:
        """Return the texts that an expression may stand for, with ``…`` for what is not known before it runs."""
        key = (scope.module, id(node))
        if key in self._open:  # it is made of itself
            return {VALUE}
        self._open.append(key)
        try:
            return {text for part in self._parts(node, scope) for text in part} or {VALUE}
        finally:
            self._open.pop()

    def _parts(self, node: ast.expr, scope: Scope) -> Iterator[set[str]]:
        match node:
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                yield {"".join(two) for two in product(self.texts(left, scope), self.texts(right, scope))}
            case ast.BoolOp(values=values):
                yield from (self.texts(one, scope) for one in values)
            case ast.IfExp(body=one, orelse=other):
                yield self.texts(one, scope)
                yield self.texts(other, scope)
            case ast.Call(func=ast.Name(id=name)) if name != "say":
                for function in self._named(name, scope):
                    yield from (self.texts(answer, function) for answer in function.answers())
            case ast.Name(id=name) if name in scope.parameters:
                yield from self._given(scope, name)
            case ast.Name(id=name):
                yield from (self.texts(value, scope) for value in scope.assigned(name))
                yield from (self.texts(value, module) for module, value in self.constants.get(name, ()))
            case _:
                yield set(_written(node))

    def _named(self, name: str, scope: Scope) -> list[Scope]:
        """Return the functions with a name that a scope may mean: those of its module, else those of others."""
        named = self.functions.get(name, [])
        return [one for one in named if one.module == scope.module] or named

    def _given(self, function: Scope, parameter: str) -> Iterator[set[str]]:
        """Yield what callers give for a parameter."""
        place = function.parameters.index(parameter)
        for caller, call in self.calls.get(function.name, ()):
            if place < len(call.args) and function in self._named(function.name, caller):
                yield self.texts(call.args[place], caller)


def _written(node: ast.expr) -> Iterator[str]:
    """Yield the text that stands in the code itself."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else VALUE for one in values)
        case ast.Call(func=ast.Name(id="say"), args=[ast.Constant(value=str(text))]):
            yield re.sub(r"\{[^}]*\}", VALUE, text)
        case _:
            pass


def _own(around: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function or module, without those of functions in it."""
    for child in ast.iter_child_nodes(around):
        if not isinstance(child, ast.FunctionDef):
            yield child
            yield from _own(child)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _tidy(text: str) -> str:
    """Return the message in one line; empty where it only passes on another text."""
    line = re.sub(rf"{VALUE}( ?{VALUE})+", VALUE, " ".join(text.split()))
    return line if re.search(r"\w", line) else ""
