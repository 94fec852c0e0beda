"""The part of an experiment that a plan is about: where the policy ignores all other runs, only this is asked for."""

import re
from dataclasses import dataclass
from typing import Literal

from smoke_gate.gates.definition import ByRunId, ByRunName, DefinitionHashSettings
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import Template
from smoke_gate.vocabulary import KIND_TAG, PREREGISTRATION

_MOST_CELLS = 20  # each is a question of its own to a server
_PLAIN = re.compile(r"[\w.,:/=+@ -]+")  # is the same text in every filter language


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """The runs that state a planned cell, and the preregistrations.

    ``place`` and ``key`` say where a run states its cell, ``values`` are what stands there. The policy may name
    a preregistration by ``run_id`` or ``run_name``; others have a tag.
    """

    place: Literal["params", "tags"]
    key: str
    values: tuple[str, ...]
    run_id: str | None
    run_name: str | None

    @property
    def filters(self) -> tuple[str, ...]:
        """MLflow's filters for these runs. There are several, since MLflow joins comparisons by AND only."""
        named = {"run_id": self.run_id, "run_name": self.run_name}
        return (
            *(f"{self.place}.`{self.key}` = '{value}'" for value in self.values),
            f"tags.`{KIND_TAG}` = '{PREREGISTRATION}'",
            *(f"attributes.{name} = '{text}'" for name, text in named.items() if text is not None),
        )


def planned_part(policy: Policy) -> PlannedPart | None:
    """Return the part of the experiments that the policy asks for.

    None stands for all runs: they are counted, there are many cells, or runs do not state their cell in one param or
    tag of their own.
    """
    cell = policy.runs.cell_template
    values = _values(policy, cell)
    expected = policy.settings(DefinitionHashSettings).expected
    run_id = expected.run_id if isinstance(expected, ByRunId) else None
    run_name = expected.run_name if isinstance(expected, ByRunName) else None
    if (
        policy.runs.unexpected != "ignore"
        or not 0 < len(values) <= _MOST_CELLS
        or len(cell.references) != 1
        or policy.runs.seed_template.reads_parent
    ):
        return None
    place, _, key = cell.references[0].partition(".")
    texts = [key, *values, *(text for text in (run_id, run_name) if text is not None)]
    if place not in ("params", "tags") or not all(map(_PLAIN.fullmatch, texts)):
        return None
    return PlannedPart("params" if place == "params" else "tags", key, values, run_id, run_name)


def _values(policy: Policy, cell: Template) -> tuple[str, ...]:
    """Return the text that stands for each cell: the cell without what the template puts around it."""
    before, after = cell.literals[0], cell.literals[-1]
    return tuple(
        name[len(before) : len(name) - len(after)]
        for name in policy.plan.cells
        if name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after)
    )
