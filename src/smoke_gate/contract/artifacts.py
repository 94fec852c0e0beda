"""The artifacts that a run logs: checkpoints with a manifest, figures that say where they come from.

Both functions log to the active run of ``with mlflow.start_run():``, or to the run that ``client`` and ``run_id``
name, and raise ContractError for a file that must not be logged, and where the store refuses.
"""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from smoke_gate.contract.run import LoggedRun, logged_run, store_errors
from smoke_gate.errors import ContractError
from smoke_gate.hashing import file_sha256
from smoke_gate.policy.terms import is_sha256
from smoke_gate.provenance import ProvenanceError, embed_provenance
from smoke_gate.vocabulary import DEFINITION_KEY, MANIFEST, PAYLOAD_SUFFIX, SOURCES

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow.tracking import MlflowClient


@store_errors()
def log_checkpoint(
    path: str | PathLike[str],
    name: str | None = None,
    *,
    client: "MlflowClient | None" = None,
    run_id: str | None = None,
) -> str:
    """Log a checkpoint as ``checkpoints/<name>`` and enter its SHA-256 and size in ``checkpoints/MANIFEST.json``.

    The manifest is read and written again, so only one process of a run may log checkpoints.

    Args:
        path: the file as the training framework wrote it.
        name: its name in the run; the file's own if not given. An earlier checkpoint of that name is replaced.
        client: reaches the store; needs ``run_id``.
        run_id: the run to log to, instead of the active one.

    Returns:
        The artifact's path.

    """
    file = Path(path)
    if not file.exists():
        raise ContractError(f"checkpoint {file.name!r}: there is no such file ({path})")
    if not file.is_file() or file.stat().st_size == 0:
        raise ContractError(
            f"checkpoint {file.name!r}: expected a file that is not empty; a folder is logged file by file"
        )
    artifact = f"checkpoints/{_plain_name(name or file.name)}"
    if artifact == MANIFEST:
        raise ContractError(f"{MANIFEST} is written by log_checkpoint: give the checkpoint another name")
    run = logged_run(client, run_id)
    manifest = _manifest(run)
    manifest[artifact] = {"sha256": file_sha256(file), "size": file.stat().st_size}
    with TemporaryDirectory() as temporary:
        renamed = Path(temporary, Path(artifact).name)  # MLflow names an artifact as the file is named
        renamed.symlink_to(file.resolve())
        run.client.log_artifact(run.run_id, str(renamed), "checkpoints")
    run.log_file(json.dumps(manifest, indent=2, sort_keys=True).encode(), MANIFEST)
    return artifact


def _manifest(run: LoggedRun) -> dict[str, Any]:
    content = run.read_file(MANIFEST)
    try:
        manifest = json.loads(content) if content is not None else {}
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict):
        raise ContractError(
            f"{MANIFEST} of run {run.run_id} is not a JSON object: something else wrote it; remove it"
        )
    return manifest


@store_errors()
def log_figure(
    figure: "Figure | str | PathLike[str]",
    name: str,
    *,
    source_run_ids: Sequence[str] | None = None,
    key: str | None = None,
    client: "MlflowClient | None" = None,
    run_id: str | None = None,
) -> str:
    """Log a figure as ``figures/<name>.png`` that says itself which runs it shows, by which definition.

    Its text chunks are ``source_run_ids``, a JSON array, and ``key``, the definition's hash as the run logged it.

    Args:
        figure: a matplotlib Figure, or the path of a PNG (which stays as it is).
        name: the figure's name, without ``.png``.
        source_run_ids: the runs whose values it shows, this one among them; only this one if not given.
        key: the param under which ``log_definition`` logged the hash; the one that the run has if not given.
        client: reaches the store; needs ``run_id``.
        run_id: the run to log to, instead of the active one.

    Returns:
        The artifact's path.

    """
    artifact = f"figures/{_plain_name(name.removesuffix('.png'))}.png"
    run = logged_run(client, run_id)
    sources = [run.run_id] if source_run_ids is None else list(source_run_ids)
    if run.run_id not in sources:
        raise ContractError(f"figure {name!r}: source_run_ids lacks the run that logs it, {run.run_id}")
    key, definition = _definition(name, run.params(), key)
    text = {SOURCES: json.dumps(sources), key: definition}
    try:
        content = embed_provenance(_png(figure), text)
    except ProvenanceError as error:
        raise ContractError(f"figure {name!r}: {error}; expected a matplotlib Figure or a PNG file") from None
    run.log_file(content, artifact)
    return artifact


def _definition(figure: str, params: Mapping[str, str], key: str | None) -> tuple[str, str]:
    """Return the key under which the run logged its definition, and the hash."""
    logged = [
        name
        for name, value in params.items()
        if is_sha256(value) and (name.endswith("definition_hash") or name + PAYLOAD_SUFFIX in params)
    ]
    usual = DEFINITION_KEY if DEFINITION_KEY in logged or len(logged) != 1 else logged[0]
    key = key or usual
    if key in params:
        return key, params[key]
    said = (
        f"; it has {' and '.join(sorted(logged))}: pass key="
        if logged
        else ": call log_definition before log_figure"
    )
    raise ContractError(f"figure {figure!r}: the run has no param {key}{said}")


def _png(figure: "Figure | str | PathLike[str]") -> bytes:
    if isinstance(figure, str | PathLike):
        return Path(figure).read_bytes()
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    return drawn.getvalue()


def _plain_name(name: str) -> str:
    if name in ("", ".", "..") or any(character in name for character in "/\\\0"):
        raise ContractError(
            f"{name!r} is not a plain file name: leave folders out, the artifact's folder is given"
        )
    return name
