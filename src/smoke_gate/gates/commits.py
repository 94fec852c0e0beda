"""The commit checks of G0: which code made the runs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from smoke_gate.commits import distinct_commits, same_commit
from smoke_gate.evidence import Answer, Attempt, HeadFrom
from smoke_gate.gates.base import Case, Check, Judged, Status
from smoke_gate.gates.twins import named, subject_of
from smoke_gate.message import Message, say, sentences
from smoke_gate.selection import code_of
from smoke_gate.text import abbreviated, counted

Finding = tuple[Status, Message]


def commit_checks(case: Case) -> Iterator[Check]:
    """Check each run's commit as ``runs.commit`` asks."""
    match case.policy.runs.commit:
        case "any":
            return
        case "auto" if case.evidence.head.commit is not None:
            yield from _of_heads_code(case)
        case "auto" | "same":
            yield from _of_changed_checkout(case)
            yield from _same_commit(case)
        case "head":
            yield from (
                _commit_check(judged, _at_head(case, judged), case.evidence.head.commit)
                for judged in case.judged
            )
        case "code":
            yield from (
                _commit_check(judged, _same_code(case, judged), "the code of head") for judged in case.judged
            )
    yield from _conflicting(case)


def _of_heads_code(case: Case) -> Iterator[Check]:
    """Check, once for the matrix, that the runs are of head's code."""
    by_answer: dict[Answer, list[Judged]] = {answer: [] for answer in Answer}
    for judged in case.judged:
        by_answer[code_of(judged.attempt, case.evidence.codes).same_code].append(judged)
    other, unknown = by_answer[Answer.NO], by_answer[Answer.UNKNOWN]
    head = abbreviated(case.evidence.head.commit or "")
    if other:
        message = say(
            "{count} of other code than head's ({head}): {runs}. Run them again on head's code. "
            "If training is never repeated for a change, say `runs.commit: any`.",
            count=say(counted(len(other), "run is", "runs are")),
            head=head,
            runs=named(other),
        )
        yield _code_check(Status.WARNING, message, observed=subject_of(other))
    if unknown:
        message = say(
            "Whether {count} of head's code ({head}) is not known: {runs}. {why} "
            "If training is never repeated for a change, say `runs.commit: any`.",
            count=say(counted(len(unknown), "run is", "runs are")),
            head=head,
            runs=named(unknown),
            why=_why_unknown(case, unknown),
        )
        must_know = case.evidence.head.origin is HeadFrom.PULL_REQUEST
        yield _code_check(
            Status.WARNING if must_know else Status.SKIPPED, message, observed=subject_of(unknown)
        )
    if case.judged and not other and not unknown:
        yield _code_check(
            Status.PASS, say("All runs are of head's code ({head}).", head=head), observed="head's code"
        )


def _why_unknown(case: Case, unknown: Sequence[Judged]) -> Message:
    """Return each reason why the code of runs is not known: no commit of their own, or nothing to compare it by."""
    untraceable = [_untraceable(judged.attempt) is not None for judged in unknown]
    reasons = []
    if any(untraceable):
        reasons.append(
            say("Record the commit by contract.log_plan in training, of a tree without uncommitted changes.")
        )
    if not all(untraceable):
        reasons.append(say("The reason: {reason}.", reason=_no_comparison(case)))
    return sentences(reasons)


def _no_comparison(case: Case) -> Message:
    """Return why the code of a known commit could not be compared with head's."""
    return say(
        "nobody has both commits (outside GitHub, the checkout needs fetch-depth: 0), or `runs.code_paths` ({paths}) "
        "match no file of either, or reach into a submodule that has moved",
        paths=", ".join(case.policy.runs.code_paths),
    )


def _of_changed_checkout(case: Case) -> Iterator[Check]:
    """Tell that the runs could not be compared with a checkout that has uncommitted changes.

    A note on a desk, where it is usual; a WARNING for a pull request, where somebody relies on the comparison.
    """
    origin = case.evidence.head.origin
    if case.policy.runs.commit == "auto" and origin in (HeadFrom.CHECKOUT, HeadFrom.PULL_REQUEST):
        message = say(
            "The runs were not compared with head's code: files of `runs.code_paths` have uncommitted changes. "
            "Commit them, or give --sha."
        )
        status = Status.WARNING if origin is HeadFrom.PULL_REQUEST else Status.SKIPPED
        yield _code_check(status, message, observed="uncommitted changes")


def _code_check(status: Status, message: Message, *, observed: str) -> Check:
    return Check(
        gate="G0", kind="code", status=status, subject="commit", message=message, observed=observed,
        expected="head's code",
    )  # fmt: skip


def _conflicting(case: Case) -> Iterator[Check]:
    """Warn of each run whose tags name two commits of one repository."""
    for judged in case.judged:
        other = judged.attempt.other_commit
        if other is not None:
            message = say(
                "Its tags name two commits, {commit} and {other}. Find out which code ran; "
                "contract.log_plan in training records the one of the working tree.",
                commit=_short(judged.attempt.commit, [other]),
                other=_short(other, [judged.attempt.commit]),
            )
            yield judged.check(
                "G0", "commit_tags", Status.WARNING, "commit", message, observed=other, expected="one commit"
            )


def _commit_check(judged: Judged, finding: Finding, expected: str | None) -> Check:
    status, message = finding
    observed = judged.attempt.commit or "unknown"
    return judged.check(
        "G0", "commit", status, "commit", message, observed=observed, expected=expected or "unknown"
    )


def _same_commit(case: Case) -> Iterator[Check]:
    """Compare the runs' commits with one another; an unknown one is stated, not judged."""
    distinct = distinct_commits(judged.attempt.commit for judged in case.judged if judged.attempt.commit)
    full = {judged.attempt.commit: _full(judged.attempt.commit, distinct) for judged in case.judged}
    counts = Counter(
        full[judged.attempt.commit] for judged in case.judged if judged.attempt.commit
    ).most_common()
    one_leads = len(counts) == 1 or (len(counts) > 1 and counts[0][1] > counts[1][1])
    leading, known = counts[0][0] if one_leads else None, [commit for commit, _ in counts]
    for judged in case.judged:
        finding = _same_as(leading, judged.attempt, full[judged.attempt.commit], known)
        yield _commit_check(judged, finding, leading or "one commit")


def _full(commit: str | None, distinct: Sequence[str]) -> str | None:
    """Return the longest spelling of a commit: a run may have recorded only its beginning."""
    return next((other for other in distinct if commit and same_commit(other, commit)), None)


def _same_as(
    leading: str | None, attempt: Attempt, commit: str | None, known: Sequence[str | None]
) -> Finding:
    if not commit:
        return (
            Status.SKIPPED,
            say("No commit is recorded, so it was not compared. Call contract.log_plan in training."),
        )
    changed = say(", with uncommitted changes that no commit holds") if attempt.dirty else say("")
    if commit == leading:
        return Status.PASS, say("It ran on {commit}{changed}.", commit=abbreviated(commit), changed=changed)
    if leading is None:
        rest = say("the runs are of several commits")
    else:
        rest = say("most runs are of {leading}", leading=abbreviated(leading, known))
    return Status.WARNING, say(
        "It ran on {commit}{changed}; {rest}. Run the matrix on one commit.",
        commit=abbreviated(commit, known),
        changed=changed,
        rest=rest,
    )


def _at_head(case: Case, judged: Judged) -> Finding:
    head, commit = case.evidence.head.commit, judged.attempt.commit
    ran_on = say("It ran on {commit}", commit=_short(commit, [head]))
    if problem := _untraceable(judged.attempt):
        return Status.FAIL, problem
    if not head:
        return Status.FAIL, say(
            "{ran_on}, and head is not known. Give --sha, or commit the changes of the working tree.",
            ran_on=ran_on,
        )
    if commit is None or not same_commit(commit, head):
        return Status.FAIL, say(
            "{ran_on}, head is {head}. Run it again on head.", ran_on=ran_on, head=_short(head, [commit])
        )
    return Status.PASS, say("{ran_on}, which is head.", ran_on=ran_on)


def _same_code(case: Case, judged: Judged) -> Finding:
    ran_on = say("It ran on {commit}", commit=_short(judged.attempt.commit))
    if problem := _untraceable(judged.attempt):
        return Status.FAIL, problem
    match code_of(judged.attempt, case.evidence.codes).same_code:
        case Answer.YES:
            return Status.PASS, say("{ran_on}, whose code is that of head.", ran_on=ran_on)
        case Answer.NO:
            return Status.FAIL, say(
                "{ran_on}, whose `runs.code_paths` differ from head. Run it again on head.", ran_on=ran_on
            )
        case Answer.UNKNOWN:
            return Status.FAIL, say(
                "{ran_on}, and whether its code is that of head is not known: {reason}.",
                ran_on=ran_on,
                reason=_no_comparison(case),
            )


def _untraceable(attempt: Attempt) -> Message | None:
    """Return why nobody can tell which code ran, None where one can."""
    if not attempt.commit:
        return say("No commit is recorded. Call contract.log_plan in training.")
    if attempt.dirty:
        return say(
            "It ran on {commit} with uncommitted changes. Commit them and run again.",
            commit=_short(attempt.commit),
        )
    return None


def _short(commit: str | None, others: Iterable[str | None] = ()) -> str:
    return abbreviated(commit, others) if commit else "an unknown commit"
