"""The facts that a run logs as params and tags: plan, definition, units, scaler spaces, data.

Every function logs to the active run of ``with mlflow.start_run():``, or to the run that ``client`` and ``run_id``
name. All raise ContractError for a value that must not be logged, and where the store refuses.
"""

import re
import warnings
from collections.abc import Collection
from typing import TYPE_CHECKING

from smoke_gate.contract.commit import UnknownCommitError, working_tree
from smoke_gate.contract.run import MAX_PARAM_LENGTH, LoggedRun, logged_run, store_errors
from smoke_gate.errors import ContractError
from smoke_gate.hashing import Definition, canonical_definition, data_hash, sha256_hex
from smoke_gate.vocabulary import (
    COMMIT_TAG,
    DEFINITION_FILE,
    DEFINITION_KEY,
    DIRTY_TAG,
    PAYLOAD_SUFFIX,
    UNITS,
)

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from smoke_gate.hashing import Array

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@store_errors()
def log_plan(
    *,
    cell: str,
    seed: int | str,
    commit: str | None = None,
    dirty: bool | None = None,
    client: "MlflowClient | None" = None,
    run_id: str | None = None,
) -> None:
    """Log which planned pair the run is (params ``cell`` and ``seed``) and of what code it is.

    The tags ``git_commit`` and ``git_dirty`` come from the git repository of the working directory; where there is
    none, or none that can be read, a warning says so and neither is logged.

    Args:
        cell: the model variant.
        seed: the random seed.
        commit: full hex name of the commit, instead of asking git.
        dirty: with ``commit``: whether the code differs from it; None where that is not known.
        client: reaches the store; needs ``run_id``.
        run_id: the run to log to, instead of the active one.

    """
    run = logged_run(client, run_id)
    run.log({"cell": cell, "seed": str(seed)}, commit_tags(commit, dirty))


def commit_tags(commit: str | None, dirty: bool | None = None) -> dict[str, str]:
    """Return the tags ``git_commit`` and ``git_dirty`` for a named commit, else for the working directory's."""
    if commit is None:
        try:
            tree = working_tree()
        except UnknownCommitError as error:
            warnings.warn(
                f"no git commit in the working directory ({error}): the run does not say of what code it is; "
                "pass commit=",
                stacklevel=4,
            )
            return {}
        commit, dirty = tree.commit, tree.dirty
    if not _COMMIT.fullmatch(commit):
        raise ContractError(f"commit {commit!r}: expected the full name, 40 or 64 lower-case hex digits")
    return {COMMIT_TAG: commit} | ({} if dirty is None else {DIRTY_TAG: str(dirty).lower()})


@store_errors()
def log_definition(
    payload: Definition,
    *,
    key: str = DEFINITION_KEY,
    client: "MlflowClient | None" = None,
    run_id: str | None = None,
) -> str:
    """Log by which definition the run computed its metric: the hash, and the definition itself.

    Args:
        payload: the definition as a dict or list, or as JSON text.
        key: the param of the hash. ``<key>_payload`` gets the definition's RFC 8785 form, or the artifact
            ``definition.json`` does where that is longer than 500 characters.
        client: reaches the store; needs ``run_id``.
        run_id: the run to log to, instead of the active one.

    Returns:
        The definition's hash.

    Raises:
        HashError: the payload is not a definition.

    """
    run = logged_run(client, run_id)
    return log_definition_to(run, payload, key, {})


def log_definition_to(run: LoggedRun, payload: Definition, key: str, params: dict[str, str]) -> str:
    """Log a definition and other params to ``run`` at once, and return the definition's hash."""
    canonical = canonical_definition(payload)
    text = canonical.decode("utf-8")
    sha256 = sha256_hex(canonical)
    short = len(text) <= MAX_PARAM_LENGTH
    run.log({key: sha256} | ({key + PAYLOAD_SUFFIX: text} if short else {}) | params)
    if not short:
        run.log_file(canonical, DEFINITION_FILE)
    return sha256


@store_errors()
def log_units(
    *,
    allowed: Collection[str] = UNITS,
    client: "MlflowClient | None" = None,
    run_id: str | None = None,
    **units: str,
) -> None:
    """Log in which unit a stage of the model takes or gives its values.

    Args:
        allowed: the units that the policy allows.
        client: reaches the store; needs ``run_id``.
        run_id: the run to log to, instead of the active one.
        **units: param to unit: ``dlinear_output_unit`` in every cell, ``vq_input_unit`` in those with a quantiser.

    """
    if not units:
        raise ContractError(
            "no unit is given: log dlinear_output_unit=…, and vq_input_unit=… where there is a quantiser"
        )
    for key, unit in units.items():
        if unit not in allowed:
            raise ContractError(f"{key}: unknown unit {unit!r}; expected one of {', '.join(allowed)}")
    logged_run(client, run_id).log(units)


@store_errors()
def log_scaler_space(
    *, client: "MlflowClient | None" = None, run_id: str | None = None, **signatures: str
) -> None:
    """Log in the space of which fitted scaler a stage's values are.

    A signature is a text that two stages share only if one fitted scaler made both, for instance the
    ``data_hash`` of the scaler's parameters.

    Args:
        client: reaches the store; needs ``run_id``.
        run_id: the run to log to, instead of the active one.
        **signatures: param to signature: ``dlinear_output_scaler_space_signature`` in every cell,
            ``vq_scaler_space_signature`` in those with a quantiser.

    """
    if not signatures:
        raise ContractError("no signature is given: log dlinear_output_scaler_space_signature=…")
    logged_run(client, run_id).log(signatures)


@store_errors()
def log_data_hashes(
    *,
    client: "MlflowClient | None" = None,
    run_id: str | None = None,
    **splits: "Array | list[Array] | tuple[Array, ...]",
) -> dict[str, str]:
    """Log what data the run saw: ``{split}_data_hash`` for each split.

    Args:
        client: reaches the store; needs ``run_id``.
        run_id: the run to log to, instead of the active one.
        **splits: split (``train``, ``val``, ``test``) to its array, or to a list of its arrays. Hash what is common
            to the cells, before any of them scales or windows it.

    Returns:
        The logged params.

    Raises:
        HashError: what is given for a split has no data hash.

    """
    if not splits:
        raise ContractError("no split is given: log train=…, val=… and test=…")
    hashes = {f"{split}_data_hash": data_hash(arrays) for split, arrays in splits.items()}
    for split, arrays in splits.items():
        if not any(array.size for array in (arrays if isinstance(arrays, list | tuple) else [arrays])):
            raise ContractError(f"split {split} is empty: a run that saw no data must not say that it did")
    logged_run(client, run_id).log(hashes)
    return hashes
