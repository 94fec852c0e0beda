"""Accidents of the demo's store, done to its files: no need to train again."""

import sqlite3
from contextlib import closing
from pathlib import Path

WATCHED = """
references:
  - {metric: pape, low: 0.0, high: 0.001, n: 1, source: no forecast is as good as that}
"""


def cut_off_checkpoint(store: Path) -> None:
    """Lose the last third of one run's checkpoint: G3 fails."""
    file = min(store.glob("artifacts/*/artifacts/checkpoints/model.safetensors"))
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 2 // 3])


def replace_definition(store: Path) -> None:
    """Let one run log another metric definition: G1 fails, which is critical."""
    with closing(sqlite3.connect(store / "mlflow.db")) as database, database:
        database.execute(
            "UPDATE params SET value = ? WHERE key = 'pape_definition_hash' AND run_uuid ="
            " (SELECT run_uuid FROM params WHERE key = 'cell' AND value = 'A3' LIMIT 1)",
            ["0" * 64],
        )


def worsen_metric(store: Path) -> None:
    """Let one run reach a much worse metric, in its history and at its end."""
    with closing(sqlite3.connect(store / "mlflow.db")) as database, database:
        for table in ("metrics", "latest_metrics"):
            database.execute(
                f"UPDATE {table} SET value = value + 50 WHERE key = 'pape' AND run_uuid ="
                " (SELECT run_uuid FROM params WHERE key = 'cell' AND value = 'A3' LIMIT 1)"
            )


def leave_running(store: Path) -> None:
    """Let one run not be finished yet: the verdict is pending."""
    with closing(sqlite3.connect(store / "mlflow.db")) as database, database:
        database.execute(
            "UPDATE runs SET status = 'RUNNING', end_time = NULL"
            " WHERE run_uuid = (SELECT run_uuid FROM params WHERE key = 'cell' AND value = 'A3' LIMIT 1)"
        )


def set_commit(store: Path, commit: str) -> None:
    """Let all runs be of one commit, as MLflow records it in a clean checkout."""
    tags = {"mlflow.source.git.commit": commit, "git_commit": commit, "git_dirty": "false"}
    with closing(sqlite3.connect(store / "mlflow.db")) as database, database:
        for key, value in tags.items():
            database.execute(
                "INSERT OR REPLACE INTO tags (key, value, run_uuid) SELECT ?, ?, run_uuid FROM runs",
                [key, value],
            )


def overwrite_database(store: Path) -> None:
    """Leave something that is not a database: there can be no verdict."""
    (store / "mlflow.db").write_bytes(b"no database\n" * 1000)
