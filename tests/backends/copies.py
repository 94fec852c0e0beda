"""One recorded matrix, copied row by row and file by file into stores of every kind: the run ids stay the same."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import boto3
import sqlalchemy
from mlflow.store.db.base_sql_model import Base
from mlflow.store.db.utils import _initialize_tables

_ARTIFACT_PLACES = {
    "runs": "artifact_uri",
    "experiments": "artifact_location",
    "logged_models": "artifact_location",
}


def copy_rows(source: str, target: str, artifacts: Mapping[str, str] | None = None) -> None:
    """Fill an empty database with the rows of another one.

    Args:
        source: the address of the database that is copied.
        target: the address of the database that is filled; it gets MLflow's tables.
        artifacts: beginnings of artifact URIs, and what stands for each in the copy.
    """
    here, there = sqlalchemy.create_engine(source), sqlalchemy.create_engine(target)
    try:
        make_tables: Callable[[sqlalchemy.Engine], None] = _initialize_tables
        make_tables(there)
        with here.connect() as reading, there.begin() as writing:
            if there.dialect.name == "mysql":  # which else takes experiment 0 for the next free number
                writing.execute(sqlalchemy.text("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'"))
            for table in Base.metadata.sorted_tables:
                rows = [dict(row) for row in reading.execute(table.select()).mappings()]
                place = _ARTIFACT_PLACES.get(table.name)
                for row in rows:
                    for old, new in (artifacts or {}).items() if place else ():
                        row[place] = str(row[place]).replace(old, new, 1)
                writing.execute(table.delete())
                if rows:
                    writing.execute(table.insert(), rows)
    finally:
        here.dispose()
        there.dispose()


def copy_objects(folder: Path, address: str, bucket: str, prefix: str) -> None:
    """Put the files of a folder into a new bucket of the S3 server at an address; their keys get a prefix."""
    client = boto3.client("s3", endpoint_url=address)
    client.create_bucket(Bucket=bucket)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            client.upload_file(str(path), bucket, f"{prefix}/{path.relative_to(folder).as_posix()}")
    client.close()


def s3_environment(address: str) -> dict[str, str]:
    """Return the variables with which clients use the S3 server at an address."""
    return {
        "MLFLOW_S3_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "smoke",
        "AWS_SECRET_ACCESS_KEY": "gate-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": os.environ.get("NO_PROXY", "") + ",127.0.0.1",
    }
