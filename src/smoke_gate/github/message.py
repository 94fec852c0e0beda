"""What is published of a verdict, or of the lack of one. Pure.

GitHub counts at most 65,536 characters in a comment; its column takes four bytes for each of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from smoke_gate.errors import SmokeGateError
from smoke_gate.gates.base import Check, Status
from smoke_gate.github.client import StatusState
from smoke_gate.report.escape import code, shortened, visible
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown import markdown
from smoke_gate.verdict import Verdict, VerdictStatus

LONGEST_DESCRIPTION = 140  # characters of a commit status
ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What a text may take: characters, and bytes in UTF-8; None: any number."""

    characters: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is published: one account of the same thing for each reader.

    ``outputs`` are those of the action, ``body`` makes the Markdown for people, ``state`` and ``description`` are the
    commit status, ``errors`` and ``warnings`` for the job's page. ``is_problem``: it is no ALL PASS.
    """

    outputs: Mapping[str, str]
    body: Callable[[Space], str]
    state: StatusState
    description: str
    is_problem: bool
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def message_of(
    judgement: Judgement, files: Mapping[str, Path], *, run_url: str | None, warning_fails: bool
) -> Message:
    """Return what is published of a verdict.

    Args:
        judgement: the verdict and what led to it.
        files: what was written, by what it is, from the workspace.
        run_url: the page of the workflow run, where the whole report is.
        warning_fails: a WARNING is no success.

    """

    def body(space: Space) -> str:
        where = run_url or str(files.get("report", "")) or None
        return markdown(judgement, limit=space.characters, byte_limit=space.bytes, full_report=where)

    verdict = judgement.verdict
    failing = {result.id for result in verdict.gates if result.status is Status.FAIL}
    errors = [check for check in verdict.checks if check.status is Status.FAIL and check.gate in failing]
    others = [check for check in verdict.checks if check.status in (Status.FAIL, Status.WARNING)]
    return Message(
        outputs=_outputs(verdict, files),
        body=body,
        state=_state(verdict, warning_fails=warning_fails),
        description=shortened(visible(judgement.document["headline"]), LONGEST_DESCRIPTION),
        is_problem=verdict.status is not VerdictStatus.ALL_PASS,
        errors=tuple(map(_line, errors)),
        warnings=tuple(_line(check) for check in others if check not in errors),
    )


def message_of_error(error: SmokeGateError) -> Message:
    """Return what is published where no verdict could be reached."""
    text = str(error)
    lines = "\n".join(f"- {code(line, 1000)}" for line in text.splitlines()[:20])

    advice = "This is no pass. The job's log has the details; mend what it names and run the job again."
    body = f"## 🛑 Smoke gate: {ERROR}\n\n**No verdict could be reached.**\n\n{lines}\n\n{advice}\n"
    return Message(
        outputs={"verdict": ERROR, "critical": "false", "pending": "false"},
        body=lambda _: body,
        state="error",
        description=shortened(visible(f"{ERROR}: {text}"), LONGEST_DESCRIPTION),
        is_problem=True,
        errors=(text,),
    )


def _outputs(verdict: Verdict, files: Mapping[str, Path]) -> dict[str, str]:
    summary = verdict.summary
    return {
        "verdict": verdict.status.value,
        "critical": str(verdict.critical).lower(),
        "pending": str(verdict.pending).lower(),
        "gates_off": str(summary.gates_off),
        "failed": str(summary.failed),
        "warned": str(summary.warned),
        "passed": str(summary.passed),
        "skipped": str(summary.skipped),
        **{name: str(files.get(name, "")) for name in ("report", "html_report", "verdict_file")},
    }


def _state(verdict: Verdict, *, warning_fails: bool) -> StatusState:
    if verdict.pending:
        return "pending"
    if verdict.status is VerdictStatus.FAIL:
        return "failure"
    return "failure" if warning_fails and verdict.status is VerdictStatus.WARNING else "success"


def _line(check: Check) -> str:
    pair = "/".join(part for part in (check.cell, check.seed) if part is not None)
    place = " ".join(part for part in (check.gate, pair, check.subject) if part)
    return visible(f"{place}: {check.message}")
