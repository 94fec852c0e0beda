"""Tasks for other machines: what they hold, and what becomes of those that are lost."""

import pickle
from concurrent.futures import Executor, Future
from typing import Any, NoReturn

import pytest

from smoke_gate.collect.artifact_stores import RecordedPlace
from smoke_gate.collect.artifacts import Artifacts, ProbeTask, probed_here, tree_at
from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.executors import probed_elsewhere, sent_to
from smoke_gate.collect.store import StorePlace
from smoke_gate.gates.needs import Needs
from smoke_gate.redaction import Secrets
from tests.support.recorded import npz

SECRET = "canary-of-a-token"


class KilledError(Exception):
    """Stands for the error of an executor whose worker died."""


class Machines(Executor):
    """An executor that does each task in place, from its pickled form; the first ones raise what it is given."""

    def __init__(self, *lost: Exception) -> None:
        self.sent: list[bytes] = []
        self._lost = list(lost)

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        self.sent.append(pickle.dumps((function, args, kwargs)))
        future: Future[Any] = Future()
        try:
            if self._lost:
                raise self._lost.pop(0)
            again, again_args, again_kwargs = pickle.loads(self.sent[-1])
            future.set_result(pickle.loads(pickle.dumps(again(*again_args, **again_kwargs))))
        except Exception as error:  # noqa: BLE001 - as executors do
            future.set_exception(error)
        return future


@pytest.fixture
def task(tmp_path):
    folder = tmp_path / "1" / "run" / "artifacts" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "model.npz").write_bytes(npz("a"))
    (tmp_path / "scratch").mkdir()
    return ProbeTask(
        place=RecordedPlace(str(folder.parent), "run"),
        models=(),
        needs=Needs(checkpoints=("checkpoints/*",), max_bytes=1 << 20),
        store=StorePlace(
            uri=f"http://lab:{SECRET}@127.0.0.1:9", name="http://127.0.0.1:9", kind="server", folder=None,
            scratch=tmp_path / "scratch", patience=5,
        ),
        path_map=(("s3://old", f"http://lab:{SECRET}@127.0.0.1:9/new"),),
    )  # fmt: skip


def not_taken() -> NoReturn:
    raise AssertionError("what is read elsewhere is not looked at here")


def secrets() -> Secrets:
    return Secrets.of([SECRET])


def test_it_reads_what_is_read_here(task):
    """spec: executor"""
    found = sent_to(Machines(), secrets())(task, not_taken)
    assert [one.path for one in found.checkpoints] == ["checkpoints/model.npz"]
    assert found == probed_here(task, lambda: tree_at(task))


def test_nothing_secret_is_sent(task):
    """spec: executor"""
    machines = Machines()
    sent_to(machines, secrets())(task, not_taken)
    (sent,) = machines.sent
    assert SECRET.encode() not in sent


def test_what_comes_back_shows_no_secret_of_the_other_machine(task, monkeypatch):
    """spec: executor"""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "checkpoints/model")
    assert [one.path for one in probed_elsewhere(task).checkpoints] == ["***.npz"]


def test_a_task_that_is_lost_is_sent_again(task):
    """spec: executor"""
    machines = Machines(KilledError(), KilledError())
    assert sent_to(machines, secrets())(task, not_taken) == probed_here(task, lambda: tree_at(task))
    assert len(machines.sent) == 3


def test_a_task_that_is_always_lost_is_the_problem_of_its_run(task):
    """spec: executor"""
    found = sent_to(Machines(*[KilledError()] * 9), secrets())(task, not_taken)
    assert found == Artifacts(
        problem="they were given to the executor 3 times, and each time it lost them (KilledError)"
    )


def test_an_artifact_store_that_does_not_answer_ends_the_check(task):
    machines = Machines(StoreError("s3://bucket does not answer", code="X"))
    with pytest.raises(StoreError, match="does not answer") as caught:
        sent_to(machines, secrets())(task, not_taken)
    assert pickle.loads(pickle.dumps(caught.value)).code == "X"


def test_an_executor_that_has_ended_ends_the_check(task):
    """spec: executor"""
    with pytest.raises(StoreError, match="the executor has ended"):
        sent_to(Machines(KilledError()), secrets(), lambda: True)(task, not_taken)
