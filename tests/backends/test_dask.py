"""Artifacts in S3, read by a real Dask cluster of three processes: the same evidence as the threads of one give."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from distributed import LocalCluster
from moto.server import ThreadedMotoServer

from smoke_gate.collect import Source, StoreError, collect, executors
from smoke_gate.collect.progress import Progress, silent
from smoke_gate.evidence_json import evidence_json
from smoke_gate.gates import policy_of
from smoke_gate.hashing import canonical_json
from tests.backends.copies import s3_environment
from tests.support.recorded import EXPERIMENT, changed, npz, recipe, record
from tests.support.stores import sqlite_store

SEEDS = [str(seed) for seed in range(20)]
BUCKET = "cluster"  # no other test's: the servers of moto in one process share their buckets
SHARDS = 3  # files a run: sixty in all
POLICY = policy_of(
    {
        "version": 1,
        "experiments": [EXPERIMENT],
        "plan": {"cells": ["B0"], "seeds": SEEDS},
        "gates": {"checkpoints": {"required": True, "paths": ["checkpoints/*.npz"]}},
    }
)


@dataclass(frozen=True)
class Place:
    """A store whose artifacts are in S3, and a cluster."""

    source: Source
    cluster: LocalCluster

    @property
    def executor(self) -> str:
        return self.cluster.scheduler_address.replace("tcp://", "dask://")

    def facts(self, progress: Progress = silent, **where: Any) -> bytes:
        """Return the evidence as the text that its hash is of."""
        found = collect(
            POLICY, replace(self.source, **where), progress=progress,
            clock=lambda: datetime(2026, 1, 31, tzinfo=UTC),
        ).evidence  # fmt: skip
        assert sum(len(run.checkpoints) for run in found.runs) == len(SEEDS) * SHARDS
        return canonical_json(evidence_json(found))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("dask")
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    before = dict(os.environ)
    os.environ |= s3_environment(f"http://{host}:{port}")
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
    client.create_bucket(Bucket=BUCKET)
    store = sqlite_store(folder / "mlflow.db")
    store.create_experiment(EXPERIMENT, artifact_location=f"s3://{BUCKET}/runs")
    shards = {
        seed: {f"checkpoints/{shard}.npz": npz(f"{seed} {shard}") for shard in range(SHARDS)}
        for seed in SEEDS
    }
    runs = [replace(recipe("B0", seed, index), artifacts=shards[seed]) for index, seed in enumerate(SEEDS)]
    record(store, [changed(run, name=f"B0-{seed}") for run, seed in zip(runs, SEEDS, strict=True)])
    with LocalCluster(
        n_workers=3, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
    ) as cluster:
        source = Source(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", checkout=folder)
        yield Place(source, cluster)
    server.stop()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def by_threads(place: Place) -> bytes:
    return place.facts()


def kill(place: Place) -> None:
    """Kill the process of a worker, as a machine that is taken away ends it."""
    nanny = next(iter(place.cluster.workers.values()))
    os.kill(nanny.pid, signal.SIGKILL)


def test_the_workers_use_their_own_credentials(place, by_threads, monkeypatch):
    """This process has none.

    spec: executor
    """
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert place.facts(executor=place.executor) == by_threads


@pytest.mark.parametrize("after", [0, 12])
def test_a_worker_that_is_killed_changes_nothing(place, by_threads, after):
    """It dies before its first task, or when twelve runs are read.

    spec: executor
    """
    killed: list[int] = []

    def progress(stage: str, done: int, _total: int) -> None:
        if stage == "facts" and done >= after and not killed:
            killed.append(done)
            kill(place)

    if after == 0:
        progress("facts", 0, len(SEEDS))
    assert place.facts(progress, executor=place.executor) == by_threads
    assert killed


def test_workers_with_another_smoke_gate_are_refused(place, monkeypatch):
    """spec: executor"""
    monkeypatch.setattr(executors, "__version__", "0.0.1")
    with pytest.raises(
        StoreError, match=r"of . workers .* have another smoke-gate .* Install the same one there"
    ):
        place.facts(executor=place.executor)


def test_a_cluster_that_is_not_there(place, monkeypatch):
    monkeypatch.setattr(executors, "_SECONDS_TO_CONNECT", 1)
    with pytest.raises(StoreError, match=r"does not answer as a Dask scheduler .* Check its address"):
        place.facts(executor="dask://127.0.0.1:9")


def test_what_was_read_is_kept_until_the_object_changes(place, by_threads, tmp_path):
    """spec: cache"""
    cache = tmp_path / "cache"
    assert place.facts(cache=cache) == by_threads
    entries = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert len(entries) == len(SEEDS) * SHARDS
    assert place.facts(cache=cache) == by_threads
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == entries
    key, content = _first_object()
    client = boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"])
    client.put_object(Bucket=BUCKET, Key=key, Body=npz("another"))
    try:
        changed_facts = place.facts(cache=cache)
        assert changed_facts == place.facts()
        assert changed_facts != by_threads
        assert len(list(cache.iterdir())) == len(entries) + 1
    finally:
        client.put_object(Bucket=BUCKET, Key=key, Body=content)
    assert place.facts(cache=cache) == by_threads


def _first_object() -> tuple[str, bytes]:
    client = boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"])
    key = client.list_objects_v2(Bucket=BUCKET)["Contents"][0]["Key"]
    return key, client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
