"""The words of `reproduce` about a replay: plain lines, none of which a runner takes for a command."""

from collections.abc import Iterable, Sequence

from smoke_gate.reproduce.container import Contained
from smoke_gate.reproduce.offline import (
    LONGEST_VERSION,
    NOT_COVERED,
    POLICY_NOT_COVERED,
    Replay,
    ReplayOutcome,
)
from smoke_gate.text import log_line, shortened

_MOST_FINDINGS = 20


def replay_text(replay: Replay) -> str:
    """Return the text of a replay: one line if the verdict is reproduced, else what is wrong and what to do."""
    return inert_lines(_lines(replay))


def contained_text(found: Contained, here: Replay) -> str:
    """Return the text of a replay in an image, next to the one here."""
    own = replay_text(here)
    if found.output == own:
        return inert_lines([f"{found.image}: the same, to the last byte"])
    lines = (f"  {line}" for line in found.output.splitlines())
    return inert_lines([f"{found.image} says (exit code {found.exit_code}):", *lines])


def inert_lines(lines: Iterable[str]) -> str:
    """Return lines as text for stdout; foreign text in them is made inert."""
    return "".join(f"{log_line(line)}\n" for line in lines)


def _first(findings: Sequence[str]) -> list[str]:
    """Return the first findings, indented, and the count of the rest."""
    rest = len(findings) - _MOST_FINDINGS
    return [f"  {line}" for line in findings[:_MOST_FINDINGS]] + [f"  … and {rest} more"] * (rest > 0)


def _lines(replay: Replay) -> list[str]:
    document = replay.document
    match replay.outcome:
        case ReplayOutcome.REPRODUCED:
            return [
                f"reproduced: {document.headline}",
                f"evidence {document.evidence_sha256}, policy {document.policy_sha256} (SHA-256)",
                _not_covered(),
            ]
        case ReplayOutcome.TAMPERED:
            return [
                f"tampered: {replay.findings[0]}",
                "Use none of it: get the file anew from where it was made.",
            ]
        case ReplayOutcome.DIFFERS if replay.unusable:
            return ["differs: a gate cannot judge here", *_first(replay.unusable), *_first(replay.findings)]
        case ReplayOutcome.DIFFERS:
            head = (
                f"differs: {replay.versions}"
                if replay.versions
                else "differs: policy and evidence do not give this"
            )
            fix = (
                f"Repeat it with version {shortened(document.tool.version, LONGEST_VERSION)}, or with --docker."
                if replay.versions
                else "The file was changed after it was made: get it anew from where it was made."
            )
            return [head, *_first(replay.findings), fix]


def _not_covered() -> str:
    names = [*NOT_COVERED, *(f"policy.{name}" for name in POLICY_NOT_COVERED)]
    return f"not covered by a hash, and deciding nothing: {', '.join(names)}"
