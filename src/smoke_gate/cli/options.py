"""The options of `check`, each with its environment variable; other commands take those that they share."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from smoke_gate.options import (
    DEFAULT_OUTPUT,
    DEFAULT_WORKERS,
    clean_branch,
    clean_executor,
    clean_mapping,
    clean_names,
    clean_sha,
)
from smoke_gate.policy_file.names import POLICY_NAMES

if TYPE_CHECKING:
    from smoke_gate.collect import Source
    from smoke_gate.options import Options
    from smoke_gate.origins import ArtifactHost
    from smoke_gate.policy.model import Policy

Decorator = Callable[[Any], Any]
T = TypeVar("T")
VARIABLE_PREFIX = "SMOKE_GATE_"
DEFAULT_POLICIES = " or ".join(map(str, POLICY_NAMES))


class Several(click.types.StringParamType):
    """A text that may be given again; a variable holds several, told apart by any of the separators."""

    def __init__(self, separators: str) -> None:
        self._separators = f"[{separators}]"

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """Return what a variable holds, trimmed, as the inputs of the action are."""
        return [part for text in re.split(self._separators, rv) if (part := text.strip())]


class OutputFolder(click.Path):
    """A folder to write to, which need not be there."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, file_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an empty name: it would be the working directory, which nobody asked for."""
        if value == "":
            message = "found nothing, expected a folder (. is the working directory)"
            raise click.BadParameter(message, ctx=ctx, param=param)
        return super().convert(value, param, ctx)


def option(name: str, *parameters: str, **settings: Any) -> Decorator:
    """Return a click option that ``SMOKE_GATE_<NAME>`` sets too, where the command line does not."""
    variable = VARIABLE_PREFIX + name.removeprefix("--").upper().replace("-", "_")
    return click.option(name, *parameters, envvar=variable, **settings)


def names(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    """Split a list at commas and newlines; None where nothing was said."""
    return clean_names(text or "") or None


def path_map(
    _context: click.Context, _parameter: click.Parameter, texts: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Read ``OLD=NEW`` pairs."""
    return tuple(_read(clean_mapping, text) for text in texts)


def artifact_hosts(
    _context: click.Context, parameter: click.Parameter, texts: Sequence[str]
) -> "tuple[ArtifactHost, ...]":
    """Read the addresses of hosts; the option's name says whether they get credentials."""
    from smoke_gate.origins import clean_artifact_host

    with_credentials = "with_credentials" in (parameter.name or "")
    return tuple(
        _read(partial(clean_artifact_host, with_credentials=with_credentials), text) for text in texts
    )


def executor(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    """Read the address of a Dask scheduler; None where nothing was said."""
    return None if text is None else _read(clean_executor, text)


def sha(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    """Read a whole commit hash; None where nothing was said."""
    return None if text is None else _read(clean_sha, text)


def branch(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    """Read a branch's name; None where nothing was said."""
    return _read(clean_branch, text) if text else None


def seconds(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float:
    """Read a duration such as ``30m``; an empty text is not a time."""
    from smoke_gate.waiting import duration

    return _read(duration, text) if text else 0.0


def _read(clean: Callable[[str], T], text: str) -> T:
    """Return an option's value, or raise click's error, which names the option."""
    try:
        return clean(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def with_options(*groups: Sequence[Decorator]) -> Decorator:
    """Add groups of options to a command, so that its help lists them in this order."""

    def decorate(command: Any) -> Any:
        for add in reversed([add for group in groups for add in group]):
            command = add(command)
        return command

    return decorate


def policy_file_of(options: "Options") -> Path | None:
    """Return the policy file that counts. Where none is named, say on stderr what may have been meant to be it.

    Raises:
        UsageError: None is named, and the working directory has two.
    """
    from smoke_gate.policy_file.names import unread_policies
    from smoke_gate.text import log_line

    file = options.policy_file
    if options.policy is None and (warning := unread_policies()):
        click.echo(f"smoke-gate: {log_line(warning)}", err=True)
    return file


def policy_and_store(
    policy: Path | None, experiment: tuple[str, ...], tracking_uri: str | None, key: str | None
) -> "tuple[Policy, Source]":
    """Return the policy, which needs no plan here, and where to read, for commands that judge no matrix.

    ``key`` is the param of the definition's hash; None: the policy's.
    """
    import os

    from smoke_gate.collect import Source, default_tracking_uri
    from smoke_gate.gates.definition import DefinitionHashSettings
    from smoke_gate.options import Options
    from smoke_gate.policy_file.load import load_policy

    asked = Options(policy=policy, experiment=experiment)
    uri = tracking_uri or default_tracking_uri(Path(), os.environ)
    agreed = load_policy(policy_file_of(asked), asked.overrides, plan_required=False)
    return agreed.with_settings(DefinitionHashSettings, key=key) if key else agreed, Source(tracking_uri=uri)


experiment_option = option(
    "--experiment",
    multiple=True,
    type=Several(",\n"),
    metavar="NAME_OR_ID",
    help="An experiment; may be given again.",
)

key_option = option(
    "--key", metavar="PARAM", help="The param of the definition's hash.  [default: the policy's]"
)

POLICY_OPTIONS = (
    option(
        "--policy",
        type=click.Path(path_type=Path),
        help=f"The policy file.  [default: {DEFAULT_POLICIES}, if there is one]",
    ),
    experiment_option,
    option("--cells", callback=names, metavar="B0,A3", help="Judge only these cells."),
    option("--seeds", callback=names, metavar="42,123", help="Judge only these seeds."),
    option("--threshold", metavar="N", help="The number of failing runs at which G5 fails: 2, or 10%."),
    option(
        "--definition", metavar="FILE_OR_HASH", help="The expected metric definition, before the policy's."
    ),
    option("--profile", type=click.Choice(["contract", "basic"]), help="Which defaults apply."),
)

path_map_option = option(
    "--artifact-path-map",
    multiple=True,
    type=Several("\n"),
    metavar="OLD=NEW",
    callback=path_map,
    help="Where artifacts are that were recorded elsewhere; may be given again.",
)

artifact_host_option = option(
    "--artifact-host",
    multiple=True,
    type=Several(r",\s"),
    metavar="URL",
    callback=artifact_hosts,
    help="Another host to fetch artifacts from, without credentials; may be given again.",
)

artifact_host_with_credentials_option = option(
    "--artifact-host-with-credentials",
    multiple=True,
    type=Several(r",\s"),
    metavar="URL",
    callback=artifact_hosts,
    help="The same, https only; it gets the tracking server's credentials.",
)

ARTIFACT_OPTIONS = (path_map_option, artifact_host_option, artifact_host_with_credentials_option)

STORE_OPTIONS = (
    option(
        "--tracking-uri",
        metavar="URI",
        help="The MLflow store.  [default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db, else ./mlruns]",
    ),
    *ARTIFACT_OPTIONS,
    option(
        "--workers",
        type=click.IntRange(1, 64),
        default=DEFAULT_WORKERS,
        show_default=True,
        help="How many runs are read at a time.",
    ),
    option(
        "--executor",
        metavar="dask://HOST:PORT",
        callback=executor,
        help="A Dask scheduler, whose workers read the artifacts themselves.",
    ),
    option(
        "--cache",
        type=OutputFolder(),
        metavar="DIR",
        help="Keep what is read of files in object stores, and read only new and changed ones the next time.",
    ),
)

CONTEXT_OPTIONS = (
    option(
        "--sha",
        metavar="COMMIT",
        callback=sha,
        help="The whole hash of the commit that counts as head.  [default: HEAD]",
    ),
    option(
        "--pull-request",
        type=click.IntRange(1),
        metavar="N",
        help="The pull request that the verdict is about.",
    ),
)

BASELINE_OPTIONS = (
    option(
        "--baseline",
        type=click.Path(path_type=Path),
        metavar="VERDICT.json",
        help="An earlier verdict file: the report shows the differences to it, and limits of the policy hold.",
    ),
    option(
        "--baseline-ref",
        callback=branch,
        metavar="BRANCH",
        help="The same, with the newest verdict file that a workflow of this branch keeps on GitHub.",
    ),
)

OUTPUT_OPTIONS = (
    option(
        "--output-dir",
        type=OutputFolder(),
        default=DEFAULT_OUTPUT,
        show_default=True,
        help="Where the files go.",
    ),
    *BASELINE_OPTIONS,
    option("--no-figures", is_flag=True, help="Draw no summary figures."),
    option(
        "--fail-on",
        type=click.Choice(["fail", "warning"]),
        default="fail",
        show_default=True,
        help="The mildest verdict whose exit code is not 0.",
    ),
    option("--quiet", is_flag=True, help="Print the verdict and the files only."),
    option("--verbose", is_flag=True, help="Say on stderr what is read."),
)
