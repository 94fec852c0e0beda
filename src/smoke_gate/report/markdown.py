"""The report as GitHub-flavoured Markdown: for a pull request, a job summary and a file.

Its sections stand in the order in which a reader needs them, so that a reader may stop early. A comment that would be
too long is cut by the same order of importance.
"""

from collections.abc import Callable, Sequence
from functools import partial
from textwrap import indent

from smoke_gate.message import recorded
from smoke_gate.policy_file.names import POLICY_NAMES
from smoke_gate.report import findings
from smoke_gate.report.bite import bite_section
from smoke_gate.report.comparison import title_words
from smoke_gate.report.escape import code, link, prose, web_address
from smoke_gate.report.findings import Remark
from smoke_gate.report.first_screen import first_lines
from smoke_gate.report.fitting import fitted
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_baseline import against_baseline, baseline_call
from smoke_gate.report.markdown_cells import cell_summary
from smoke_gate.report.markdown_findings import failures, references, warnings
from smoke_gate.report.markdown_matrix import attempt_ledger, gate_table, matrix
from smoke_gate.report.markdown_section import (
    ALL,
    STATUS_SYMBOLS,
    ReportSection,
    alert,
    block,
    details,
    sentence,
    table,
)
from smoke_gate.report.origin import NO_PAGES, Pages, origins
from smoke_gate.text import counted, listed, visible
from smoke_gate.verdict import VerdictStatus
from smoke_gate.verdict_file.headline import advice, coverage, status_words

_SYMBOLS = {VerdictStatus.ALL_PASS: "✅", VerdictStatus.WARNING: "⚠️", VerdictStatus.FAIL: "❌"}
_LONGEST_CHANGE = 200  # lines of a policy's difference
_LONGEST_TABLE = 60  # rows of what a note lists


def markdown(
    judgement: Judgement,
    *,
    pages: Pages = NO_PAGES,
    limit: int | None = None,
    byte_limit: int | None = None,
    full_report: str | None = None,
) -> str:
    """Return the report.

    Args:
        judgement: what is reported.
        pages: where on the web the run, its files and the like are shown.
        limit: the most characters that it may have; None: any number.
        byte_limit: the most bytes that it may have in UTF-8; None: any number.
        full_report: where the whole report is, an address or a path; for the note of what was left out.

    Returns:
        As much as fits, the most important sections first, and a note that names what is shorter or left out. The
        first section is always there.

    """

    def joined(texts: Sequence[str], left_out: Sequence[str], shortened: Sequence[str]) -> str:
        return "\n\n".join([*texts, *_cut_note(left_out, shortened, full_report)]) + "\n"

    def fits(text: str) -> bool:
        return (limit is None or len(text) <= limit) and (
            byte_limit is None or len(text.encode()) <= byte_limit
        )

    return fitted(markdown_sections(judgement, pages), joined, fits)


def markdown_sections(judgement: Judgement, pages: Pages = NO_PAGES) -> list[ReportSection]:
    """Return the sections that have something to say, in the order of their importance, in which they are read."""
    makers: Sequence[Callable[[Judgement], ReportSection | None]] = (
        partial(first_screen, pages=pages),
        failures,
        warnings,
        policy_change,
        matrix,
        gate_table,
        notes,
        against_baseline,
        cell_summary,
        bite_section,
        attempt_ledger,
        references,
        how_to_reproduce,
    )
    sections = (make(judgement) for make in makers)
    return [section for section in sections if section is not None]


def first_screen(judgement: Judgement, *, pages: Pages) -> ReportSection:
    """Return what everybody reads: the verdict and what it covers, where it comes from, what failed, who must act."""
    verdict = judgement.verdict
    covered = sentence(coverage(verdict, judgement.policy, judgement.evidence))
    symbol = "⏳" if verdict.pending else _SYMBOLS[verdict.status]
    symbol = "❌" if (worse := title_words(judgement)) else symbol
    status = f"{status_words(verdict)}{' (pending)' if verdict.pending else ''}{worse}"
    came_from = " · ".join(link(prose(origin.words), origin.url) for origin in origins(judgement, pages))
    lines = [
        f"- {'⏳' if verdict.pending else STATUS_SYMBOLS[line.status]} **{line.label}** · {prose(line.words)}"
        for line in first_lines(verdict, judgement.policy)
    ]
    body = [
        came_from,
        *baseline_call(judgement),
        *(["\n".join(lines)] if lines else []),
        *_call(judgement),
        *_narrowed(judgement),
    ]
    return ReportSection(f"{symbol} Smoke gate: {status} · {covered}", "\n\n".join(body), level=2)


def notes(judgement: Judgement) -> ReportSection | None:
    """Return what could not be compared and is not a finding."""
    said = (f"- {sentence(note.message)}{_listing(note)}" for note in findings.notes(judgement.verdict))
    lines = list(dict.fromkeys(said))
    return ReportSection("Notes", "\n".join(lines), folded=True, note=str(len(lines))) if lines else None


def _listing(note: Remark) -> str:
    """Return what a note lists, folded away; nothing where it lists nothing."""
    if note.table is None:
        return ""
    rows = [[*map(code, row)] for row in note.table.rows[:_LONGEST_TABLE]]
    rest = len(note.table.rows) - len(rows)
    more = f"\n\n… {rest} more rows; {ALL}" if rest > 0 else ""
    folded = details(counted(len(note.table.rows), "row"), table(note.table.head, rows) + more)
    return f"\n\n{indent(folded, '  ')}\n"


def policy_change(judgement: Judgement) -> ReportSection | None:
    """Return how the policy differs from the base branch's, which of them counted, and what differs."""
    change = judgement.evidence.policy_change
    if change is None:
        return None
    title, note = "Policy of the base branch", sentence(recorded(change.found))
    if not change.difference:
        return ReportSection(title, note)
    shown, rest = list(change.difference[:_LONGEST_CHANGE]), len(change.difference) - _LONGEST_CHANGE
    if rest > 0:
        shown.append(f"… {rest} more lines in the verdict file")
    return ReportSection(title, f"{note}\n\n{details('The difference', block(shown, 'diff'))}")


def how_to_reproduce(judgement: Judgement) -> ReportSection:
    """Return the commands that repeat the verdict, and what they must come to."""
    document, reproduction = judgement.document, judgement.reproduction
    tool = document.tool
    store = code(document.source.tracking_uri) + _workspace(document.source.workspace)
    facts = [
        f"Evidence {code(document.evidence_sha256)} (SHA-256)",
        f"Policy {code(document.policy_sha256)} (SHA-256), {_policy_file(document.source.policy_file)}",
        f"Read from {store}, {_experiments(judgement)}, at {document.created_at}",
        f"By smoke-gate {code(tool.version)}"
        + (f", image {code(tool.image_digest)}" if tool.image_digest else ""),
    ]
    where = f", {reproduction.place}" if reproduction.place else ""
    parts = [
        f"The verdict again, from its evidence (no store, no network needed){where}:",
        block([reproduction.replay], "sh"),
        "The same in a container that sees nothing else:",
        block([reproduction.sealed_replay], "sh"),
    ]
    if reproduction.check:
        parts += ["The store read again:", block([reproduction.check], "sh")]
    body = "\n\n".join([*parts, "\n".join(f"- {fact}" for fact in facts)])
    return ReportSection("How to reproduce", body, folded=True)


def _policy_file(name: str | None) -> str:
    if name is None:
        return "no policy file"
    is_usual = name in map(
        str, POLICY_NAMES
    )  # a name of ours needs no escaping, and is found by a plain search
    return f"policy file {f'`{name}`' if is_usual else code(name)}"


def _workspace(name: str | None) -> str:
    return "" if name is None else f", workspace {code(name)}"


def _experiments(judgement: Judgement) -> str:
    experiments = judgement.document.source.experiments
    names = listed([code(experiment.name) for experiment in experiments])
    return f"{'experiment' if len(experiments) == 1 else 'experiments'} {names}" if names else "no experiment"


def _call(judgement: Judgement) -> list[str]:
    """Say who must do what."""
    words = advice(judgement.verdict)
    if words is None:
        return []
    text = f"**{words.strong}** {words.rest}".strip()
    if judgement.verdict.status is VerdictStatus.WARNING:
        return [alert("WARNING", text)]
    return [alert("NOTE" if judgement.verdict.pending else "CAUTION", text)]


def _narrowed(judgement: Judgement) -> list[str]:
    summary, planned = judgement.verdict.summary, judgement.verdict.matrix.planned
    if summary.planned == planned:
        return []
    return [
        alert(
            "NOTE",
            f"Narrowed to {summary.planned} of {planned} planned runs: this says nothing of the others.",
        )
    ]


def _cut_note(left_out: Sequence[str], shortened: Sequence[str], full_report: str | None) -> list[str]:
    """Say what is not there, or not all of it, because a comment has a limit."""
    said = [
        f"{what}, because a comment has a limit: {listed(titles)}."
        for what, titles in (("Left out", left_out), ("Shortened", shortened))
        if titles
    ]
    where = [f"The whole report: {_place(full_report)}."] if full_report else []
    return [alert("NOTE", " ".join([*said, *where]))] if said else []


def _place(full_report: str) -> str:
    return f"<{web_address(full_report)}>" if web_address(full_report) else code(visible(full_report))
