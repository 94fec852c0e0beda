"""Damage that a broken disk or checkout left in a file store: such a run, or a param of one, cannot be read."""

from collections.abc import Iterator

from smoke_gate.evidence import DAMAGED
from smoke_gate.gates.base import Case, Check, Status
from smoke_gate.gates.definition import ByRunId, ByRunName, DefinitionHashSettings
from smoke_gate.message import say
from smoke_gate.policy.terms import short
from smoke_gate.selection import Pair

_SUBJECT = "meta.yaml"


def damaged_checks(case: Case) -> Iterator[Check]:
    """Name every run and every param that a gate asks for and that is damaged."""
    for place in case.matrix.places:
        for attempt in place.attempts:
            if attempt.status == DAMAGED:
                yield _run(attempt.run_id, "may be the newest of its cell and seed", place.pair)
    for attempt in case.matrix.unidentified:
        if attempt.status == DAMAGED:
            yield _run(attempt.run_id, "may be of any cell and seed")
    for run_id in _registrations(case):
        yield _run(run_id, "is tagged as a preregistration")
    for judged in case.judged:
        for reference in judged.run.damaged:
            if not reference.startswith("metrics."):
                yield judged.check(
                    "G0",
                    "damaged",
                    Status.FAIL,
                    reference,
                    say(
                        "{name} cannot be read: its file in the store is damaged. Restore it, or run again.",
                        name=short(reference),
                    ),
                    observed="damaged",
                    expected="a text",
                )


def _run(run_id: str, role: str, pair: Pair | None = None) -> Check:
    return Check(
        gate="G0", kind="damaged", status=Status.FAIL, subject=_SUBJECT, run_id=run_id,
        cell=pair.cell if pair else None, seed=pair.seed if pair else None,
        message=say(
            "Run {run_id} " + role + ". Its meta.yaml in the store is missing, damaged, or names another experiment. "
            "Restore it, or remove the run's folder.",
            run_id=run_id,
        ),
        observed="damaged", expected="a whole file", at_once=True,
    )  # fmt: skip


def _registrations(case: Case) -> Iterator[str]:
    """Yield the damaged preregistrations that may be the one that the policy asks for, unless they state a pair."""
    expected = case.settings(DefinitionHashSettings).expected
    tried = {attempt.run_id for place in case.matrix.places for attempt in place.attempts}
    for one in case.evidence.registrations:
        other = (isinstance(expected, ByRunId) and one.run_id != expected.run_id) or (
            isinstance(expected, ByRunName) and one.run_name != expected.run_name
        )
        if one.status == DAMAGED and one.run_id not in tried and not other:
            yield one.run_id
