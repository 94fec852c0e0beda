"""`check`, the main job, and `demo`, the same on runs that it trains first."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smoke_gate.cli.options import (
    CONTEXT_OPTIONS,
    OUTPUT_OPTIONS,
    POLICY_OPTIONS,
    STORE_OPTIONS,
    OutputFolder,
    option,
    policy_file_of,
    seconds,
    with_options,
)
from smoke_gate.cli.progress import progress_bar, told
from smoke_gate.errors import ExitCode

if TYPE_CHECKING:
    from smoke_gate.baseline import Baseline
    from smoke_gate.options import Options

_DEMO_DIRECTORY = Path("smoke-gate-demo")


@click.command()
@with_options(POLICY_OPTIONS, STORE_OPTIONS, CONTEXT_OPTIONS, OUTPUT_OPTIONS)
@option("--wait", callback=seconds, metavar="30m", help="Wait for planned runs that are not finished.")
@option("--show-waivable", is_flag=True, help="Print ready waivers for the failing checks and warnings.")
def check(
    *, fail_on: str, quiet: bool, verbose: bool, wait: float, show_waivable: bool, **options: Any
) -> int:
    """Read the runs, evaluate the gates, write the report, exit by the verdict.

    Exit codes: 0 ALL PASS or WARNING, 1 FAIL, 2 usage or policy error, 3 no verdict, 4 WARNING under
    --fail-on warning.
    """
    from smoke_gate.options import Options

    with told(shown=verbose):
        return _check(
            Options(**options), fail_on=fail_on, quiet=quiet, wait=wait, show_waivable=show_waivable
        )


@click.command()
@click.option(
    "--dir",
    "directory",
    type=OutputFolder(),
    default=_DEMO_DIRECTORY,
    show_default=True,
    help="Where the store and the report go.",
)
@click.option(
    "--sabotage",
    metavar="NAME",
    help="Break the matrix in a way that happens in practice; `list` shows the ways.",
)
def demo(directory: Path, sabotage: str | None) -> int:
    """Train the example matrix, four cells with three seeds each, and check it."""
    from smoke_gate.demo import SABOTAGES, train
    from smoke_gate.options import Options

    if sabotage == "list":
        for name, way in SABOTAGES.items():
            click.echo(f"{name:14} {way.gate}  {way.description}")
        return ExitCode.OK
    store = train(directory, sabotage, lambda line: click.echo(line, err=True))
    if sabotage is not None:
        way = SABOTAGES[sabotage]
        click.echo(f"sabotaged: {way.description}: {way.gate} must catch it", err=True)
    options = Options(
        policy=store.policy_path, tracking_uri=store.tracking_uri, output_dir=directory / "outputs"
    )
    return _check(options, fail_on="fail", quiet=False)


def _check(
    options: "Options", *, fail_on: str, quiet: bool, wait: float = 0.0, show_waivable: bool = False
) -> int:
    from smoke_gate.policy_file.load import load_policy

    # Before anything of MLflow is imported, so that a wrong policy is told at once.
    policy = load_policy(policy_file_of(options), options.overrides, plan_required=False)

    from smoke_gate import pipeline
    from smoke_gate.cli.screen import show
    from smoke_gate.report.comparison import baseline_lines

    with progress_bar(shown=not quiet) as progress:
        request = replace(pipeline.request_of(options, policy), baseline=_baseline(options))
        result = pipeline.check(request, progress, wait=wait)
    judgement = result.judgement
    show(judgement, result.files, quiet=quiet)
    click.echo(baseline_lines(judgement), nl=False)
    if show_waivable:
        from smoke_gate.report.waivable import waivable

        click.echo(waivable(judgement.verdict, judgement.evidence.as_of), nl=False)
    return result.exit_code(fail_on=fail_on)


def _baseline(options: "Options") -> "Baseline | None":
    """Return the baseline that is asked for; GitHub is asked with the token in GITHUB_TOKEN."""
    if options.baseline is None and options.baseline_ref is None:
        return None
    from smoke_gate.github.access import access_of
    from smoke_gate.github.baseline import asked_baseline
    from smoke_gate.github.client import GitHub

    repository = os.environ.get("GITHUB_REPOSITORY")
    access = access_of(os.environ, repository=repository, token=os.environ.get("GITHUB_TOKEN", "").strip())
    return asked_baseline(
        options,
        github=GitHub(access) if access else None,
        repository=repository,
        run_id=None,
        policy_file=options.policy_file,
    )
