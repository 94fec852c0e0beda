"""A verdict file that another job made: what it claims, and what its own evidence says.

The second workflow of the fork pattern may write to the repository; what it reads was made by a job that anybody could
change. So nothing of the file is shown as it is: its evidence is judged again, and the report is made anew.
"""

from datetime import UTC, datetime
from pathlib import Path

from smoke_gate import __version__
from smoke_gate.errors import UsageError
from smoke_gate.report.document import VerdictDocument
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.reproduction import Reproduction
from smoke_gate.report.verdict_file import Context, Origin, Tool, verdict_document
from smoke_gate.reproduce import read_document
from smoke_gate.reproduce.differences import differences
from smoke_gate.reproduce.reading import recorded, tampering
from smoke_gate.verdict import evaluate

LARGEST_CLAIM = 10 << 20  # bytes; less than what is read of a file that one made oneself
COMPARED = ("verdict", "critical", "pending")


def read_claim(file: Path) -> VerdictDocument:
    """Read a verdict file as one would a stranger's.

    Raises:
        UsageError: it cannot be read, is too large, or is no verdict file.

    """
    if file.is_file() and file.stat().st_size > LARGEST_CLAIM:
        raise UsageError(f"{file} is larger than {LARGEST_CLAIM >> 20} MiB: it is not published")
    return read_document(file)


def judged_again(claim: VerdictDocument, *, context: Context, file: Path) -> Judgement:
    """Judge a claim's evidence by its policy, here and now.

    Args:
        claim: a verdict file's content.
        context: what the verdict is about, as this job knows it.
        file: the file, as the report's commands name it.

    Raises:
        UsageError: policy or evidence are not what this version reads, or the file is about another commit.

    """
    if context.sha is not None and claim["context"]["sha"] not in (None, context.sha):
        raise UsageError(f"{file} is about commit {claim['context']['sha']!r}, this job about {context.sha}")
    case = recorded(claim, file)
    verdict = evaluate(case.policy, case.evidence)
    experiments = tuple((one["id"], one["name"]) for one in claim["source"]["experiments"])
    document = verdict_document(
        verdict,
        case.policy,
        case.evidence,
        context=context,
        source=Origin(tracking_uri=claim["source"]["tracking_uri"], experiments=experiments),
        tool=Tool(version=__version__),
        created_at=_looked_at(claim),
        figures=(),
    )
    return Judgement(
        verdict=verdict,
        policy=case.policy,
        evidence=case.evidence,
        document=document,
        reproduction=Reproduction(image="smoke-gate", verdict_file=str(file)),
    )


def disagreements(claim: VerdictDocument, judgement: Judgement) -> tuple[str, ...]:
    """Return where a claim is not borne out by its own evidence, a line each."""
    said, found = (
        {key: value for key, value in document.items() if key in COMPARED}
        for document in (claim, judgement.document)
    )
    problem = tampering(claim)
    return (*([problem] if problem else []), *differences(said, found))


def _looked_at(claim: VerdictDocument) -> datetime:
    """Return when a claim's evidence was read, by its own account, but never in the future."""
    now = datetime.now(UTC)
    try:
        return min(datetime.fromisoformat(claim["created_at"]), now)
    except ValueError:  # the right form and no date: the 30th of February
        return now
