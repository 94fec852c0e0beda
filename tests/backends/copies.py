"""One recorded matrix, copied row by row and file by file into stores of every kind: the run ids stay the same."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
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


def copy_shared_rows(source: Path, target: Path, artifacts: Mapping[str, str]) -> None:
    """Fill the SQLite database of an older MLflow with what its tables have in common with those of a newer one.

    Args:
        source: the database that is copied.
        target: the database that is filled; it has the tables of its MLflow.
        artifacts: as in :func:`copy_rows`.
    """
    with closing(sqlite3.connect(target)) as database, database:
        database.execute("ATTACH ? AS newer", [str(source)])
        tables = "SELECT name FROM {}.sqlite_master WHERE type = 'table' AND name != 'alembic_version'"
        ours, theirs = ({name for (name,) in database.execute(tables.format(s))} for s in ("main", "newer"))
        for table in ours & theirs:
            mine, other = (
                [column[1] for column in database.execute(f"PRAGMA {schema}.table_info({table})")]
                for schema in ("main", "newer")
            )
            columns = ", ".join(f'"{name}"' for name in mine if name in other)
            database.execute(f"DELETE FROM main.{table}")
            database.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
        for table in ours & _ARTIFACT_PLACES.keys():
            place = _ARTIFACT_PLACES[table]
            for old, new in artifacts.items():
                database.execute(f"UPDATE main.{table} SET {place} = replace({place}, ?, ?)", [old, new])


def copy_objects(folder: Path, address: str, bucket: str, prefix: str) -> None:
    """Put the files of a folder into a new bucket of the S3 server at an address; their keys get a prefix."""
    client = boto3.client("s3", endpoint_url=address)
    client.create_bucket(Bucket=bucket)
    for name, path in _named(folder, prefix):
        client.upload_file(str(path), bucket, name)
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


def copy_blobs(folder: Path, connection: str, container: str, prefix: str) -> None:
    """Put the files of a folder into a new container of an Azure account; their names get a prefix."""
    from azure.storage.blob import BlobServiceClient  # type: ignore[import-not-found,unused-ignore]

    with BlobServiceClient.from_connection_string(connection) as client:
        place = client.create_container(container)
        for name, path in _named(folder, prefix):
            place.upload_blob(name, path.read_bytes())


def copy_google_objects(folder: Path, bucket: str, prefix: str) -> None:
    """Put the files of a folder into a new bucket of the Google Cloud Storage of the environment."""
    from google.cloud import storage  # type: ignore[import-untyped,import-not-found,unused-ignore]

    place = storage.Client().create_bucket(bucket)
    for name, path in _named(folder, prefix):
        place.blob(name).upload_from_filename(str(path))


def _named(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield f"{prefix}/{path.relative_to(folder).as_posix()}", path
