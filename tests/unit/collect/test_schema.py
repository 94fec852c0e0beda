"""The revisions of MLflow's tables, as its migrations name them."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from mlflow.store import db_migrations

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.schema import _revisions, expected_revision, the_revision


def test_they_are_those_that_alembic_finds():
    script = ScriptDirectory(str(Path(db_migrations.__file__).parent))
    assert expected_revision() == script.get_current_head()
    assert _revisions().keys() == {one.revision for one in script.walk_revisions()}


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        ([], "is a database without MLflow's tables"),
        (["f1f1f1f1f1f1"], "was written by a newer MLflow: its schema is at version f1f1f1f1f1f1"),
        (["v3.0.0.d", None], "holds MLflow's tables and those of another program, such as Optuna"),
    ],
    ids=["none", "newer", "two programs"],
)
def test_a_database_that_mlflow_does_not_open_is_refused_in_a_sentence(versions, message):
    with pytest.raises(StoreError, match=message):
        the_revision("STORE", [version or expected_revision() for version in versions])


def test_the_revision():
    assert the_revision("STORE", [expected_revision()]) == expected_revision()
