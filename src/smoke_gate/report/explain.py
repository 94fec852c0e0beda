"""The explanations of the gates, for ``smoke-gate explain`` and for ``docs/gates.md``: one source for both.

The words, the policy's keys, their defaults and meanings are in each gate's module.
``python -m smoke_gate.report.explain > docs/gates.md`` writes the page anew.
"""

import json
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from smoke_gate.errors import UsageError
from smoke_gate.gates import BUILT_IN, all_gates
from smoke_gate.gates.base import Gate
from smoke_gate.policy_file.schema import meanings
from smoke_gate.text import folded

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class PolicyKey:
    """A key of a gate's section: its name, its default as JSON and YAML can say it, and what it means."""

    name: str
    default: Any
    meaning: str


def explain(gate: str | None = None, width: int | None = None) -> str:
    """Return what a gate checks, as plain text; without one, a line for each.

    Args:
        gate: ``G2``, ``g2`` or the gate's key in the policy, ``unit_contract``.
        width: the width of the terminal that shows it; None: nobody knows who reads it.

    Raises:
        UsageError: there is no such gate.

    """
    if gate is not None:
        return _plain(_named(gate), width)
    heads = {f"{known.id}  {known.section:<15}  ": known.explanation.question for known in all_gates()}
    lines = [folded(question, width, head, " " * len(head)) for head, question in heads.items()]
    return "\n".join([*lines, "", folded("`smoke-gate explain G2` says more about one.", width)]) + "\n"


def policy_keys(gate: Gate) -> list[PolicyKey]:
    """Return the keys of a gate's section in the policy, in order."""
    defaults = gate.settings().model_dump(mode="json", exclude_none=True)
    return [PolicyKey(name, defaults.get(name), meaning) for name, meaning in meanings(gate.settings).items()]


def gates_page() -> str:
    """Return the page ``docs/gates.md``, with the gates that are installed."""
    head = """\
# The gates

A gate is a named decision, made of checks. What cannot be checked is FAIL. Any gate can be switched off in the policy,
with a reason that every report shows. `smoke-gate explain G2` prints a part of this page.
"""
    return "\n".join([head, *map(_page_part, all_gates())])


def _named(text: str) -> Gate:
    if gate := _find(text, BUILT_IN) or _find(
        text, all_gates()
    ):  # looking at what is installed takes a moment
        return gate
    known = ", ".join(f"{gate.id} ({gate.section})" for gate in all_gates())
    raise UsageError(f"there is no gate {text!r}. The gates are: {known}")


def _find(text: str, gates: Iterable[Gate]) -> Gate | None:
    return next((gate for gate in gates if text.casefold() in (gate.id.casefold(), gate.section)), None)


def _plain(gate: Gate, width: int | None) -> str:
    words, room = gate.explanation, min(width or _WIDTH, _WIDTH)
    title = f"{gate.id} {gate.section}: {gate.title}"
    policy = f"Policy, under gates.{gate.section}, with the defaults of profile contract"
    parts = [
        [folded(line, width, other="") for line in (title, words.question)],
        ["Checks", *(folded(check, room, "  - ", "    ") for check in words.checks)],
        [folded(policy, width, other=""), *(_plain_key(key, room) for key in policy_keys(gate))],
        ["A failure", folded(words.example, room, "  ", "  ")],
        ["How to fix it", folded(words.fix, room, "  ", "  ")],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _plain_key(key: PolicyKey, width: int) -> str:
    """Return a key as a policy file would have it, under what it means."""
    flow = (
        None if isinstance(key.default, list | dict) else False
    )  # short lists in one line; a scalar without braces
    written = yaml.safe_dump(
        {key.name: key.default}, sort_keys=False, default_flow_style=flow, width=width - 10
    )
    return f"{folded(key.meaning, width, '  # ', '  # ')}\n{textwrap.indent(written.rstrip(), '  ')}"


def _page_part(gate: Gate) -> str:
    words = gate.explanation
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

Example of a failure:

> {words.example}

How to fix it: {words.fix}
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    import sys

    sys.stdout.write(gates_page())
