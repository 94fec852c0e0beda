"""The findings of the Markdown report: what failed and how to fix it, what a person must look at, published values."""

from collections.abc import Iterable, Mapping, Sequence

from smoke_gate.gates import gates_of
from smoke_gate.gates.base import Check, Status
from smoke_gate.policy.model import PublishedReference
from smoke_gate.references import ReferenceResult
from smoke_gate.report import findings
from smoke_gate.report.escape import code, link
from smoke_gate.report.grouping import Alike, CheckGroup, place_of
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_section import ALL, STATUS_SYMBOLS, ReportSection, sentence, table
from smoke_gate.text import counted
from smoke_gate.verdict_file.write import fingerprint
from smoke_gate.waivers import WaiverResult, WaiverState

MOST_GROUPS = 20
_MOST_RUNS = 24  # that one group names
_MOST_ALIKE = 8  # messages of one finding


def failures(judgement: Judgement) -> ReportSection | None:
    """Return what failed, by gate, the gates that fail first."""
    found = findings.failures(judgement.verdict)
    if not found:
        return None
    status = {result.id: result.status for result in judgement.verdict.gates}
    return ReportSection("What failed and how to fix it", _by_gate(judgement, found, status))


def warnings(judgement: Judgement) -> ReportSection | None:
    """Return what a person must look at: warnings, values off their reference, waivers and what they accept."""
    parts = []
    if warned := findings.warnings(judgement.verdict):
        parts.append(_by_gate(judgement, warned, {}))
    tripped = [result for result in judgement.verdict.references if result.tripped]
    if tripped:
        parts.append(
            "**Off the published values**\n\n"
            + _some(_off_reference(judgement, result) for result in tripped)
        )
    if judgement.verdict.waivers:
        parts.append("**Waivers**\n\n" + _waivers(judgement))
    if waived := findings.waived(judgement.verdict):
        parts.append("**Accepted by waiver**\n\n" + _some(_waived(judgement, alike) for alike in waived))
    return ReportSection("Warnings and waivers", "\n\n".join(parts)) if parts else None


def references(judgement: Judgement) -> ReportSection | None:
    """Return the published values and how many runs are near them."""
    if not judgement.policy.references:
        return None
    rows = [_reference(reference, judgement.verdict.references) for reference in judgement.policy.references]
    body = table(["metric", "cells", "published", ":n", "runs inside", "source"], rows)
    if any(reference.n == 1 for reference in judgement.policy.references):
        body += "\n\n<sub>n = 1: one run gives no confidence band. Such a value is a trip-wire, not a target.</sub>"
    return ReportSection("References", body)


# --- checks -----------------------------------------------------------------------------------------------------------


def _by_gate(judgement: Judgement, found: Sequence[Alike], status: Mapping[str, Status]) -> str:
    """Return the first groups under the headings of their gates, and the count of the rest."""
    titles = {gate.id: gate.title for gate in gates_of(judgement.policy)}
    urls = judgement.urls()
    lines: list[str] = []
    for gate in dict.fromkeys(alike[0].gate for alike in found[:MOST_GROUPS]):
        symbol = STATUS_SYMBOLS[status.get(gate, Status.WARNING)]
        lines += [f"{symbol} **{gate} {titles[gate]}**{_below(judgement, gate, status)}", ""]
        lines += [f"- {_alike(urls, alike)}" for alike in found[:MOST_GROUPS] if alike[0].gate == gate]
        lines.append("")
    rest = found[MOST_GROUPS:]
    if rest:
        checks = counted(sum(len(group.checks) for alike in rest for group in alike), "check")
        lines.append(f"… and {len(rest)} more findings ({checks}); {ALL}.")
    return "\n".join(lines).rstrip()


def _below(judgement: Judgement, gate: str, status: Mapping[str, Status]) -> str:
    result = next(result for result in judgement.verdict.gates if result.id == gate)
    if status.get(gate) is not Status.WARNING:
        return ""
    return f": {counted(result.failing, 'failing run')}, the gate fails at {result.fail_threshold}"


def _waived(judgement: Judgement, alike: Alike) -> str:
    first = alike[0].checks[0]
    return f"{STATUS_SYMBOLS[first.status]} **{first.gate}** {_alike(judgement.urls(), alike)}"


def _alike(urls: Mapping[str, str], alike: Alike) -> str:
    """Return an item for each group, and one that counts those that are left out."""
    items = [_group(urls, group) for group in alike[:_MOST_ALIKE]]
    if len(alike) > _MOST_ALIKE:
        items.append(f"… and {len(alike) - _MOST_ALIKE} more like these; {ALL}.")
    return "\n- ".join(items)


def _group(urls: Mapping[str, str], group: CheckGroup) -> str:
    """Return what the checks say, once, and of which runs."""
    first = group.checks[0]
    places = [_place(urls, check, group.own_words(check)) for check in group.checks]
    places = [place for place in places if place]
    shown = ("<br>" if group.is_long else ", ").join(places[:_MOST_RUNS])
    if len(places) > _MOST_RUNS:
        shown += f" and {len(places) - _MOST_RUNS} more ({ALL})"
    reason = findings.accepted(first)
    waived = f"<br>{sentence(reason)}" if reason is not None else ""
    head = "In" if len(places) == 1 else f"In {len(places)} {_things(group)}:"
    where = f"<br>{head}{'<br>' if group.is_long else ' '}{shown}" if places else ""
    subject = f"{code(group.subject)}: " if group.subject is not None else ""
    return subject + sentence(group.message) + waived + where


def _things(group: CheckGroup) -> str:
    """Return what the places of a group are: a planned pair without a finished run is not a run."""
    if all(check.run_id for check in group.checks):
        return "runs"
    return "pairs" if all(map(place_of, group.checks)) else "places"


def _place(urls: Mapping[str, str], check: Check, own_words: Sequence[str]) -> str:
    """Return the pair of a check, or its run where it has none, with what is to be said of it alone."""
    name = place_of(check) or check.run_id
    words = ": ".join(code(text) for text in own_words)
    if name is None:
        return words
    run = link(code(name), urls.get(check.run_id or ""))
    return f"{run} ({words})" if words else run


# --- references and waivers -------------------------------------------------------------------------------------------


def _some(items: Iterable[str]) -> str:
    every = list(items)
    lines = [f"- {item}" for item in every[:MOST_GROUPS]]
    rest = [f"\n… and {len(every) - MOST_GROUPS} more; {ALL}."] if len(every) > MOST_GROUPS else []
    return "\n".join([*lines, *rest])


def _off_reference(judgement: Judgement, result: ReferenceResult) -> str:
    pair = result.cell if result.seed is None else f"{result.cell}/{result.seed}"
    run = link(code(pair), judgement.urls().get(result.run_id))
    found = f"is {code(result.value)}" if result.value is not None else "was not logged"
    published = f"published: {result.low:g} to {result.high:g} ({code(result.reference.source)})"
    return f"{code(result.reference.metric)} of {run} {found}, {published}. Investigate the pipeline."


def _reference(reference: PublishedReference, results: Sequence[ReferenceResult]) -> list[str]:
    own = [result for result in results if result.reference == reference]
    inside = sum(not result.tripped for result in own)
    symbol = "➖" if not own else "✅" if inside == len(own) else "⚠️"
    margin = f" ± {reference.tolerance:g}" if reference.tolerance is not None else ""
    return [
        code(reference.metric),
        "all" if reference.cells is None else ", ".join(map(code, reference.cells)),
        f"{reference.low:g} to {reference.high:g}{margin}",
        str(reference.n),
        f"{symbol} {inside} of {len(own)}",
        code(reference.source),
    ]


def _waivers(judgement: Judgement) -> str:
    rows = []
    for result in judgement.verdict.waivers:
        waiver = result.waiver
        scope = ", ".join(f"{key} {code(value)}" for key, value in findings.scope(waiver).items())
        what = f"{_waiver_symbol(result)} {sentence(result.message)}"
        reason = code(waiver.reason)
        name = code(fingerprint(waiver))
        rows.append([f"**{waiver.gate}**", scope or "everything", reason, waiver.expires, what, name])
    return table(["gate", "accepts", "reason", "until", "state", "fingerprint"], rows)


def _waiver_symbol(result: WaiverResult) -> str:
    """Return the symbol of what became of a waiver; one that accepts nothing any more is only a note."""
    if result.warns:
        return STATUS_SYMBOLS[Status.WARNING]
    return STATUS_SYMBOLS[Status.PASS if result.state is WaiverState.USED else Status.SKIPPED]
