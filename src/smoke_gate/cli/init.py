"""`init`: a policy and a workflow for an experiment that is there."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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

_MOST_ALTERNATIVES = 3
_MOST_NAMES = 8


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
    from smoke_gate.init.workflow import WORKFLOW, workflow_text

    if not force:
        _refuse_to_overwrite([output, WORKFLOW])
    try:
        guess = _guess(tracking_uri, experiment, asks=not yes)
    except click.Abort:
        raise UsageError(
            "init was not answered: nothing is written. Give --yes to take its guesses"
        ) from None
    _write(output, _policy(guess, output))
    _write(WORKFLOW, workflow_text(_from_here(output)))
    _say(_told(guess, [output, WORKFLOW]))
    return ExitCode.OK


def _from_here(path: Path) -> str:
    """Return a path as the workflow names it, from the root of the checkout: the working directory."""
    return os.path.relpath(path).replace(os.sep, "/")


def _refuse_to_overwrite(paths: Iterable[Path]) -> None:
    present = [str(path) for path in paths if path.exists()]
    if present:
        raise UsageError(
            f"{' and '.join(present)} is there already: --force overwrites, --output writes elsewhere"
        )


def _guess(tracking_uri: str | None, experiments: Sequence[str], *, asks: bool) -> "Guess":
    from smoke_gate.collect import default_tracking_uri
    from smoke_gate.collect.store import open_store
    from smoke_gate.init.gates import profile_of
    from smoke_gate.init.guess import guess
    from smoke_gate.init.identity import identities
    from smoke_gate.init.read import read_runs

    with open_store(tracking_uri or default_tracking_uri(Path(), os.environ)) as store:
        with progress_bar(shown=True) as progress:
            found = read_runs(store, experiments, progress)
        shape = found.shape
        if not shape.runs:
            raise _nothing_finished(shape)
        ways = identities(shape)
        identity = _ask_identity(shape, ways) if asks else ways[0]
        profile = profile_of(shape, tuple(identity.selected.values()))
        profile = _ask_profile(profile) if asks else profile
        selected = [run.run_id for run in identity.selected.values()]
        with progress_bar(shown=True) as progress:
            files = found.files(selected, workers=DEFAULT_WORKERS, progress=progress)
    return guess(shape, identity, profile, files)


def _nothing_finished(shape: "Shape") -> UsageError:
    return UsageError(
        f"{', '.join(shape.experiments)} has no finished run to learn from ({shape.unfinished} unfinished): train some "
        "first, or write the policy by hand (`smoke-gate explain G0`)"
    )


# --- questions --------------------------------------------------------------------------------------------------------


def _ask_identity(shape: "Shape", ways: Sequence["Identity"]) -> "Identity":
    """Ask where runs say which cell and seed they are, until the answer finds a run."""
    from smoke_gate.init.identity import identity_at

    _say(["Where do runs say which cell (variant) and seed they are? The likeliest:"])
    _say(f"  {_way(way)}" for way in ways[:_MOST_ALTERNATIVES])
    while True:
        cell = click.prompt("cell", default=ways[0].cell)
        seed = click.prompt("seed", default=ways[0].seed)
        try:
            identity = identity_at(shape, cell, seed)
        except ValueError as error:
            _say([str(error)])
            continue
        if identity.selected:
            _say([_way(identity)])
            return identity
        _say([f"no finished run states both {cell} and {seed}"])


def _ask_profile(guessed: "Profile") -> "Profile":
    _say(
        [
            "contract: all seven gates; the runs log with smoke_gate.contract. basic: what any store can satisfy."
        ]
    )
    answer: Profile = click.prompt("profile", default=guessed, type=click.Choice(["contract", "basic"]))
    return answer


def _way(way: "Identity") -> str:
    cells = ", ".join(way.cells[:_MOST_NAMES]) + (" …" if len(way.cells) > _MOST_NAMES else "")
    seeds = ", ".join(way.seeds[:_MOST_NAMES]) + (" …" if len(way.seeds) > _MOST_NAMES else "")
    return f"cell {way.cell} ({len(way.cells)}: {cells}), seed {way.seed}" + (f" ({seeds})" if seeds else "")


# --- files and what is told -------------------------------------------------------------------------------------------


def _policy(guess: "Guess", output: Path) -> str:
    """Return the policy's text, which the loader has taken.

    Raises:
        PolicyError: It does not: the names in the store are such that no policy can say them.
    """
    from smoke_gate.init.policy_text import policy_text
    from smoke_gate.policy.load import load_policy

    text = policy_text(guess)
    load_policy(output, text=text.encode())
    return text


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def _told(guess: "Guess", files: Iterable[Path]) -> Iterator[str]:
    """Yield what was found, gate by gate, with what the training code must log for those that are not ready."""
    identity = guess.identity
    said = f"{identity.stated} of {identity.asked} finished runs say both"
    yield f"{_way(identity)}: {said if identity.is_found else 'the runs do not say it, so their names must do'}"
    yield f"profile {guess.profile}"
    for gate in guess.gates:
        state = "ready" if gate.ready else "fails" if guess.is_on(gate) else "off"
        yield f"{gate.id} {state:<5} {gate.section:<15} {gate.found}"
        yield from (f"     log: {line}" for line in gate.to_log)
    yield from (f"wrote: {path}" for path in files)
    yield "next: read the policy, then `smoke-gate check`"


def _say(lines: Iterable[str]) -> None:
    from smoke_gate.report.escape import log_line

    for line in lines:
        click.echo(log_line(line))
