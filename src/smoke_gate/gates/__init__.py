"""The gates, built in and installed, and the policy that they make.

A gate is a module here that offers ``GATE``. A package can bring more by the entry-point group ``smoke_gate.gates``:
the name of the entry is the gate's section in the policy, and the object is its :class:`~smoke_gate.gates.base.Gate`.
"""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import Field, WrapValidator, create_model

from smoke_gate.gates.base import Gate
from smoke_gate.gates.checkpoints import GATE as CHECKPOINTS
from smoke_gate.gates.comparison import GATE as COMPARISON
from smoke_gate.gates.definition_hash import GATE as DEFINITION_HASH
from smoke_gate.gates.figures import GATE as FIGURES
from smoke_gate.gates.guard import settings_or_error
from smoke_gate.gates.metric_ratio import GATE as METRIC_RATIO
from smoke_gate.gates.needs import Needs
from smoke_gate.gates.paired_data import GATE as PAIRED_DATA
from smoke_gate.gates.plan import GATE as PLAN
from smoke_gate.gates.plugins import AnySettings, installed, installed_sections, may_be_section, missing
from smoke_gate.gates.profiles import with_defaults
from smoke_gate.gates.unit_contract import GATE as UNIT_CONTRACT
from smoke_gate.policy.model import Gates, Policy

__all__ = [
    "BUILT_IN",
    "PLAN",
    "all_gates",
    "gates_for",
    "gates_of",
    "is_known",
    "is_usable",
    "needs_of",
    "policy_of",
    "policy_type",
]

BUILT_IN: tuple[Gate, ...] = (
    PLAN,
    DEFINITION_HASH,
    UNIT_CONTRACT,
    CHECKPOINTS,
    FIGURES,
    METRIC_RATIO,
    PAIRED_DATA,
    COMPARISON,
)
_BUILT_IN_SECTIONS = frozenset(gate.section for gate in BUILT_IN)


def gates_of(policy: Policy) -> tuple[Gate, ...]:
    """Return the gates of a policy: the built-in ones in order, then those of its other sections.

    A section that no installed gate has gets one that fails.
    """
    return gates_for(policy.gates.by_section())


def gates_for(sections: Collection[str]) -> tuple[Gate, ...]:
    """Return the built-in gates, and one for each other section that has a name as sections have it."""
    gates = BUILT_IN
    for section in sections:
        if section not in _BUILT_IN_SECTIONS and may_be_section(section):
            gates = (*gates, installed(section, gates) or missing(section, gates))
    return gates


def all_gates() -> tuple[Gate, ...]:
    """Return the built-in gates, and every one that is installed. It reads what is installed, which takes a moment."""
    return gates_for(installed_sections())


def is_known(section: str) -> bool:
    """Return whether a gate has this section in the policy, built in or installed."""
    return section in _BUILT_IN_SECTIONS or installed(section, BUILT_IN) is not None


def is_usable(gate: Gate) -> bool:
    """Return whether a gate can judge: it is installed, and its package can be used."""
    return gate.settings is not AnySettings


@cache
def policy_type(gates: tuple[Gate, ...]) -> type[Policy]:
    """Return the model of a policy that has a section for each gate."""
    fields: dict[str, Any] = {
        gate.section: (_settings(gate), Field(default=gate.settings(), description=_in_words(gate)))
        for gate in gates
    }
    sections = create_model("Gates", __base__=Gates, __doc__="The settings of the gates.", **fields)
    description = "How strictly each gate judges."
    return create_model(
        "Policy",
        __base__=Policy,
        __doc__=Policy.__doc__,
        gates=(sections, Field(default=sections(), description=description)),
    )


def _settings(gate: Gate) -> Any:
    return gate.settings if gate in BUILT_IN else Annotated[gate.settings, WrapValidator(settings_or_error)]


def _in_words(gate: Gate) -> str:
    """Return what a gate's section is for: the docstring of its model, or the gate's title."""
    return " ".join((gate.settings.__doc__ or f"{gate.id}: {gate.title}.").split())


def policy_of(raw: Mapping[str, Any]) -> Policy:
    """Return the policy that a mapping is, as it was read from a file, with its defaults.

    Raises:
        ValidationError: The mapping is not a policy.

    """
    sections = raw.get("gates", {})
    gates = gates_for(sections if isinstance(sections, Mapping) else ())
    return policy_type(gates).model_validate(with_defaults(raw, gates))


def needs_of(policy: Policy) -> Needs:
    """Return what the enabled gates of a policy need."""
    needs = Needs()
    sections = policy.gates.by_section()
    for gate in gates_of(policy):
        if sections[gate.section].enabled:
            needs |= gate.needs(policy)
    return needs
