"""`init`: a policy and a workflow for an experiment that is there."""

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smoke_gate.cli.options import experiment_option, option
from smoke_gate.cli.progress import progress_bar, told
from smoke_gate.errors import ExitCode, UsageError
from smoke_gate.options import DEFAULT_POLICY, DEFAULT_WORKERS, Options

if TYPE_CHECKING:
    from smoke_gate.init.gates import Profile
    from smoke_gate.init.guess import Guess
    from smoke_gate.init.identity import Identity
    from smoke_gate.init.shape import Shape
    from smoke_gate.pipeline import Judged
    from smoke_gate.policy.model import Policy

_MOST_ALTERNATIVES = 3
_MOST_NAMES = 8


@click.command()
@option(
    "--tracking-uri",
    metavar="URI",
    help="The MLflow store; it is only read.  [default: as for check]",
)
@experiment_option
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
    """Look at an experiment; write a commented policy and a workflow; say what check makes of it, and what to log."""
    from smoke_gate.init.workflow import WORKFLOW, workflow_text

    if output.exists() and not force:
        raise UsageError(f"{output} is there already: --force overwrites it, --output writes elsewhere")
    try:
        guess = _guess(tracking_uri, experiment, asks=not yes)
    except click.Abort:
        raise UsageError(
            "init was not answered: nothing is written. Give --yes to take its guesses"
        ) from None
    text, policy = _policy(guess, output)
    judged = _judged(Options(policy=output, tracking_uri=tracking_uri), policy)
    kept = WORKFLOW.exists() and not force
    _write(output, text)
    if not kept:
        _write(WORKFLOW, workflow_text(_from_here(output)))
    _tell_findings(guess, policy, judged)
    _say(_advice(guess))
    _say(_files(output, WORKFLOW, kept=kept))
    _say([f"next: read the policy, then `{_check_command(output, tracking_uri)}`"])
    return ExitCode.OK


def _from_here(path: Path) -> str:
    """Return a path as the workflow names it, from the root of the checkout: the working directory."""
    return os.path.relpath(path).replace(os.sep, "/")


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
        f"first, or write {DEFAULT_POLICY} by hand, `plan: {{cells: […], seeds: […]}}` at least"
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
        is_guess = (cell, seed) == (ways[0].cell, ways[0].seed)
        try:
            identity = ways[0] if is_guess else identity_at(shape, cell, seed)
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
    seeds = f" ({_some(way.seeds)})" if way.seeds else ""
    return f"cell {way.cell} ({len(way.cells)}: {_some(way.cells)}), seed {way.seed}{seeds}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMES]) + (" …" if len(names) > _MOST_NAMES else "")


# --- files and what is told -------------------------------------------------------------------------------------------


def _policy(guess: "Guess", output: Path) -> "tuple[str, Policy]":
    """Return the policy's text, and what the loader makes of it.

    Raises:
        PolicyError: It does not take it: the names in the store are such that no policy can say them.
    """
    from smoke_gate.init.policy_text import policy_text
    from smoke_gate.policy.load import load_policy

    text = policy_text(guess)
    return text, load_policy(output, text=text.encode())


def _judged(options: Options, policy: "Policy") -> "Judged":
    """Return what `check` says by the policy: what init tells of a gate is this, and no second guess."""
    from smoke_gate.pipeline import read_and_judge, request_of

    with told(shown=False), progress_bar(shown=True) as progress:
        return read_and_judge(request_of(options, policy), progress)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def _tell_findings(guess: "Guess", policy: "Policy", judged: "Judged") -> None:
    """Print what was found, and what `check` says of it, in its own words."""
    from smoke_gate.report.headline import headline
    from smoke_gate.report.terminal import summary

    identity = guess.identity
    said = f"{identity.stated} of {identity.asked} finished runs say both"
    _say(
        [
            f"{_way(identity)}: {said if identity.is_found else 'the runs do not say it, so their names must do'}",
            f"profile {guess.profile}",
            "by this policy, `smoke-gate check` says:",
        ]
    )
    line = headline(judged.verdict, policy, judged.evidence)
    click.echo(summary(judged.verdict, line, {}), nl=False)


def _advice(guess: "Guess") -> Iterator[str]:
    """Yield what is not judged, and what the training code must log so that it is."""
    if guess.rare_metrics:
        yield f"not in required_metrics, since most runs do not log it: {_some(guess.rare_metrics)}"
    silent = [gate for gate in guess.gates if gate.to_log]
    if silent:
        yield "to have these judged, log in training (pip install smoke-gate; from smoke_gate import contract):"
    for gate in silent:
        yield f"{gate.id} {gate.section}: {gate.found}"
        yield from (f"     {line}" for line in gate.to_log)


def _files(output: Path, workflow: Path, *, kept: bool) -> Iterator[str]:
    yield f"wrote: {output}"
    named = (
        "" if output == DEFAULT_POLICY else f"; it needs `policy: {_from_here(output)}` to judge by this one"
    )
    yield f"kept: {workflow} is there already{named}; --force overwrites" if kept else f"wrote: {workflow}"


def _check_command(output: Path, tracking_uri: str | None) -> str:
    """Return the command that judges by what was written, without the credentials that a URI may hold."""
    from smoke_gate.collect.locations import shown

    policy = [] if output == DEFAULT_POLICY else ["--policy", str(output)]
    store = ["--tracking-uri", shown(tracking_uri)] if tracking_uri else []
    return shlex.join(["smoke-gate", "check", *policy, *store])


def _say(lines: Iterable[str]) -> None:
    from smoke_gate.report.escape import log_line

    for line in lines:
        click.echo(log_line(line))
