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
from smoke_gate.baseline import Baseline, against
from smoke_gate.bite import bite_for_report
from smoke_gate.collect.code import AskCode, By, codes_of
from smoke_gate.compare import Limit, limits_of
from smoke_gate.deadline import time_limit
from smoke_gate.errors import UsageError
from smoke_gate.evidence import Head
from smoke_gate.github.expectation import Expectation
from smoke_gate.pipeline import LOCAL_IMAGE
from smoke_gate.policy.model import Policy
from smoke_gate.report.judgement import Judgement, same_server
from smoke_gate.report.reproduction import Reproduction
from smoke_gate.reproduce.differences import differences
from smoke_gate.verdict import evaluate
from smoke_gate.verdict_file.document import Context, Tool
from smoke_gate.verdict_file.read import LARGEST_OF_OTHERS, Recorded, read_document, recorded, tampering
from smoke_gate.verdict_file.write import document_json, verdict_document

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
    """Read a verdict file that a stranger may have made.

    Args:
        file: the file.
        job: the repository and the commit that it must be about, as far as the job knows them.

    Raises:
        UsageError: it cannot be read, is too large, is not a verdict file, is not what this version reads, or is about
            another repository or commit, or does not say which.

    """
    document = read_document(file, largest=LARGEST_OF_OTHERS)
    said = document.context
    about = {"repository": (said.repository, job.repository), "commit": (said.sha, job.sha)}
    for kind, (stated, known) in about.items():
        if stated is None:
            raise UsageError(
                f"{file} does not say which {kind} it is about: publish a file that the action made"
            )
        _refuse_another(file, kind, stated, known)
    return recorded(document, str(file))


def _refuse_another(file: Path, kind: str, said: str | None, known: str | None) -> None:
    if None not in (said, known) and said != known:
        raise UsageError(f"{file} is about {kind} {said!r}, this job about {known}")


def disagreements(claim: Recorded) -> tuple[str, ...]:
    """Return where a claim is not borne out by its own policy and evidence, a line each."""
    verdict = evaluate(claim.policy, claim.evidence)
    found = {"verdict": verdict.status.value, "critical": verdict.critical, "pending": verdict.pending}
    said = document_json(claim.document, found)
    problem = tampering(claim.document)
    return (*([problem] if problem else []), *differences(said, found))


def judged_again(
    claim: Recorded,
    expected: Expectation | None,
    *,
    context: Context,
    head: Head,
    file: Path,
    ask_code: AskCode | None = None,
    merge_commit: str | None = None,
    image_digest: str | None = None,
    baseline: Baseline | None = None,
    server: str | None = None,
) -> Judgement:
    """Judge a claim's evidence here and now.

    Args:
        claim: a verdict file's content.
        expected: what its policy should be; None: its own is all that is known.
        context: what the verdict is about, as this job knows it.
        head: this job's commit, with which the runs are compared; the file's own word is not taken.
        file: the file, as the report's commands name it.
        ask_code: says whether a commit has head's code.
        merge_commit: what GitHub made of this job's commit and its base branch.
        image_digest: the image that this runs in.
        baseline: what the verdict is held against, by the limits of the policy that counts.
        server: this job's own tracking URI: only to that one the report links.

    """
    # A day that the file makes up must not let a waiver hold that has expired.
    today = datetime.now(UTC).date().isoformat()
    policy, evidence = claim.policy, replace(claim.evidence, as_of=max(claim.evidence.as_of, today))
    if expected is not None:
        policy, evidence = expected.applied(policy, evidence)
    asked: dict[By, AskCode] = {} if ask_code is None else {"api": ask_code}
    codes = codes_of(policy, head, evidence.attempts, asked, merge_commit)
    evidence = replace(evidence, head=head, codes=codes)
    verdict, source = evaluate(policy, evidence), claim.document.source
    document = verdict_document(
        verdict,
        policy,
        evidence,
        context=context,
        source=source,
        tool=Tool(version=__version__, image_digest=image_digest),
        created_at=_looked_at(claim.document.created_at),
    )
    return Judgement(
        verdict=verdict,
        policy=policy,
        evidence=evidence,
        document=document,
        baseline=against(baseline, policy, evidence, verdict, _limits(policy, expected)),
        reproduction=Reproduction(image=image_digest or LOCAL_IMAGE, verdict_file=str(file)),
        links=same_server(source.tracking_uri, server or ""),
        bite=bite_for_report(policy, evidence),
    )


def _limits(policy: Policy, expected: Expectation | None) -> tuple[Limit, ...]:
    """Return the limits that count: those of the policy that counts, where that is known, not those of the file."""
    known = None if expected is None else expected.policy
    return limits_of(known or policy)


def _looked_at(claimed: str) -> datetime:
    """Return when a claim's evidence was read, by its own account, but never in the future."""
    now = datetime.now(UTC)
    try:
        return min(datetime.fromisoformat(claimed), now)
    except ValueError:  # the right form and no date: the 30th of February
        return now
