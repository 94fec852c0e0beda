"""Which globals of well-known libraries a pickle may use, and how; ``checks/known_classes.py`` writes the list.

Most objects are made empty and given a state; neither runs code of a listed class that nobody has read. Calling the
class is another matter, and so is calling the object.
"""

import json
from collections.abc import Mapping
from enum import Enum
from functools import cache
from importlib import resources
from typing import Final

_LIST: Final = "known_classes.json"


class Use(Enum):
    """The uses of a global of the list that a pickle may make."""

    MADE = "made"
    """Make an empty instance, whose attributes a dict sets."""
    STATEFUL = "stateful"
    """Give an instance whatever state: its own ``__setstate__`` was read."""
    FILLED = "filled"
    """Add items to an instance: it is a dict, a list or a set."""
    CALLED = "called"
    """Call it, with whatever arguments: an enumeration, a named tuple, a function that rebuilds an array."""


def may_be(use: Use, module: str, name: str) -> bool:
    """Return whether the list allows a pickle to use a global in this way."""
    return name in _known(use).get(module, ())


@cache
def packages() -> frozenset[str]:
    """Return the top-level packages of the libraries on the list."""
    return frozenset(module.partition(".")[0] for use in Use for module in _known(use))


@cache
def _known(use: Use) -> Mapping[str, frozenset[str]]:
    """Return the names by module; read once, and only where a pickle names what the short lists do not."""
    text = resources.files(__package__).joinpath(_LIST).read_text(encoding="utf-8")
    return {module: frozenset(names.split()) for module, names in json.loads(text)[use.value].items()}
