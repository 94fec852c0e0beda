"""How an archive is laid out: which members are weights, and which packages of code it is.

References: torch, ``caffe2/serialize/inline_container.cc``, ``torch/package`` and ``torch/export/pt2_archive``.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from smoke_gate.probes.zip_directory import Member

_TEXTS: Final = frozenset(
    {".cfg", ".csv", ".html", ".ini", ".json", ".log", ".md", ".py", ".toml", ".txt", ".xml", ".yaml", ".yml"}
)
_BOOKKEEPING: Final = frozenset(
    {
        ".format_version",
        ".storage_alignment",
        "archive_format",
        "archive_version",
        "byteorder",
        "extern_modules",
        "python_version",
        "serialization_id",
        "version",
        "_stable_baselines3_version",
    }
)
_STABLE_BASELINES = "data"  # at the root: JSON
_PICKLE = "data.pkl"
_STORAGES = "data/"
_TORCH_PACKAGE = ".data/extern_modules"
_PACKED_STORAGE = re.compile(r"\.data/[0-9]+\.storage")
_INDUCTOR = "data/aotinductor/"


def root_of(names: Sequence[str]) -> str:
    """Return the folder that all of these members are in, with its slash, or nothing."""
    roots = {name.partition("/")[0] for name in names}
    return f"{next(iter(roots))}/" if len(roots) == 1 and all("/" in name for name in names) else ""


def torch_storages(names: Sequence[str]) -> frozenset[str]:
    """Return the members that are torch's storages: plain numbers, which nothing interprets."""
    root = root_of(names)
    is_torch = root + _PICKLE in names
    return frozenset(name for name in names if is_torch and _is_storage(name, root))


def _is_storage(name: str, root: str) -> bool:
    """Return whether a member is called like a storage; a suffix would say that something reads it otherwise."""
    return name.startswith(root + _STORAGES) and "." not in name.removeprefix(root + _STORAGES)


@dataclass(frozen=True, slots=True)
class Layout:
    """The members of an archive; ``root`` is the folder that all of them are in, with its slash, or nothing."""

    members: tuple[Member, ...]
    root: str
    is_torch: bool

    @classmethod
    def of(cls, members: Sequence[Member]) -> "Layout":
        """Return the layout of an archive with these members."""
        names = [member.name for member in members]
        root = root_of(names)
        return cls(tuple(members), root, root + _PICKLE in names)

    def storage(self, member: Member) -> str | None:
        """Return the key of the torch storage that a member is, None where it is not one."""
        if self.is_torch and _is_storage(member.name, self.root):
            return member.name.removeprefix(self.root + _STORAGES)
        is_packed = _PACKED_STORAGE.fullmatch(member.name.removeprefix(self.root)) is not None
        return member.name if is_packed else None

    def is_beside(self, member: Member) -> bool:
        """Return whether a member is a text or a library's bookkeeping, and tells nothing of what training made."""
        path = PurePosixPath(member.name)
        return (
            path.suffix.lower() in _TEXTS
            or path.name in _BOOKKEEPING
            or (member.name == _STABLE_BASELINES and not self.is_torch)
            or member.name.endswith("/")
        )

    @property
    def content(self) -> str | None:
        """The SHA-256 of what training changes: names from the root, sizes and checksums of members of weights."""
        weights = [member for member in self.members if member.size and not self.is_beside(member)]
        if not weights:
            return None
        digest = hashlib.sha256()
        for name, size, crc in sorted((m.name.removeprefix(self.root), m.size, m.crc) for m in weights):
            digest.update(f"{len(name)}:{name}:{size}:{crc}\n".encode("utf-8", "backslashreplace"))
        return digest.hexdigest()

    @property
    def packages(self) -> frozenset[str]:
        """The kinds of packages that the archive is and that bring code of their own, as names for the evidence."""
        names = [member.name.removeprefix(self.root) for member in self.members]
        found = set()
        if _TORCH_PACKAGE in names:
            found.add("Python code of a torch.package")
        if any(_INDUCTOR in name for name in names):
            found.add("compiled code of AOTInductor")
        return frozenset(found)
