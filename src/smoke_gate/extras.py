"""The line that a user must type for a module that is not installed.

``pip install smoke-gate`` brings what training code and small commands need. The rest comes with extras, and MLflow is
the one that is there.
"""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from smoke_gate.errors import UsageError

CHECK = "check"
MODULES = {
    CHECK: ("PIL", "alembic", "docker", "dulwich", "jinja2", "matplotlib", "requests", "rich", "sqlalchemy"),
    "s3": ("boto3", "botocore"),
    "gcs": ("google.cloud.storage",),
    "azure": ("azure.identity", "azure.storage.blob"),
    "dask": ("distributed",),
    "postgres": ("psycopg2", "psycopg"),
    "mysql": ("pymysql", "MySQLdb"),
}
"""The modules that each extra of pyproject.toml brings, or brings another one for."""

OLDEST_MLFLOW = (2, 9)
"""The oldest MLflow that runs are logged with."""
OLDEST_MLFLOW_TO_CHECK = (3, 13)
"""The oldest MLflow that the extra ``check`` reads stores with, as pyproject.toml says."""


class MissingExtraError(UsageError):
    """Something is not installed; the text says what to type."""


def to_install(error: BaseException) -> str | None:
    """Return what to type so that an import does not fail again; None where no extra and no MLflow would help."""
    if not isinstance(error, ImportError) or not error.name:
        return None
    if _related(error.name, "mlflow"):
        return _for_mlflow()
    for extra, modules in MODULES.items():
        for module in modules:
            if _related(error.name, module) and not _is_there(module):
                return f"{module} is not installed. {_line(extra)}"
    return None


def need_check() -> None:
    """Refuse to start what takes long and would only fail at its end.

    Raises:
        MissingExtraError: A module of the extra ``check`` is not installed, or MLflow is too old for it.
    """
    for module in ("mlflow", *MODULES[CHECK]):
        if not _is_there(module):
            raise MissingExtraError(f"{module} is not installed. {_line(CHECK)}")
    if (found := _installed_mlflow()) and _numbers(found) < OLDEST_MLFLOW_TO_CHECK:
        raise MissingExtraError(f"MLflow {found} is too old for this command. {_line(CHECK)}")


def _related(module: str, other: str) -> bool:
    """Return whether a module is another one, is in it, or holds it, as ``google`` holds ``google.cloud``."""
    return f"{module}.".startswith(f"{other}.") or other.startswith(f"{module}.")


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # what holds it is not there
        return False


def _for_mlflow() -> str:
    oldest = _dotted(OLDEST_MLFLOW)
    found = _installed_mlflow()
    if found is None:
        return (
            f'MLflow is not installed. Type: pip install "mlflow>={oldest}" '
            "(mlflow-skinny is enough for a tracking server)"
        )
    return f"MLflow {found} lacks what is needed here. smoke-gate works with MLflow {oldest} and newer"


def _line(extra: str) -> str:
    line = f'Type: pip install "smoke-gate[{extra}]"'
    found = _installed_mlflow()
    if extra != CHECK or found is None or _numbers(found) >= OLDEST_MLFLOW_TO_CHECK:
        return line
    return (
        f"{line}, in an environment of its own: it brings MLflow {_dotted(OLDEST_MLFLOW_TO_CHECK)} or newer, and this "
        f"environment has {found}"
    )


def _installed_mlflow() -> str | None:
    for name in ("mlflow", "mlflow-skinny"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
