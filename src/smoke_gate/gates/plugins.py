"""Gates that other packages bring, by the entry-point group ``smoke_gate.gates``."""

import re
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from pydantic import ConfigDict

from smoke_gate.gates.base import Case, Explanation, Gate, Outcome, Plugin
from smoke_gate.gates.guard import FAULTS, guarded, problem_of, text_of
from smoke_gate.message import Message, say
from smoke_gate.policy.model import Gates
from smoke_gate.policy.settings import ThresholdSettings

GROUP = "smoke_gate.gates"


class UnavailableError(Exception):
    """A gate cannot judge here; ``said`` says why."""

    def __init__(self, said: Message) -> None:
        super().__init__(said)
        self.said = said


class AnySettings(ThresholdSettings):
    """The section of a gate that is not there, kept as it is."""

    model_config = ConfigDict(extra="allow")


def installed_sections() -> tuple[str, ...]:
    """Return the sections of the installed gates, in order. It reads what is installed, which takes a moment."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP) if may_be_section(entry.name)}))


def may_be_section(name: str) -> bool:
    """Return whether the policy can have a section of this name."""
    return re.fullmatch(r"[a-z][a-z0-9_]*", name) is not None and not hasattr(Gates, name)


@cache
def installed(section: str, others: tuple[Gate, ...]) -> Gate | None:
    """Return the installed gate of a section, None where no package brings one.

    Args:
        section: The gate's key in the policy, which is the name of its entry point.
        others: The gates that come before it, whose ids it may not have.

    Returns:
        A gate. Where the package cannot be used, it is one that fails and says why.

    """
    found = list(entry_points(group=GROUP, name=section)) if may_be_section(section) else []
    if not found:
        return None
    try:
        return _loaded(found[0], others)
    except UnavailableError as error:
        return _failing(section, error.said, _source(found[0]), others)


@cache
def missing(section: str, others: tuple[Gate, ...]) -> Gate:
    """Return a gate that fails, in place of one that is not installed here."""
    said = say(
        "No gate {section!r} is installed here, so nothing was judged. "
        "Install the package that brings it, in the version that the verdict file names.",
        section=section,
    )
    return _failing(section, said, None, others)


def _loaded(entry: EntryPoint, others: tuple[Gate, ...]) -> Gate:
    try:
        gate = entry.load()
    except FAULTS as error:
        said = "The gate {section!r} cannot be loaded: {kind}: {error}. Repair or remove the package that brings it."
        raise UnavailableError(
            say(said, section=entry.name, kind=type(error).__name__, error=text_of(error))
        ) from None
    if problem := problem_of(gate, entry.name, others):
        raise UnavailableError(
            say(
                "The gate {section!r} cannot be used: {problem}. Repair or remove the package that brings it.",
                section=entry.name,
                problem=problem,
            )
        )
    return guarded(gate, _source(entry))


def _source(entry: EntryPoint) -> Plugin | None:
    dist = entry.dist
    return None if dist is None else Plugin(name=dist.name, version=dist.version)


def _failing(section: str, said: Message, plugin: Plugin | None, others: tuple[Gate, ...]) -> Gate:
    def judge(_case: Case) -> Outcome:
        raise UnavailableError(said)

    return Gate(
        id=_free_id(section, others),
        section=section,
        title=section,
        settings=AnySettings,
        judge=judge,
        waivable=frozenset(),
        plugin=plugin,
        explanation=Explanation(question=said, checks=(), example=said, fix=said),
    )


def _free_id(section: str, others: tuple[Gate, ...]) -> str:
    """Return an id for a gate whose own is not known: its section, in capital letters, as no other gate has it."""
    name, taken = re.sub(r"[^A-Z0-9]", "", section.upper()), {gate.id for gate in others}
    while name in taken:
        name = f"X{name}"
    return name
