"""The framework that a test of a callback trains with: the stand-in, or under ``REAL_LIBRARIES`` the real one.

``import tiny`` then finds what it trains. The stand-ins are gone afterwards, so no other test meets them.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
REAL = bool(os.environ.get("REAL_LIBRARIES"))


@contextmanager
def framework(name: str) -> Iterator[None]:
    """Let a test import a framework, and the callback for it."""
    mine = (name, "tiny", f"smoke_gate.integrations.{name}")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TESTS / ("real_libraries" if REAL else "stand_ins")))
        try:
            yield
        finally:
            if not REAL:
                for module in [one for one in sys.modules if one in mine or one.startswith(f"{name}.")]:
                    del sys.modules[module]
