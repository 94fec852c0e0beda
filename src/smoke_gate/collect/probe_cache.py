"""The facts of files in object stores, kept in a folder, so that the next check reads only new and changed files.

An entry is named by the file's address, the version that the store gives it, and the code that read it. So a file that
changes, or a smoke-gate that reads otherwise, has an entry of its own, and nothing is ever taken for something else.
Whoever can write to the folder decides what a check sees: it must be as private as the store.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from smoke_gate import __version__, probes
from smoke_gate.evidence import Artifact
from smoke_gate.hashing import canonical_json, sha256_hex
from smoke_gate.redaction import process_secrets
from smoke_gate.strict_json import JsonError, parse_json
from smoke_gate.typed_json import TypedJson, TypedJsonError, typed_json

IsBeside = Callable[[str], bool]
"""Says whether a file that another one names is beside it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Where what is read of a file is kept: in a folder, under an address that names the file and its content."""

    folder: Path
    address: str

    def or_read(
        self, name: str, most: int, is_beside: IsBeside, read: Callable[[IsBeside], Artifact | None]
    ) -> Artifact | None:
        """Return what is known of the file, else what reading it gives, which is kept; None: that gives nothing.

        Args:
            name: What the file is called in the run.
            most: The most bytes that are read of it.
            is_beside: Says whether a file beside it is there. An entry counts only where the answers are the same.
            read: Reads the file, and may ask what is beside it. What it raises is not kept.

        """
        path = self.folder / f"{_name(self.address, name, most)}.json"
        if (known := _known(path, is_beside)) is not None:
            return known
        asked: dict[str, bool] = {}

        def noted(name: str) -> bool:
            asked[name] = is_beside(name)
            return asked[name]

        found = read(noted)
        if found is not None:
            _keep(path, found, asked)
        return found


def _name(address: str, name: str, most: int) -> str:
    return sha256_hex(canonical_json([address, name, most, _reader()]))


@cache
def _reader() -> str:
    """Return what names the code that reads: the version, and the hash of the modules that look into files."""
    digest = sha256(__version__.encode())
    for module in sorted(Path(probes.__file__).parent.rglob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()


@cache
def _form() -> TypedJson[Artifact]:
    return typed_json(Artifact)


def _known(path: Path, is_beside: IsBeside) -> Artifact | None:
    """Return what an entry says, None where there is none that counts."""
    try:
        entry = parse_json(path.read_bytes())
        beside: Mapping[str, bool] = entry["beside"]
        if any(is_beside(name) is not there for name, there in beside.items()):
            return None
        return _form().read(entry["artifact"], most=1)
    except (OSError, JsonError, TypedJsonError, KeyError, TypeError, AttributeError):
        return None


def _keep(path: Path, artifact: Artifact, beside: Mapping[str, bool]) -> None:
    """Write an entry, whole or not at all. One that cannot be written is only missed."""
    text = process_secrets().removed_from(json.dumps({"artifact": _form().dump(artifact), "beside": beside}))
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent) as folder:
            whole = Path(folder, path.name)
            whole.write_text(text, encoding="utf-8")
            whole.replace(path)
