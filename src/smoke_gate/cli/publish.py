"""`action`, what runs inside GitHub Actions, and `publish`, the second half of the fork pattern."""

import os
from pathlib import Path

import click

from smoke_gate.cli.options import BASELINE_OPTIONS, with_options


@click.command()
def action() -> int:
    """Run as the GitHub Action: inputs from INPUT_*, then check, then publish."""
    from smoke_gate import pipeline
    from smoke_gate.cli.progress import told
    from smoke_gate.collect.progress import silent
    from smoke_gate.github.action import run_action

    with told(shown=False):
        return run_action(os.environ, lambda request, wait: pipeline.check(request, silent, wait=wait))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="VERDICT.json")
@with_options(BASELINE_OPTIONS)
@click.option("--require-publish", is_flag=True, help="Exit with 3 where the report could not be published.")
def publish(file: Path, require_publish: bool, baseline: Path | None, baseline_ref: str | None) -> int:
    """Post the report of a verdict file that another job made; its evidence is judged again first.

    On a pull request its policy is held against the base branch's. The token is GITHUB_TOKEN. Exits by the verdict that
    the evidence gives; 1 where the file is not borne out by it.
    """
    from smoke_gate.github.action import publish_file

    asked = {"INPUT_BASELINE": baseline, "INPUT_BASELINE_REF": baseline_ref}
    environ = {**os.environ, **{name: str(value) for name, value in asked.items() if value is not None}}
    return publish_file(file, environ, require_publish=require_publish)
