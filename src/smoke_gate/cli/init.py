"""`init`: a policy and a workflow for an experiment that is there."""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from smoke_gate.cli.options import option
from smoke_gate.cli.progress import progress_bar
from smoke_gate.errors import ExitCode, UsageError
from smoke_gate.options import DEFAULT_POLICY, DEFAULT_WORKERS

if TYPE_CHECKING:
    from smoke_gate.init.gates import Profile
    from smoke_gate.init.guess import Guess
    from smoke_gate.init.identity import Identity
    from smoke_gate.init.shape import Shape

T = TypeVar("T")

_MOST_ALTERNATIVES = 3


@click.command()
@option(
    "--tracking-uri",
    metavar="URI",
    help="The MLflow store; it is only read.  [default: as for check]",
)
@option("--experiment", multiple=True, metavar="NAME_OR_ID", help="An experiment; may be given again.")
@click.option("--yes", is_flag=True, help="Take the guesses, ask nothing.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_POLICY,
    show_default=True,
    help="Where the policy goes.",
)
def init(tracking_uri: str | None, experiment: tuple[str, ...], yes: bool, force: bool, output: Path) -> int:
    """Look at an experiment; write a commented policy and a workflow; say what the runs must log for the rest."""
    from smoke_gate.init.workflow import WORKFLOW

    if not force:
        _refuse_to_overwrite([output, WORKFLOW])
    try:
        guess = _guess(tracking_uri, experiment, asks=not yes)
    except click.Abort:
        raise UsageError("init was not answered: nothing is written. Give --yes to take its guesses") from None
    _write(output, _policy(guess, output))
    from smoke_gate.init.workflow import workflow_text

    _write(WORKFLOW, workflow_text(output.as_posix()))
    _say(_told(guess, output))
    return ExitCode.OK


def _refuse_to_overwrite(paths: Iterable[Path]) -> None:
    present = [str(path) for path in paths if path.exists()]
    if present:
        raise UsageError(f"{' and '.join(present)} is there already: --force overwrites, --output writes elsewhere")


def _guess(tracking_uri: str | None, experiments: Sequence[str], *, asks: bool) -> "Guess":
    import os

    from smoke_gate.collect import default_tracking_uri
    from smoke_gate.init.gates import profile_of
    from smoke_gate.init.guess import guess
    from smoke_gate.init.identity import identities
    from smoke_gate.init.read import reading

    uri = tracking_uri or default_tracking_uri(Path(), os.environ)
    with progress_bar(shown=True) as progress, reading(uri, experiments, progress) as found:
        shape = found.shape
        if not shape.runs:
            raise UsageError(
                f"{', '.join(shape.experiments)} has no finished run to learn from ({shape.unfinished} are not "
                "finished): train some first, or write the policy by hand (`smoke-gate explain G0`)"
            )
    ways = identities(shape)
    identity = _ask_identity(shape, ways) if asks else ways[0]
    profile = profile_of(shape, tuple(identity.selected.values()))
    if asks:
        profile = _ask_profile(profile)
    run_ids = [run.run_id for run in identity.selected.values()]
    with progress_bar(shown=True) as progress, reading(uri, experiments, progress) as found:
        files = found.files(run_ids, workers=DEFAULT_WORKERS, progress=progress)
    return guess(shape, identity, profile, files)
