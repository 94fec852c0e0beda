"""The report as GitHub-flavoured Markdown: for a pull request, a job summary and a file.

Its sections stand in the order in which a reader needs them, so that one may stop early and a comment that would be too
long is cut from the end, by whole sections.
"""

from collections.abc import Callable, Sequence

from smoke_gate.report.comparison import against_baseline
from smoke_gate.report.escape import code, visible, web_address
from smoke_gate.report.headline import advice, coverage, listed, status_words
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_cells import cell_summary
from smoke_gate.report.markdown_findings import failures, references, warnings
from smoke_gate.report.markdown_matrix import attempt_ledger, gate_table, matrix
from smoke_gate.report.markdown_section import Section, alert, block, details, sentence
from smoke_gate.verdict import VerdictStatus

_SYMBOLS = {VerdictStatus.ALL_PASS: "✅", VerdictStatus.WARNING: "⚠️", VerdictStatus.FAIL: "❌"}
_LONGEST_CHANGE = 200  # lines of a policy's difference


def markdown(
    judgement: Judgement,
    *,
    limit: int | None = None,
    byte_limit: int | None = None,
    full_report: str | None = None,
) -> str:
    """Return the report.

    Args:
        judgement: what is reported.
        limit: the most characters that it may have; None: any number.
        byte_limit: the most bytes that it may have in UTF-8; None: any number.
        full_report: where the whole report is, an address or a path; for the note of what was left out.

    Returns:
        As many sections as fit, and a note that names the others. The first one is always there.

    """
    sections = markdown_sections(judgement)
    for kept in range(len(sections), 0, -1):
        text = _joined(sections[:kept], [section.title for section in sections[kept:]], full_report)
        if _fits(text, limit, byte_limit):
            return text
    return _joined(sections[:1], [section.title for section in sections[1:]], full_report)


def markdown_sections(judgement: Judgement) -> list[Section]:
    """Return the sections that have something to say, the most important first."""
    makers: Sequence[Callable[[Judgement], Section | None]] = (
        verdict_section,
        policy_change,
        matrix,
        gate_table,
        failures,
        warnings,
        cell_summary,
        against_baseline,
        attempt_ledger,
        references,
        how_to_reproduce,
    )
    sections = (make(judgement) for make in makers)
    return [section for section in sections if section is not None]


def verdict_section(judgement: Judgement) -> Section:
    """Return what everybody reads: the verdict, what it covers, and who must act."""
    verdict = judgement.verdict
    covered = coverage(verdict, judgement.policy, judgement.evidence)
    symbol = "⏳" if verdict.pending else _SYMBOLS[verdict.status]
    return Section(
        title=f"{symbol} Smoke gate: {status_words(verdict)}{' (pending)' if verdict.pending else ''}",
        body="\n\n".join([sentence(covered), *_call(judgement), *_narrowed(judgement)]),
        level=2,
    )


def policy_change(judgement: Judgement) -> Section | None:
    """Return how the policy differs from the base branch's, which of them counted, and what differs."""
    change = judgement.evidence.policy_change
    if change is None:
        return None
    title, note = "Policy of the base branch", sentence(change.found)
    if not change.difference:
        return Section(title, note)
    shown, rest = list(change.difference[:_LONGEST_CHANGE]), len(change.difference) - _LONGEST_CHANGE
    if rest > 0:
        shown.append(f"… {rest} more lines in the verdict file")
    return Section(title, f"{note}\n\n{details('The difference', block(shown, 'diff'))}")


def how_to_reproduce(judgement: Judgement) -> Section:
    """Return the commands that repeat the verdict, and what they must come to."""
    document, reproduction = judgement.document, judgement.reproduction
    tool = document["tool"]
    facts = [
        f"Evidence {code(document['evidence_sha256'])}, policy {code(document['policy_sha256'])} (SHA-256)",
        f"Read from {code(document['source']['tracking_uri'])}, {_experiments(judgement)}, at {document['created_at']}",
        f"By smoke-gate {code(tool['version'])}"
        + (f", image {code(tool['image_digest'])}" if tool["image_digest"] else ""),
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
    return Section("How to reproduce", "\n\n".join([*parts, "\n".join(f"- {fact}" for fact in facts)]))


def _experiments(judgement: Judgement) -> str:
    experiments = judgement.document["source"]["experiments"]
    names = listed([code(experiment["name"]) for experiment in experiments])
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


def _joined(sections: Sequence[Section], left_out: Sequence[str], full_report: str | None) -> str:
    parts = [section.text for section in sections]
    if left_out:
        where = f" The whole report: {_place(full_report)}." if full_report else ""
        parts.append(alert("NOTE", f"Left out, because a comment has a limit: {listed(left_out)}.{where}"))
    return "\n\n".join(parts) + "\n"


def _place(full_report: str) -> str:
    return f"<{web_address(full_report)}>" if web_address(full_report) else code(visible(full_report))


def _fits(text: str, limit: int | None, byte_limit: int | None) -> bool:
    return (limit is None or len(text) <= limit) and (byte_limit is None or len(text.encode()) <= byte_limit)
