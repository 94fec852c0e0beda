"""The tables of MLflow that are read, with the columns that are read of them.

MLflow has models of all its tables, but to import them takes longer than to check a small matrix. These are the names
alone: a database's revision says that it has them, and a test that they are those of the installed MLflow.
"""

from sqlalchemy import TableClause, column, table


def _table(name: str, *columns: str) -> TableClause:
    return table(name, *map(column, columns))


EXPERIMENTS = _table("experiments", "experiment_id", "name", "lifecycle_stage")
RUNS = _table(
    "runs", "run_uuid", "name", "experiment_id", "status", "start_time", "end_time", "lifecycle_stage", "artifact_uri"
)  # fmt: skip
PARAMS = _table("params", "run_uuid", "key", "value")
TAGS = _table("tags", "run_uuid", "key", "value")
LATEST_METRICS = _table("latest_metrics", "run_uuid", "key", "value", "timestamp", "step", "is_nan")
METRICS = _table("metrics", "run_uuid", "key", "value", "timestamp", "step", "is_nan")
DATASETS = _table("datasets", "dataset_uuid", "name", "dataset_profile")
INPUTS = _table("inputs", "input_uuid", "source_type", "source_id", "destination_type", "destination_id")
INPUT_TAGS = _table("input_tags", "input_uuid", "name", "value")

LOGGED_MODELS = _table("logged_models", "model_id", "name", "status", "artifact_location", "lifecycle_stage")

ALL = (
    EXPERIMENTS,
    RUNS,
    PARAMS,
    TAGS,
    LATEST_METRICS,
    METRICS,
    DATASETS,
    INPUTS,
    INPUT_TAGS,
    LOGGED_MODELS,
)
