"""The advice for a user whom GitHub did not let publish. Pure."""

from collections.abc import Sequence

from smoke_gate.github.documentation import FORKS
from smoke_gate.github.event import Situation
from smoke_gate.github.retry import Refusal
from smoke_gate.report.escape import code

_FORKS = (
    "GitHub gives the workflows of forks a token that can only read, whatever their `permissions:` say. Let this "
    "workflow upload the verdict file, and a second one, started by `workflow_run`, publish it with the input "
    "`publish`: see "
)
_DEPENDABOT = (
    "The token of what Dependabot starts can only read unless `permissions:` say otherwise, and its secrets are "
    "Dependabot's own: what the store needs has to be among those, not among the secrets of Actions."
)
_ADVICE = {
    Refusal.UNAUTHORIZED: (
        "GitHub does not accept the token: it has expired, was withdrawn, or belongs to another server. Pass "
        "`github_token: ${{ github.token }}`, or leave that input out."
    ),
    Refusal.LOCKED: (
        "The conversation of the pull request is locked. Unlock it, or set `comment: never` and `commit_status`."
    ),
    Refusal.ARCHIVED: "The repository is archived, and nobody can write to it. Unarchive it, or remove the workflow.",
    Refusal.PROTECTED: (
        "The organization does not let this token in: authorize the token for its single sign-on, or allow the "
        "runner's address in its list. The token of the job (`github_token: ${{ github.token }}`) needs no sign-on."
    ),
}
_PERMISSIONS = (Refusal.FORBIDDEN, Refusal.NO_TOKEN, Refusal.NOT_FOUND)


def advice(refusals: Sequence[Refusal], where: Situation, *, sets_status: bool) -> str | None:
    """Return Markdown that says how to let the gate publish; None where nothing but patience helps."""
    said = [_ADVICE[refusal] for refusal in dict.fromkeys(refusals) if refusal in _ADVICE]
    if any(refusal in _PERMISSIONS for refusal in refusals):
        forks = f"{_FORKS}{FORKS.link(where.documentation)}."
        said.append(forks if where.reads_only else permissions(where, sets_status=sets_status))
    return "\n\n".join(said) or None


def permissions(where: Situation, *, sets_status: bool) -> str:
    """Return Markdown of the permissions that a job needs, as the block to add."""
    lines = ["permissions:"]
    if where.event == "workflow_run":  # its verdict file is another workflow's artifact
        lines.append("  actions: read")
    lines += ["  contents: read", "  pull-requests: write"]
    if sets_status:
        lines.append("  statuses: write")
    block = "\n".join(["```yaml", *lines, "```"])
    how_to = f"The token may not do that. Give the job these permissions, and pass `github_token`:\n\n{block}"
    return f"{how_to}\n\n{_DEPENDABOT}" if where.by_dependabot else how_to


def unpublished(messages: Sequence[str], how_to: str | None) -> str:
    """Return the part of the job summary that says what was not published, and what to do about it."""
    listed = "\n".join(f"- {code(message, 500)}" for message in messages)
    parts = ["### Not everything was published", "What was decided stands; only telling it failed.", listed]
    return "\n\n".join([*parts, *([how_to] if how_to else [])])
