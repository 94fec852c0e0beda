"""The cost of reading all runs of an SQLite store: its tables by a few queries, and MLflow's own search.

Both read the same store in one process, in turn; the ratio is of each pair of CPU times. The rows are written with SQL,
since MLflow takes minutes for them. Usage: python benchmarks/sql_runs.py [--runs N] [--params N] [--repeats N]
"""

import argparse
import sqlite3
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import ViewType

from smoke_gate.collect.sql_runs import runs_in_database
from smoke_gate.collect.tables import Tables

START = 1_700_000_000_000
PAGE = 5000
METRICS, TAGS = 5, 6


def main() -> None:
    """Make the store, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--params", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        uri = f"sqlite:///{scratch}/mlflow.db"
        client = MlflowClient(uri)
        experiment = client.create_experiment("benchmark")
        fill(Path(scratch) / "mlflow.db", experiment, arguments.runs, arguments.params)

        def by_tables() -> int:
            tables = Tables(uri)
            found = len(tables.read(runs_in_database([experiment])))
            tables.end()
            return found

        def by_search() -> int:
            found, token = 0, None
            while found == 0 or token:
                page = client.search_runs(
                    [experiment], run_view_type=ViewType.ALL, max_results=PAGE, page_token=token
                )
                found, token = found + len(page), page.token
            return found

        assert by_tables() == by_search() == arguments.runs  # and all modules are imported
        pairs = [(seconds(by_tables), seconds(by_search)) for _ in range(arguments.repeats)]
    ratios = sorted(tables / search for tables, search in pairs)
    print(
        f"{arguments.runs} runs of {arguments.params} params: CPU time of the tables to MLflow's search: "
        f"median {statistics.median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}"
    )


def fill(database: Path, experiment: str, runs: int, params: int) -> None:
    """Write the runs into the tables."""
    ids = [uuid.uuid4().hex for _ in range(runs)]
    with sqlite3.connect(database) as tables:
        tables.executemany(
            "INSERT INTO runs (run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, "
            "experiment_id) VALUES (?, ?, 'lab', 'FINISHED', ?, ?, 'active', ?, ?)",
            [
                (run, f"run {at}", START + at, START + at, f"/artifacts/{run}", experiment)
                for at, run in enumerate(ids)
            ],
        )
        tables.executemany(
            "INSERT INTO params (run_uuid, key, value) VALUES (?, ?, ?)",
            [(run, f"param_{number}", str(number)) for run in ids for number in range(params)],
        )
        tables.executemany(
            "INSERT INTO tags (run_uuid, key, value) VALUES (?, ?, 'text')",
            [(run, f"tag_{number}") for run in ids for number in range(TAGS)],
        )
        tables.executemany(
            "INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan) VALUES (?, ?, 0.5, ?, 1, 0)",
            [(run, f"metric_{number}", START) for run in ids for number in range(METRICS)],
        )


def seconds(work: Callable[[], int]) -> float:
    """Return the CPU time of some work."""
    before = time.process_time()
    work()
    return time.process_time() - before


if __name__ == "__main__":
    main()
