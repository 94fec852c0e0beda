"""The commit checks of G0: which code made the runs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from smoke_gate.evidence import Answer, Attempt
from smoke_gate.gates.base import Case, Check, Judged, Status, abbreviated

Finding = tuple[Status, str]

FULL_CLONE = "comparing commits needs a checkout with fetch-depth: 0"


def commit_checks(case: Case) -> Iterator[Check]:
    """Check each run's commit as ``runs.commit`` asks."""
    match case.policy.runs.commit:
        case "any":
            return
        case "same":
            yield from _same_commit(case)
        case "head":
            yield from (
                _commit_check(judged, _at_head(case, judged), case.evidence.head) for judged in case.judged
            )
        case "code":
            yield from (
                _commit_check(judged, _same_code(case, judged), "the code of head") for judged in case.judged
            )


def _commit_check(judged: Judged, finding: Finding, expected: str | None) -> Check:
    status, message = finding
    observed = judged.attempt.commit or "unknown"
    return judged.check(
        "G0", "commit", status, "commit", message, observed=observed, expected=expected or "unknown"
    )


def _same_commit(case: Case) -> Iterator[Check]:
    """Compare the runs' commits with one another; an unknown one is stated, not judged."""
    counts = Counter(judged.attempt.commit for judged in case.judged if judged.attempt.commit).most_common()
    one_leads = len(counts) == 1 or (len(counts) > 1 and counts[0][1] > counts[1][1])
    leading, known = counts[0][0] if one_leads else None, [commit for commit, _ in counts]
    for judged in case.judged:
        finding = _same_as(leading, judged.attempt, known)
        yield _commit_check(judged, finding, leading or "one commit")


def _same_as(leading: str | None, attempt: Attempt, known: Sequence[str]) -> Finding:
    commit = attempt.commit
    if not commit:
        return (
            Status.SKIPPED,
            "No commit is recorded, so it was not compared. Call contract.log_plan in training.",
        )
    changed = ", with uncommitted changes that no commit holds" if attempt.dirty else ""
    if commit == leading:
        return Status.PASS, f"It ran on {_short(commit)}{changed}."
    rest = (
        "the runs are of several commits" if leading is None else f"most runs are of {_short(leading, known)}"
    )
    return (
        Status.WARNING,
        f"It ran on {_short(commit, known)}{changed}; {rest}. Run the matrix on one commit.",
    )


def _at_head(case: Case, judged: Judged) -> Finding:
    head, commit = case.evidence.head, judged.attempt.commit
    ran_on = f"It ran on {_short(commit, [head])}"
    if problem := _untraceable(judged.attempt):
        return Status.FAIL, problem
    if not head:
        return Status.FAIL, f"{ran_on}, and head is not known: give --sha; {FULL_CLONE}."
    if commit != head:
        return Status.FAIL, f"{ran_on}, head is {_short(head, [commit])}. Run it again on head."
    return Status.PASS, f"{ran_on}, which is head."


def _same_code(case: Case, judged: Judged) -> Finding:
    ran_on = f"It ran on {_short(judged.attempt.commit)}"
    if problem := _untraceable(judged.attempt):
        return Status.FAIL, problem
    match judged.run.same_code:
        case Answer.YES:
            return Status.PASS, f"{ran_on}, whose code is that of head."
        case Answer.NO:
            return Status.FAIL, f"{ran_on}, whose `runs.code_paths` differ from head. Run it again on head."
        case Answer.UNKNOWN:
            return Status.FAIL, (
                f"{ran_on}, and whether its code is that of head is not known: the clone lacks a commit or is not "
                f"readable ({FULL_CLONE}), or `runs.code_paths` ({', '.join(case.policy.runs.code_paths)}) match no "
                "file of either, or reach into a submodule that has moved."
            )


def _untraceable(attempt: Attempt) -> str | None:
    """Return why nobody can tell which code ran, None where one can."""
    if not attempt.commit:
        return f"No commit is recorded. Call contract.log_plan in training; {FULL_CLONE}."
    if attempt.dirty:
        changed = f"It ran on {_short(attempt.commit)} with uncommitted changes."
        return f"{changed} Commit them and run again; {FULL_CLONE}."
    return None


def _short(commit: str | None, others: Iterable[str | None] = ()) -> str:
    return abbreviated(commit, others) if commit else "an unknown commit"
