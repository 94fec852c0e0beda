"""Reading policies from text, as the tests of this folder do."""

from pathlib import Path
from textwrap import dedent

import pytest

from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.errors import Problem
from smoke_gate.policy_file.load import PolicyError, load_policy
from smoke_gate.policy_file.overrides import NO_OVERRIDES, Overrides

PLAN = """\
version: 1
experiments: [stage05]
plan:
  cells: {B0: , A3: {seeds: [42, 123]}}
  seeds: [42, 123, 456]
"""


def load(
    folder: Path, text: str | bytes, overrides: Overrides = NO_OVERRIDES, *, plan_required: bool = True
) -> Policy:
    """Load a policy file with this text."""
    path = folder / "smoke-gate.yml"
    path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
    return load_policy(path, overrides, plan_required=plan_required)


def with_plan(text: str) -> str:
    """Return a policy that plans B0 with seeds 42, 123, 456 and A3 with 42, 123, and this text below it (line 6)."""
    return PLAN + dedent(text)


def problems(folder: Path, text: str | bytes, overrides: Overrides = NO_OVERRIDES) -> tuple[Problem, ...]:
    """Return the problems of a policy file that is refused."""
    with pytest.raises(PolicyError) as error:
        load(folder, text, overrides)
    assert str(error.value) == "\n".join(map(str, error.value.problems))
    return error.value.problems


def problem(folder: Path, text: str | bytes, overrides: Overrides = NO_OVERRIDES) -> tuple[str, str, str]:
    """Return the one problem of a policy file: its place without the folder (``3:5``, ``--cells``), key and message."""
    found = problems(folder, text, overrides)
    assert len(found) == 1, found
    place = str(found[0].place).removeprefix(f"{folder}/smoke-gate.yml").removeprefix(":")
    return place, found[0].key, found[0].message
