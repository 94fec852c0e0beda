"""Patterns of artifacts, as the policy has them, for files that are there. Pure."""

import re
from collections.abc import Iterable, Sequence


def patterns_of(left: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return patterns that match all these files: one a suffix and top folder.

    Args:
        left: what each run left behind; every name has a suffix.

    """
    folders: dict[tuple[str, str], list[list[str]]] = {}
    for path in sorted({path for paths in left for path in paths}):
        *folder, name = path.split("/")
        suffix = name[name.rindex(".") :]
        folders.setdefault((folder[0] if folder else "", suffix), []).append(folder)
    return tuple(_pattern(found, suffix) for (_, suffix), found in folders.items())


def _pattern(folders: Sequence[Sequence[str]], suffix: str) -> str:
    """Return the pattern of files in these folders: in their common one, or anywhere below it."""
    common = list(folders[0])
    for folder in folders:
        same = next(
            (n for n, pair in enumerate(zip(common, folder, strict=False)) if pair[0] != pair[1]), None
        )
        common = common[: min(len(common), len(folder)) if same is None else same]
    deeper = [] if all(len(folder) == len(common) for folder in folders) else ["**"]
    literal = [re.sub(r"[*?\[\]\\]", "?", part) for part in common]
    return "/".join([*literal, *deeper, f"*{suffix}"])
