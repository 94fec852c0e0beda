"""Single runs of an open store, whether or not they stand for a pair: for readers who know which runs they mean."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from smoke_gate.collect.container_action import PathMap
from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.facts import FactReader
from smoke_gate.collect.histories import Histories
from smoke_gate.collect.store import Store
from smoke_gate.evidence import Run
from smoke_gate.gates import needs_of
from smoke_gate.policy.model import Policy

if TYPE_CHECKING:
    from mlflow.entities import Run as RecordedRun

_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # erased; no run id at all


def read_runs(run_ids: Iterable[str], policy: Policy, store: Store, path_map: PathMap) -> tuple[Run, ...]:
    """Return the facts of runs, as the policy's gates need them and without git's; those that were erased are left out.

    Raises:
        StoreError: The store or the artifacts cannot be reached.

    """
    reader = FactReader(needs_of(policy), store, path_map, Histories(store))
    found = (_run(store, run_id) for run_id in run_ids)
    return tuple(reader.facts(run).run for run in found if run is not None)


def last_logged(store: Store, run_id: str, metric: str) -> int | None:
    """Return when a metric's value at the highest step was logged, in UTC milliseconds by its client's clock.

    None where it has no history.

    Raises:
        StoreError: The store cannot be read.

    """
    points = store.call(store.client.get_metric_history, run_id, metric)
    last = max(points, key=lambda point: (point.step, point.timestamp), default=None)
    return None if last is None else int(last.timestamp)


def _run(store: Store, run_id: str) -> "RecordedRun | None":
    try:
        return store.call(store.client.get_run, run_id)
    except StoreError as error:
        if error.code in _ABSENT:
            return None
        raise
