"""The version of a SQL store's tables, held against what the installed MLflow expects.

MLflow upgrades older tables when it opens a store, without asking. That is welcome in a private copy and nowhere else.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from smoke_gate.collect.errors import StoreError

_REVISION = re.compile(r'^revision *(?:: *\w+ *)?= *["\'](\w+)["\']', re.MULTILINE)
_BEFORE = re.compile(r"^down_revision *(?:: *[^=\n]+)?=(.*)$", re.MULTILINE)


def expected_revision() -> str:
    """Return the revision of the tables that the installed MLflow works with."""
    known = _revisions()
    (head,) = known.keys() - {before for befores in known.values() for before in befores}
    return head


def the_revision(store: str, versions: Sequence[str]) -> str:
    """Return the version of a store's tables.

    Args:
        store: the name of the store, for messages.
        versions: the versions that stand in it.

    Raises:
        StoreError: There are no tables of MLflow, or those of another program too, or they are newer than the installed
            MLflow.
    """
    if not versions:
        raise StoreError(
            f"{store} is a database without MLflow's tables: check its name, and that runs were logged there"
        )
    if len(versions) > 1:
        raise StoreError(
            f"{store} holds MLflow's tables and those of another program, such as Optuna: its table alembic_version "
            f"has {len(versions)} entries ({', '.join(versions)}). MLflow does not open such a database. Give each "
            "program a database of its own"
        )
    (found,) = versions
    if found not in _revisions():
        import mlflow

        raise StoreError(
            f"{store} was written by a newer MLflow: its schema is at version {found}, and the installed MLflow "
            f"{mlflow.__version__} knows versions up to {expected_revision()}. Install a newer mlflow"
        )
    return found


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
            versions: Sequence[str] = ()
            if {"experiments", "runs", "alembic_version"} <= set(
                sqlalchemy.inspect(connection).get_table_names()
            ):
                listing = sqlalchemy.text("SELECT version_num FROM alembic_version ORDER BY version_num")
                versions = connection.execute(listing).scalars().all()
            found = the_revision(store, versions)
            default = connection.execute(
                sqlalchemy.text("SELECT 1 FROM experiments WHERE experiment_id = 0")
            ).scalar()
    finally:
        engine.dispose()
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
    mlflow = find_spec("mlflow")  # which does not import it
    if mlflow is None or not mlflow.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'mlflow'", name="mlflow")
    folder = Path(mlflow.submodule_search_locations[0]) / "store" / "db_migrations" / "versions"
    return dict(_migrations(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))))


def _migrations(texts: Iterator[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for text in texts:
        revision, before = _REVISION.search(text), _BEFORE.search(text)
        if revision and before:
            yield revision[1], tuple(re.findall(r"[\"'](\w+)[\"']", before[1]))
