"""The preregistrations of an experiment by themselves: their chain, and the golden tensor of the one in force."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from smoke_gate.collect.artifacts import MAX_TEXT_BYTES, payload_in_artifacts, tree_of, way_to
from smoke_gate.collect.errors import ArtifactError
from smoke_gate.collect.experiments import find_experiments
from smoke_gate.collect.listing import search
from smoke_gate.collect.progress import silent
from smoke_gate.collect.read import Source
from smoke_gate.collect.recorded import RecordedRun
from smoke_gate.collect.registrations import in_force, is_registration, payload_in_params, registration_of
from smoke_gate.collect.store import Store, open_store
from smoke_gate.collect.without_secrets import without_secrets
from smoke_gate.contract.preregistration import Golden, read_golden
from smoke_gate.errors import UsageError
from smoke_gate.evidence import Registration
from smoke_gate.gates.definition import DefinitionHashSettings
from smoke_gate.policy.model import Policy
from smoke_gate.vocabulary import GOLDEN_FILE

_FIX = "`smoke-gate preregister DEFINITION --golden golden.npz` registers one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The preregistration runs, oldest first; ``in_force`` is the one that counts, None where it is not exactly one.

    ``experiments`` are names; ``golden`` are the ids of the runs that hold a golden tensor.
    """

    experiments: tuple[str, ...]
    registrations: tuple[Registration, ...]
    in_force: Registration | None
    golden: frozenset[str]


def read_registered(policy: Policy, source: Source) -> Registered:
    """Return the preregistrations of the policy's experiments; nothing is written.

    Raises:
        StoreError: The tracking store or its artifacts cannot be read.
        ExperimentError: An experiment is not there, or none is named and there is not just one.

    """
    with _registered(policy, source) as (store, experiments, runs):
        found = tuple(_registration(policy, source, store, run) for run in runs)
        golden = [run.run_id for run in runs if _has_golden(source, store, run)]
    return Registered(
        experiments=experiments,
        registrations=found,
        in_force=in_force(policy, found),
        golden=frozenset(golden),
    )


def read_golden_tensor(policy: Policy, source: Source) -> tuple[Registration, Golden]:
    """Return the preregistration in force and its golden tensor.

    Raises:
        StoreError: As :func:`read_registered`.
        ExperimentError: The same.
        UsageError: No preregistration is in force, or it has no golden tensor.
        ContractError: Its ``golden.npz`` is not a valid one.

    """
    with _registered(policy, source) as (store, experiments, runs):
        found = {run.run_id: run for run in runs}
        counting = in_force(policy, [_registration(policy, source, store, run) for run in runs])
        if counting is None:
            where = ", ".join(experiments)
            raise UsageError(
                f"{where} has {len(runs)} preregistration runs, and not exactly one is in force of "
                f"{policy.settings(DefinitionHashSettings).key}: see `smoke-gate preregister --show`, and --key"
            )
        try:
            tree = tree_of(found[counting.run_id], store, source.artifact_path_map)
            entry = tree.file(GOLDEN_FILE)
            if entry is None:
                raise UsageError(f"the preregistration {counting.run_id} has no {GOLDEN_FILE}: {_FIX}")
            with tree.folder.opened(entry, MAX_TEXT_BYTES) as path:
                return counting, read_golden(path)
        except ArtifactError as error:
            message = f"{GOLDEN_FILE} of the preregistration {counting.run_id} cannot be read: {error}"
            raise UsageError(message) from error


@contextmanager
def _registered(
    policy: Policy, source: Source
) -> Iterator[tuple[Store, tuple[str, ...], Sequence[RecordedRun]]]:
    with open_store(source.tracking_uri, source.artifact_hosts, workspace=source.asked_workspace) as store:
        experiments = find_experiments(store, policy.experiments)
        runs = [
            run
            for run in search(store, [number for number, _ in experiments], "", silent)
            if is_registration(policy, run)
        ]
        runs.sort(key=lambda run: (run.start_time or 0, run.run_id))
        yield store, tuple(name for _, name in experiments), runs


def _registration(policy: Policy, source: Source, store: Store, run: RecordedRun) -> Registration:
    key = policy.settings(DefinitionHashSettings).key
    way = way_to(run, store, source.artifact_path_map)
    payload = payload_in_params(run, key) or payload_in_artifacts(way)
    return without_secrets(registration_of(run, key, payload), store.secrets)


def _has_golden(source: Source, store: Store, run: RecordedRun) -> bool:
    try:
        return tree_of(run, store, source.artifact_path_map).file(GOLDEN_FILE) is not None
    except ArtifactError:
        return False
