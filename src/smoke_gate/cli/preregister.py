"""`preregister` and `hash`: the producer contract on the command line."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smoke_gate.cli.options import (
    DEFAULT_POLICIES,
    key_option,
    option,
    policy_and_store,
    policy_file_of,
)
from smoke_gate.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from numpy.typing import NDArray

    from smoke_gate.policy.model import Policy

_READABLE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("definition", type=_READABLE, required=False)
@option(
    "--tracking-uri",
    metavar="URI",
    help="The MLflow store.  [default: as for check; where there is none, mlflow.db is made]",
)
@option(
    "--experiment",
    metavar="NAME_OR_ID",
    help="The experiment; made if there is none.  [default: the policy's, if it names one]",
)
@key_option
@click.option("--golden", type=_READABLE, help="A golden.npz: input arrays and the values of the metric.")
@click.option("--prior", metavar="SHA256", help="The definition hash of the registration that this replaces.")
@click.option("--reason", help="Why it is replaced.")
@option(
    "--policy", type=_READABLE, help=f"The policy to record.  [default: {DEFAULT_POLICIES}, if there is one]"
)
@click.option("--show", is_flag=True, help="Print what is registered, with the reasons, and write nothing.")
def preregister(
    definition: Path | None,
    tracking_uri: str | None,
    experiment: str | None,
    golden: Path | None,
    policy: Path | None,
    show: bool,
    **facts: str | None,
) -> int:
    """Log the preregistration run: the metric DEFINITION (JSON or YAML) and its hash, before any run is made."""
    if show:
        return _show(policy, experiment, tracking_uri, facts["key"])
    if definition is None:
        raise UsageError("preregister needs a DEFINITION file; --show prints what is registered")
    return _register(definition, tracking_uri, experiment, golden, policy, **facts)


def _register(
    definition: Path,
    tracking_uri: str | None,
    experiment: str | None,
    golden: Path | None,
    policy: Path | None,
    *,
    key: str | None,
    prior: str | None,
    reason: str | None,
) -> int:
    from smoke_gate import contract
    from smoke_gate.collect.definitions import read_definition
    from smoke_gate.collect.mlflow_environment import calm_mlflow
    from smoke_gate.gates.definition import DefinitionHashSettings
    from smoke_gate.options import Options
    from smoke_gate.policy_file.formats import policy_sha256
    from smoke_gate.policy_file.load import load_policy
    from smoke_gate.vocabulary import DEFINITION_KEY

    payload = read_definition(definition)
    policy_file = policy_file_of(Options(policy=policy))
    agreed = load_policy(policy_file) if policy_file else None
    key = key or (agreed.settings(DefinitionHashSettings).key if agreed else DEFINITION_KEY)
    with calm_mlflow(), _warnings_told():
        run_id = contract.preregister(
            payload,
            contract.read_golden(golden) if golden else None,
            experiment=experiment or _experiment_of(agreed),
            prior=prior,
            reason=reason,
            policy_sha256=policy_sha256(agreed) if agreed else None,
            key=key,
            client=_client(tracking_uri),
        )
    click.echo(f"definition: {contract.definition_hash(payload)}\nkey: {key}\nrun: {run_id}")
    return ExitCode.OK


def _experiment_of(policy: "Policy | None") -> str:
    names = policy.experiments if policy else ()
    if len(names) != 1:
        found = f"the policy names {', '.join(names)}" if names else "no policy names one"
        raise UsageError(f"preregister needs --experiment: {found}")
    return names[0]


@contextmanager
def _warnings_told() -> Iterator[None]:
    """Say what training code would be warned of as a message, without a line of code that is not the reader's."""
    from smoke_gate.text import log_line

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for warning in caught:
        click.echo(log_line(f"smoke-gate: {warning.message}"), err=True)


def _client(tracking_uri: str | None) -> "MlflowClient":
    """Return a client of a store that answers.

    Where none is named and none is here it is made: a registration comes first.

    Raises:
        StoreError: It does not answer, refuses, or is a folder that is not there.
    """
    import os

    from smoke_gate.collect.locations import NEW_STORE, files_path, kind_of, shown, usual_tracking_uri
    from smoke_gate.collect.mlflow_calls import explained, persistently
    from smoke_gate.collect.mlflow_environment import deadline

    uri = tracking_uri or usual_tracking_uri(Path(), os.environ)
    if uri is None:
        uri = NEW_STORE
        click.echo(f"store: {uri}, which is new: none is named, and none was here")
    kind = kind_of(uri)
    if kind == "files":
        files_path(uri)  # MLflow would make a folder of any name
    if kind == "server":
        return explained(shown(uri), persistently, deadline(os.environ), _answering, uri)
    return explained(shown(uri), _answering, uri)  # unhurried: a new database's tables are made here


def _answering(uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    client.search_experiments(max_results=1)
    return client


def _show(policy: Path | None, experiment: str | None, tracking_uri: str | None, key: str | None) -> int:
    from smoke_gate.collect.registered import read_registered
    from smoke_gate.gates.definition import DefinitionHashSettings
    from smoke_gate.report.registrations import chain_text

    agreed, source = policy_and_store(policy, (experiment,) if experiment else (), tracking_uri, key)
    found = read_registered(agreed, source)
    text = chain_text(
        found.registrations, found.in_force, found.golden, key=agreed.settings(DefinitionHashSettings).key
    )
    click.echo(text, nl=False)
    return ExitCode.OK


@click.command("hash")
@click.argument("files", nargs=-1, required=True, type=_READABLE)
def hash_files(files: Sequence[Path]) -> int:
    """Print the data hash of .npy and .npz FILES, the definition hash of JSON and YAML ones."""
    from smoke_gate.text import log_line

    for path in files:
        click.echo(log_line(f"{_hash(path)}  {path}"))
    return ExitCode.OK


def _hash(path: Path) -> str:
    from smoke_gate.hashing import data_hash

    suffix = path.suffix.lower()
    if suffix in (".npy", ".npz"):
        return data_hash(_arrays(path))
    if suffix in (".json", ".yaml", ".yml"):
        from smoke_gate.collect.definitions import definition_sha256

        return definition_sha256(path)
    raise UsageError(
        f"{path}: expected .npy or .npz (a data hash), or .json, .yaml or .yml (a definition hash)"
    )


def _arrays(path: Path) -> "list[NDArray[Any]]":
    """Return the arrays of a file, those of an archive in the order in which it holds them."""
    import numpy as np

    from smoke_gate.text import shortened, visible

    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            return [loaded] if isinstance(loaded, np.ndarray) else [loaded[name] for name in loaded]
    except Exception as error:  # of what is damaged, readers of arrays and archives say a dozen things
        raise UsageError(f"{path} holds no plain NumPy arrays: {shortened(visible(str(error)))}") from error
