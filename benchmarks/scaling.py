"""The figures of docs/scaling.md: how fast one machine reads checkpoints, and what a Dask cluster costs beside threads.

The cluster is of processes of this machine, and the object store is moto's server on it: so the second figure says what
sending tasks costs, not what more machines bring. Usage: python -m benchmarks.scaling [--megabytes N] [--repeats N]
"""

import argparse
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import boto3
import numpy as np
from distributed import LocalCluster
from moto.server import ThreadedMotoServer

from smoke_gate.collect import Source, collect
from smoke_gate.gates import policy_of
from smoke_gate.probes.checkpoint import probe_checkpoint
from tests.backends.copies import s3_environment
from tests.support.recorded import EXPERIMENT, npz, recipe, record
from tests.support.stores import sqlite_store

SEEDS = [str(seed) for seed in range(20)]
FILES = 3  # a run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256, help="of the file that is read")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, chdir(scratch):
        reading(Path(scratch, "model.npz"), arguments.megabytes, arguments.repeats)
        ratios = sending(Path(scratch), arguments.repeats)
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"60 checkpoints in S3: {statistics.median(ratios):.2f} ({spread}) of the threads' time")


def reading(file: Path, megabytes: int, repeats: int) -> None:
    """Print how fast one thread, and as many as there are cores, probe and hash a file that is in memory's cache."""
    np.savez(file, weights=np.random.default_rng(0).random(megabytes << 17))

    def probe(_: int) -> object:
        return probe_checkpoint(file, file.name, lambda _: False)

    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    one = seconds(lambda: probe(0), repeats)
    with ThreadPoolExecutor(cores) as pool:
        several = seconds(lambda: list(pool.map(probe, range(cores))), repeats)
    print(
        f"one thread: {megabytes / one:.0f} MiB/s; {cores} threads: {cores * megabytes / several:.0f} MiB/s"
    )


def sending(folder: Path, repeats: int) -> list[float]:
    """Return the wall times in which a cluster of two processes reads sixty small checkpoints in S3, to threads'."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would write a line for each request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= s3_environment(f"http://{host}:{port}")
    boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket="smoke")
    store = sqlite_store(folder / "mlflow.db")
    store.create_experiment(EXPERIMENT, artifact_location="s3://smoke/runs")
    artifacts = {f"checkpoints/{number}.npz": npz(str(number)) for number in range(FILES)}
    record(store, [replace(recipe("B0", seed), artifacts=artifacts) for seed in SEEDS])
    policy = policy_of(
        {
            "version": 1,
            "experiments": [EXPERIMENT],
            "plan": {"cells": ["B0"], "seeds": SEEDS},
            "gates": {"checkpoints": {"paths": ["checkpoints/*.npz"]}},
        }
    )
    source = Source(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    with LocalCluster(
        n_workers=2, threads_per_worker=4, host="127.0.0.1", dashboard_address=None, silence_logs=50
    ) as cluster:
        elsewhere = replace(source, executor=cluster.scheduler_address.replace("tcp://", "dask://"))
        collect(policy, elsewhere)  # each process imports MLflow
        ratios = [
            seconds(lambda: collect(policy, elsewhere), 1) / seconds(lambda: collect(policy, source), 1)
            for _ in range(repeats)
        ]
    server.stop()
    return ratios


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the shortest wall time of some work."""
    times: Sequence[float] = [_timed(work) for _ in range(repeats)]
    return min(times)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
