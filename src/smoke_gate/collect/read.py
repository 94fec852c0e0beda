"""Reading, in order: the store, the attempts, the selected runs, the checkout."""

import logging
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from smoke_gate.collect.artifacts import read_figures
from smoke_gate.collect.attempts import in_order, planned_and_others
from smoke_gate.collect.checkout import Checkout
from smoke_gate.collect.code import AskCode
from smoke_gate.collect.container_action import PathMap
from smoke_gate.collect.definitions import definition_sha256
from smoke_gate.collect.executors import readers_at
from smoke_gate.collect.experiments import find_experiments
from smoke_gate.collect.facts import FactReader
from smoke_gate.collect.histories import histories_of
from smoke_gate.collect.ledger import ledger_of
from smoke_gate.collect.listed_runs import Experiments, Listed, listed_runs, nearest_of
from smoke_gate.collect.listing import in_full
from smoke_gate.collect.locations import kind_of, shown
from smoke_gate.collect.mlflow_environment import workspace_of
from smoke_gate.collect.other_attempts import OtherAttempt, other_attempts
from smoke_gate.collect.progress import Progress, silent
from smoke_gate.collect.recorded import RecordedRun
from smoke_gate.collect.registrations import in_force
from smoke_gate.collect.roots import lost_folders
from smoke_gate.collect.store import Store, open_store
from smoke_gate.collect.without_secrets import without_secrets
from smoke_gate.collect.workers import in_parallel
from smoke_gate.evidence import NO_HEAD, Attempt, Evidence, Head, Ledger, Others
from smoke_gate.gates import needs_of
from smoke_gate.gates.definition import ByFile, DefinitionHashSettings
from smoke_gate.gates.needs import NOTHING, Needs
from smoke_gate.origins import ArtifactHost
from smoke_gate.pictures import Curves
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import normal_seed, seed_order
from smoke_gate.selection import identity, select

_LOG = logging.getLogger(__name__)

_MOST_TOLD = 5  # places where artifacts were


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where to read.

    ``checkout`` is the root of the working tree: for git and for ``figures.files``. ``policy_dir`` is the policy
    file's folder: for the definition file. ``artifact_path_map`` are pairs (old, new) of where artifacts were and
    are; ``artifact_hosts`` may be asked for them besides the store.
    ``head`` is the commit that counts as head; where it is not known, the one that is checked out counts.
    ``merge_commit`` is the one that GitHub made of head and its base branch: its code counts as head's.
    ``experiment_ids`` are the experiments where they are known by id, instead of the policy's. ``workers`` bounds how
    many runs are read at a time. ``executor`` is the address of a Dask cluster whose machines read the artifacts, None
    where this one does. ``cache`` is the folder of what was read of files in object stores. ``workspace`` is the one
    of an MLflow server, None for the one that the environment names.
    """

    tracking_uri: str
    checkout: Path = Path()
    policy_dir: Path = Path()
    artifact_path_map: PathMap = ()
    artifact_hosts: tuple[ArtifactHost, ...] = ()
    head: Head = NO_HEAD
    merge_commit: str | None = None
    experiment_ids: tuple[str, ...] = ()
    workers: int = 8
    executor: str | None = None
    cache: Path | None = None
    workspace: str | None = None

    @property
    def asked_workspace(self) -> str | None:
        """The workspace that the server is asked for; None for other stores, and for the server's default."""
        if kind_of(self.tracking_uri) != "server":
            return None
        return self.workspace or workspace_of(os.environ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The evidence and where it is from: (id, name) of the experiments, and the tracking URI without credentials.

    ``workspace`` is the one of an MLflow server, None for its default. ``curves`` are for people to look at.
    """

    evidence: Evidence
    experiments: Experiments
    tracking_uri: str
    workspace: str | None = None
    curves: Curves = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlan:
    """The cells and seeds that an experiment's active runs have, in order: what a plan could be."""

    cells: tuple[str, ...]
    seeds: tuple[str, ...]
    experiments: Experiments


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    """The records of the runs that count.

    ``runs`` are the attempts at planned pairs and the preregistrations as recorded, by id. ``others`` counts the rest
    of all runs. ``nearest`` is what may be meant by keys of the policy that no run has.
    """

    runs: Mapping[str, RecordedRun]
    registrations: tuple[RecordedRun, ...]
    attempts: tuple[Attempt, ...]
    others: Others
    nearest: Mapping[str, str]


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def collect(
    policy: Policy,
    source: Source,
    *,
    also: Needs = NOTHING,
    with_curves: bool = False,
    ask_code: AskCode | None = None,
    progress: Progress = silent,
    clock: Callable[[], datetime] = now,
) -> Collected:
    """Read what the policy's gates need to know, and ``also`` what others do; curves only if they are to be drawn.

    ``ask_code`` says whether a commit has head's code where the clone cannot.

    Raises:
        StoreError: The tracking store or its artifacts cannot be read.
        ExperimentError: An experiment is not there, or none is named and there is not just one.
        UsageError: The definition file cannot be read, or MLflow refuses ``runs.where``.

    """
    needs = needs_of(policy) | also
    definition = _definition(policy, source)
    with (
        _opened(source) as store,
        Checkout(policy, source.checkout, needs, ask_code, source.merge_commit) as checkout,
    ):
        listed = _listed(policy, source, store, progress)
        recorded = _read_recorded(policy, store, listed)
        head = checkout.head(source.head)
        attempts = checkout.one_repository(recorded.attempts)
        codes = checkout.codes(head, attempts)
        matrix = select(policy, attempts, codes)
        selected = [attempt for _, attempt in matrix.selected]
        run_ids = [attempt.run_id for attempt in selected]
        histories = histories_of(
            store, listed.listing.experiments, run_ids, needs.histories,
            are_most=listed.listing.are_most(run_ids), with_curves=with_curves,
        )  # fmt: skip
        store.end_transaction()
        _LOG.info("reading params, metrics and artifacts of %d runs", len(selected))
        with readers_at(source.executor, source.workers, store.secrets) as readers:
            reader = FactReader(needs, store, source.artifact_path_map, histories, readers.probe)
            read = in_parallel(
                lambda attempt: reader.facts(recorded.runs[attempt.run_id]), selected,
                workers=readers.at_once, stage="facts", progress=progress,
            )  # fmt: skip
        facts = [one.run for one in read]
        attempts = _with_weights(
            attempts, other_attempts(matrix, facts, needs), recorded, reader, source.workers
        )
        registrations = tuple(map(reader.registration, recorded.registrations)) if needs.definition else ()
        unread = [recorded.runs[run.run_id] for run in facts if run.artifacts_problem is not None]
        places = [(run.artifact_uri, run.run_id) for run in unread]
        lost = lost_folders(places, store, source.artifact_path_map)
        runs = checkout.after_registration(facts, selected, in_force(policy, registrations))
    _tell(lost)
    rest = Evidence(
        as_of=clock().astimezone(UTC).date().isoformat(),
        definition_sha256=definition,
        files=read_figures(source.checkout, needs.files),
        head=head,
        codes=codes,
        ledger=ledger_of([recorded.runs[run.run_id] for run in facts]) if needs.ledger else Ledger(),
        others=recorded.others,
        nearest=recorded.nearest,
    )
    # Attempts, runs and registrations are without secrets from the time when they were read.
    evidence = replace(
        without_secrets(rest, store.secrets),
        attempts=attempts,
        runs=tuple(runs),
        registrations=registrations,
    )
    return Collected(
        evidence=evidence,
        experiments=listed.experiments,
        tracking_uri=shown(source.tracking_uri),
        workspace=source.asked_workspace,
        curves={(one.run.run_id, metric): curve for one in read for metric, curve in one.curves.items()},
    )


def _opened(source: Source) -> AbstractContextManager[Store]:
    return open_store(
        source.tracking_uri, source.artifact_hosts, workspace=source.asked_workspace, cache=source.cache
    )


def find_plan(policy: Policy, source: Source, *, progress: Progress = silent) -> FoundPlan:
    """Return the cells and seeds that the experiments' runs have.

    Raises:
        StoreError: The tracking store cannot be read.
        ExperimentError: An experiment is not there, or none is named and there is not just one.
        UsageError: MLflow refuses ``runs.where``.

    """
    with _opened(source) as store:
        listed = _listed(policy, source, store, progress)
    found = [
        attempt
        for attempt in listed.attempts
        if not attempt.registered
        and attempt.lifecycle_stage == "active"
        and attempt.in_scope
        and identity(policy, attempt) is not None
    ]
    return FoundPlan(
        cells=tuple(sorted({attempt.cell for attempt in found if attempt.cell})),
        seeds=tuple(sorted({normal_seed(attempt.seed) for attempt in found if attempt.seed}, key=seed_order)),
        experiments=listed.experiments,
    )


def _listed(policy: Policy, source: Source, store: Store, progress: Progress) -> Listed:
    _LOG.info("reading %s", store.name)
    experiments = find_experiments(store, policy.experiments, source.experiment_ids)
    return listed_runs(policy, store, experiments, progress, source.workers)


def _read_recorded(policy: Policy, store: Store, listed: Listed) -> _Recorded:
    ours, beside, others = planned_and_others(policy, listed.attempts)
    wanted = listed.registered.union(attempt.run_id for attempt in ours)
    runs = in_full(store, listed.listing, wanted)
    registrations = sorted(
        (runs[run_id] for run_id in listed.registered),
        key=lambda run: (run.start_time or 0, run.run_id),
    )
    return _Recorded(
        runs=runs,
        registrations=tuple(registrations),
        attempts=without_secrets(in_order([*ours, *beside], runs), store.secrets),
        others=others,
        nearest=nearest_of(policy, store, listed),
    )


def _with_weights(
    attempts: Sequence[Attempt],
    compared: Sequence[OtherAttempt],
    recorded: _Recorded,
    reader: FactReader,
    workers: int,
) -> tuple[Attempt, ...]:
    """Return the attempts; those whose weights may equal those of the run that counts have them."""
    read = in_parallel(
        lambda one: reader.weights(one, recorded.runs[one.attempt.run_id]), compared,
        workers=workers, stage="facts", progress=silent,
    )  # fmt: skip
    by_id = {attempt.run_id: attempt for attempt in without_secrets(tuple(read), reader.store.secrets)}
    return tuple(by_id.get(attempt.run_id, attempt) for attempt in attempts)


def _tell(lost: Sequence[str]) -> None:
    """Say where artifacts that are not found were recorded: paths of a machine, so they are not evidence."""
    for folder in lost[:_MOST_TOLD]:
        option = shlex.join(["--artifact-path-map", f"{folder}=NEW"])
        _LOG.warning(
            "artifacts were recorded below %s, which is not here: say where they are with %s", folder, option
        )


def _definition(policy: Policy, source: Source) -> str | None:
    gate = policy.settings(DefinitionHashSettings)
    if gate.enabled and isinstance(gate.expected, ByFile):
        return definition_sha256(source.policy_dir / gate.expected.file)
    return None
