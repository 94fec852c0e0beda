"""Writes the list of well-known libraries' classes that a pickle may hold, from the libraries that are installed.

It runs in the environment of `make bench-checkpoints`, which has the libraries. A class is on the list where nothing
runs while a pickle makes an empty instance of it and gives it a state, but what Python itself does and what a person
has read: a method that the unpickler calls by itself is a hook, and REVIEWED names the hooks that were read. A class
with any other hook is left out; `--left-out` prints it.

The list has four parts. `made`: an empty instance, whose state is a dict and goes to its attributes. `stateful`: one
whose own `__setstate__` was read, so that any state will do. `filled`: one that is also filled, as a dict or a list.
`called`: called with whatever arguments.

Usage: python -m checks.known_classes [--left-out] [--keep] FILE
`--keep` also keeps what the file has of other versions of the libraries.
"""

import argparse
import contextlib
import dataclasses
import enum
import importlib
import importlib.metadata
import inspect
import json
import pkgutil
import sys
import types
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from checks.reviewed_classes import (
    CALLED,
    CALLED_WHOLE,
    FILLERS,
    HOOKS,
    METACLASSES,
    PACKAGES,
    PARTS,
    REFUSED,
    REVIEWED,
    SKIPPED,
    STANDARD,
    UFUNCS,
)

SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)


def main() -> int:
    """Write the list, or print what was left out and why."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--left-out", action="store_true", help="print the classes that are not on the list, and why"
    )
    parser.add_argument("--keep", action="store_true", help="keep what the file has already")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    old = json.loads(arguments.file.read_text()) if arguments.keep else {}
    left_out: dict[str, list[str]] = defaultdict(list)
    found: dict[str, dict[str, set[str]]] = {part: defaultdict(set) for part in PARTS}
    for module, name, value in globals_of_libraries():
        unread = list(unread_hooks(value)) if isinstance(value, type) else []
        for hook in unread:
            left_out[hook].append(f"{module}.{name}")
        for part in () if unread else parts_of(module, name, value):
            found[part][module].add(name)
    for module, names in CALLED.items():
        found["called"][module].update(names)
    for module in UFUNCS:
        found["called"][module].update(
            name for name, value in vars(np).items() if isinstance(value, np.ufunc)
        )
    if arguments.left_out:
        for hook, classes in sorted(left_out.items()):
            print(f"{hook}\t{len(classes)}\t{' '.join(classes[:4])}")
    document = {part: merged(old.get(part, {}), found[part]) for part in PARTS}
    document = {"versions": versions(old.get("versions", {})), **document}
    arguments.file.write_text(json.dumps(document, indent=0) + "\n")
    for part, modules in found.items():
        print(f"{part}: {sum(map(len, modules.values()))}", file=sys.stderr)
    return 0


def versions(old: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of the libraries, with those that the file names already."""
    found = {}
    for library in PACKAGES:
        known = set(old.get(library, "").split())
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            known.add(importlib.metadata.version(library))
        found[library] = " ".join(sorted(known))
    return found


def merged(old: Mapping[str, str], new: Mapping[str, set[str]]) -> dict[str, str]:
    """Return names by module, those of the file and the new ones."""
    modules = sorted({*old, *new})
    return {
        module: " ".join(sorted({*old.get(module, "").split(), *new.get(module, ())}))
        for module in modules
        if old.get(module) or new.get(module)
    }


# --- the libraries' globals -------------------------------------------------------------------------------------------


def globals_of_libraries() -> Iterator[tuple[str, str, object]]:
    """Yield module, name and object, for all that the walked modules define themselves."""
    for module in chain.from_iterable(modules_of(root) for roots in PACKAGES.values() for root in roots):
        for name, value in vars(module).items():
            own = getattr(value, "__module__", None) == module.__name__
            refused = any(fnmatchcase(f"{module.__name__}.{name}", pattern) for pattern in REFUSED)
            if own and not refused and getattr(value, "__qualname__", name) == name:
                yield module.__name__, name, value


def modules_of(root: str) -> Iterator[types.ModuleType]:
    """Yield a package and the modules below it that can be imported."""
    package = imported(root.removesuffix("."))
    if package is None:
        return
    yield package
    folders = () if root.endswith(".") else getattr(package, "__path__", ())
    for found in pkgutil.iter_modules(folders, root + "."):
        if not any(fnmatchcase(found.name, pattern) for pattern in SKIPPED):
            yield from modules_of(found.name)


def imported(name: str) -> types.ModuleType | None:
    """Return a module, None where it cannot be imported here."""
    try:
        return importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - optional parts need what is not installed
        print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
        return None


# --- what is harmless -------------------------------------------------------------------------------------------------


def parts_of(module: str, name: str, value: object) -> Iterator[str]:
    """Yield the parts of the list that a global belongs to, if nobody has anything against its hooks."""
    if name.startswith("__pyx_unpickle_") or is_enumeration(value) or is_named_tuple(value):
        yield "called"
    if not isinstance(value, type) or issubclass(value, BaseException | enum.Enum):
        return
    if module in CALLED_WHOLE:
        yield "called"
    yield "made"
    if getattr(value, "__setstate__", None) is not None or has_only_slots(value):
        yield "stateful"
    if issubclass(value, dict | list | set) and not any(map(partial(has_own, value=value), FILLERS)):
        yield "filled"


def has_own(method: str, value: type) -> bool:
    """Return whether a class has a method that is not Python's own."""
    return any(method in vars(klass) for klass in value.__mro__ if klass.__module__ not in STANDARD)


def has_only_slots(value: type) -> bool:
    """Return whether the class has slots, and setting any of its attributes runs nothing of it."""
    members = [member for klass in value.__mro__[:-1] for member in vars(klass).values()]
    runs = any(inspect.isdatadescriptor(one) and not isinstance(one, SLOTS) for one in members)
    return any(isinstance(one, types.MemberDescriptorType) for one in members) and not (
        runs or has_own("__setattr__", value)
    )


def is_enumeration(value: object) -> bool:
    """Return whether it is an enumeration that only finds its members by their values."""
    if not isinstance(value, enum.EnumMeta) or not len(value):
        return False
    return not has_own("__call__", value)


def is_named_tuple(value: object) -> bool:
    """Return whether it is a tuple with names that keeps whatever it is given."""
    if not isinstance(value, type) or not issubclass(value, tuple) or not hasattr(value, "_fields"):
        return False
    code = getattr(value.__new__, "__code__", None)
    return code is not None and code.co_filename.startswith("<") and not has_own("__call__", value)


def unread_hooks(value: type) -> Iterator[str]:
    """Yield the hooks of a class that nobody has read."""
    if type(value) not in METACLASSES and not isinstance(value, enum.EnumMeta):
        yield f"metaclass {type(value).__module__}.{type(value).__qualname__}"
    for klass in value.__mro__:
        if klass.__module__ in STANDARD or (
            isinstance(value, enum.EnumMeta) and issubclass(klass, enum.Enum)
        ):
            continue
        for name in HOOKS:
            hook = f"{klass.__module__}.{klass.__qualname__}.{name}"
            runs = name in vars(klass) and not is_made_by_python(name, vars(klass)[name])
            if runs and not any(fnmatchcase(hook, pattern) for pattern in REVIEWED):
                yield hook


def is_made_by_python(name: str, member: object) -> bool:
    """Return whether a hook is not the library's own code.

    It is what dataclasses generate, the absence of a hash, or the C function of an extension type that allocates an
    instance without arguments.
    """
    code = getattr(inspect.unwrap(member) if callable(member) else member, "__code__", None)
    generated = code is not None and code.co_filename.startswith(("<", dataclasses.__file__))
    return member is None or generated or (name == "__new__" and isinstance(member, types.BuiltinMethodType))


if __name__ == "__main__":
    sys.exit(main())
