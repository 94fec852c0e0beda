"""G1: every run computed the metric definition that was written down before the matrix."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from smoke_gate.evidence import Answer, Payload, Registration
from smoke_gate.gates.base import Case, Check, Defaults, Explanation, Gate, Judged, Mutation, Outcome, Status
from smoke_gate.gates.definition import (
    DefinitionHashSettings,
    Expected,
    expected_definition,
    of_registrations,
)
from smoke_gate.gates.needs import Needs
from smoke_gate.gates.profiles import OFF_IN_BASIC, is_basic, key_of
from smoke_gate.gates.proposal import Proposal, Seen
from smoke_gate.message import Message, say
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import definition_keys
from smoke_gate.text import abbreviated

PARAM_LIMITS = (250, 500, 6000)  # lengths at which MLflow stores of different ages cut a param


def _defaults(policy: Mapping[str, Any]) -> Iterable[Defaults]:
    if is_basic(policy):
        yield OFF_IN_BASIC
    if (key := key_of(policy)) is not None:
        yield Defaults(values={"key": key}, unless=("key",))


def _needs(policy: Policy) -> Needs:
    settings = policy.settings(DefinitionHashSettings)
    return Needs(
        params=frozenset((settings.key, *settings.retired_keys)),
        definition=settings.key,
        ancestry=settings.require_ancestor,
    )


def judge(case: Case) -> Outcome:
    """Check where the expected hash comes from, then each run's hash and payload against it."""
    expected = expected_definition(case)
    checks = [*_preregistration(case, expected)]
    for judged in case.judged:
        checks += _hash(case, judged, expected)
        checks += _payload(case, judged)
        checks += _ancestor(case, judged)
    return Outcome(checks=tuple(checks), expected=len(case.matrix.places), evaluated=len(case.judged))


def _early(case: Case) -> Sequence[Check]:
    """Return what is wrong with a registration that is there; one that is missing may still be made."""
    expected = expected_definition(case)
    if not case.evidence.registrations:
        return ()
    return [check for check in _preregistration(case, expected) if check.status is Status.FAIL]


def _settings(case: Case) -> DefinitionHashSettings:
    return case.settings(DefinitionHashSettings)


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
    message: Message,
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
        message = say(
            "It cannot be shown that the definition was registered before the runs started: a time is missing, or not "
            "in milliseconds."
        )
    elif known and max(registration.start_time, registration.end_time) > min(known):
        status = Status.WARNING
        message = say(
            "The registration of the definition ended after the first run started. "
            "Register it first, then run the matrix."
        )
    else:
        status = Status.PASS
        message = say("The definition was registered before the first run started.")
    return _registration_check("preregistration", status, "preregistration", message, registration.run_id)


def _registered_payload(case: Case, registration: Registration) -> Check:
    """Check the definition itself, which a run may leave out and a registration always logs."""
    if registration.payload is None:
        status = Status.WARNING
        message = say(
            "The payload was not logged, so the definition was not checked against its hash. "
            "Register it with `smoke-gate preregister`, which logs both."
        )
    else:
        status, message = _payload_finding(registration.payload, registration.sha256)
    subject = f"{_settings(case).key}_payload"
    return _registration_check("payload", status, subject, message, registration.run_id)


def _agreement(case: Case, expected: Expected) -> Check:
    """Compare a hash that the policy or an option states with the preregistration that it replaces."""
    registered = of_registrations(
        case.evidence.registrations, _settings(case).key, say("the preregistration run")
    )
    run_id = None if registered.registration is None else registered.registration.run_id
    if registered.sha256 == expected.sha256:
        status = Status.PASS
        message = say("The preregistration agrees with {origin}.", origin=expected.origin)
    else:
        status = Status.WARNING
        message = say(
            "The preregistration disagrees with {origin}, which is what runs are held against. "
            "Register the new definition as replacing the earlier one (`smoke-gate preregister --prior`), or drop one.",
            origin=expected.origin,
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
        status = Status.FAIL
        message = say("{key} cannot be compared: the expected definition is not known.", key=key)
    elif logged == expected.sha256:
        status, message = Status.PASS, say("{key} agrees with {origin}.", key=key, origin=expected.origin)
    else:
        status = Status.FAIL
        only_case = logged.lower() == expected.sha256.lower()
        message = say(
            "{key} is {logged!r}, expected {registered!r} ({origin}){only_case}. "
            "The run computed another definition: run it again with the registered one{or_register}.",
            key=key,
            logged=abbreviated(logged, [expected.sha256]),
            registered=abbreviated(expected.sha256, [logged]),
            origin=expected.origin,
            or_register=_or_register(case, judged, logged),
            only_case=say(", the difference is upper and lower case only") if only_case else say(""),
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


def _or_register(case: Case, judged: Judged, logged: str) -> Message:
    """Name the other way out where all runs of a cell agree on another definition: it was changed on purpose."""
    key = _settings(case).key
    cell = [one.run.params.get(key) for one in case.judged if one.pair.cell == judged.pair.cell]
    if len(cell) > 1 and set(cell) == {logged}:
        return say(", or register the new one before the runs by `smoke-gate preregister --prior`")
    return say("")


def _missing(settings: DefinitionHashSettings, judged: Judged) -> Message:
    retired = next((key for key in settings.retired_keys if judged.run.params.get(key)), None)
    if retired is not None:
        return say(
            "The hash is under the retired key {retired} only. Log it as {key} and run again.",
            retired=retired,
            key=settings.key,
        )
    call = f'contract.log_definition(payload, key="{settings.key}")'
    if others := definition_keys(judged.run.params):
        return say(
            "{key} is missing, the run logs {others}. "
            "Call {call} in training and run again, or correct `definition_hash.key`.",
            key=settings.key,
            others=" and ".join(others),
            call=call,
        )
    return say("{key} is missing. Call {call} in training and run again.", key=settings.key, call=call)


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


def _payload_finding(payload: Payload, logged: str | None) -> tuple[Status, Message]:
    if not payload.text_sha256:  # it is there, and its bytes were not read
        return Status.FAIL, say(
            "The payload could not be read, so the definition was not checked against its hash. "
            "Check that the run's artifacts are where the store says (--artifact-path-map)."
        )
    if logged is not None and logged in (payload.text_sha256, payload.canonical_sha256):
        return Status.PASS, say("The payload gives the logged hash.")
    if payload.source == "param" and payload.canonical_sha256 is None and payload.length in PARAM_LIMITS:
        return Status.WARNING, say(
            "The payload is truncated at {length} characters, so it cannot be checked. "
            "Log it with contract.log_definition, which keeps a long one as an artifact.",
            length=payload.length,
        )
    if logged is None:
        return Status.FAIL, say(
            "A payload is logged without its hash. Log both with contract.log_definition."
        )
    return Status.FAIL, say(
        "Neither the payload's text nor its canonical JSON gives the logged hash. "
        "Log both with contract.log_definition."
    )


def _ancestor(case: Case, judged: Judged) -> Iterator[Check]:
    """Check, where the policy asks for it, that the run's code contains the registration's commit."""
    if not _settings(case).require_ancestor:
        return
    answer = judged.run.after_registration
    if answer is Answer.YES:
        status = Status.PASS
        message = say("The registration's commit is an ancestor of the run's commit.")
    elif answer is Answer.NO:
        status = Status.FAIL
        message = say(
            "The registration's commit is not an ancestor of the run's commit. "
            "Run again on code that contains the registration."
        )
    else:
        status = Status.FAIL
        message = say(
            "It is not known whether the registration's commit is an ancestor of the run's commit. "
            "Both must be recorded, and the checkout needs fetch-depth: 0."
        )
    yield judged.check(
        "G1", "ancestor", status, "preregistration", message, observed=answer.value, expected=Answer.YES.value
    )


# --- init -------------------------------------------------------------------------------------------------------------


def _propose(seen: Seen) -> Proposal:
    default = f"{seen.metric}_definition_hash" if seen.metric else DefinitionHashSettings().key
    count = Counter(key for run in seen.runs for key in definition_keys(run.params))
    key = max(sorted(count), key=lambda key: (count[key], key == default), default=default)
    named = "" if key == DefinitionHashSettings().key else f', key="{key}"'
    to_log = []
    if not seen.registered:
        to_log.append(
            f"contract.preregister(definition, golden, experiment=…{named})  # once, before the matrix is trained"
        )
    if not count:
        to_log.append(f"contract.log_definition(definition{named})  # in every run")
    found = f"{count[key]} of {len(seen.runs)} runs log {key if count else 'a definition hash'}"
    found += ", and there is a preregistration" if seen.registered else ", and there is no preregistration"
    return Proposal(found=found, settings={"key": key} if key != default else {}, to_log=tuple(to_log))


def _mutations() -> Sequence[Mutation]:
    from smoke_gate.gates.mutations.definition_hash import MUTATIONS

    return MUTATIONS


GATE = Gate(
    id="G1",
    section="definition_hash",
    title="Metric definition",
    settings=DefinitionHashSettings,
    judge=judge,
    early=_early,
    needs=_needs,
    defaults=_defaults,
    propose=_propose,
    mutations=_mutations,
    read_from="the run's param {}",
    read_besides={"preregistration": "the preregistration run"},
    critical=True,
    waivable=frozenset(),
    explanation=Explanation(
        question="Did every run compute the metric as it was defined before the matrix was run?",
        checks=(
            "The run's param `key` equals the expected hash, letter by letter.",
            "A hash under one of `retired_keys` only is FAIL: an older definition made it.",
            (
                "A logged payload gives the logged hash, as text or in its RFC 8785 form; one that cannot be "
                "read is FAIL."
            ),
            (
                "There is exactly one preregistration in force: a single one, or the last of a chain in which each "
                "names its predecessor (`prior_sha256`)."
            ),
            (
                "Its payload is checked too; none logged is a WARNING: the definition was not held against "
                "its hash."
            ),
            "A registration after the first run started is a WARNING: it is not a preregistration.",
            "With `require_ancestor`, the registration's commit is an ancestor of each run's.",
            (
                "What runs state is compared, not what they computed. `smoke-gate golden MODULE:FUNCTION` "
                "holds the code itself against the preregistered worked example."
            ),
        ),
        example="pape_definition_hash is missing. Call contract.log_definition(payload, "
        'key="pape_definition_hash") in training and run again.',
        fix="Register the definition with `smoke-gate preregister`, log it in training with "
        "`smoke_gate.contract.log_definition`, and run the matrix again. Any failure makes the verdict "
        "CRITICAL FAIL; this gate has no threshold and cannot be waived.",
    ),
)
