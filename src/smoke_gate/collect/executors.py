"""Artifacts read by other machines: those of a Dask cluster, or any executor of ``concurrent.futures``.

A task names where artifacts are and what is needed of them. The machine that does it reads them with the credentials of
its own environment, and sends back what it found. Nothing secret is sent, in either direction.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING

from smoke_gate import __version__
from smoke_gate.collect.artifacts import Artifacts, Probe, ProbeTask, Way, probed_here, tree_at
from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.mlflow_environment import calm_mlflow
from smoke_gate.collect.store import private_folder
from smoke_gate.collect.without_secrets import without_secrets
from smoke_gate.errors import SmokeGateError
from smoke_gate.redaction import Secrets, process_secrets

if TYPE_CHECKING:
    from distributed import Client

_SCHEMES = {"dask": "tcp", "dask+tls": "tls"}
_MOST_TRIES = 3  # of a task that is lost
_TASKS_A_THREAD = 2  # one is read while the next one is on its way
_MOST_AT_ONCE = 512
_SECONDS_TO_CONNECT = 20


@dataclass(frozen=True, slots=True)
class Readers:
    """A way to read artifacts, and the number of runs that it reads at a time."""

    probe: Probe
    at_once: int


@contextmanager
def readers_at(address: str | None, workers: int, secrets: Secrets) -> Iterator[Readers]:
    """Have what reads artifacts for as long as the context lasts.

    Args:
        address: ``dask://HOST:PORT`` of a Dask scheduler, ``dask+tls://`` of one that asks for certificates; None: the
            threads of this process.
        workers: How many threads there are.
        secrets: The secrets that no task may hold.

    Raises:
        StoreError: The cluster does not answer, or its machines have another smoke-gate.
        ImportError: Dask is not installed.

    """
    if address is None:
        yield Readers(probed_here, workers)
        return
    with _connected(address) as client:
        threads = sum(client.nthreads().values())
        _refuse_others(address, client)
        at_once = min(max(workers, threads * _TASKS_A_THREAD), _MOST_AT_ONCE)
        yield Readers(sent_to(client.get_executor(pure=False), secrets, lambda: _has_ended(client)), at_once)


def sent_to(executor: Executor, secrets: Secrets, has_ended: Callable[[], bool] = lambda: False) -> Probe:
    """Return a way to have an executor read artifacts; a task that is lost is sent again.

    A run whose task is lost each time has that as its ``problem``. The way raises a StoreError where the artifact store
    cannot be reached, or the executor has ended.
    """

    def probe(task: ProbeTask, _way: Way) -> Artifacts:
        return _sent(executor, without_secrets(task, secrets), has_ended)

    return probe


def _sent(executor: Executor, task: ProbeTask, has_ended: Callable[[], bool]) -> Artifacts:
    reason = ""
    for _ in range(_MOST_TRIES):
        try:
            return executor.submit(probed_elsewhere, task).result()
        except SmokeGateError:
            raise
        except (Exception, CancelledError) as error:
            reason = type(error).__name__
            if has_ended():
                raise StoreError(
                    "the executor has ended, so not all artifacts were read. Start it again, then check again"
                ) from error
    return Artifacts(
        problem=f"they were given to the executor {_MOST_TRIES} times, and each time it lost them ({reason})"
    )


# --- what runs elsewhere ----------------------------------------------------------------------------------------------


def probed_elsewhere(task: ProbeTask) -> Artifacts:
    """Read artifacts on the machine that this runs on, with its own credentials, which what is returned does not show.

    Raises:
        StoreError: The artifact store cannot be reached.

    """
    with _calm.of(task.store.workspace), private_folder() as scratch:
        here = replace(task, store=replace(task.store, scratch=Path(scratch)))
        found = probed_here(here, lambda: tree_at(here))
    return without_secrets(found, process_secrets())


class _Calm:
    """MLflow held still while any thread of this process reads: the first one sets it up, the last one puts it back.

    The variables of a process name one workspace, so a thread of another workspace waits.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._readers = 0
        self._workspace: str | None = None

    @contextmanager
    def of(self, workspace: str | None) -> Iterator[None]:
        """Hold MLflow still for a reader of a workspace."""
        with self._changed:
            self._changed.wait_for(lambda: not self._readers or self._workspace == workspace)
            if not self._readers:
                self._workspace, self._held = workspace, ExitStack()
                self._held.enter_context(calm_mlflow(workspace))
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                if not self._readers:
                    self._held.close()
                    self._changed.notify_all()


_calm = _Calm()


def version_elsewhere() -> str:
    """Return the version of smoke-gate on the machine that this runs on."""
    return __version__


# --- Dask -------------------------------------------------------------------------------------------------------------


@contextmanager
def _connected(address: str) -> Iterator["Client"]:
    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it says comes as an exception
    scheme, _, host = address.partition("://")
    try:
        client = Client(f"{_SCHEMES[scheme]}://{host}", timeout=_SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise StoreError(
            f"{address} does not answer as a Dask scheduler ({type(error).__name__}). "
            "Check its address and its certificates, and that this machine reaches it"
        ) from error
    with client:
        yield client


def _refuse_others(address: str, client: "Client") -> None:
    """Refuse a cluster without machines, or with another smoke-gate on one of them: it might see something else."""
    try:
        found: Mapping[str, object] = client.run(version_elsewhere, on_error="return")
    except Exception as error:
        raise StoreError(
            f"{address} did not say which smoke-gate its workers have ({type(error).__name__})"
        ) from error
    if not found:
        raise StoreError(f"{address} has no workers. Start some, then check again")
    other = {worker: version for worker, version in found.items() if version != __version__}
    if other:
        worker, version = next(iter(sorted(other.items())))
        has = f"smoke-gate {version}" if isinstance(version, str) else "a smoke-gate that cannot be used"
        raise StoreError(
            f"{len(other)} of {len(found)} workers of {address} have another smoke-gate than this one, which is "
            f"{__version__}; {worker} has {has}. Install the same one there: "
            f'pip install "smoke-gate[check,dask]=={__version__}"'
        )


def _has_ended(client: "Client") -> bool:
    return client.status != "running"
