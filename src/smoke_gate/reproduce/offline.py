"""The replay: a verdict made again from the policy and the evidence in its file, and held against what the file says.

It needs no store, no MLflow and no network.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from smoke_gate import __version__
from smoke_gate.gates import gates_of, is_usable
from smoke_gate.message import Message
from smoke_gate.reproduce.differences import differences
from smoke_gate.text import shortened
from smoke_gate.verdict import evaluate
from smoke_gate.verdict_file.document import Context, StoreOrigin, Tool, VerdictDocument
from smoke_gate.verdict_file.headline import headline
from smoke_gate.verdict_file.read import Recorded, recorded, tampering
from smoke_gate.verdict_file.write import EvidenceAsJson, document_json, verdict_document

DERIVED = (
    "verdict", "critical", "pending", "headline", "summary", "gates", "checks", "attempts", "unidentified",
    "references", "waivers",
)  # fmt: skip
"""The keys of a verdict file that policy and evidence decide."""

NOT_COVERED = ("created_at", "tool", "context", "source", "pictures")
"""The keys that no hash and no replay covers: they decide nothing."""

POLICY_NOT_COVERED = ("profile", "experiments", "report", "compare")
"""The same of the policy: which defaults, where runs were looked for, the report's metrics, limits of a baseline."""

SEMANTIC_CHANGES: Mapping[str, str] = {}
"""The versions since which the same policy and evidence may give another verdict, and what changed in each."""

LONGEST_VERSION = 40
"""How many characters of a version, which a file may claim to be anything, a message quotes."""


class ReplayOutcome(StrEnum):
    """The result of a replay."""

    REPRODUCED = "reproduced"
    DIFFERS = "differs"
    TAMPERED = "tampered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A replay of a verdict file.

    ``findings`` say what is wrong, a line each; none where it is reproduced. ``versions`` says which version made the
    file, where that is another one and may be the reason. ``unusable`` says which gates of the policy cannot judge
    here, and why.
    """

    outcome: ReplayOutcome
    document: VerdictDocument
    findings: tuple[str, ...] = ()
    versions: str | None = None
    unusable: tuple[str, ...] = ()


def replay(document: VerdictDocument, path: Path) -> Replay:
    """Evaluate a document's evidence by its policy, and compare everything that they decide, byte for byte.

    Raises:
        VerdictFileError: This version does not know the policy or the evidence; ``path`` is for the message.

    """
    if problem := tampering(document):
        return Replay(outcome=ReplayOutcome.TAMPERED, document=document, findings=(problem,))
    case = recorded(document, str(path))
    again = remade(case)
    # What is equal is not written out: a file may hold very many checks. Numbers are: -0.0 is not 0.0 in JSON.
    keys = [key for key in DERIVED if key == "references" or getattr(document, key) != getattr(again, key)]
    found = differences(document_json(document, keys), document_json(again, keys))
    if not found:
        return Replay(outcome=ReplayOutcome.REPRODUCED, document=document)
    return Replay(
        outcome=ReplayOutcome.DIFFERS,
        document=document,
        findings=found,
        versions=_versions(document.tool.version),
        unusable=_unusable(case),
    )


def _unusable(case: Recorded) -> tuple[str, ...]:
    return tuple(gate.explanation.question for gate in gates_of(case.policy) if not is_usable(gate))


def remade(case: Recorded) -> VerdictDocument:
    """Return the document that policy and evidence give now; only the parts in :data:`DERIVED` tell anything."""
    return verdict_document(
        evaluate(case.policy, case.evidence),
        case.policy,
        case.evidence,
        context=Context(),
        source=StoreOrigin(tracking_uri=""),
        tool=Tool(version=__version__),
        created_at=datetime.fromtimestamp(0, UTC),
        facts=EvidenceAsJson(case.document.evidence, case.document.evidence_sha256),
    )


def headline_of(case: Recorded) -> Message:
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
