"""What to do where GitHub did not let the gate publish. Pure."""

from collections.abc import Sequence

from smoke_gate.github.event import Situation
from smoke_gate.github.retry import Problem
from smoke_gate.report.escape import code

NO_ACCESS = (Problem.FORBIDDEN, Problem.NOT_FOUND, Problem.UNAUTHORIZED)  # what may not be seen is not found


def advice(problems: Sequence[Problem], where: Situation, *, sets_status: bool) -> str | None:
    """Return Markdown that says how to let the gate publish; None where permissions are not what was missing."""
    if not any(problem in NO_ACCESS for problem in problems):
        return None
    if where.reads_only:
        return (
            "GitHub gives the workflows of forks and of Dependabot a token that can only read, whatever their "
            "`permissions:` say. Let this workflow upload the verdict file, and a second one, started by "
            "`workflow_run`, publish it with the input `publish`: see `docs/workflows.md`, "
            "“Pull requests from forks”."
        )
    lines = ["permissions:", "  contents: read", "  pull-requests: write"]
    if sets_status:
        lines.append("  statuses: write")
    block = "\n".join(["```yaml", *lines, "```"])
    return f"The token may not write. Give the job these permissions, and pass `github_token`:\n\n{block}"


def unpublished(messages: Sequence[str], how_to: str | None) -> str:
    """Return the part of the job summary that says what was not published, and what to do about it."""
    listed = "\n".join(f"- {code(message, 500)}" for message in messages)
    parts = ["### Not everything was published", "The verdict stands; only telling it failed.", listed]
    return "\n\n".join([*parts, *([how_to] if how_to else [])])
