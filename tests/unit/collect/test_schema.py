"""The revisions of MLflow's tables, as its migrations name them."""

from pathlib import Path

from alembic.script import ScriptDirectory
from mlflow.store import db_migrations

from smoke_gate.collect.schema import _revisions, expected_revision


def test_they_are_those_that_alembic_finds():
    script = ScriptDirectory(str(Path(db_migrations.__file__).parent))
    assert expected_revision() == script.get_current_head()
    assert _revisions().keys() == {one.revision for one in script.walk_revisions()}
