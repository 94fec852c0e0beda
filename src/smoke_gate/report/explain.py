"""What each gate checks, for ``smoke-gate explain`` and for ``docs/gates.md``: one source for both.

The words are in ``explanations.yml``, the policy's keys, defaults and their meanings in its models.
``python -m smoke_gate.report.explain > docs/gates.md`` writes the page anew.
"""

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from smoke_gate.errors import UsageError
from smoke_gate.gates import GATES
from smoke_gate.gates.base import Gate
from smoke_gate.policy.model import Gates
from smoke_gate.policy.schema import meanings

_WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A gate in words. ``example`` is a message of the gate; ``fix`` says what to do about such."""

    question: str
    checks: list[str]
    example: str
    fix: str


@dataclass(frozen=True, slots=True)
class PolicyKey:
    """A key of a gate's section: its name, its default as JSON and YAML can say it, and what it means."""

    name: str
    default: Any
    meaning: str


def explain(gate: str | None = None) -> str:
    """Return what a gate checks, as plain text; without one, a line for each.

    Args:
        gate: ``G2``, ``g2`` or the gate's key in the policy, ``unit_contract``.

    Raises:
        UsageError: there is no such gate.

    """
    words = explanations()
    if gate is not None:
        named = _named(gate)
        return _plain(named, words[named.id])
    lines = [f"{known.id}  {known.section:<15}  {words[known.id].question}" for known in GATES]
    return "\n".join([*lines, "", "`smoke-gate explain G2` says more about one."]) + "\n"


def explanations() -> Mapping[str, Explanation]:
    """Return the words for each gate, by its id."""
    text = (files("smoke_gate.report") / "explanations.yml").read_text(encoding="utf-8")
    return {gate: Explanation(**words) for gate, words in yaml.safe_load(text).items()}


def policy_keys(gate: Gate) -> list[PolicyKey]:
    """Return the keys of a gate's section in the policy, in order."""
    section = Gates.model_fields[gate.section].default
    defaults = section.model_dump(mode="json", exclude_none=True)
    return [PolicyKey(name, defaults.get(name), meaning) for name, meaning in meanings(type(section)).items()]


def gates_page() -> str:
    """Return the page ``docs/gates.md``."""
    head = """\
# The gates

A gate is a named decision, made of checks. What cannot be checked is FAIL. Any gate can be switched off in the policy,
with a reason that every report shows. `smoke-gate explain G2` prints a part of this page.
"""
    words = explanations()
    return "\n".join([head, *(_page_part(gate, words[gate.id]) for gate in GATES)])


def _named(text: str) -> Gate:
    for gate in GATES:
        if text.casefold() in (gate.id.casefold(), gate.section):
            return gate
    known = ", ".join(f"{gate.id} ({gate.section})" for gate in GATES)
    raise UsageError(f"there is no gate {text!r}. The gates are: {known}")


def _plain(gate: Gate, words: Explanation) -> str:
    checks = "\n".join(_folded(check, "  - ", "    ") for check in words.checks)
    section = "\n".join(map(_plain_key, policy_keys(gate)))
    parts = [
        f"{gate.id} {gate.section}: {gate.title}\n{words.question}",
        f"Checks\n{checks}",
        f"Policy, under gates.{gate.section}, with the defaults of profile contract\n{section}",
        f"A failure\n{_folded(words.example, '  ', '  ')}",
        f"How to fix it\n{_folded(words.fix, '  ', '  ')}",
    ]
    return "\n\n".join(parts) + "\n"


def _plain_key(key: PolicyKey) -> str:
    """Return a key as a policy file would have it, under what it means."""
    flow = (
        None if isinstance(key.default, list | dict) else False
    )  # short lists in one line; a scalar without braces
    written = yaml.safe_dump(
        {key.name: key.default}, sort_keys=False, default_flow_style=flow, width=_WIDTH - 10
    )
    return f"{_folded(key.meaning, '  # ', '  # ')}\n{textwrap.indent(written.rstrip(), '  ')}"


def _folded(text: str, first: str, other: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=other,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _page_part(gate: Gate, words: Explanation) -> str:
    checks = "\n".join(f"- {check}" for check in words.checks)
    rows = "\n".join(
        f"| `{key.name}` | `{_cell(json.dumps(key.default))}` | {_cell(key.meaning)} |"
        for key in policy_keys(gate)
    )
    return f"""\
## {gate.id} {gate.section}: {gate.title}

{words.question}

{checks}

| key under `gates.{gate.section}` | default | meaning |
| --- | --- | --- |
{rows}

A failure:

> {words.example}

How to fix it: {words.fix}
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    import sys

    sys.stdout.write(gates_page())
