import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from smoke_gate.collect import schema
from smoke_gate.collect.errors import StoreError
from tests.support.recorded import fingerprint
from tests.support.stores import sqlite_store

# A database that is read in place: an SQLite file stands for the servers that SQLAlchemy reaches in the same way.


@pytest.fixture
def database(tmp_path):
    sqlite_store(tmp_path / "store.db")
    return tmp_path / "store.db"


def changed(database: Path, statement: str) -> str:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(statement)
        connection.commit()
    return f"sqlite:///{database}"


def test_a_database_of_this_mlflow_may_be_opened(database):
    before = fingerprint(database.parent)
    schema.refuse_other("STORE", f"sqlite:///{database}")
    assert fingerprint(database.parent) == before


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE alembic_version SET version_num = 'acf3f17fdcc7'",
            r"STORE has an older schema \(version acf3f17fdcc7",
        ),
        (
            "UPDATE alembic_version SET version_num = 'f00df00df00d'",
            r"STORE was written by a newer MLflow: .*f00df00df00d",
        ),
        ("DELETE FROM experiments", r"STORE lacks experiment 0"),
    ],
)
def test_a_database_that_mlflow_would_write_to_is_refused(database, statement, message):
    uri = changed(database, statement)
    before = fingerprint(database.parent)
    with pytest.raises(StoreError, match=message):
        schema.refuse_other("STORE", uri)
    assert fingerprint(database.parent) == before
