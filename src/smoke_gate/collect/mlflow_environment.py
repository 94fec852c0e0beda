"""The variables that MLflow reads and the messages that it prints, held still while smoke-gate uses MLflow.

All of it is put back afterwards: whoever calls smoke-gate from Python keeps their environment and their logging.
"""

import logging
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

# One request may take long, since a large answer does; what fails at once is asked again by `calls.persistently`.
_REQUESTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "16",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
    "MLFLOW_DATABRICKS_ENDPOINT_HTTP_RETRY_TIMEOUT": "16",
    "AWS_MAX_ATTEMPTS": "2",
}
_ALWAYS = {
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # MLflow sets the levels of its loggers when it is imported, which may be while they are silenced.
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
}
_CHATTER = (
    "mlflow",
    "alembic",
    "sqlalchemy",
    "urllib3",
    "botocore",
    "boto3",
    "databricks",
    "azure",
    "google",
    "git",
)
# MLflow tries to import them for the headers of each request: a search of all folders, five times for the first one.
_LOOKED_FOR = ("dbruntime", "pyspark", "IPython")
_WORKSPACE = "MLFLOW_WORKSPACE"
_SPARE_SECONDS = 2  # what a call may take beyond its requests


@contextmanager
def calm_mlflow(workspace: str | None = None) -> Iterator[None]:
    """Bound MLflow's requests, let it read file stores, and keep its and its libraries' chatter from stderr.

    Modules that are not installed are not searched for again and again.

    ``workspace`` is the one of a server that is read; None leaves it to the user's own variable.
    """
    requests = {name: value for name, value in _REQUESTS.items() if name not in os.environ}
    named = {} if workspace is None else {_WORKSPACE: workspace}
    with (
        _environment({**_ALWAYS, **requests, **named}),
        warnings.catch_warnings(),
        _no_chatter(),
        _known_as_absent(_LOOKED_FOR),
    ):
        warnings.simplefilter("ignore")
        yield


def import_mlflow() -> None:
    """Import MLflow's package, which an SQLite store with local artifacts does without.

    This comes before parts of it are imported: threads that import different parts at once find each other's half made,
    but wait for the whole of it.
    """
    import mlflow  # noqa: F401


def workspace_of(environ: Mapping[str, str]) -> str | None:
    """Return the workspace of an MLflow server that the user names; None for the server's own default."""
    return environ.get(_WORKSPACE, "").strip() or None


def deadline(environ: Mapping[str, str]) -> float:
    """Return the seconds after which one call to a remote store is given up, whatever it is doing.

    They are 18 unless the user's own ``MLFLOW_HTTP_REQUEST_TIMEOUT`` or ``_MAX_RETRIES`` ask for more patience.
    """
    timeout, retries = (
        _number(environ.get(name), float(_REQUESTS[name]))
        for name in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES")
    )
    return (1 + retries) * timeout + _SPARE_SECONDS


def _number(text: str | None, default: float) -> float:
    try:
        return default if text is None else float(text)
    except ValueError:
        return default


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _known_as_absent(names: Iterable[str]) -> Iterator[None]:
    """Have those of the modules that are not installed fail to be imported at once: so Python reads a None."""
    absent = [name for name in names if name not in sys.modules and find_spec(name) is None]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


@contextmanager
def _no_chatter() -> Iterator[None]:
    """Silence the libraries' loggers: what matters of an error comes as an exception."""
    root = logging.getLogger()
    loggers = [logging.getLogger(name) for name in _CHATTER]
    levels = [logger.level for logger in loggers]
    handlers, root_level = root.handlers[:], root.level
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    # MLflow's file store calls `logging.warning` itself, which would install a handler on a bare root logger for good.
    root.addFilter(_dropped)
    root.addHandler(logging.NullHandler())
    try:
        yield
    finally:
        root.removeFilter(_dropped)
        root.handlers[:] = handlers
        root.setLevel(root_level)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _dropped(_record: logging.LogRecord) -> bool:
    return False
