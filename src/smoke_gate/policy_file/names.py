"""How the policy file is called, and which files look as if they were meant to be it."""

import os
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path

from smoke_gate.errors import UsageError

POLICY_NAMES = (Path("smoke-gate.yml"), Path("smoke-gate.yaml"))
"""The policy file of a folder; the first is the name that smoke-gate writes."""
_ALIKE = 0.9  # `smokegatesyaml` is, `smokegateoldyml` is not


def found_policy() -> Path | None:
    """Return the policy file of the working directory, None where there is none.

    A folder or a link that leads nowhere counts too: whoever reads it says what is wrong.

    Raises:
        UsageError: Both names are there.
    """
    found = [name for name in POLICY_NAMES if os.path.lexists(name)]
    if len(found) > 1:
        raise UsageError(
            f"found both {found[0]} and {found[1]}, expected one policy file: delete one, or name one with --policy"
        )
    return found[0] if found else None


def unread_policies() -> str | None:
    """Return a warning of the files in the working directory whose names are nearly a policy's; None without any."""
    near = [name for name in sorted(_files()) if _is_near(name)]
    if not near:
        return None
    policy = found_policy() or " or ".join(map(str, POLICY_NAMES))
    verb = "is" if len(near) == 1 else "are"
    return (
        f"{', '.join(near)} {verb} not read: the policy file is {policy}. Rename it, or name it with --policy"
    )


def reported(policy_file: Path) -> str:
    """Return the path of a policy file as reports show it: as it was given, and no folder of this machine in it."""
    if not policy_file.is_absolute():
        return policy_file.as_posix()
    here = Path.cwd()
    return policy_file.relative_to(here).as_posix() if policy_file.is_relative_to(here) else policy_file.name


def _files() -> Sequence[str]:
    try:
        return [entry.name for entry in os.scandir() if entry.is_file()]
    except OSError:
        return []


def _is_near(name: str) -> bool:
    """Return whether a name has nearly the letters of a policy's name, in any case and with any signs between them."""
    if Path(name) in POLICY_NAMES:
        return False
    letters = _letters(name)
    return any(
        SequenceMatcher(None, letters, _letters(str(policy))).ratio() > _ALIKE for policy in POLICY_NAMES
    )


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())
