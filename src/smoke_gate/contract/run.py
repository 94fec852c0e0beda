"""The run that facts are logged to: they arrive whole and unchanged, and no error shows a secret."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from smoke_gate.errors import ContractError, ExitCode
from smoke_gate.extras import to_install
from smoke_gate.redaction import process_secrets

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

MAX_PARAM_LENGTH = (
    500  # the shortest limit of an MLflow server still in use that holds a definition; longer is cut
)


class NoAnswerError(ContractError):
    """The MLflow store does not answer. What libraries say of it is not quoted: its address may hold a secret."""

    exit_code = ExitCode.NO_VERDICT


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A run and the client that reaches it."""

    client: "MlflowClient"
    run_id: str

    def params(self) -> dict[str, str]:
        """Return the run's params as the store has them now."""
        return dict(self.client.get_run(self.run_id).data.params)

    def log(self, params: Mapping[str, str], tags: Mapping[str, str] | None = None) -> None:
        """Log params, which are immutable, and tags; a param that already has its value is left alone.

        Raises:
            ContractError: a param has another value already, is empty, or is so long that a server would cut it.

        """
        from mlflow.entities import Param, RunTag

        present = self.params()
        for key, value in params.items():
            _check_param(key, value, present.get(key))
        self.client.log_batch(
            self.run_id,
            params=[Param(key, value) for key, value in params.items() if key not in present],
            tags=[RunTag(key, value) for key, value in (tags or {}).items()],
        )

    def log_file(self, content: bytes, path: str) -> None:
        """Log bytes as the artifact at ``path``, from the artifact root."""
        folder, _, name = path.rpartition("/")
        with TemporaryDirectory() as temporary:
            file = Path(temporary, name)
            file.write_bytes(content)
            self.client.log_artifact(self.run_id, str(file), folder or None)

    def read_file(self, path: str) -> bytes | None:
        """Return an artifact's bytes, None where the run has no such artifact."""
        folder = path.rpartition("/")[0]
        if path not in {file.path for file in self.client.list_artifacts(self.run_id, folder or None)}:
            return None
        with TemporaryDirectory() as temporary:
            return Path(self.client.download_artifacts(self.run_id, path, temporary)).read_bytes()


def logged_run(client: "MlflowClient | None", run_id: str | None) -> LoggedRun:
    """Return the run that is meant: the named one, else the active one of ``with mlflow.start_run():``.

    What was logged to the active run with ``synchronous=False`` has arrived by then.

    Raises:
        ContractError: there is no active run, or a client is given without a run.

    """
    import mlflow
    from mlflow.tracking import MlflowClient

    if run_id is not None:
        return LoggedRun(client or MlflowClient(), run_id)
    if client is not None:
        raise ContractError("client= is given without run_id=: name the run to log to")
    active = mlflow.active_run()
    if active is None:
        raise ContractError(
            "no active MLflow run: log inside `with mlflow.start_run():`, or pass client= and run_id="
        )
    if hasattr(mlflow, "flush_async_logging"):  # MLflow 2.9 may lack it
        mlflow.flush_async_logging()  # a param that is still on its way would be logged twice, which a store refuses
    return LoggedRun(MlflowClient(), active.info.run_id)


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn what MLflow raises into a ContractError without the credentials that its message may quote.

    If MLflow or a part of it is not installed, the error says what to type.
    """
    try:
        import mlflow
        from mlflow.exceptions import MlflowException
        from requests import RequestException
    except ImportError as error:
        raise _not_installed(error) from error
    try:
        yield
    except ImportError as error:
        raise _not_installed(error) from error
    except (MlflowException, RequestException) as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, RequestException):
            cause = cause.__cause__ or cause.__context__
        if cause is not None and cause.response is None:
            raise NoAnswerError(
                f"the MLflow store does not answer ({type(cause).__name__}): check its address, that the server is up, "
                "and that this machine may reach it"
            ) from None
        raise ContractError(
            f"the MLflow store refused: {process_secrets(mlflow.get_tracking_uri()).removed_from_error(str(error))}"
        ) from None


def _not_installed(error: ImportError) -> Exception:
    advice = to_install(error)
    return error if advice is None else ContractError(advice)


def _check_param(key: str, value: str, present: str | None) -> None:
    if not value.strip():
        raise ContractError(f"param {key} is empty: log what it is, or do not log it")
    if len(value) > MAX_PARAM_LENGTH:
        raise ContractError(
            f"param {key} has {len(value)} characters and MLflow servers cut what is longer than "
            f"{MAX_PARAM_LENGTH}: log a shorter text, or an artifact"
        )
    if present is not None and present != value:
        raise ContractError(
            f"param {key} is {present!r} already and cannot become {value!r}: a param never changes; "
            "log the other value in a run of its own"
        )
