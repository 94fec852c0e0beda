"""`init`: a policy and a workflow for an experiment that is there."""

import json
import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smoke_gate.cli.options import experiment_option, option
from smoke_gate.cli.progress import progress_bar, told
from smoke_gate.errors import ExitCode, UsageError
from smoke_gate.options import DEFAULT_WORKERS, Options
from smoke_gate.policy_file.names import POLICY_NAMES, found_policy
from smoke_gate.redaction import process_secrets

if TYPE_CHECKING:
    from smoke_gate.init.guess import Guess, Profile
    from smoke_gate.init.identity import Identity
    from smoke_gate.init.places import Shape
    from smoke_gate.pipeline import JudgedMatrix
    from smoke_gate.policy.model import Policy

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
    help=f"Where the policy goes.  [default: {POLICY_NAMES[0]}, or {POLICY_NAMES[1]} if that is there]",
)
def init(
    tracking_uri: str | None, experiment: tuple[str, ...], yes: bool, force: bool, output: Path | None
) -> int:
    """Look at an experiment; write a commented policy and a workflow; say what check makes of it, and what to log."""
    from smoke_gate.init.policy_text import SCHEMA_FILE
    from smoke_gate.init.workflow import WORKFLOW, workflow_text
    from smoke_gate.policy_file.schema import policy_schema

    output = output or found_policy() or POLICY_NAMES[0]
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
    _write(output.with_name(SCHEMA_FILE), json.dumps(policy_schema(), ensure_ascii=False) + "\n")
    if not kept:
        _write(WORKFLOW, workflow_text(_from_here(output)))
    _tell_findings(guess, policy, judged)
    _advise(guess)
    _say(_files(output, WORKFLOW, kept=kept))
    _say([f"next: read the policy, then `{_check_command(output, tracking_uri)}`"])
    return ExitCode.OK


def _from_here(path: Path) -> str:
    """Return a path as the workflow names it, from the root of the checkout: the working directory."""
    return os.path.relpath(path).replace(os.sep, "/")


def _guess(tracking_uri: str | None, experiments: Sequence[str], *, asks: bool) -> "Guess":
    from smoke_gate.collect import default_tracking_uri
    from smoke_gate.collect.store import open_store
    from smoke_gate.gates import all_gates
    from smoke_gate.init.guess import guess, profile_of
    from smoke_gate.init.identity import identity_of
    from smoke_gate.init.read import read_runs

    with open_store(tracking_uri or default_tracking_uri(Path(), os.environ)) as store:
        with progress_bar(shown=True) as progress:
            found = read_runs(store, experiments, progress)
        shape = found.shape
        if not shape.runs:
            raise _nothing_finished(shape)
        guessed = identity_of(shape)
        identity = _ask_identity(shape, guessed) if asks else guessed
        profile = profile_of(shape, tuple(identity.selected.values()))
        profile = _ask_profile(profile) if asks else profile
        selected = [run.run_id for run in identity.selected.values()]
        with progress_bar(shown=True) as progress:
            files = found.files(selected, workers=DEFAULT_WORKERS, progress=progress)
    return guess(shape, identity, profile, files, all_gates())


def _nothing_finished(shape: "Shape") -> UsageError:
    return UsageError(
        f"{', '.join(shape.experiments)} has no finished run to learn from ({shape.unfinished} unfinished): train some "
        f"first, or write {POLICY_NAMES[0]} by hand, `plan: {{cells: […], seeds: […]}}` at least"
    )


# --- questions --------------------------------------------------------------------------------------------------------


def _ask_identity(shape: "Shape", guessed: "Identity") -> "Identity":
    """Ask where runs say which cell and seed they are, until the answer finds a run."""
    from smoke_gate.init.identity import identity_at

    _say(["Where do runs say which cell (variant) and seed they are? The likeliest:"])
    _say(f"  {_way(way)}" for way in (guessed, *guessed.others))
    while True:
        cell = click.prompt("cell", default=guessed.cell)
        seed = click.prompt("seed", default=guessed.seed)
        is_guess = (cell, seed) == (guessed.cell, guessed.seed)
        try:
            identity = guessed if is_guess else identity_at(shape, cell, seed)
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
            "contract: all eight gates; the runs log with smoke_gate.contract. basic: what any store can satisfy."
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
    from smoke_gate.policy_file.load import load_policy

    text = policy_text(guess)
    return text, load_policy(output, text=text.encode())


def _judged(options: Options, policy: "Policy") -> "JudgedMatrix":
    """Return what `check` says by the policy: what init tells of a gate is this, and no second guess."""
    from smoke_gate.pipeline import read_and_judge, request_of

    with told(shown=False), progress_bar(shown=True) as progress:
        return read_and_judge(request_of(options, policy), progress)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(process_secrets().removed_from(text), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def _tell_findings(guess: "Guess", policy: "Policy", judged: "JudgedMatrix") -> None:
    """Print what was found, and what `check` says of it, in its own words."""
    from smoke_gate.cli.screen import terminal_width
    from smoke_gate.init.policy_text import repeats
    from smoke_gate.report.terminal import summary
    from smoke_gate.verdict_file.headline import headline

    identity = guess.identity
    said = f"{identity.stated} of {identity.asked} finished runs say both"
    unsure = "no place was good enough, so each is a cell by its name; is it one of these?"
    if not identity.is_found:
        said = unsure if identity.others else "the runs do not say it, so their names must do"
    _say(
        [
            f"{_way(identity)}: {said}",
            *(f"  {_way(way)}" for way in (() if identity.is_found else identity.others)),
            *repeats(identity),
            f"profile {guess.profile}",
            "by this policy, `smoke-gate check` says:",
        ]
    )
    line = headline(judged.verdict, policy, judged.evidence)
    click.echo(summary(judged.verdict, line, {}, width=terminal_width()), nl=False)


def _advise(guess: "Guess") -> None:
    """Print what is not judged, and what the training code must log so that it is."""
    if guess.rare_metrics:
        _say([f"not in required_metrics, since most runs do not log it: {_some(guess.rare_metrics)}"])
    silent = [(gate, proposal) for gate, proposal in guess.gates if proposal.to_log]
    if silent:
        _say(
            [
                "to have these judged, log where you train (install smoke-gate there; from smoke_gate import contract):"
            ]
        )
    for gate, proposal in silent:
        _say([f"{gate.id} {gate.section}: {proposal.found}"])
        _show_code(proposal.to_log)


def _files(output: Path, workflow: Path, *, kept: bool) -> Iterator[str]:
    from smoke_gate.init.policy_text import SCHEMA_FILE

    yield f"wrote: {output}, and {SCHEMA_FILE} beside it for your editor"
    named = (
        "" if output in POLICY_NAMES else f"; it needs `policy: {_from_here(output)}` to judge by this one"
    )
    yield f"kept: {workflow} is there already{named}; --force overwrites" if kept else f"wrote: {workflow}"


def _check_command(output: Path, tracking_uri: str | None) -> str:
    """Return the command that judges by what was written, without the credentials that a URI may hold."""
    from smoke_gate.collect.locations import shown

    policy = [] if output in POLICY_NAMES else ["--policy", str(output)]
    store = ["--tracking-uri", shown(tracking_uri)] if tracking_uri else []
    return shlex.join(["smoke-gate", "check", *policy, *store])


def _say(lines: Iterable[str]) -> None:
    """Print lines, which wrap at the width of a terminal."""
    from smoke_gate.cli.screen import terminal_width
    from smoke_gate.text import folded, log_line

    for line in lines:
        click.echo(folded(log_line(line), terminal_width()))


def _show_code(lines: Iterable[str]) -> None:
    """Print lines of code, which do not wrap: they are there to be copied."""
    from smoke_gate.text import log_line

    for line in lines:
        click.echo(log_line(f"     {line}"))
