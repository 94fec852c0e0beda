"""``checkpoints/MANIFEST.json``: what a run says of its checkpoints."""

import re

from smoke_gate.evidence import Manifest, ManifestEntry, is_exact
from smoke_gate.probes.inspection import BrokenError
from smoke_gate.probes.zip_directory import DRIVE
from smoke_gate.strict_json import JsonError, parse_json

MAX_MANIFEST_BYTES = 4 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_PATH = 1024


def read_manifest(data: bytes) -> Manifest:
    """Return the manifest that JSON bytes hold: path from the artifact root to ``{"sha256": …, "size": …}``.

    Where they hold none, or a path leads out of the artifacts, ``problem`` says why and there are no entries.
    """
    try:
        if len(data) > MAX_MANIFEST_BYTES:
            raise BrokenError(f"it has {len(data)} bytes; at most {MAX_MANIFEST_BYTES} are read")
        listed = parse_json(data)
        if not isinstance(listed, dict):
            raise BrokenError("it is not a JSON object of paths")
        return Manifest(entries={_path(path): _entry(path, entry) for path, entry in listed.items()})
    except (BrokenError, JsonError) as error:
        return Manifest(problem=str(error))


def _path(path: str) -> str:
    parts = path.split("/")
    inside = {"", ".", ".."}.isdisjoint(parts) and "\\" not in path and not DRIVE.match(path)
    if not inside or not path.isprintable() or len(path) > _MAX_PATH:
        raise BrokenError(f"it names a path that is not below the artifact root: {path[:80]!r}")
    return path


def _entry(path: str, entry: object) -> ManifestEntry:
    match entry:
        case {"sha256": str() as sha256, "size": int() as size} if _SHA256.fullmatch(sha256):
            if type(size) is int and size >= 0 and is_exact(size):
                return ManifestEntry(sha256=sha256, size=size)
    raise BrokenError(
        f"it has an entry without sha256 (64 lower-case hex digits) and size (bytes): {path[:80]!r}"
    )
