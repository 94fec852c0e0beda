"""The findings of the Markdown report: what failed and how to fix it, what a person must look at, published values."""

from collections.abc import Iterable, Mapping, Sequence

from smoke_gate.gates import GATES
from smoke_gate.gates.base import Check, Status
from smoke_gate.policy.model import GateId, PublishedReference
from smoke_gate.references import ReferenceResult
from smoke_gate.report import findings
from smoke_gate.report.escape import code, link
from smoke_gate.report.grouping import Alike, CheckGroup, foreign_texts, place_of
from smoke_gate.report.headline import counted
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_section import ALL, STATUS_SYMBOLS, Section, sentence, table
from smoke_gate.report.waivable import fingerprint
from smoke_gate.waivers import WaiverState

MOST_GROUPS = 20
_MOST_RUNS = 24  # that one group names
_MOST_ALIKE = 8  # messages of one finding
_WAIVER_SYMBOLS = {
    WaiverState.USED: "⚠️",
    WaiverState.EXPIRED: "❌",
    WaiverState.UNMATCHED: "⚠️",
    WaiverState.NOT_JUDGED: "➖",
}


def failures(judgement: Judgement) -> Section | None:
    """Return what failed, by gate, the gates that fail first."""
    found = findings.failures(judgement.verdict)
    if not found:
        return None
    status = {result.id: result.status for result in judgement.verdict.gates}
    return Section("What failed and how to fix it", _by_gate(judgement, found, status))


def warnings(judgement: Judgement) -> Section | None:
    """Return what a person must look at: warnings, waived failures, waivers, values off their reference."""
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
        parts.append("**Waived failures**\n\n" + _some(_alike(judgement.urls(), alike) for alike in waived))
    return Section("Warnings and waivers", "\n\n".join(parts)) if parts else None


def references(judgement: Judgement) -> Section | None:
    """Return the published values and how many runs are near them."""
    if not judgement.policy.references:
        return None
    rows = [_reference(reference, judgement.verdict.references) for reference in judgement.policy.references]
    body = table(["metric", "cells", "published", ":n", "runs inside", "source"], rows)
    if any(reference.n == 1 for reference in judgement.policy.references):
        body += "\n\n<sub>n = 1: one run gives no confidence band. Such a value is a trip-wire, not a target.</sub>"
    return Section("References", body)


# --- checks -----------------------------------------------------------------------------------------------------------


def _by_gate(judgement: Judgement, found: Sequence[Alike], status: Mapping[GateId, Status]) -> str:
    """Return the first groups under the headings of their gates, and the count of the rest."""
    titles = {gate.id: gate.title for gate in GATES}
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


def _below(judgement: Judgement, gate: GateId, status: Mapping[GateId, Status]) -> str:
    result = next(result for result in judgement.verdict.gates if result.id == gate)
    if status.get(gate) is not Status.WARNING:
        return ""
    return f": {counted(result.failing, 'failing run')}, the gate fails at {result.fail_threshold}"


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
    waived = f"<br>Waived: {code(first.waived)}" if first.waived is not None else ""
    head = "In" if len(places) == 1 else f"In {len(places)} {_things(group)}:"
    where = f"<br>{head}{'<br>' if group.is_long else ' '}{shown}" if places else ""
    subject = f"{code(group.subject)}: " if group.subject is not None else ""
    return subject + sentence(group.message, foreign_texts(first)) + waived + where


def _things(group: CheckGroup) -> str:
    """Return what the places of a group are: a planned pair without a finished run is no run."""
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
        named = {"cell": waiver.cell, "seed": waiver.seed, "run": waiver.run_id, "subject": waiver.subject}
        scope = ", ".join(f"{key} {code(value)}" for key, value in named.items() if value is not None)
        what = f"{_WAIVER_SYMBOLS[result.state]} {sentence(result.message)}"
        reason = code(waiver.reason)
        name = code(fingerprint(waiver))
        rows.append([f"**{waiver.gate}**", scope or "everything", reason, waiver.expires, what, name])
    return table(["gate", "accepts", "reason", "until", "state", "fingerprint"], rows)
