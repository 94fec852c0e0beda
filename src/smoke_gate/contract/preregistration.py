"""The preregistration run: a metric's definition, written down before the matrix is run."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smoke_gate.contract.facts import DEFINITION_KEY, commit_tags, log_definition_to
from smoke_gate.contract.run import ContractError, LoggedRun, store_errors
from smoke_gate.hashing import Definition, data_hash, definition_hash

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

    from smoke_gate.hashing import Array

KIND_TAG = "smoke_gate.kind"
PREREGISTRATION = "preregistration"
GOLDEN_FILE = "golden.npz"


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
            ContractError: an input is no array of plain values, an expected value is not finite, or either is missing.

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
        ContractError: the file is none.
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
            f"{Path(path).name} is no golden tensor: expected an .npz of plain arrays"
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
    optional = {"prior_sha256": prior, "reason": reason, "policy_sha256": policy_sha256}
    params = {name: value for name, value in optional.items() if value is not None}
    experiment_id = _experiment_id(client, experiment)
    earlier = _registrations(client, experiment_id, key)
    _check_succession(sha256, prior, reason, earlier)
    if prior is not None and golden is None:
        _check_golden(client, earlier[prior])
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


def _registrations(client: "MlflowClient", experiment_id: str, key: str) -> "dict[str, Run]":
    """Return the finished registrations of this definition, by its hash."""
    found = client.search_runs(
        [experiment_id],
        filter_string=f"tags.`{KIND_TAG}` = '{PREREGISTRATION}' and attributes.status = 'FINISHED'",
    )
    return {run.data.params[key]: run for run in found if key in run.data.params}


def _check_succession(
    sha256: str, prior: str | None, reason: str | None, earlier: "Mapping[str, Run]"
) -> None:
    """Check that a registration is the first, or carries on the chain of the earlier ones at its one end."""
    if sha256 in earlier:
        raise ContractError(f"the definition {sha256} is registered already: there is nothing to add")
    ends = sorted(earlier.keys() - {run.data.params.get("prior_sha256") for run in earlier.values()})
    counting = " or ".join(ends)
    if prior is None and ends:
        raise ContractError(
            f"{counting} is registered already: give it as prior, with a reason, to replace it"
        )
    if prior is not None and prior not in ends:
        counts = f"what counts now is {counting}" if ends else "nothing is registered yet, so give no prior"
        raise ContractError(f"there is no {prior} to replace: {counts}")
    if prior is not None and not reason:
        raise ContractError(f"the registration replaces {prior}: give the reason")


def _check_golden(client: "MlflowClient", replaced: "Run") -> None:
    """Check that nothing is lost: a definition with a worked example is not replaced by one without."""
    run_id = replaced.info.run_id
    if GOLDEN_FILE in {file.path for file in client.list_artifacts(run_id)}:
        raise ContractError(
            f"the registration that this one replaces, run {run_id}, has a golden tensor, and this one has none: "
            "give one, with the values that the new definition has"
        )
