"""`policy` and `explain`: what would be judged, and what it means."""

from typing import Any

import click

from smoke_gate.cli.options import POLICY_OPTIONS, policy_file_of, with_options
from smoke_gate.errors import ExitCode


@click.command()
@with_options(POLICY_OPTIONS)
@click.option(
    "--schema",
    type=click.Choice(["policy", "verdict"]),
    is_flag=False,
    flag_value="policy",
    help="Print the JSON Schema of the policy, or of the verdict file, instead.",
)
def policy(schema: str | None, **options: Any) -> int:
    """Print the effective policy: the file, the options over it, the defaults below it."""
    if schema is not None:
        click.echo(_schema_text(schema))
        return ExitCode.OK
    from smoke_gate.options import Options
    from smoke_gate.policy_file.formats import effective_yaml
    from smoke_gate.policy_file.load import load_policy

    asked = Options(**options)
    click.echo(effective_yaml(load_policy(policy_file_of(asked), asked.overrides)), nl=False)
    return ExitCode.OK


def _schema_text(schema: str) -> str:
    import json

    if schema == "policy":
        from smoke_gate.policy_file.schema import policy_schema

        return json.dumps(policy_schema(), indent=2, ensure_ascii=False)
    from smoke_gate.verdict_file.schema import verdict_schema

    return json.dumps(verdict_schema(), indent=2, ensure_ascii=False)


@click.command()
@click.argument("gate", required=False, metavar="[G2]")
def explain(gate: str | None) -> int:
    """Say what a gate checks, by which policy keys, and how to fix its failures."""
    from smoke_gate.cli.screen import terminal_width
    from smoke_gate.report.explain import explain as text

    click.echo(text(gate, terminal_width()), nl=False)
    return ExitCode.OK
