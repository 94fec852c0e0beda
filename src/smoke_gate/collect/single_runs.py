"""Single runs of an open store, whether or not they stand for a pair: for readers who know which runs they mean."""

from collections.abc import Iterable

from smoke_gate.collect.container_action import PathMap
from smoke_gate.collect.facts import FactReader
from smoke_gate.collect.histories import Histories
from smoke_gate.collect.listing import single_run
from smoke_gate.collect.store import Store
from smoke_gate.evidence import Run
from smoke_gate.gates import needs_of
from smoke_gate.policy.model import Policy


def read_runs(run_ids: Iterable[str], policy: Policy, store: Store, path_map: PathMap) -> tuple[Run, ...]:
    """Return the facts of runs, as the policy's gates need them and without git's; those that were erased are left out.

    Raises:
        StoreError: The store or the artifacts cannot be reached.

    """
    reader = FactReader(needs_of(policy), store, path_map, Histories(store))
    found = [single_run(store, run_id) for run_id in run_ids]
    store.end_transaction()
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
