"""How a matrix breaks that G1 should see: another definition of the metric than the preregistered one."""

from dataclasses import replace

from smoke_gate.evidence import Answer, Evidence, Registration
from smoke_gate.gates.base import Case, LogMore, Mutation, PolicyLine, Remedy, Unbroken
from smoke_gate.gates.definition import DefinitionHashSettings, expected_definition
from smoke_gate.gates.mutations.changes import first, other_hash, with_param, with_run
from smoke_gate.message import say

_DAY = 86_400_000  # milliseconds
_LOG_DEFINITION = LogMore("contract.log_definition(definition)")
_REGISTER = LogMore("contract.preregister(definition, golden, experiment=…)  # before the matrix is trained")
_NO_HASH = Unbroken(say("No run logs the hash of its definition."), _LOG_DEFINITION)
_NO_COMMIT = Unbroken(
    say("The registration or the runs record no commit."),
    LogMore("contract.log_plan(cell=cell, seed=seed)  # training and preregistration in a git checkout"),
)
_NOT_REGISTERED = Unbroken(say("There is no preregistration."), _REGISTER)


def _key(case: Case) -> str:
    return case.settings(DefinitionHashSettings).key


def _with_hash(case: Case, *, lost: bool) -> Evidence | Unbroken:
    key = _key(case)
    judged = first(case, lambda one: bool(one.run.params.get(key)))
    if judged is None:
        return _NO_HASH
    return with_param(case.evidence, judged.run, key, None if lost else other_hash(judged.run.params[key]))


def _other(case: Case) -> Evidence | Unbroken:
    return _with_hash(case, lost=False)


def _lost(case: Case) -> Evidence | Unbroken:
    return _with_hash(case, lost=True)


def _payload(case: Case) -> Evidence | Unbroken:
    """Change the definition itself, of a run or else of the registration, and leave its hash as it is."""
    judged = first(case, lambda one: one.run.payload is not None)
    if judged is not None and judged.run.payload is not None:
        payload = judged.run.payload
        changed = replace(
            payload, text_sha256=other_hash(payload.text_sha256 or "0"), canonical_sha256=None, length=99
        )
        return with_run(case.evidence, judged.run, payload=changed)
    registration = _registration(case)
    if registration is None or registration.payload is None:
        return Unbroken(say("No run logs the definition itself."), _LOG_DEFINITION)
    payload = registration.payload
    changed = replace(
        payload, text_sha256=other_hash(payload.text_sha256 or "0"), canonical_sha256=None, length=99
    )
    return _with_registration(case, registration, replace(registration, payload=changed))


def _registration(case: Case) -> Registration | None:
    """Return the registration that is in force; where the policy states the hash itself, the first that counts."""
    expected = expected_definition(case).registration
    return expected or next((one for one in case.evidence.registrations if one.counts), None)


def _with_registration(case: Case, old: Registration, *new: Registration) -> Evidence:
    others = tuple(one for one in case.evidence.registrations if one.run_id != old.run_id)
    return replace(case.evidence, registrations=(*others, *new))


def _registered_late(case: Case) -> Evidence | Unbroken:
    registration = _registration(case)
    starts = [attempt.start_time for _, attempt in case.matrix.selected if attempt.start_time is not None]
    if registration is None:
        return _NOT_REGISTERED
    late = max(starts, default=0) + _DAY
    return _with_registration(case, registration, replace(registration, start_time=late, end_time=late))


def _deleted(case: Case) -> Evidence | Unbroken:
    registration = _registration(case)
    if registration is None:
        return _NOT_REGISTERED
    return _with_registration(case, registration, replace(registration, lifecycle_stage="deleted"))


def _registered_anew(case: Case) -> Evidence | Unbroken:
    registration = _registration(case)
    if registration is None or registration.sha256 is None:
        return _NOT_REGISTERED
    other = replace(
        registration,
        run_id="other-registration",
        run_name="preregistration",
        sha256=other_hash(registration.sha256),
    )
    return _with_registration(case, registration, registration, other)


def _expect_registration(case: Case) -> Remedy:
    if not case.evidence.registrations:
        return _REGISTER
    return PolicyLine(("gates", "definition_hash", "expected"), "preregistration")


def _not_after(case: Case) -> Evidence | Unbroken:
    judged, registration = first(case, lambda one: one.attempt.commit is not None), _registration(case)
    if registration is None:
        return _NOT_REGISTERED
    if judged is None or registration.commit is None:
        return _NO_COMMIT
    return with_run(case.evidence, judged.run, after_registration=Answer.NO)


MUTATIONS = (
    Mutation(
        name="other_definition",
        title="a run computed another definition of the metric",
        change=_other,
        also=("G4",),
    ),
    Mutation(
        name="lost_definition",
        title="a run does not say which definition it computed",
        change=_lost,
        also=("G4",),
    ),
    Mutation(name="changed_payload", title="a logged definition is not the one of its hash", change=_payload),
    Mutation(
        name="late_registration",
        title="the definition was registered after the runs",
        change=_registered_late,
        remedy=_expect_registration,
    ),
    Mutation(
        name="deleted_registration",
        title="the preregistration was deleted",
        change=_deleted,
        also=("G4",),
        remedy=_expect_registration,
    ),
    Mutation(
        name="second_registration",
        title="a second definition was registered beside the first",
        change=_registered_anew,
        also=("G4",),
        remedy=_expect_registration,
    ),
    Mutation(
        name="older_code",
        title="a run is of code from before the registration",
        change=_not_after,
        remedy=lambda _: PolicyLine(("gates", "definition_hash", "require_ancestor"), True),
    ),
)
