"""The version of a SQL store's tables, held against what the installed MLflow expects.

MLflow upgrades older tables when it opens a store, without asking. That is welcome in a private copy and nowhere else.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from smoke_gate.collect.errors import StoreError

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory


def expected_revision() -> str | None:
    """Return the revision of the tables that the installed MLflow works with."""
    return _script().get_current_head()


def refuse_newer(store: str, found: str) -> None:
    """Refuse a store whose tables this MLflow does not know.

    Raises:
        StoreError: They are newer than the installed MLflow; both revisions are named.
    """
    import mlflow

    if found not in {script.revision for script in _script().walk_revisions()}:
        raise StoreError(
            f"{store} was written by a newer MLflow: its schema is at version {found}, and the installed MLflow "
            f"{mlflow.__version__} knows versions up to {expected_revision()}. Install a newer mlflow"
        )


def upgrade(uri: str) -> None:
    """Bring the tables of a private copy to the installed MLflow's version, as ``mlflow db upgrade`` does."""
    from mlflow.db import upgrade as command

    if command.callback is not None:
        command.callback(uri)


def refuse_other(store: str, uri: str) -> None:
    """Refuse a database that cannot be copied and that MLflow would write to when it opens it.

    Raises:
        StoreError: Its tables are older or newer than the installed MLflow's, or it lacks the default experiment.
    """
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri)
    try:
        with engine.connect() as connection:
            found = connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalar()
            default = connection.execute(
                sqlalchemy.text("SELECT 1 FROM experiments WHERE experiment_id = 0")
            ).scalar()
    finally:
        engine.dispose()
    refuse_newer(store, str(found))
    if found != expected_revision():
        raise StoreError(
            f"{store} has an older schema (version {found}, the installed MLflow expects {expected_revision()}): MLflow"
            " would upgrade it on opening, and smoke-gate never writes to a store. Use the tracking server's address, "
            "or install the MLflow version that the store belongs to"
        )
    if default is None:
        raise StoreError(
            f"{store} lacks experiment 0, which MLflow would insert on opening, and smoke-gate never writes to a store."
            " Use the tracking server's address instead"
        )


def _script() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory
    from mlflow.store import db_migrations

    return ScriptDirectory(str(Path(db_migrations.__file__).parent))
