"""The version of a SQL store's tables, held against what the installed MLflow expects.

MLflow upgrades older tables when it opens a store, without asking. That is welcome in a private copy and nowhere else.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from smoke_gate.collect.errors import StoreError

_REVISION = re.compile(r'^revision *(?:: *\w+ *)?= *["\'](\w+)["\']', re.MULTILINE)
_BEFORE = re.compile(r"^down_revision *(?:: *[^=\n]+)?=(.*)$", re.MULTILINE)


def expected_revision() -> str:
    """Return the revision of the tables that the installed MLflow works with."""
    known = _revisions()
    (head,) = known.keys() - {before for befores in known.values() for before in befores}
    return head


def refuse_newer(store: str, found: str) -> None:
    """Refuse a store whose tables this MLflow does not know.

    Raises:
        StoreError: They are newer than the installed MLflow; both revisions are named.
    """
    import mlflow

    if found not in _revisions():
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


@cache
def _revisions() -> dict[str, tuple[str, ...]]:
    """Return each revision that the installed MLflow has a migration to, and those that it comes from.

    They are read off the migrations' text. Alembic imports all of these files, which takes a fifth of a small check.
    """
    from mlflow.store import db_migrations

    folder = Path(db_migrations.__file__).parent / "versions"
    return dict(_migrations(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))))


def _migrations(texts: Iterator[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for text in texts:
        revision, before = _REVISION.search(text), _BEFORE.search(text)
        if revision and before:
            yield revision[1], tuple(re.findall(r"[\"'](\w+)[\"']", before[1]))
