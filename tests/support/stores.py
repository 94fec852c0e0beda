"""Empty stores for tests: making one takes MLflow seconds, copying it takes milliseconds."""

import atexit
import contextlib
import io
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import cast
from unittest import mock

from mlflow import MlflowClient

from smoke_gate.collect.store import Store


@cache
def _empty_database() -> Path:
    folder = Path(mkdtemp(prefix="smoke-gate-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    MlflowClient(f"sqlite:///{folder / 'empty.db'}").search_experiments()
    return folder / "empty.db"


def sqlite_store(database: Path) -> MlflowClient:
    """Make an empty SQLite store and return its client; artifacts go beside it, as they do for those who work there."""
    shutil.copyfile(_empty_database(), database)
    return MlflowClient(f"sqlite:///{database}")


@contextmanager
def file_store(folder: Path) -> Iterator[MlflowClient]:
    """Give the client of a file store, which MLflow writes only where it is told that this is meant."""
    with (
        mock.patch.dict(os.environ, {"MLFLOW_ALLOW_FILE_STORE": "true"}),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        yield MlflowClient(folder.as_uri())


def served(client: object) -> Store:
    """Return the store of a server whose client this is; only what a test asks of it need be there."""
    return Store(
        opened=lambda: cast("MlflowClient", client), uri="http://host", name="http://host", kind="server", folder=None,
        scratch=Path(), patience=None,
    )  # fmt: skip
