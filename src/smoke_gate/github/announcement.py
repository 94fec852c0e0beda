"""The texts and states that are published of a verdict, or of the lack of one. Pure.

GitHub counts at most 65,536 characters in a comment; its column takes four bytes for each of them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from smoke_gate.github.annotations import Annotation, errors_of, warnings_of
from smoke_gate.github.client import StatusState
from smoke_gate.github.outputs import ERROR, Told, outputs_of, outputs_without_verdict
from smoke_gate.github.settings import LARGEST_CHARACTER
from smoke_gate.policy_file.errors import Position
from smoke_gate.report.comparison import broken_limits
from smoke_gate.report.escape import code, link, prose
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown import markdown
from smoke_gate.report.markdown_section import alert
from smoke_gate.report.origin import NO_PAGES, Pages, beginnings
from smoke_gate.text import shortened, visible
from smoke_gate.verdict import Verdict, VerdictStatus

LONGEST_DESCRIPTION = 140  # characters of a commit status
REFUTED = "the verdict file is not borne out by its own evidence"
NOWHERE: Mapping[str, Position] = {}
_LONGEST_LINES = (1000, 200)  # characters of a line of an error: as much as there is space for


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The space that a text may take: characters, and bytes in UTF-8; None: any number."""

    characters: int | None = None
    bytes: int | None = None

    def holds(self, text: str) -> bool:
        """Return whether a text fits."""
        fits = self.characters is None or len(text) <= self.characters
        return fits and (self.bytes is None or len(text.encode()) <= self.bytes)

    def beside(self, text: str) -> "Space":
        """Return the space that is left when a text has taken its part."""
        return Space(
            characters=None if self.characters is None else self.characters - len(text),
            bytes=None if self.bytes is None else self.bytes - len(text.encode()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """The announcement of a verdict or an error: one account of the same thing for each reader.

    ``outputs`` are those of the action, ``body`` makes the Markdown for people, ``state`` and ``headline`` are for the
    commit status, ``errors`` and ``warnings`` for the job's page. ``is_problem``: it is not ALL PASS.
    """

    outputs: Mapping[str, str]
    body: Callable[[Space], str]
    state: StatusState
    headline: str
    is_problem: bool
    errors: tuple[Annotation, ...] = ()
    warnings: tuple[Annotation, ...] = ()

    @property
    def description(self) -> str:
        """The headline as a commit status takes it: neither long nor with characters of four bytes."""
        line = re.sub(f"[^\0-{LARGEST_CHARACTER}]", "\N{REPLACEMENT CHARACTER}", visible(self.headline))
        return shortened(line, LONGEST_DESCRIPTION)


def announcement_of(
    judgement: Judgement,
    files: Mapping[str, Path],
    *,
    pages: Pages = NO_PAGES,
    warning_fails: bool,
    cells: Mapping[str, Position] = NOWHERE,
) -> Announcement:
    """Return what is published of a verdict.

    Args:
        judgement: the verdict and what led to it.
        files: what was written, by what it is, from the workspace.
        pages: where the workflow run, which has the whole report, and the like are shown.
        warning_fails: a WARNING is not a success.
        cells: where the policy file of the checkout names each cell.

    """

    def body(space: Space) -> str:
        where = pages.run or str(files.get("report", "")) or None
        return markdown(
            judgement, pages=pages, limit=space.characters, byte_limit=space.bytes, full_report=where
        )

    verdict = judgement.verdict
    broken = broken_limits(judgement)
    undecided = judgement.baseline.why if judgement.baseline else None
    return Announcement(
        outputs=outputs_of(Told(judgement=judgement, files=files)),
        body=body,
        state="failure" if broken else _state(verdict, warning_fails=warning_fails),
        headline=f"{broken} · {judgement.document.headline}" if broken else judgement.document.headline,
        is_problem=bool(broken) or verdict.status is not VerdictStatus.ALL_PASS,
        errors=(*([Annotation(message=visible(broken))] if broken else []), *errors_of(verdict, cells)),
        warnings=(
            *([Annotation(message=visible(f"baseline: {undecided}"))] if undecided else []),
            *warnings_of(verdict, cells),
        ),
    )


def refuted(announcement: Announcement, disagreements: Sequence[str]) -> Announcement:
    """Return what is published of a verdict file that says other things than its evidence: never a pass.

    Args:
        announcement: what is published of its evidence alone.
        disagreements: what the file says and what its evidence gives, a line each.

    """
    said = "\n".join(f"> - {code(line, 500)}" for line in disagreements)
    caution = (
        f"**{REFUTED.capitalize()}.** It was changed after it was made, or another version made it: it proves nothing. "
        f"Judge the runs again, where nobody else can write.\n>\n{said}"
    )
    verdict = "CRITICAL FAIL" if announcement.outputs["critical"] == "true" else "FAIL"
    top = f"## ❌ Smoke gate: {verdict}\n\n{alert('CAUTION', caution)}\n\nWhat its evidence gives:"

    def body(space: Space) -> str:
        _, _, report = announcement.body(space.beside(top)).partition("\n")  # without its own headline
        return top + "\n" + report

    headline = f"{verdict} · {REFUTED}"
    said_otherwise = {"verdict": VerdictStatus.FAIL.value, "pending": "false", "headline": headline}
    return replace(
        announcement,
        outputs={**announcement.outputs, **said_otherwise},
        body=body,
        state="failure",
        headline=headline,
        is_problem=True,
        errors=(*(Annotation(message=visible(line)) for line in disagreements), *announcement.errors),
    )


def announcement_of_error(
    text: str,
    how_to: str | None = None,
    errors: tuple[Annotation, ...] = (),
    *,
    commit: str | None = None,
    pages: Pages = NO_PAGES,
) -> Announcement:
    """Return what is published where an error left no verdict.

    Args:
        text: what went wrong.
        how_to: Markdown of what would help.
        errors: the same for the job's page, if more is known than the text.
        commit: the commit that was to be judged.
        pages: where the commit and the workflow run are shown.

    """
    advice = "This is not a pass. The job's log has the details; mend what it names and run the job again."

    def whole(longest: int) -> str:
        lines = "\n".join(f"- {code(line, longest)}" for line in text.splitlines()[:20])
        came_from = " · ".join(link(prose(one.words), one.url) for one in beginnings(commit, pages))
        said = [f"## 🛑 Smoke gate: {ERROR} · No verdict could be reached", came_from, lines]
        said = [part for part in said if part]
        return "\n\n".join([*said, *([how_to] if how_to else []), advice]) + "\n"

    def body(space: Space) -> str:
        return next(filter(space.holds, map(whole, _LONGEST_LINES)), whole(_LONGEST_LINES[-1]))

    headline = f"{ERROR}: {text}"
    return Announcement(
        outputs=outputs_without_verdict(visible(headline)),
        body=body,
        state="error",
        headline=headline,
        is_problem=True,
        errors=errors or (Annotation(message=text),),
    )


def _state(verdict: Verdict, *, warning_fails: bool) -> StatusState:
    if verdict.pending:
        return "pending"
    if verdict.status is VerdictStatus.FAIL:
        return "failure"
    return "failure" if warning_fails and verdict.status is VerdictStatus.WARNING else "success"
