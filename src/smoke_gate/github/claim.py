"""A verdict file that another job made: what it claims, and what its own evidence says.

The second workflow of the fork pattern may write to the repository; what it reads was made by a job that anybody could
change. So nothing of the file is shown as it is: its evidence is judged again, and the report is made anew.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from smoke_gate import __version__
from smoke_gate.deadline import time_limit
from smoke_gate.errors import UsageError
from smoke_gate.github.expectation import Expectation
from smoke_gate.pipeline import LOCAL_IMAGE
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.links import same_server
from smoke_gate.report.reproduction import Reproduction
from smoke_gate.report.verdict_file import Context, Origin, Tool, verdict_document
from smoke_gate.reproduce import read_document
from smoke_gate.reproduce.differences import differences
from smoke_gate.reproduce.reading import Recorded, recorded, tampering
from smoke_gate.verdict import evaluate

LARGEST_CLAIM = 10 << 20  # bytes; less than what is read of a file that one made oneself
LONGEST_JUDGING = 60.0  # seconds; what an honest job writes in that many bytes takes some ten


@contextmanager
def in_time(file: Path) -> Iterator[None]:
    """Bound what judging a claim takes: a file can ask for hours, and keep a job busy that may write.

    Raises:
        UsageError: it takes longer.

    """
    try:
        with time_limit(LONGEST_JUDGING):
            yield
    except TimeoutError:
        raise UsageError(f"{file} is not judged within {LONGEST_JUDGING:g} s: it is not published") from None


def read_claim(file: Path, job: Context) -> Recorded:
    """Read a verdict file as one would a stranger's.

    Args:
        file: the file.
        job: what it must be about, as far as both of them say so: a repository, a commit.

    Raises:
        UsageError: it cannot be read, is too large, is no verdict file, is not what this version reads, or is about
            another repository or commit.

    """
    if file.is_file() and file.stat().st_size > LARGEST_CLAIM:
        raise UsageError(f"{file} is larger than {LARGEST_CLAIM >> 20} MiB: it is not published")
    document = read_document(file)
    said = document["context"]
    _refuse_another(file, "repository", said["repository"], job.repository)
    _refuse_another(file, "commit", said["sha"], job.sha)
    claim = recorded(document, file)
    if said["sha"] is None or claim.policy.runs.commit in ("head", "code"):
        _refuse_another(file, "head", claim.evidence.head, job.sha)
    return claim


def _refuse_another(file: Path, kind: str, said: str | None, known: str | None) -> None:
    if None not in (said, known) and said != known:
        raise UsageError(f"{file} is about {kind} {said!r}, this job about {known}")


def disagreements(claim: Recorded) -> tuple[str, ...]:
    """Return where a claim is not borne out by its own policy and evidence, a line each."""
    verdict = evaluate(claim.policy, claim.evidence)
    found = {"verdict": verdict.status.value, "critical": verdict.critical, "pending": verdict.pending}
    problem = tampering(claim.document)
    return (*([problem] if problem else []), *differences(claim.document, found))


def judged_again(
    claim: Recorded,
    expected: Expectation | None,
    *,
    context: Context,
    file: Path,
    image_digest: str | None = None,
    server: str | None = None,
) -> Judgement:
    """Judge a claim's evidence here and now.

    Args:
        claim: a verdict file's content.
        expected: what its policy should be; None: its own is all that is known.
        context: what the verdict is about, as this job knows it.
        file: the file, as the report's commands name it.
        image_digest: the image that this runs in.
        server: this job's own tracking URI: only to that one the report links.

    """
    # A day that the file makes up must not let a waiver hold that has expired.
    today = datetime.now(UTC).date().isoformat()
    policy, evidence = claim.policy, replace(claim.evidence, as_of=max(claim.evidence.as_of, today))
    if expected is not None:
        policy, evidence = expected.applied(policy, evidence)
    verdict, source = evaluate(policy, evidence), claim.document["source"]
    experiments = tuple((one["id"], one["name"]) for one in source["experiments"])
    document = verdict_document(
        verdict,
        policy,
        evidence,
        context=context,
        source=Origin(tracking_uri=source["tracking_uri"], experiments=experiments),
        tool=Tool(version=__version__, image_digest=image_digest),
        created_at=_looked_at(claim.document["created_at"]),
        figures=(),
    )
    return Judgement(
        verdict=verdict,
        policy=policy,
        evidence=evidence,
        document=document,
        reproduction=Reproduction(image=image_digest or LOCAL_IMAGE, verdict_file=str(file)),
        links=same_server(source["tracking_uri"], server or ""),
    )


def _looked_at(claimed: str) -> datetime:
    """Return when a claim's evidence was read, by its own account, but never in the future."""
    now = datetime.now(UTC)
    try:
        return min(datetime.fromisoformat(claimed), now)
    except ValueError:  # the right form and no date: the 30th of February
        return now
