"""The annotations on the job's page and beside the lines of a pull request: one for each finding. Pure.

GitHub shows ten of each level a step, so the most important come first: what makes the verdict critical, then what is a
failure whatever the threshold, then what most runs have.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from smoke_gate.gates.base import Check, Status
from smoke_gate.message import Message
from smoke_gate.policy_file.errors import PolicyError, Position
from smoke_gate.report import findings
from smoke_gate.report.grouping import Alike, CheckGroup, place_of
from smoke_gate.text import shortened, visible
from smoke_gate.verdict import Verdict

LONGEST_MESSAGE = 2000  # characters; the runner cuts at 4096
_MOST_PLACES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A message, and the line that it is about; None: it is about the job."""

    message: str
    place: Position | None = None


def errors_of(verdict: Verdict, cells: Mapping[str, Position]) -> tuple[Annotation, ...]:
    """Return the failures of the gates that fail; ``cells`` says where the policy names each cell."""
    failing, _ = _failures(verdict)
    return tuple(_annotation(alike, cells) for alike in failing)


def warnings_of(verdict: Verdict, cells: Mapping[str, Position]) -> tuple[Annotation, ...]:
    """Return what else a person must look at: failures that are too few, warnings, and what a waiver only lowered."""
    _, too_few = _failures(verdict)
    lowered = [alike for alike in findings.waived(verdict) if alike[0].checks[0].status is Status.WARNING]
    checks = [*too_few, *_by_importance(findings.warnings(verdict), verdict), *lowered]
    return (*(_annotation(alike, cells) for alike in checks), *_remarks(verdict))


def of_policy(error: PolicyError, *, here: bool) -> tuple[Annotation, ...]:
    """Return a policy's problems, each at its line.

    Args:
        error: what is wrong with the policy.
        here: whether the policy is the checkout's: lines of another branch's file are not shown at this one's.

    """

    def annotation(place: Position, message: str, whole: str) -> Annotation:
        if here and place.line and Path(place.source).is_file():
            return Annotation(message=_line(message), place=place)
        return Annotation(message=_line(whole))

    return tuple(
        annotation(problem.place, ": ".join(filter(None, (problem.key, problem.message))), str(problem))
        for problem in error.problems
    )


def _failures(verdict: Verdict) -> tuple[Sequence[Alike], Sequence[Alike]]:
    """Return the failures of the gates that fail, and those of the others."""
    failing = {result.id for result in verdict.gates if result.status is Status.FAIL}
    ranked = _by_importance(findings.failures(verdict), verdict)
    fail = [alike for alike in ranked if alike[0].gate in failing]
    return fail, [alike for alike in ranked if alike[0].gate not in failing]


def _by_importance(found: Iterable[Alike], verdict: Verdict) -> Sequence[Alike]:
    critical = {result.id for result in verdict.gates if result.critical}

    def rank(alike: Alike) -> tuple[bool, bool, int]:
        checks = _checks(alike)
        return alike[0].gate not in critical, not any(check.at_once for check in checks), -len(checks)

    return sorted(found, key=rank)


def _annotation(alike: Alike, cells: Mapping[str, Position]) -> Annotation:
    """Return what the checks of a finding say, once, with the places; it stands at the first cell that has a line."""
    whole = CheckGroup(_checks(alike))
    places = [place for place in (_place(check, whole.own_words(check)) for check in whole.checks) if place]
    where = ", ".join(places[:_MOST_PLACES])
    if len(places) > _MOST_PLACES:
        where += f" and {len(places) - _MOST_PLACES} more"
    about = " ".join(filter(None, (whole.gate, where, whole.subject)))
    lines = (cells[check.cell] for check in whole.checks if check.cell is not None and check.cell in cells)
    return Annotation(message=_line(f"{about}: {whole.message}"), place=next(lines, None))


def _remarks(verdict: Verdict) -> Iterator[Annotation]:
    """Yield what else makes a WARNING: values off their reference, once for each metric, and waivers that expired."""
    by_subject: dict[str, list[Message]] = {}
    for remark in findings.remarks(verdict):
        if remark.warns:
            by_subject.setdefault(remark.about, []).append(remark.message)
    for about, messages in by_subject.items():
        more = f" (and {len(messages) - 1} more like this)" if len(messages) > 1 else ""
        yield Annotation(message=_line(f"{about}: {messages[0]}{more}"))


def _checks(alike: Alike) -> tuple[Check, ...]:
    return tuple(check for group in alike for check in group.checks)


def _place(check: Check, own_words: Sequence[str]) -> str:
    """Return the pair of a check, or its run where it has none, with what is to be said of it alone."""
    name, words = place_of(check) or check.run_id, ", ".join(own_words)
    return f"{name} ({words})" if name and words else name or words


def _line(text: str) -> str:
    return shortened(visible(text), LONGEST_MESSAGE)
