"""The replay: a verdict made again from the policy and the evidence in its file, and held against what the file says.

It needs no store, no MLflow and no network.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from smoke_gate import __version__
from smoke_gate.report.document import VerdictDocument
from smoke_gate.report.escape import shortened
from smoke_gate.report.headline import headline
from smoke_gate.report.verdict_file import Context, Origin, Tool, verdict_document
from smoke_gate.reproduce.differences import differences
from smoke_gate.reproduce.reading import Recorded, recorded, tampering
from smoke_gate.verdict import evaluate

DERIVED = (
    "verdict", "critical", "pending", "headline", "summary", "gates", "checks", "attempts", "unidentified",
    "references", "waivers",
)  # fmt: skip
"""The keys of a verdict file that policy and evidence decide."""

NOT_COVERED = ("created_at", "tool", "context", "source", "figures")
"""The keys that no hash and no replay covers: they decide nothing."""

POLICY_NOT_COVERED = ("profile", "experiments", "report")
"""The same of the policy: which defaults were filled in, where runs were looked for, which metrics the report shows."""

SEMANTIC_CHANGES: Mapping[str, str] = {}
"""The versions since which the same policy and evidence may give another verdict, and what changed in each."""

LONGEST_VERSION = 40
"""How many characters of a version, which a file may claim to be anything, a message quotes."""


class Outcome(StrEnum):
    """What a replay came to."""

    REPRODUCED = "reproduced"
    DIFFERS = "differs"
    TAMPERED = "tampered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A replay of a verdict file.

    ``findings`` say what is wrong, a line each; none where it is reproduced. ``versions`` says which version made the
    file, where that is another one and may be the reason.
    """

    outcome: Outcome
    document: VerdictDocument
    findings: tuple[str, ...] = ()
    versions: str | None = None


def replay(document: VerdictDocument, path: Path) -> Replay:
    """Evaluate a document's evidence by its policy, and compare everything that they decide, byte for byte.

    Raises:
        VerdictFileError: This version does not know the policy or the evidence; ``path`` is for the message.

    """
    if problem := tampering(document):
        return Replay(outcome=Outcome.TAMPERED, document=document, findings=(problem,))
    found = differences(document, derived(recorded(document, path)))
    if not found:
        return Replay(outcome=Outcome.REPRODUCED, document=document)
    versions = _versions(document["tool"]["version"])
    return Replay(outcome=Outcome.DIFFERS, document=document, findings=found, versions=versions)


def derived(case: Recorded) -> dict[str, Any]:
    """Return the parts of a verdict document that policy and evidence decide, made anew."""
    document = verdict_document(
        evaluate(case.policy, case.evidence),
        case.policy,
        case.evidence,
        context=Context(),
        source=Origin(tracking_uri=""),
        tool=Tool(version=__version__),
        created_at=datetime.fromtimestamp(0, UTC),
        figures=(),
    )
    return {key: value for key, value in document.items() if key in DERIVED}


def headline_of(case: Recorded) -> str:
    """Return the headline that a file's policy and evidence give, whatever the file claims."""
    return headline(evaluate(case.policy, case.evidence), case.policy, case.evidence)


def _versions(made_by: str) -> str | None:
    """Return what may explain a difference: that another version made the file."""
    if made_by == __version__:
        return None
    older, newer = sorted((_order(made_by), _order(__version__)))
    changes = [
        f"{version} ({what})"
        for version, what in SEMANTIC_CHANGES.items()
        if older < _order(version) <= newer
    ]
    named = shortened(made_by, LONGEST_VERSION)
    if changes:
        return f"made by version {named}, whose semantics changed in {', '.join(changes)}"
    return f"made by version {named}, this is {__version__}; no change of semantics is recorded between them"


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d{1,9}", version.partition("+")[0])))
