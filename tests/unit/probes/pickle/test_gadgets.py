"""No function of the standard library that hands an argument to what runs or imports it is taken for something less."""

import ast
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from smoke_gate.probes.pickle.globals import Danger, judge

RUNS_BY_NAME = {
    "eval",
    "exec",
    "__import__",
    "compile",
    "import_module",
    "Popen",
    "check_output",
    "attrgetter",
}
RUNS_IN_MODULES = {
    "os": {"system", "popen", "execv", "execve", "spawnv"},
    "subprocess": {"Popen", "run", "call", "check_call", "check_output", "getoutput", "getstatusoutput"},
    "importlib": {"import_module"},
    "marshal": {"load", "loads"},
    "operator": {"attrgetter"},
    "pickle": {"load", "loads"},
    "pkgutil": {"resolve_name"},
    "runpy": {"run_module", "run_path"},
}
# They compile without running, or run a text that they check and make themselves.
HARMLESS_ENOUGH = {"ast.parse", "collections.namedtuple", "dis._try_compile", "typing.ForwardRef.__init__"}
WORTH_PARSING = re.compile(rf"\b({'|'.join(RUNS_BY_NAME.union(*RUNS_IN_MODULES.values()))})\(")
NOT_INSTALLED = {"test", "idlelib", "lib2to3", "turtledemo", "site-packages", "__phello__"}


def names_of(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def from_arguments(function: ast.FunctionDef) -> set[str]:
    """Return the names whose values come from the arguments."""
    signature = function.args
    known = {one.arg for one in (*signature.posonlyargs, *signature.args, *signature.kwonlyargs)}
    known |= {one.arg for one in (signature.vararg, signature.kwarg) if one}
    for _ in range(3):  # a name may be set before what it is set from
        for node in ast.walk(function):
            match node:
                case ast.Assign(targets=targets, value=value) if names_of(value) & known:
                    known.update(*map(names_of, targets))
                case ast.For(target=target, iter=value) if names_of(value) & known:
                    known |= names_of(target)
                case _:
                    pass
    return known


def runs(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in RUNS_BY_NAME
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
            return name in RUNS_IN_MODULES.get(module, ())
        case _:
            return False


def gadgets(node: ast.AST, path: str) -> Iterator[str]:
    """Yield the functions and methods that run what they are given."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.ClassDef(name=name):
                yield from gadgets(child, f"{path}{name}.")
            case ast.FunctionDef(name=name):
                calls = [part for part in ast.walk(child) if isinstance(part, ast.Call) and runs(part)]
                known = from_arguments(child) if calls else set()
                if any(call.args and names_of(call.args[0]) & known for call in calls):
                    yield f"{path}{name}"
            case ast.If() | ast.Try():
                yield from gadgets(child, path)
            case _:
                pass


def standard_library() -> Iterator[tuple[str, ast.AST]]:
    folder = Path(sysconfig.get_path("stdlib"))
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).with_suffix("").parts
        if NOT_INSTALLED.isdisjoint(parts) and "tests" not in parts:
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            text = file.read_text(encoding="utf-8", errors="replace")
            if WORTH_PARSING.search(text):
                yield module, ast.parse(text)


def test_every_function_that_runs_what_it_is_given_is_dangerous():
    found = [(module, name) for module, tree in standard_library() for name in gadgets(tree, "")]
    missed = {f"{module}.{name}" for module, name in found if judge(module, name) is not Danger.DANGEROUS}
    assert len(found) > 100
    assert missed <= HARMLESS_ENOUGH
