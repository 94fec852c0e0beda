"""The definition that every run must have computed: its hash, and which preregistration is in force."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from smoke_gate.evidence import Registration, Run
from smoke_gate.gates.base import Case, quoted
from smoke_gate.policy.model import ByFile, ByRunId, ByRunName, BySha256

PREREGISTER = "Run `smoke-gate preregister` before the matrix."


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The hash that every run must have.

    ``origin`` says in words where it is from. Where it is not known, ``sha256`` is None and ``problem`` says why and
    how to fix it. ``registration`` is the preregistration run that states it, where one does.
    """

    sha256: str | None
    origin: str
    problem: str | None = None
    registration: Registration | None = None


def expected_definition(case: Case) -> Expected:
    """Return the hash that the policy's ``definition_hash.expected`` stands for."""
    source, key = case.policy.gates.definition_hash.expected, case.policy.gates.definition_hash.key
    if isinstance(source, BySha256):
        return Expected(sha256=source.sha256, origin="the policy's sha256")
    if isinstance(source, ByFile):
        return _of_file(case, source)
    everyone = case.evidence.registrations
    if isinstance(source, ByRunId):
        named = [registration for registration in everyone if registration.run_id == source.run_id]
        return of_registrations(named, key, f"the preregistration run {quoted(source.run_id)}")
    if isinstance(source, ByRunName):
        named = [registration for registration in everyone if registration.run_name == source.run_name]
        return of_registrations(named, key, f"the preregistration run named {quoted(source.run_name)}")
    return of_registrations(everyone, key, "the preregistration run")


def shown_definition(expected: Expected | None, key: str, runs: Iterable[Run]) -> str | None:
    """Return the hash of the definition that a figure of the runs shows, None where that is not known.

    It is the expected one; where G1 is off and nothing is expected, the one that all of them log under ``key``.
    """
    if expected is not None:
        return expected.sha256
    hashes = {run.params.get(key) for run in runs}
    return hashes.pop() if len(hashes) == 1 else None


def _of_file(case: Case, source: ByFile) -> Expected:
    origin = f"the file {quoted(source.file)}"
    sha256 = case.evidence.definition_sha256
    if sha256 is not None:
        return Expected(sha256=sha256, origin=origin)
    problem = f"No definition could be read from {origin}. Check `definition_hash.expected` and the checkout."
    return Expected(sha256=None, origin=origin, problem=problem)


# --- registrations ----------------------------------------------------------------------------------------------------


def of_registrations(registrations: Sequence[Registration], key: str, origin: str) -> Expected:
    """Return the hash of the registration that is in force: the only one, or the end of the chain.

    Beside one that states a hash under ``key``, which is the policy's, those that do not are of another metric.
    """

    def unknown(problem: str) -> Expected:
        return Expected(sha256=None, origin=origin, problem=problem)

    counted = [registration for registration in registrations if registration.counts]
    if not counted:
        return unknown(f"{origin[0].upper()}{origin[1:]} {_why_none(registrations)}")
    stating = [registration for registration in counted if registration.sha256]
    if not stating:
        return unknown(_why_not_of(key, counted))
    end = _end_of_chain(stating)
    if end is None:
        named = ", ".join(sorted(registration.run_id for registration in stating))
        return unknown(
            f"{len(stating)} preregistration runs are no single chain of `prior_sha256`: {named}. "
            "Name the one that counts in `definition_hash.expected`."
        )
    return Expected(sha256=end.sha256, origin=f"{origin} ({end.run_id})", registration=end)


def _why_none(registrations: Sequence[Registration]) -> str:
    """Say of registrations of which none counts why that is, and what to do; a new one would come after the runs."""
    if not registrations:
        return f"was not found. {PREREGISTER}"
    found = "; ".join(sorted(map(_why_not, registrations)))
    ended = [one for one in registrations if one.status == "FINISHED" and one.sha256]
    deleted = [one for one in ended if one.lifecycle_stage != "active"]
    if not deleted:
        return f"does not count: {found}. {PREREGISTER}"
    newest = max(deleted, key=lambda one: (one.start_time or 0, one.run_id))
    restore = f"Restore it (mlflow runs restore --run-id {newest.run_id})"
    return f"does not count: {found}. {restore}: a new one would come after the runs."


def _why_not_of(key: str, registrations: Sequence[Registration]) -> str:
    """Say of registrations of which none states a hash under the key what they state, and what to do."""
    found = "; ".join(
        f"{one.run_id} has {' and '.join(one.other_keys) or 'no definition hash'}"
        for one in sorted(registrations, key=lambda one: one.run_id)
    )
    return (
        f"No preregistration run has {key}: {found}. "
        f"Correct `definition_hash.key`, or run `smoke-gate preregister --key {key}` before the matrix."
    )


def _why_not(registration: Registration) -> str:
    return f"{registration.run_id} is {registration.state}"


def _end_of_chain(registrations: Sequence[Registration]) -> Registration | None:
    """Return the one registration that no other replaces, where ``prior_sha256`` leads from it through all of them."""
    by_hash = {registration.sha256: registration for registration in registrations}
    replaced = {registration.prior_sha256 for registration in registrations}
    ends = [registration for registration in registrations if registration.sha256 not in replaced]
    if len(ends) != 1:
        return None
    chain = ends[:]
    while len(chain) <= len(registrations) and (prior := by_hash.get(chain[-1].prior_sha256)) is not None:
        chain.append(prior)  # longer than all of them: a circle
    return ends[0] if len(chain) == len(registrations) else None
