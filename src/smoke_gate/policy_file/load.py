"""Loads a policy: the file, the options over it, the defaults below it; every problem at once, with its place."""

import os.path
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from smoke_gate.gates import gates_for, is_known, policy_type
from smoke_gate.gates.base import Gate
from smoke_gate.gates.definition import DefinitionHashSettings
from smoke_gate.gates.profiles import with_defaults
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.consistency import inconsistencies
from smoke_gate.policy_file.errors import Location, PolicyError, Position, Problem, model_problem, problem_at
from smoke_gate.policy_file.overrides import NO_OVERRIDES, Overrides
from smoke_gate.policy_file.reader import Document, read_document

__all__ = ["Overrides", "PolicyError", "has_plan", "load_policy"]


def load_policy(
    path: Path | None,
    overrides: Overrides = NO_OVERRIDES,
    *,
    plan_required: bool = True,
    text: bytes | None = None,
) -> Policy:
    """Return the effective policy.

    Args:
        path: The policy file; None: there is none, and the options are the policy.
        overrides: The options, which come before the file.
        plan_required: Whether a policy that says nothing of cells is refused. A plan of no cells always is.
        text: What counts as the file's content, such as another branch's; None: what it holds.

    Raises:
        PolicyError: The file cannot be read, or the policy is not one; its text has a line for each problem.
    """
    nothing = Document({"version": "1"}, {(): Position("options")})
    document = nothing if path is None else read_document(path, text)
    policy = effective(_with_options(_one_spelling(document), overrides, path), plan_required=plan_required)
    settings = policy.settings(DefinitionHashSettings)
    if overrides.definition is not None and not settings.enabled:
        message = f"G1 is off ({settings.reason}): set `enabled: true` in the policy to compare a definition"
        raise PolicyError([Problem(Position("--definition"), "gates.definition_hash", message)])
    return policy


def has_plan(policy: Policy) -> bool:
    """Return whether the policy says which cells must exist."""
    return bool(policy.plan.cells)


def effective(document: Document, *, plan_required: bool = True, as_recorded: bool = False) -> Policy:
    """Return the policy that a document is, with its defaults.

    Args:
        document: The policy as read.
        plan_required: As :func:`load_policy` has it.
        as_recorded: Whether a section may be of a gate that is not installed here: that gate then fails.

    Raises:
        PolicyError: As :func:`load_policy` does.
    """
    problems = list(document.problems)
    gates = _gates(document.value, as_recorded=as_recorded)
    policy = judged = None
    try:
        policy = judged = _model(document.value, gates)
    except ValidationError as error:
        details = _causes(error)
        problems += [
            model_problem(detail, document.value, document.places, policy_type(gates)) for detail in details
        ]
        judged = _without_refused(document.value, [detail["loc"] for detail in details], gates)
    plan_required = plan_required or _says(document.value, "plan", "cells")
    if judged is not None and (plan_required or has_plan(judged)):
        problems += [problem_at(where, what, document.places) for where, what in inconsistencies(judged)]
    if problems or policy is None:
        raise PolicyError(problems)
    return policy


def _gates(value: Mapping[str, Any], *, as_recorded: bool) -> tuple[Gate, ...]:
    sections = value.get("gates")
    named = sections if isinstance(sections, Mapping) else ()
    return gates_for([section for section in named if as_recorded or is_known(section)])


def _model(value: Mapping[str, Any], gates: tuple[Gate, ...]) -> Policy:
    return policy_type(gates).model_validate(with_defaults(value, gates))


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """Return the models' errors except one: a list is not too short because entries of it were refused."""
    details = error.errors(include_url=False)
    around = {detail["loc"][:-1] for detail in details}
    return [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in around]


def _without_refused(
    value: Mapping[str, Any], locations: Iterable[Location], gates: tuple[Gate, ...]
) -> Policy | None:
    """Return the policy without the sections that the models refuse, so that the rest can be held against the plan."""
    rest = {**value, "version": "1"}
    for location in locations:
        match location:
            case ("runs" | "plan", *_):
                return None
            case ("gates", gate, *_) if isinstance(rest.get("gates"), Mapping):
                rest["gates"] = {name: section for name, section in rest["gates"].items() if name != gate}
            case _:
                rest.pop(str(location[0]), None)
    try:
        return _model({**rest, "version": "1"}, gates)
    except ValidationError:
        return None


def _one_spelling(document: Document) -> Document:
    """Return the document with ``experiments`` where it says ``experiment``, and without what only options may say."""
    value, places, problems = dict(document.value), dict(document.places), list(document.problems)
    if "narrowed" in value:
        del value["narrowed"]
        message = "unknown key; narrow the plan with the options --cells and --seeds"
        problems.append(Problem(places["narrowed",], "narrowed", message))
    if "experiment" in value:
        name = value.pop("experiment")
        if "experiments" in value:
            problems.append(
                problem_at(("experiment",), "stands beside `experiments`: write one of them", places)
            )
        else:
            value["experiments"] = [name]
            places["experiments",] = places["experiments", 0] = places["experiment",]
    return Document(value, places, tuple(problems))


def _with_options(document: Document, overrides: Overrides, path: Path | None) -> Document:
    """Return the document with what the options say put over it."""
    value, places = document.value, document.places
    for location, setting, option in _settings(document.value, overrides, path):
        value = _put(value, location, setting)
        below = len(location)
        places = {where: place for where, place in places.items() if where[:below] != location}
        places[location] = Position(option)
    return Document(value, places, document.problems)


def _settings(
    value: Mapping[str, Any], overrides: Overrides, path: Path | None
) -> Iterator[tuple[Location, object, str]]:
    """Yield what each option sets, and where."""
    if overrides.experiments:
        yield ("experiments",), list(dict.fromkeys(overrides.experiments)), "--experiment"
    if overrides.profile is not None:
        yield ("profile",), overrides.profile, "--profile"
    if overrides.threshold is not None:
        yield ("gates", "metric_ratio", "fail_threshold"), overrides.threshold, "--threshold"
    if overrides.definition is not None:
        yield ("gates", "definition_hash", "expected"), _expected(overrides.definition, path), "--definition"
    if overrides.cells:
        part = "narrowed" if _says(value, "plan", "cells") else "plan"
        yield (part, "cells"), list(dict.fromkeys(overrides.cells)), "--cells"
    if overrides.seeds:
        part = "narrowed" if _says_seeds(value) else "plan"
        yield (part, "seeds"), list(dict.fromkeys(overrides.seeds)), "--seeds"


def _expected(definition: str, path: Path | None) -> dict[str, str]:
    if re.fullmatch(r"[0-9a-fA-F]{64}", definition):
        return {"sha256": definition}
    # A policy names files from its own folder, an option from the working directory.
    return {"file": definition if path is None else os.path.relpath(definition, path.parent)}


def _says(value: Any, *location: str) -> bool:
    for key in location:
        if not isinstance(value, Mapping) or key not in value:
            return False
        value = value[key]
    return True


def _says_seeds(value: Mapping[str, Any]) -> bool:
    cells = value["plan"].get("cells") if _says(value, "plan", "cells") else None
    own = isinstance(cells, Mapping) and any(_says(cell, "seeds") for cell in cells.values())
    return own or _says(value, "plan", "seeds")


def _put(value: Any, location: Location, setting: object) -> Any:
    """Return ``value`` with the setting at ``location``; what is not a mapping stays, for the models to refuse."""
    if not location:
        return setting
    if not isinstance(value, Mapping):
        return value
    key, *rest = location
    return {**value, key: _put(value.get(key, {}), tuple(rest), setting)}
