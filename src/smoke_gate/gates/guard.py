"""Holds a gate that other people wrote to its interface: it judges or it fails, and it never crashes the program."""

import re
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from functools import lru_cache
from operator import attrgetter
from types import NoneType
from typing import Any, TypeVar

from pydantic import TypeAdapter

from smoke_gate.gates.base import Case, Check, Defaults, Gate, Mutation, Outcome, Plugin, Status
from smoke_gate.gates.needs import Needs
from smoke_gate.gates.proposal import Proposal
from smoke_gate.message import Message, Value, say

FAULTS = (Exception, SystemExit)
"""What a package may raise. One that ends the program would otherwise decide its exit code."""

_ID = re.compile(r"[A-Z][A-Z0-9]*")
_KIND = re.compile(r"[a-z][a-z0-9_]*")
_MAYBE = (str, NoneType)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "kind": str, "status": Status, "subject": str, "run_id": _MAYBE, "cell": _MAYBE, "seed": _MAYBE,
    "observed": _MAYBE, "expected": _MAYBE, "at_once": bool, "waivable": bool,
    "looked_at": _MAYBE, "pending": bool,
}  # fmt: skip
_VALUES = attrgetter(*_TYPES)
_CAN_BE_WAIVED = (Status.FAIL, Status.WARNING)
_Cells = tuple[tuple[tuple[str | int, ...], tuple[str, ...]], ...]
R = TypeVar("R")


def text_of(error: BaseException) -> str:
    """Return what an exception says."""
    try:
        return str(error)
    except FAULTS:
        return ""


# --- a gate -----------------------------------------------------------------------------------------------------------


def problem_of(gate: object, section: str, others: Iterable[Gate]) -> Message | None:
    """Say why an object cannot be the gate of a section; None: it can.

    Args:
        gate: The object.
        section: The key in the policy.
        others: The gates that have their ids already.

    """
    if not isinstance(gate, Gate):
        return say("it is {kind}, expected smoke_gate.gates.base.Gate", kind=type(gate).__name__)
    if gate.section != section:
        return say("its section is {found!r}, expected the name of its entry point", found=str(gate.section))
    taken = [other.id for other in others]
    if _ID.fullmatch(str(gate.id)) is None or gate.id in taken:
        return say(
            "its id is {found!r}, expected capital letters and digits that no other gate has",
            found=str(gate.id),
        )
    try:
        _try_parts(gate, others)
    except FAULTS as error:
        return say("{kind}: {error}", kind=type(error).__name__, error=text_of(error))
    return None


def _try_parts(gate: Gate, others: Iterable[Gate]) -> None:
    """Raise an error where a part of a gate is not what it must be."""
    explanation = gate.explanation
    TypeAdapter(type(explanation)).validate_python(_fields(explanation))
    TypeAdapter(Gate).validate_python(_fields(gate))
    if any(issubclass(other.settings, gate.settings) for other in others):
        raise TypeError("its settings are those of another gate, expected a model of its own")
    gate.settings().model_dump(mode="json")  # every key has a default
    gate.settings.model_json_schema()
    for text in (gate.read_from, *gate.read_besides.values()):
        text.format("subject")


def guarded(gate: Gate, source: Plugin | None) -> Gate:
    """Return the gate so that nothing but its judgement can fail: that failure is a FAIL of the gate."""

    def needs(policy: Any) -> Needs:
        return _typed(Needs, gate.needs(policy))

    def cells(settings: Any) -> _Cells:
        named: _Cells = TypeAdapter(_Cells).validate_python(tuple(gate.cells(settings)))
        return named

    def defaults(policy: Any) -> tuple[Defaults, ...]:
        return tuple(_typed(Defaults, one) for one in gate.defaults(policy))

    def propose(seen: Any) -> Proposal | None:
        answer = gate.propose(seen)
        return None if answer is None else _typed(Proposal, answer)

    def mutations() -> tuple[Mutation, ...]:
        try:
            return tuple(_typed(Mutation, one) for one in gate.mutations())
        except FAULTS:  # they decide nothing
            return ()

    def early(case: Case) -> tuple[Check, ...]:
        return tuple(_owned(gate, check) for check in gate.early(case))

    def judge(case: Case) -> Outcome:
        needs(case.policy)
        cells(case.settings(gate.settings))
        defaults(case.policy.model_dump(mode="json"))
        return gate.judge(case)

    return replace(
        gate,
        judge=judge,
        early=_or_else((), early),
        needs=_or_else(Needs(), needs),
        cells=_or_else((), cells),
        defaults=_or_else((), defaults),
        propose=_or_else(None, propose),
        mutations=mutations,
        plugin=source,
    )


def _or_else(default: R, asked: Callable[[Any], R]) -> Callable[[Any], R]:
    """Return the function so that it gives ``default`` where it raises."""

    def answer(argument: Any) -> R:
        try:
            return asked(argument)
        except FAULTS:  # the gate's judgement raises it again, and fails
            return default

    return answer


def settings_or_error(value: Any, validate: Callable[[Any], Any]) -> Any:
    """Validate a gate's settings; an error that pydantic does not know becomes one that it knows."""
    try:
        return validate(value)
    except (ValueError, AssertionError):
        raise
    except FAULTS as error:
        raise ValueError(f"the gate cannot read it: {type(error).__name__}: {text_of(error)}") from None


def _typed(kind: type[R], answer: object) -> R:
    """Return a record whose fields have their types.

    Raises:
        TypeError: It is another record.
        ValidationError: A field has another type.

    """
    if not isinstance(answer, kind):
        raise TypeError(f"it returned {type(answer).__name__}, expected {kind.__name__}")
    typed: R = TypeAdapter(kind).validate_python(_fields(answer))
    return typed


def _fields(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


# --- its answer -------------------------------------------------------------------------------------------------------


def checked(gate: Gate, outcome: object, planned: int) -> Outcome:
    """Return what a gate answered, where it is an answer.

    Args:
        gate: The gate.
        outcome: What its judgement returned, which may be anything.
        planned: The number of planned runs.

    Raises:
        TypeError: It is not an outcome of this gate.

    """
    if not isinstance(outcome, Outcome):
        raise TypeError(f"it returned {type(outcome).__name__}, expected an Outcome")
    evaluated, expected = outcome.evaluated, outcome.expected
    are_counts = all(type(count) is int for count in (evaluated, expected))
    if not are_counts or not 0 <= evaluated <= expected <= planned:
        raise TypeError(
            f"it says that it judged {evaluated!r} of {expected!r} runs, and {planned} are planned"
        )
    skipped = None if outcome.skipped is None else _message(outcome.skipped)
    return replace(outcome, checks=tuple(_owned(gate, check) for check in outcome.checks), skipped=skipped)


def _owned(gate: Gate, check: object) -> Check:
    """Return a check as the gate's: no waiver may accept what the gate does not let be waived."""
    if not isinstance(check, Check) or check.gate != gate.id:
        raise TypeError(f"it returned a check that is not one of {gate.id}: {check!r:.200}")
    wrong = _of_another_type(tuple(map(type, _VALUES(check))))
    if wrong or _KIND.fullmatch(check.kind) is None:
        raise TypeError(
            f"its check has another {', '.join(wrong or ['kind'])} than a check may have: {check!r:.200}"
        )
    message = _message(check.message)
    waivable = check.waivable and (check.status not in _CAN_BE_WAIVED or check.status in gate.waivable)
    if message is check.message and check.waived is None and waivable == check.waivable:
        return check  # as nearly all are: to copy them takes longer than to make them
    return replace(check, message=message, waived=None, waivable=waivable)


@lru_cache
def _of_another_type(types: tuple[type, ...]) -> tuple[str, ...]:
    """Return the fields of a check whose values have a type that they may not have."""
    return tuple(
        name
        for (name, allowed), found in zip(_TYPES.items(), types, strict=True)
        if not issubclass(found, allowed)
    )


def _message(said: object) -> Message:
    """Return a message. A text in place of one, as another package may return it, is foreign as a whole."""
    return said if isinstance(said, Message) else Message([Value(str(said))])
