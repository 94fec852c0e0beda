"""`reproduce`, `compare` and `golden`: a verdict or a metric, once more."""

import math
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from smoke_gate.cli.options import (
    ARTIFACT_OPTIONS,
    DEFAULT_POLICIES,
    experiment_option,
    key_option,
    option,
    policy_and_store,
    with_options,
)
from smoke_gate.cli.progress import progress_bar, told
from smoke_gate.errors import ExitCode
from smoke_gate.options import Options

if TYPE_CHECKING:
    from smoke_gate.compare import Limit
    from smoke_gate.reproduce import Replay

_FILE = click.Path(path_type=Path, dir_okay=False)
_RTOL, _ATOL = 1e-6, 1e-9  # another library's float64 arithmetic, in another order, stays well within


@click.command()
@click.argument("file", type=_FILE, metavar="VERDICT.json")
@click.option("--live", is_flag=True, help="Also read the store again, and say what changed since.")
@option(
    "--tracking-uri",
    metavar="URI",
    help="With --live: the MLflow store.  [default: MLFLOW_TRACKING_URI, else the file's, if it is of this machine]",
)
@with_options(ARTIFACT_OPTIONS)
@click.option("--docker", is_flag=True, help="Replay it in the image that made it, and compare.")
@click.option(
    "--image", metavar="IMAGE", help="With --docker: another image than the one that the file names."
)
@click.pass_context
def reproduce(
    context: click.Context,
    /,
    *,
    file: Path,
    live: bool,
    docker: bool,
    image: str | None,
    **store: Any,
) -> int:
    """Make a verdict again from the evidence in its file; no store and no network is needed.

    Exit codes: 0 reproduced (and unchanged), 1 differs, changed or tampered with, 2 not a verdict file, 3 the store
    cannot be read.
    """
    from smoke_gate.reproduce import ReplayOutcome, replay
    from smoke_gate.reproduce.wording import replay_text
    from smoke_gate.verdict_file.read import read_document

    if not live:
        _refuse_idle(context, "--live", *store)
    if not docker:
        _refuse_idle(context, "--docker", "image")
    repeated = replay(read_document(file), file)
    click.echo(replay_text(repeated), nl=False)
    code = ExitCode.OK if repeated.outcome is ReplayOutcome.REPRODUCED else ExitCode.FAIL
    if docker and repeated.outcome is not ReplayOutcome.TAMPERED:
        code = _in_image(file, image, repeated)  # the image that made the verdict has the last word
    if live and code is ExitCode.OK:
        return _live(file, Options(**store))
    if live:
        click.echo("--live: the store is not read, since the verdict is not reproduced")
    return code


def _refuse_idle(context: click.Context, switch: str, *names: str) -> None:
    """Refuse options that do nothing without a switch; their variables may be set for other commands."""
    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} does nothing without {switch}", ctx=context)


def _in_image(file: Path, image: str | None, here: "Replay") -> ExitCode:
    from smoke_gate.reproduce.container import image_of, replay_in
    from smoke_gate.reproduce.wording import contained_text

    found = replay_in(image or image_of(here.document), file)
    click.echo(contained_text(found, here), nl=False)
    return ExitCode.OK if found.exit_code == 0 else ExitCode.FAIL


def _live(file: Path, options: Options) -> ExitCode:
    import os

    from smoke_gate.collect import Source
    from smoke_gate.extras import need_check
    from smoke_gate.reproduce.live import live_text, read_again, store_of
    from smoke_gate.verdict_file.read import read_recorded

    need_check()
    case = read_recorded(file)
    source = Source(
        tracking_uri=options.tracking_uri or store_of(case.document, os.environ),
        artifact_path_map=options.artifact_path_map,
        artifact_hosts=options.artifact_hosts,
    )
    with told(shown=False), progress_bar(shown=True) as progress:
        found = read_again(case, source, progress)
    click.echo(live_text(found, case), nl=False)
    return ExitCode.FAIL if found.changes else ExitCode.OK


def _limits(_context: click.Context, parameter: click.Parameter, texts: Sequence[str]) -> "tuple[Limit, ...]":
    """Read METRIC=VALUE; the option's name says in which direction."""
    from smoke_gate.compare import Limit

    direction: Literal["drop", "rise"] = "drop" if parameter.name == "max_drop" else "rise"
    found = []
    for text in texts:
        metric, _, value = text.rpartition("=")
        try:
            most = Decimal(value)
        except InvalidOperation:
            most = Decimal("NaN")
        if not metric or not most.is_finite() or most < 0:
            raise click.BadParameter(
                f"found {text!r}, expected METRIC=VALUE with a number of 0 or more, such as pape=0.5 "
                "(--max-drop where higher is better, --max-rise where lower is)"
            )
        found.append(Limit(metric=metric, direction=direction, most=most))
    return tuple(found)


@click.command()
@click.argument("base", type=_FILE, metavar="BASE.json")
@click.argument("head", type=_FILE, metavar="HEAD.json")
@click.option(
    "--max-drop",
    multiple=True,
    metavar="METRIC=VALUE",
    callback=_limits,
    help="Fail where the metric of any pair is lower than in base by more; may be given again.",
)
@click.option(
    "--max-rise",
    multiple=True,
    metavar="METRIC=VALUE",
    callback=_limits,
    help="Fail where the metric of any pair is higher than in base by more; may be given again.",
)
def compare(base: Path, head: Path, max_drop: "tuple[Limit, ...]", max_rise: "tuple[Limit, ...]") -> int:
    """Compare the metrics of two verdict files, run by run: the same cell and seed in BASE and HEAD.

    Exit codes: 0 no limit is broken, 1 one is, 2 a file is absent, not a verdict file, or tampered with.
    """
    from smoke_gate.compare import compare as compared_with
    from smoke_gate.report.comparison import comparison_text
    from smoke_gate.reproduce import headline_of
    from smoke_gate.text import log_line
    from smoke_gate.verdict_file.read import read_recorded

    before, after = read_recorded(base), read_recorded(head)
    for name, case in (("base", before), ("head", after)):
        click.echo(log_line(f"{name}: {headline_of(case)}"))
    comparison = compared_with(
        (before.policy, before.evidence), (after.policy, after.evidence), (*max_drop, *max_rise)
    )
    click.echo(comparison_text(comparison), nl=False)
    return ExitCode.OK if comparison.holds else ExitCode.FAIL


def _finite(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """Refuse a tolerance that anything holds, or nothing."""
    if not math.isfinite(value):
        raise click.BadParameter(f"found {value}, expected a finite number")
    return value


@click.command()
@click.argument("function", metavar="MODULE:FUNCTION")
@option("--tracking-uri", metavar="URI", help="The MLflow store.  [default: as for check]")
@experiment_option
@option(
    "--policy",
    type=_FILE,
    help=f"The policy that names the experiment.  [default: {DEFAULT_POLICIES}, if any]",
)
@key_option
@click.option(
    "--rtol",
    type=click.FloatRange(min=0),
    callback=_finite,
    default=_RTOL,
    show_default=True,
    help="Relative tolerance.",
)
@click.option(
    "--atol",
    type=click.FloatRange(min=0),
    callback=_finite,
    default=_ATOL,
    show_default=True,
    help="Absolute tolerance.",
)
def golden(
    function: str,
    tracking_uri: str | None,
    experiment: tuple[str, ...],
    policy: Path | None,
    key: str | None,
    rtol: float,
    atol: float,
) -> int:
    """Compute the preregistered worked example by an implementation of the metric, and compare.

    FUNCTION is called with the inputs by name and returns the metric, or a mapping of metrics; modules of the working
    directory are found. It is your code that runs. Exit codes: 0 all values agree, 1 one does not, 2 or 3 nothing was
    compared.
    """
    from smoke_gate.collect.registered import read_golden_tensor
    from smoke_gate.golden import load_function, replay_golden
    from smoke_gate.text import log_line

    implementation = load_function(function, Path())
    registration, example = read_golden_tensor(*policy_and_store(policy, experiment, tracking_uri, key))
    click.echo(
        log_line(f"definition {registration.sha256}, run {registration.run_id}, rtol {rtol:g}, atol {atol:g}")
    )
    results = replay_golden(example, implementation, rtol=rtol, atol=atol)
    for result in results:
        found = result.problem or f"{result.found!r}, expected {result.expected!r}"
        click.echo(log_line(f"{'PASS' if result.holds else 'FAIL'} {result.metric}: {found}"))
    return ExitCode.OK if all(result.holds for result in results) else ExitCode.FAIL
