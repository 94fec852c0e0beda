"""The preregistration run: a metric's definition, written down before the matrix is run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smoke_gate.contract.facts import commit_tags, log_definition_to
from smoke_gate.contract.run import LoggedRun, store_errors
from smoke_gate.errors import ContractError
from smoke_gate.hashing import Definition, data_hash, definition_hash
from smoke_gate.registrations import last_of_chain
from smoke_gate.vocabulary import DEFINITION_KEY, GOLDEN_FILE, KIND_TAG, PREREGISTRATION, PRIOR_KEY

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from smoke_gate.hashing import Array


@dataclass(frozen=True, slots=True)
class Golden:
    """A worked example of a metric, by which any implementation of it can be held against its definition.

    ``inputs`` are the metric's arguments by name, ``expected`` the values that it must give by metric name. In the
    file ``golden.npz`` they are the arrays ``input.<name>`` and ``expected.<name>``.
    """

    inputs: "Mapping[str, Array]"
    expected: Mapping[str, float]

    def to_bytes(self) -> bytes:
        """Return the content of ``golden.npz``.

        Raises:
            ContractError: an input is not an array of plain values, an expected value is not finite, or one is missing.

        """
        import numpy as np

        if not self.inputs or not self.expected:
            raise ContractError(
                "a golden tensor needs at least one input array and one expected metric value"
            )
        for array in self.inputs.values():
            data_hash(array)
        for name, value in self.expected.items():
            if not np.isfinite(value):
                raise ContractError(
                    f"golden tensor: the expected {name} is {value}, which no metric can be compared with"
                )
        content = BytesIO()
        arrays: dict[str, Any] = {f"input.{name}": array for name, array in self.inputs.items()}
        arrays |= {f"expected.{name}": np.float64(value) for name, value in self.expected.items()}
        np.savez(content, **arrays)
        return content.getvalue()


def read_golden(path: str | PathLike[str]) -> Golden:
    """Read a ``golden.npz``.

    Raises:
        ContractError: the file is not a valid ``golden.npz``.
        OSError: it cannot be read.

    """
    import numpy as np

    content = Path(path).read_bytes()
    try:
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            inputs = {
                name.removeprefix("input."): arrays[name] for name in arrays if name.startswith("input.")
            }
            expected = {
                name.removeprefix("expected."): float(arrays[name])
                for name in arrays
                if name.startswith("expected.")
            }
    except Exception as error:  # of what is damaged, readers of arrays and archives say a dozen things
        raise ContractError(
            f"{Path(path).name} is not a golden tensor: expected an .npz of plain arrays"
        ) from error
    if not inputs or not expected:
        raise ContractError(f"{Path(path).name}: expected arrays named input.<name> and expected.<metric>")
    return Golden(inputs, expected)


@store_errors()
def preregister(
    definition: Definition,
    golden: Golden | None,
    *,
    experiment: str,
    prior: str | None = None,
    reason: str | None = None,
    policy_sha256: str | None = None,
    commit: str | None = None,
    key: str = DEFINITION_KEY,
    client: "MlflowClient | None" = None,
) -> str:
    """Log the preregistration run of an experiment: what the metric is, before any run of the matrix is made.

    Args:
        definition: the definition as a dict or list, or as JSON text.
        golden: a worked example of the metric; None where there is none.
        experiment: its name or id; made if there is none.
        prior: the definition hash of the registration that this one replaces, where there is one.
        reason: why it is replaced.
        policy_sha256: the hash of the policy that will judge the matrix.
        commit: full hex name of the commit, instead of that of the working directory's repository.
        key: the param of the definition's hash.
        client: reaches the store; the fluent one if not given.

    Returns:
        The id of the run, which is FINISHED.

    Raises:
        HashError: the definition or an array of the golden tensor has no hash.
        ContractError: the experiment has a registration that ``prior`` does not name, or ``reason`` is missing, or
            ``golden`` is, though the registration that is replaced has one.

    """
    from mlflow.tracking import MlflowClient

    client = client or MlflowClient()
    content = golden.to_bytes() if golden else None
    sha256 = definition_hash(definition)
    optional = {PRIOR_KEY: prior, "reason": reason, "policy_sha256": policy_sha256}
    params = {name: value for name, value in optional.items() if value is not None}
    experiment_id = _experiment_id(client, experiment)
    replaced = _replaced(sha256, prior, reason, _registrations(client, experiment_id, key))
    if replaced is not None and golden is None:
        _check_golden(client, replaced.run_id)
    tags = {KIND_TAG: PREREGISTRATION} | commit_tags(commit)
    run_id: str = client.create_run(experiment_id, tags=tags, run_name=PREREGISTRATION).info.run_id
    status = "FAILED"
    try:
        logged = LoggedRun(client, run_id)
        log_definition_to(logged, definition, key, params)
        if content is not None:
            logged.log_file(content, GOLDEN_FILE)
        status = "FINISHED"
    finally:
        client.set_terminated(run_id, status)
    return run_id


def _experiment_id(client: "MlflowClient", name_or_id: str) -> str:
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name_or_id)
    if experiment is None and name_or_id.isdecimal():
        try:
            experiment = client.get_experiment(name_or_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
    return experiment.experiment_id if experiment else client.create_experiment(name_or_id)


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A finished registration of the same metric."""

    run_id: str
    sha256: str
    prior_sha256: str | None


def _registrations(client: "MlflowClient", experiment_id: str, key: str) -> list[_Earlier]:
    """Return the finished registrations of this metric."""
    found = client.search_runs(
        [experiment_id],
        filter_string=f"tags.`{KIND_TAG}` = '{PREREGISTRATION}' and attributes.status = 'FINISHED'",
    )
    return [
        _Earlier(run.info.run_id, params[key], params.get(PRIOR_KEY) or None)
        for run in found
        if (params := run.data.params).get(key)
    ]


def _replaced(
    sha256: str, prior: str | None, reason: str | None, earlier: Sequence[_Earlier]
) -> _Earlier | None:
    """Return the registration that the new one replaces; None if it is the first.

    Raises:
        ContractError: the new one does not carry on the chain of the earlier ones.

    """
    if any(one.sha256 == sha256 for one in earlier):
        raise ContractError(f"the definition {sha256} is registered already: there is nothing to add")
    counting = last_of_chain(earlier)
    if earlier and counting is None:
        runs = ", ".join(sorted(one.run_id for one in earlier))
        raise ContractError(
            f"the earlier registrations are not a single chain, so none of them counts: {runs}. "
            "Delete the ones that do not belong to it (mlflow runs delete)"
        )
    if counting is None:
        if prior is not None:
            raise ContractError(
                f"there is no {prior} to replace: nothing is registered yet, so give no prior"
            )
        return None
    if prior is None:
        raise ContractError(
            f"{counting.sha256} is registered already: give it as prior, with a reason, to replace it"
        )
    if prior != counting.sha256:
        raise ContractError(f"there is no {prior} to replace: what counts now is {counting.sha256}")
    if not reason:
        raise ContractError(f"the registration replaces {prior}: give the reason")
    return counting


def _check_golden(client: "MlflowClient", replaced: str) -> None:
    """Check that nothing is lost: a definition with a worked example is not replaced by one without."""
    if GOLDEN_FILE in {file.path for file in client.list_artifacts(replaced)}:
        raise ContractError(
            f"the registration that this one replaces, run {replaced}, has a golden tensor, and this one has none: "
            "give one, with the values that the new definition has"
        )
