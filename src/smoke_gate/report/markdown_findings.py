"""The findings of the Markdown report: what failed and how to fix it, what a person must look at, published values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smoke_gate.gates import gates_of
from smoke_gate.gates.base import Check, Status
from smoke_gate.policy.model import PublishedReference
from smoke_gate.references import ReferenceResult
from smoke_gate.report import findings, places
from smoke_gate.report.escape import code, link, prose
from smoke_gate.report.grouping import Alike, CheckGroup, place_of
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_section import (
    ALL,
    ELSEWHERE,
    LONGEST_SENTENCE,
    STATUS_SYMBOLS,
    ReportSection,
    sentence,
    table,
)
from smoke_gate.text import counted
from smoke_gate.verdict import GateResult, VerdictStatus
from smoke_gate.verdict_file.write import fingerprint
from smoke_gate.waivers import WaiverResult, WaiverState

MOST_GROUPS = 20
_MOST_RUNS = 24  # that one group names
_MOST_ALIKE = 8  # messages of one finding
_REST = f"<sub>{ELSEWHERE}</sub>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Detail:
    """How much a list of findings tells. ``places``: runs are not named one by one, but in few words."""

    groups: int = MOST_GROUPS
    alike: int = _MOST_ALIKE
    longest: int = LONGEST_SENTENCE
    places: bool = False


_FULL = _Detail()
_SHORTER = (_Detail(places=True), _Detail(groups=8, alike=2, longest=300, places=True))


def failures(judgement: Judgement) -> ReportSection | None:
    """Return what failed, by gate, the gates that fail first."""
    found = findings.failures(judgement.verdict)
    if not found:
        return None
    body, *shorter = (_by_gate(judgement, found, detail) for detail in (_FULL, *_SHORTER))
    return ReportSection("What failed and how to fix it", body, shorter=tuple(shorter))


def warnings(judgement: Judgement) -> ReportSection | None:
    """Return what a person must look at: warnings, values off their reference, waivers and what they accept.

    Where something failed that comes first, and this is folded.
    """
    verdict = judgement.verdict
    body, *shorter = (_warnings(judgement, detail) for detail in (_FULL, *_SHORTER))
    if not body:
        return None
    note = findings.warnings_words(verdict)
    folded = verdict.status is not VerdictStatus.WARNING
    return ReportSection("Warnings and waivers", body, folded=folded, note=note, shorter=tuple(shorter))


def _warnings(judgement: Judgement, detail: _Detail) -> str:
    verdict, parts = judgement.verdict, []
    if warned := findings.warnings(verdict):
        parts.append(_by_gate(judgement, warned, detail))
    tripped = [result for result in verdict.references if result.tripped]
    if tripped:
        off = (_off_reference(judgement, result) for result in tripped)
        parts.append("**Off the published values**\n\n" + _some(off, detail))
    if verdict.waivers:
        parts.append("**Waivers**\n\n" + _waivers(judgement))
    if waived := findings.waived(verdict):
        accepted = (_waived(judgement, alike, detail) for alike in waived)
        parts.append("**Accepted by waiver**\n\n" + _some(accepted, detail))
    return "\n\n".join(parts)


def references(judgement: Judgement) -> ReportSection | None:
    """Return the published values and how many runs are near them."""
    if not judgement.policy.references:
        return None
    rows = [_reference(reference, judgement.verdict.references) for reference in judgement.policy.references]
    body = table(["metric", "cells", "published", ":n", "runs inside", "source"], rows)
    if any(reference.n == 1 for reference in judgement.policy.references):
        body += "\n\n<sub>n = 1: one run gives no confidence band. Such a value is a trip-wire, not a target.</sub>"
    return ReportSection("References", body, folded=True, note=str(len(rows)))


# --- checks -----------------------------------------------------------------------------------------------------------


def _by_gate(judgement: Judgement, found: Sequence[Alike], detail: _Detail) -> str:
    """Return the first groups under the headings of their gates, and the count of the rest."""
    titles = {gate.id: gate.title for gate in gates_of(judgement.policy)}
    results = {result.id: result for result in judgement.verdict.gates}
    urls = judgement.urls()
    shown, rest = found[: detail.groups], found[detail.groups :]
    lines: list[str] = []
    for gate in dict.fromkeys(alike[0].gate for alike in shown):
        own = [alike for alike in shown if alike[0].gate == gate]
        failed = own[0][0].checks[0].status is Status.FAIL
        symbol = STATUS_SYMBOLS[results[gate].status if failed else Status.WARNING]
        lines += [f"{symbol} **{gate} {titles[gate]}**{_below(results[gate]) if failed else ''}", ""]
        lines += [*(f"- {_alike(judgement, urls, alike, detail)}" for alike in own), ""]
    if rest:
        checks = counted(sum(len(group.checks) for alike in rest for group in alike), "check")
        lines.append(f"… and {len(rest)} more findings ({checks}).")
    if rest or any(_is_cut(alike, detail) for alike in shown):
        lines += ["", _REST]
    return "\n".join(lines).rstrip()


def _is_cut(alike: Alike, detail: _Detail) -> bool:
    many = not detail.places and any(len(group.checks) > _MOST_RUNS for group in alike)
    return many or len(alike) > detail.alike


def _below(result: GateResult) -> str:
    """Say at how many runs a gate fails, where its failures are fewer."""
    if result.status is not Status.WARNING:
        return ""
    return f": {counted(result.failing, 'failing run')}, {result.fail_threshold} would fail the gate"


def _waived(judgement: Judgement, alike: Alike, detail: _Detail) -> str:
    first = alike[0].checks[0]
    urls = judgement.urls()
    return f"{STATUS_SYMBOLS[first.status]} **{first.gate}** {_alike(judgement, urls, alike, detail)}"


def _alike(judgement: Judgement, urls: Mapping[str, str], alike: Alike, detail: _Detail) -> str:
    """Return an item for each group, and one that counts those that are left out."""
    items = [_group(judgement, urls, group, detail) for group in alike[: detail.alike]]
    if len(alike) > detail.alike:
        items.append(f"… and {len(alike) - detail.alike} more like these.")
    return "\n- ".join(items)


def _group(judgement: Judgement, urls: Mapping[str, str], group: CheckGroup, detail: _Detail) -> str:
    """Return what the checks say, once, and of which runs."""
    reason = findings.accepted(group.checks[0])
    waived = f"<br>{sentence(reason)}" if reason is not None else ""
    subject = f"{code(group.subject)}: " if group.subject is not None else ""
    where = _in_words(judgement, group) if detail.places else _one_by_one(urls, group)
    return subject + sentence(group.message, detail.longest) + waived + where


def _in_words(judgement: Judgement, group: CheckGroup) -> str:
    place = places.where(group.checks, judgement.verdict.matrix)
    return f"<br>In {prose(place)}" if place else ""


def _one_by_one(urls: Mapping[str, str], group: CheckGroup) -> str:
    named = [_place(urls, check, group.own_words(check)) for check in group.checks]
    named = [place for place in named if place]
    if not named:
        return ""
    shown = ("<br>" if group.is_long else ", ").join(named[:_MOST_RUNS])
    if len(named) > _MOST_RUNS:
        shown += f" … and {len(named) - _MOST_RUNS} more"
    head = "In" if len(named) == 1 else f"In {len(named)} {_things(group)}:"
    return f"<br>{head}{'<br>' if group.is_long else ' '}{shown}"


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


def _some(items: Iterable[str], detail: _Detail) -> str:
    every = list(items)
    lines = [f"- {item}" for item in every[: detail.groups]]
    rest = len(every) - detail.groups
    return "\n".join([*lines, *([f"\n… and {rest} more; {ALL}."] if rest > 0 else [])])


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
