"""G1: every run computed the metric definition that was written down before the matrix."""

from collections.abc import Iterator

from smoke_gate.evidence import Answer, Payload, Registration
from smoke_gate.gates.base import Case, Check, Gate, Judged, Outcome, Status, abbreviated, quoted
from smoke_gate.gates.definition import Expected, expected_definition, of_registrations
from smoke_gate.policy.model import DefinitionHashGate
from smoke_gate.policy.terms import definition_keys

PARAM_LIMITS = (250, 500, 6000)  # lengths at which MLflow stores of different ages cut a param


def judge(case: Case) -> Outcome:
    """Check where the expected hash comes from, then each run's hash and payload against it."""
    expected = expected_definition(case)
    checks = [*_preregistration(case, expected)]
    for judged in case.judged:
        checks += _hash(case, judged, expected)
        checks += _payload(case, judged)
        checks += _ancestor(case, judged)
    return Outcome(checks=tuple(checks), expected=len(case.matrix.places), evaluated=len(case.judged))


def _settings(case: Case) -> DefinitionHashGate:
    return case.policy.gates.definition_hash


# --- registrations ----------------------------------------------------------------------------------------------------


def _preregistration(case: Case, expected: Expected) -> Iterator[Check]:
    """Check what the expected hash rests on."""
    if expected.problem is not None:
        yield _registration_check("preregistration", Status.FAIL, "preregistration", expected.problem)
    elif expected.registration is not None:
        yield _registered_in_time(case, expected.registration)
        yield _registered_payload(case, expected.registration)
    elif any(registration.counts and registration.sha256 for registration in case.evidence.registrations):
        yield _agreement(case, expected)


def _registration_check(
    kind: str,
    status: Status,
    subject: str,
    message: str,
    run_id: str | None = None,
    observed: str | None = None,
    expected: str | None = None,
) -> Check:
    return Check(
        gate="G1", kind=kind, status=status, subject=subject, message=message, run_id=run_id, observed=observed,
        expected=expected,
    )  # fmt: skip


def _registered_in_time(case: Case, registration: Registration) -> Check:
    starts = [attempt.start_time for _, attempt in case.matrix.selected]
    known = [start for start in starts if start is not None]
    if registration.start_time is None or registration.end_time is None or len(known) < len(starts):
        status = Status.WARNING
        message = (
            "It cannot be shown that the definition was registered before the runs started: a time is missing, or not "
            "in milliseconds."
        )
    elif known and max(registration.start_time, registration.end_time) > min(known):
        status = Status.WARNING
        message = (
            "The registration of the definition ended after the first run started. "
            "Register it first, then run the matrix."
        )
    else:
        status, message = Status.PASS, "The definition was registered before the first run started."
    return _registration_check("preregistration", status, "preregistration", message, registration.run_id)


def _registered_payload(case: Case, registration: Registration) -> Check:
    """Check the definition itself, which a run may leave out and a registration always logs."""
    if registration.payload is None:
        status = Status.WARNING
        message = (
            "The payload was not logged, so the definition was not checked against its hash. "
            "Register it with `smoke-gate preregister`, which logs both."
        )
    else:
        status, message = _payload_finding(registration.payload, registration.sha256)
    subject = f"{_settings(case).key}_payload"
    return _registration_check("payload", status, subject, message, registration.run_id)


def _agreement(case: Case, expected: Expected) -> Check:
    """Compare a hash that the policy or an option states with the preregistration that it replaces."""
    registered = of_registrations(case.evidence.registrations, _settings(case).key, "the preregistration run")
    run_id = None if registered.registration is None else registered.registration.run_id
    if registered.sha256 == expected.sha256:
        status, message = Status.PASS, f"The preregistration agrees with {expected.origin}."
    else:
        status = Status.WARNING
        message = (
            f"The preregistration disagrees with {expected.origin}, which is what runs are held against. "
            "Register the new definition as replacing the earlier one (`smoke-gate preregister --prior`), or drop one."
        )
    return _registration_check(
        "preregistration", status, "preregistration", message, run_id, registered.sha256 or registered.problem,
        expected.sha256,
    )  # fmt: skip


# --- runs -------------------------------------------------------------------------------------------------------------


def _hash(case: Case, judged: Judged, expected: Expected) -> Iterator[Check]:
    """Check one run's hash. Only the key itself counts; one under a retired key is named."""
    key = _settings(case).key
    logged = judged.run.params.get(key) or None
    if logged is None:
        status, message = Status.FAIL, _missing(_settings(case), judged)
    elif expected.sha256 is None:
        status, message = Status.FAIL, f"{key} cannot be compared: the expected definition is not known."
    elif logged == expected.sha256:
        status, message = Status.PASS, f"{key} agrees with {expected.origin}."
    else:
        status = Status.FAIL
        run = quoted(abbreviated(logged, [expected.sha256]))
        registered = quoted(abbreviated(expected.sha256, [logged]))
        only_case = ", only in upper and lower case" if logged.lower() == expected.sha256.lower() else ""
        message = (
            f"{key} is {run}, {expected.origin} has {registered}: it differs{only_case}. "
            "The run computed another definition: run it again with the registered one."
        )
    yield judged.check(
        "G1",
        "hash",
        status,
        key,
        message,
        observed=logged or "missing",
        expected=expected.sha256 or "unknown",
    )


def _missing(settings: DefinitionHashGate, judged: Judged) -> str:
    retired = next((key for key in settings.retired_keys if judged.run.params.get(key)), None)
    if retired is not None:
        return f"The hash is under the retired key {retired} only. Log it as {settings.key} and run again."
    call = f'contract.log_definition(payload, key="{settings.key}")'
    if others := definition_keys(judged.run.params):
        return (
            f"{settings.key} is missing, the run logs {' and '.join(others)}. "
            f"Call {call} in training and run again, or correct `definition_hash.key`."
        )
    return f"{settings.key} is missing. Call {call} in training and run again."


def _payload(case: Case, judged: Judged) -> Iterator[Check]:
    """Check that a payload, where the run logged one, is what its own hash says."""
    if judged.run.payload is not None:
        key = _settings(case).key
        logged = judged.run.params.get(key) or None
        status, message = _payload_finding(judged.run.payload, logged)
        yield judged.check(
            "G1", "payload", status, f"{key}_payload", message,
            observed=judged.run.payload.canonical_sha256 or judged.run.payload.text_sha256 or "not read",
            expected=logged,
        )  # fmt: skip


def _payload_finding(payload: Payload, logged: str | None) -> tuple[Status, str]:
    if not payload.text_sha256:  # it is there, and its bytes were not read
        return Status.FAIL, (
            "The payload could not be read, so the definition was not checked against its hash. "
            "Check that the run's artifacts are where the store says (--artifact-path-map)."
        )
    if logged is not None and logged in (payload.text_sha256, payload.canonical_sha256):
        return Status.PASS, "The payload gives the logged hash."
    if payload.source == "param" and payload.canonical_sha256 is None and payload.length in PARAM_LIMITS:
        return Status.WARNING, (
            f"The payload is truncated at {payload.length} characters, so it cannot be checked. "
            "Log it with contract.log_definition, which keeps a long one as an artifact."
        )
    if logged is None:
        return Status.FAIL, "A payload is logged without its hash. Log both with contract.log_definition."
    return Status.FAIL, (
        "Neither the payload's text nor its canonical JSON gives the logged hash. "
        "Log both with contract.log_definition."
    )


def _ancestor(case: Case, judged: Judged) -> Iterator[Check]:
    """Check, where the policy asks for it, that the run's code contains the registration's commit."""
    if not _settings(case).require_ancestor:
        return
    answer = judged.run.after_registration
    if answer is Answer.YES:
        status, message = Status.PASS, "The registration's commit is an ancestor of the run's commit."
    elif answer is Answer.NO:
        status = Status.FAIL
        message = (
            "The registration's commit is no ancestor of the run's commit. "
            "Run again on code that contains the registration."
        )
    else:
        status = Status.FAIL
        message = (
            "It is not known whether the registration's commit is an ancestor of the run's commit. "
            "Both must be recorded, and the checkout needs fetch-depth: 0."
        )
    yield judged.check(
        "G1", "ancestor", status, "preregistration", message, observed=answer.value, expected=Answer.YES.value
    )


GATE = Gate(id="G1", section="definition_hash", title="Metric definition", judge=judge)
