"""The definition that every run must have computed: where the policy says it stands, and its hash."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Tag, model_validator

from smoke_gate.evidence import Registration, Run
from smoke_gate.gates.base import Case
from smoke_gate.message import Message, between, capitalised, say
from smoke_gate.policy.fields import Flag, Names, Section, Sha256, Text, refused
from smoke_gate.policy.settings import GateSettings
from smoke_gate.registrations import last_of_chain
from smoke_gate.vocabulary import DEFINITION_KEY

PREREGISTER = "Run `smoke-gate preregister` before the matrix."

# --- the policy -------------------------------------------------------------------------------------------------------


class BySha256(Section):
    """The expected definition, by its hash."""

    sha256: Sha256
    """64 lower-case hex digits."""


class ByFile(Section):
    """The expected definition, by a JSON or YAML file in the checkout."""

    file: Text
    """The file's path, from the policy file's folder."""


class ByRunId(Section):
    """The expected definition, by the id of its preregistration run."""

    run_id: Text
    """An MLflow run id."""


class ByRunName(Section):
    """The expected definition, by the name of its preregistration run."""

    run_name: Text
    """An MLflow run name."""


def _source_of_definition(value: object) -> str | None:
    """Return the tag of the one form of ``expected`` that is meant, so that its errors are about that form alone."""
    if isinstance(value, Section):
        return f"({next(iter(type(value).model_fields))})"
    if isinstance(value, Mapping):
        return next((f"({key})" for key in ("sha256", "file", "run_id", "run_name") if key in value), None)
    return "(preregistration)" if value == "preregistration" else None


Source = Annotated[
    Annotated[Literal["preregistration"], Tag("(preregistration)")]
    | Annotated[BySha256, Tag("(sha256)")]
    | Annotated[ByFile, Tag("(file)")]
    | Annotated[ByRunId, Tag("(run_id)")]
    | Annotated[ByRunName, Tag("(run_name)")],
    Discriminator(
        _source_of_definition,
        custom_error_type="expected",
        custom_error_message="expected preregistration, {sha256: …}, {file: …}, {run_id: …} or {run_name: …}",
    ),
]


class DefinitionHashSettings(GateSettings):
    """G1: every run computed the preregistered metric definition."""

    key: Text = DEFINITION_KEY
    """The param that holds the definition's hash."""
    retired_keys: Names = ("definition_hash",)
    """Earlier names of `key`: a hash found under one of these only is a FAIL that says so."""
    expected: Source = "preregistration"
    """Where the expected hash comes from."""
    require_ancestor: Flag = False
    """Whether the registration's commit must be an ancestor of each run's commit."""

    @model_validator(mode="after")
    def _is_not_retired(self) -> Self:
        if self.key in self.retired_keys:
            raise refused("retired_keys", f"`key` {self.key!r} is among the retired ones")
        return self


# --- the hash ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The hash that every run must have.

    ``origin`` says in words where it is from. Where it is not known, ``sha256`` is None and ``problem`` says why and
    how to fix it. ``registration`` is the preregistration run that states it, where one does.
    """

    sha256: str | None
    origin: Message
    problem: Message | None = None
    registration: Registration | None = None


def expected_definition(case: Case) -> Expected:
    """Return the hash that the policy's ``definition_hash.expected`` stands for."""
    settings = case.settings(DefinitionHashSettings)
    source, key = settings.expected, settings.key
    if isinstance(source, BySha256):
        return Expected(sha256=source.sha256, origin=say("the policy's sha256"))
    if isinstance(source, ByFile):
        return _of_file(case, source)
    everyone = case.evidence.registrations
    if isinstance(source, ByRunId):
        named = [registration for registration in everyone if registration.run_id == source.run_id]
        return of_registrations(named, key, say("the preregistration run {run_id!r}", run_id=source.run_id))
    if isinstance(source, ByRunName):
        named = [registration for registration in everyone if registration.run_name == source.run_name]
        return of_registrations(
            named, key, say("the preregistration run named {name!r}", name=source.run_name)
        )
    return of_registrations(everyone, key, say("the preregistration run"))


def shown_definition(expected: Expected | None, key: str, runs: Iterable[Run]) -> str | None:
    """Return the hash of the definition that a figure of the runs shows, None where that is not known.

    It is the expected one; where G1 is off and nothing is expected, the one that all of them log under ``key``.
    """
    if expected is not None:
        return expected.sha256
    hashes = {run.params.get(key) for run in runs}
    return hashes.pop() if len(hashes) == 1 else None


def _of_file(case: Case, source: ByFile) -> Expected:
    origin = say("the file {file!r}", file=source.file)
    sha256 = case.evidence.definition_sha256
    if sha256 is not None:
        return Expected(sha256=sha256, origin=origin)
    problem = say(
        "No definition could be read from {origin}. Check `definition_hash.expected` and the checkout.",
        origin=origin,
    )
    return Expected(sha256=None, origin=origin, problem=problem)


# --- registrations ----------------------------------------------------------------------------------------------------


def of_registrations(registrations: Sequence[Registration], key: str, origin: Message) -> Expected:
    """Return the hash of the registration that is in force: the only one, or the end of the chain.

    Once one registration has a hash under ``key``, which is the policy's, registrations without it belong to other
    metrics and are ignored.
    """

    def unknown(problem: Message) -> Expected:
        return Expected(sha256=None, origin=origin, problem=problem)

    counted = [registration for registration in registrations if registration.counts]
    if not counted:
        return unknown(say("{origin} {why}", origin=capitalised(origin), why=_why_none(registrations)))
    stating = [registration for registration in counted if registration.sha256]
    if not stating:
        return unknown(_why_not_of(key, counted))
    end = last_of_chain(stating)
    if end is None:
        named = ", ".join(sorted(registration.run_id for registration in stating))
        return unknown(
            say(
                "{count} preregistration runs are not a single chain of `prior_sha256`: {named}. "
                "Name the one that counts in `definition_hash.expected`.",
                count=len(stating),
                named=named,
            )
        )
    return Expected(
        sha256=end.sha256,
        origin=say("{origin} ({run_id})", origin=origin, run_id=end.run_id),
        registration=end,
    )


def _why_none(registrations: Sequence[Registration]) -> Message:
    """Explain why no registration counts, and how to fix it.

    To register again is not a way out: that would be after the runs.
    """
    if not registrations:
        return say("was not found. " + PREREGISTER)
    found = between("; ", sorted(map(_why_not, registrations)))
    ended = [one for one in registrations if one.status == "FINISHED" and one.sha256]
    deleted = [one for one in ended if one.lifecycle_stage != "active"]
    if not deleted:
        return say("does not count: {found}. " + PREREGISTER, found=found)
    newest = max(deleted, key=lambda one: (one.start_time or 0, one.run_id))
    return say(
        "does not count: {found}. Restore it (mlflow runs restore --run-id {run_id}): "
        "a new one would come after the runs.",
        found=found,
        run_id=newest.run_id,
    )


def _why_not_of(key: str, registrations: Sequence[Registration]) -> Message:
    """Name the keys that the registrations have in place of the policy's key, and say what to do."""
    found = between("; ", map(_other_keys, sorted(registrations, key=lambda one: one.run_id)))
    return say(
        "No preregistration run has {key}: {found}. "
        "Correct `definition_hash.key`, or run `smoke-gate preregister --key {key}` before the matrix.",
        key=key,
        found=found,
    )


def _other_keys(registration: Registration) -> Message:
    if not registration.other_keys:
        return say("{run_id} has no definition hash", run_id=registration.run_id)
    return say("{run_id} has {keys}", run_id=registration.run_id, keys=" and ".join(registration.other_keys))


def _why_not(registration: Registration) -> Message:
    return say("{run_id} is {state}", run_id=registration.run_id, state=registration.state)
