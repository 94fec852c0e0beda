"""Preregistration runs, and the definition that a run logged."""

from collections.abc import Iterable, Mapping
from typing import Literal

from smoke_gate.collect.attempts import commit_of, time_of
from smoke_gate.collect.recorded import RecordedRun
from smoke_gate.evidence import Payload, Registration
from smoke_gate.gates.definition import ByRunId, ByRunName, DefinitionHashSettings
from smoke_gate.hashing import HashError, definition_hash, sha256_hex
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import definition_keys
from smoke_gate.registrations import last_of_chain
from smoke_gate.vocabulary import KIND_TAG, PAYLOAD_SUFFIX, PREREGISTRATION, PRIOR_KEY

_MOST_OTHER_KEYS = 3  # that are told


def is_registration(policy: Policy, run: RecordedRun) -> bool:
    """Return whether a run holds a preregistration: by its tag, or because the policy names it."""
    if run.tags.get(KIND_TAG) == PREREGISTRATION:
        return True
    expected = policy.settings(DefinitionHashSettings).expected
    if isinstance(expected, ByRunId):
        return run.run_id == expected.run_id
    return isinstance(expected, ByRunName) and run.name == expected.run_name


def registration_of(run: RecordedRun, key: str, payload: Payload | None) -> Registration:
    """Return what a preregistration run says; ``key`` is the param that holds the definition's hash."""
    params = run.params
    return Registration(
        run_id=run.run_id,
        run_name=run.name,
        status=run.status,
        lifecycle_stage=run.lifecycle_stage,
        start_time=time_of(run.start_time),
        end_time=time_of(run.end_time),
        sha256=params.get(key),
        prior_sha256=params.get(PRIOR_KEY) or None,
        reason=params.get("reason") or None,
        commit=commit_of(run),
        policy_sha256=params.get("policy_sha256") or None,
        payload=payload,
        other_keys=other_keys(params, key),
    )


def other_keys(params: Mapping[str, str], key: str) -> tuple[str, ...]:
    """Return the params that hold a definition's hash where ``key`` holds none: of another metric, or misspelt."""
    return () if params.get(key) else definition_keys(params)[:_MOST_OTHER_KEYS]


def payload_in_params(run: RecordedRun, key: str) -> Payload | None:
    """Return the definition that a run logged as a param, None where it did not."""
    text = run.params.get(key + PAYLOAD_SUFFIX)
    return None if text is None else payload_of(text.encode(), "param")


def payload_of(text: bytes, source: Literal["param", "artifact"]) -> Payload:
    """Return what is known of a definition's text: its length and its hashes."""
    try:
        canonical = definition_hash(text)
    except HashError:
        canonical = None
    return Payload(
        source=source,
        length=len(text.decode(errors="replace")),
        text_sha256=sha256_hex(text),
        canonical_sha256=canonical,
    )


def unread_payload(size: int | None) -> Payload:
    """Return the payload of a definition that is there, or may be, and cannot be read: its hashes equal no hash."""
    return Payload(source="artifact", length=size or 0, text_sha256="", canonical_sha256=None)


def in_force(policy: Policy, registrations: Iterable[Registration]) -> Registration | None:
    """Return the registration in force among those that the policy names, None if there is not exactly one.

    Only finished, active registrations count.
    """
    return last_of_chain([one for one in registrations if one.counts and _is_named(policy, one)])


def _is_named(policy: Policy, registration: Registration) -> bool:
    expected = policy.settings(DefinitionHashSettings).expected
    if isinstance(expected, ByRunId):
        return registration.run_id == expected.run_id
    return not isinstance(expected, ByRunName) or registration.run_name == expected.run_name
