"""`bite`: what the policy of a verdict would have caught."""

from pathlib import Path

import click

from smoke_gate.errors import ExitCode


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="VERDICT.json")
@click.option(
    "--min",
    "least",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Fail where fewer of the ways that count are caught or warned of.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bite(*, file: Path, least: float | None, as_json: bool) -> int:
    """Break the recorded evidence in every way that the gates know, and say which of them the policy catches.

    Nothing is read but the file. Exit codes: 0; 1 less than --min is caught; 2 the file is not a verdict file.
    """
    from smoke_gate.bite import bite as tried
    from smoke_gate.report.bite import bite_json, bite_text
    from smoke_gate.reproduce import headline_of
    from smoke_gate.verdict_file.read import read_recorded

    case = read_recorded(file)
    found = tried(case.policy, case.evidence)
    click.echo(bite_json(found) if as_json else bite_text(found, headline_of(case)), nl=False)
    if least is not None and (found.percent < least or not found.counted):
        return ExitCode.FAIL
    return ExitCode.OK
