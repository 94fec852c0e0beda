"""The store read again, by the recorded policy: what changed since the verdict, and what it would be now."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from smoke_gate.collect import Source, collect
from smoke_gate.collect.locations import kind_of
from smoke_gate.collect.mlflow_environment import workspace_of
from smoke_gate.collect.progress import Progress
from smoke_gate.collect.single_runs import last_logged, read_runs
from smoke_gate.collect.store import Store, open_store
from smoke_gate.errors import UsageError
from smoke_gate.evidence import Evidence
from smoke_gate.reproduce.changes import LIMITS, Changed, changed_metrics, changes, comparable
from smoke_gate.reproduce.wording import inert_lines
from smoke_gate.verdict import evaluate
from smoke_gate.verdict_file.document import VerdictDocument
from smoke_gate.verdict_file.headline import headline
from smoke_gate.verdict_file.read import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The changes since the verdict, and the headline that the store gives now."""

    changes: tuple[Changed, ...]
    headline: str


def store_of(document: VerdictDocument, environ: Mapping[str, str]) -> str:
    """Return the tracking URI of those who name none: ``MLFLOW_TRACKING_URI``, else the file's.

    No hash covers what the file says of its store, and MLflow sends credentials to the servers that it is told of: so
    a server is never taken from a file.

    Raises:
        UsageError: The file names a server.

    """
    if named := environ.get("MLFLOW_TRACKING_URI"):
        return named
    uri = document.source.tracking_uri
    if kind_of(uri) not in ("sqlite", "files"):
        raise UsageError(
            f"the file says that its store is {uri}; name it yourself with --tracking-uri: credentials may go there"
        )
    return uri


def read_again(case: Recorded, source: Source, progress: Progress) -> Live:
    """Read the store by the recorded policy, and compare it with the recorded evidence.

    Args:
        case: the verdict file.
        source: where the store and the checkout are; as head and as experiments, the recorded ones count, and as
            workspace of a server the recorded one, unless ``MLFLOW_WORKSPACE`` names another.
        progress: is told how far it is.

    Raises:
        StoreError: The store cannot be read.
        ExperimentError: Its experiment is not there any more.

    """
    # By id: they may have other names by now, and others theirs.
    ids = tuple(experiment.id for experiment in case.document.source.experiments)
    workspace = workspace_of(os.environ) or case.document.source.workspace
    source = replace(source, head=case.evidence.head, experiment_ids=ids, workspace=workspace)
    fresh = collect(case.policy, source, progress=progress).evidence
    # A store does not know how the policy changed: that stays as recorded.
    fresh = replace(fresh, policy_change=case.evidence.policy_change)
    with open_store(source.tracking_uri, source.artifact_hosts, workspace=source.asked_workspace) as store:
        now = _with_recorded_runs(case, fresh, store, source)
        wanted = changed_metrics(case.evidence, now)
        clocks = {one: clock for one in wanted if (clock := last_logged(store, *one)) is not None}
    return Live(
        changes=changes(*comparable(case.evidence, now, case.policy), clocks),
        headline=headline(evaluate(case.policy, fresh), case.policy, fresh),
    )


def live_text(live: Live, case: Recorded) -> str:
    """Return what `reproduce --live` says."""
    document = case.document
    if not live.changes:
        return inert_lines([f"unchanged since {document.created_at}: {live.headline}", *LIMITS.splitlines()])
    lines = [f"changed since {document.created_at}:"]
    for changed in live.changes:
        lines += [changed.title, *(f"  {line}" for line in changed.lines)]
    lines += [f"verdict then: {document.headline}", f"verdict now: {live.headline}", *LIMITS.splitlines()]
    return inert_lines(lines)


def _with_recorded_runs(case: Recorded, fresh: Evidence, store: Store, source: Source) -> Evidence:
    """Add the facts of runs that stood for a pair and do not any more: what was replaced may have been changed too."""
    have = {run.run_id for run in fresh.runs}
    rest = [run.run_id for run in case.evidence.runs if run.run_id not in have]
    read = read_runs(rest, case.policy, store, source.artifact_path_map)
    return replace(fresh, runs=(*fresh.runs, *read))
