"""The runner's side: outputs, job summary, annotations and masks, by the files and commands of GitHub Actions.

Source: "Workflow commands for GitHub Actions" of GitHub's documentation, and the runner's ``ActionCommand``: it obeys
``::command::`` at the start of a line, after any blanks, and ``##[command]`` anywhere, on stdout and on stderr.
"""

import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import click

from smoke_gate.credentials import secrets_in
from smoke_gate.github.annotations import Annotation
from smoke_gate.redaction import process_secrets, unfiltered
from smoke_gate.text import log_line

SUMMARY_LIMIT = 1024 * 1024  # bytes a step; a summary that is larger is dropped whole
MOST_ANNOTATIONS = 10  # of each level a step; the runner ignores more


def write_outputs(environ: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Set the step's outputs; nothing where there is no runner.

    A value with several lines stands between delimiters that nobody can guess, so that it cannot set another output.
    """
    _append(
        environ.get("GITHUB_OUTPUT"), "".join(_assignment(name, value) for name, value in outputs.items())
    )


def write_summary(environ: Mapping[str, str], markdown: str) -> None:
    """Add to the job summary; nothing where there is no runner."""
    _append(environ.get("GITHUB_STEP_SUMMARY"), markdown.rstrip("\n") + "\n\n")


def summary_space(environ: Mapping[str, str]) -> int:
    """Return how many bytes the job summary still takes."""
    file = environ.get("GITHUB_STEP_SUMMARY")
    used = Path(file).stat().st_size if file and Path(file).exists() else 0
    return max(SUMMARY_LIMIT - used, 0)


def annotate(level: Literal["error", "warning"], annotations: Sequence[Annotation], *, title: str) -> None:
    """Show messages on the job's page; of too many the last one tells how many there are more."""
    shown = list(annotations[:MOST_ANNOTATIONS])
    if len(annotations) > MOST_ANNOTATIONS:
        rest = len(annotations) - MOST_ANNOTATIONS + 1
        shown[-1] = Annotation(message=f"… and {rest} more: see the report.")
    for annotation in shown:
        place = annotation.place
        file = {"file": place.source, "line": str(place.line), "col": str(place.column)} if place else {}
        properties = ",".join(f"{name}={_property(text)}" for name, text in {**file, "title": title}.items())
        click.echo(f"::{level} {properties}::{_data(guard(annotation.message))}")


def mask_credentials(environ: Mapping[str, str]) -> None:
    """Have the runner hide what the tracking URI holds of secrets; nothing where there is no runner to hide it."""
    if not _has_runner(environ):
        return
    addresses = (environ.get(name, "").strip() for name in ("INPUT_TRACKING_URI", "MLFLOW_TRACKING_URI"))
    for secret in sorted(set[str]().union(*map(secrets_in, addresses))):
        click.echo(f"::add-mask::{_data(secret)}", file=unfiltered(sys.stdout))


@contextmanager
def commands_stopped(environ: Mapping[str, str]) -> Iterator[None]:
    """Have the runner take what is printed meanwhile for nothing but text: libraries log what they read."""
    if not _has_runner(environ):
        yield
        return
    token = secrets.token_hex(16)
    click.echo(f"::stop-commands::{token}")
    try:
        yield
    finally:
        click.echo(f"::{token}::")


def log(text: str) -> None:
    """Say something in the job's log."""
    click.echo(guard(f"smoke-gate: {text}"), err=True)


def guard(text: str) -> str:
    """Return text of one or more lines that the runner takes for nothing but text."""
    return "\n".join(log_line(line) for line in text.splitlines())


def _has_runner(environ: Mapping[str, str]) -> bool:
    return environ.get("GITHUB_ACTIONS") == "true"


def _assignment(name: str, value: str) -> str:
    if "\n" not in value and "\r" not in value:
        return f"{name}={value}\n"
    delimiter = f"end-{secrets.token_hex(16)}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _append(file: str | None, text: str) -> None:
    if file:
        with Path(file).open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(process_secrets().removed_from(text))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
