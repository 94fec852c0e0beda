"""Patterns of artifacts, as the policy has them, for files that are there. Pure."""

import re
from collections.abc import Iterable, Sequence

_UNPINNED = "**"


def patterns_of(left: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return patterns that match all these files: one a suffix and top folder.

    Args:
        left: what each run left behind; every name has a suffix.

    """
    folders: dict[tuple[str, str], list[list[str]]] = {}
    for path in sorted({path for paths in left for path in paths}):
        *folder, name = path.split("/")
        suffix = name[name.rindex(".") :]
        folder = [_UNPINNED if _is_of_one_file(part, name) else part for part in folder]
        folders.setdefault((folder[0] if folder else "", suffix), []).append(folder)
    return tuple(_pattern(found, suffix) for (_, suffix), found in folders.items())


def _is_of_one_file(folder: str, name: str) -> bool:
    """Return whether a folder is named after a file, as Lightning does it, or a step: another run has another one."""
    return (
        name.startswith(f"{folder}.")
        or re.fullmatch(r"(?:epoch|step|checkpoint)[-=_]?\d+.*", folder) is not None
    )


def _pattern(folders: Sequence[Sequence[str]], suffix: str) -> str:
    """Return the pattern of files in these folders: in their common one, or anywhere below it."""
    common = list(folders[0])
    for folder in folders:
        same = next(
            (n for n, pair in enumerate(zip(common, folder, strict=False)) if pair[0] != pair[1]), None
        )
        common = common[: min(len(common), len(folder)) if same is None else same]
    if _UNPINNED in common:
        common = common[: common.index(_UNPINNED)]
    deeper = [] if all(len(folder) == len(common) for folder in folders) else [_UNPINNED]
    literal = [re.sub(r"[*?\[\]\\]", "?", part) for part in common]
    return "/".join([*literal, *deeper, f"*{suffix}"])
