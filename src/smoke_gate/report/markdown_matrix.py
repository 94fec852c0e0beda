"""The tables of the Markdown report: cells by seeds, gates, and every attempt."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from smoke_gate.evidence import Attempt
from smoke_gate.gates import gates_of
from smoke_gate.gates.base import Status
from smoke_gate.policy.model import Policy
from smoke_gate.report.escape import code, link
from smoke_gate.report.findings import clean_words, with_and_without
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_section import (
    ALL,
    ELSEWHERE,
    STATUS_SYMBOLS,
    ReportSection,
    details,
    sentence,
    table,
)
from smoke_gate.report.matrix import (
    FAILURES,
    FINDINGS,
    Mark,
    PlaceState,
    commit_note,
    is_large,
    ledger_words,
    rows_of,
    seeds_of,
    with_and_without_findings,
)
from smoke_gate.report.unidentified import other_runs, run_words, unidentified
from smoke_gate.selection import Place
from smoke_gate.text import counted
from smoke_gate.times import duration, minute
from smoke_gate.verdict import GateResult

_SYMBOLS = {
    PlaceState.PASS: STATUS_SYMBOLS[Status.PASS],
    PlaceState.WARNING: STATUS_SYMBOLS[Status.WARNING],
    PlaceState.FAIL: STATUS_SYMBOLS[Status.FAIL],
    PlaceState.UNFINISHED: "⏳",
    PlaceState.LOST: "💥",
    PlaceState.NO_ATTEMPT: "❔",
    PlaceState.EXCLUDED: "➖",
    PlaceState.NOT_PLANNED: "·",
}
_LONGEST_LEDGER = 300
_MOST_BESIDE = 20  # runs without cell or seed
_MOST_ROWS = 100  # with findings
_FEW_ROWS = 30
_MOST_NAMES = 60  # cells that one line names
_SHORT_ID = 8  # characters of a run's id that is a link


def matrix(judgement: Judgement) -> ReportSection:
    """Return the plan as a table, cells by seeds: rows with findings, and the others folded, counted where many."""
    rows = rows_of(judgement.verdict, judgement.policy)
    found, clean = with_and_without_findings(rows)
    counts = _counts(judgement, rows, clean)
    exclusions = _exclusions(judgement.policy)
    if not found:
        body = [_table(judgement, clean, links=True), _legend(clean.values()), *exclusions]
        return ReportSection(
            "Matrix",
            "\n\n".join([counts, _names(clean), *exclusions] if is_large(judgement.verdict.matrix) else body),
            folded=True,
            note=_all_pass(judgement),
            shorter=(_names(clean),),
        )
    rest = [_rest(judgement, clean)] if clean else []
    head = [counts] if is_large(judgement.verdict.matrix) else []
    return ReportSection(
        "Matrix",
        "\n\n".join([*head, *_rows(judgement, found, _MOST_ROWS, links=True), *rest, *exclusions]),
        shorter=(
            "\n\n".join([counts, *_rows(judgement, found, _FEW_ROWS, links=True)]),
            "\n\n".join([counts, *_rows(judgement, found, _FEW_ROWS, links=False)]),
            "\n\n".join([counts, _names(_worst(found))]),
            counts,
        ),
    )


def gate_table(judgement: Judgement) -> ReportSection:
    """Return what each gate decided; those without a finding are folded."""
    titles = {gate.id: gate.title for gate in gates_of(judgement.policy)}

    def decided(results: Sequence[GateResult]) -> str:
        rows = [
            [STATUS_SYMBOLS[result.status], f"**{result.id}** {titles[result.id]}", _result(result)]
            for result in results
        ]
        return table(["", "gate", "result"], rows)

    found, clean = with_and_without(judgement.verdict.gates)
    note = clean_words(clean)
    if not found:
        return ReportSection("Gates", decided(clean), folded=True, note=note)
    rest = [details(note, decided(clean))] if clean else []
    return ReportSection("Gates", "\n\n".join([decided(found), *rest]))


def attempt_ledger(judgement: Judgement) -> ReportSection | None:
    """Return every attempt at a planned pair, so that a re-roll is seen."""
    found = judgement.verdict.matrix
    beside = _beside(judgement)
    attempts = [(place, attempt) for place in found.places for attempt in place.attempts]
    if not attempts:
        return ReportSection("Attempt ledger", "\n\n".join(beside), folded=True) if beside else None
    head = ["cell", "seed:", "run", "status", "started (UTC)", "took:", "commit", ":stands for its pair"]
    body = table(head, [_attempt(judgement, *one) for one in attempts[:_LONGEST_LEDGER]])
    if len(attempts) > _LONGEST_LEDGER:
        body += f"\n\nand {len(attempts) - _LONGEST_LEDGER} more; {ALL}."
    words = ledger_words(found, code)
    return ReportSection(
        "Attempt ledger", "\n\n".join([body, *beside]), folded=True, note=words, shorter=(ELSEWHERE,)
    )


def _result(result: GateResult) -> str:
    critical = "**critical:** " if result.critical else ""
    return critical + sentence(result.message)


# --- the matrix -------------------------------------------------------------------------------------------------------

_Rows = Mapping[str, Sequence[Mark]]


def _table(judgement: Judgement, rows: _Rows, *, links: bool) -> str:
    seeds = seeds_of(judgement.verdict.matrix.places)
    columns = [code(seed) for seed in seeds.values()] if any(seeds) else ["run"]
    lines = [
        [code(cell), *(_mark(judgement, mark, links=links) for mark in row)] for cell, row in rows.items()
    ]
    return table(["cell", *(f":{column}" for column in columns)], lines)


def _rows(judgement: Judgement, found: _Rows, most: int, *, links: bool) -> list[str]:
    """Return the rows with findings; where there are too many, the worst ones, and the count of the others."""
    shown = found if len(found) <= most else dict(list(_worst(found).items())[:most])
    rest = len(found) - len(shown)
    cut = [f"… and {counted(rest, 'more cell')} with fewer findings; {ALL}."] if rest else []
    return [_table(judgement, shown, links=links), *cut, _legend(shown.values())]


def _worst(rows: _Rows) -> _Rows:
    """Return the rows so that those with the most failures come first."""

    def severity(marks: Sequence[Mark]) -> tuple[int, int]:
        states = [mark.state for mark in marks]
        return -sum(state in FAILURES for state in states), -sum(state in FINDINGS for state in states)

    return dict(sorted(rows.items(), key=lambda row: severity(row[1])))


def _rest(judgement: Judgement, clean: _Rows) -> str:
    """Return the rows without a finding, folded: as a table, or their names where the matrix is large."""
    head = f"{counted(len(clean), 'cell')} without a finding"
    return details(
        head, _names(clean) if is_large(judgement.verdict.matrix) else _table(judgement, clean, links=True)
    )


def _names(rows: _Rows) -> str:
    names = list(rows)
    rest = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(map(code, names[:_MOST_NAMES])) + rest


def _counts(judgement: Judgement, rows: _Rows, clean: _Rows) -> str:
    """Count the planned pairs by what became of them, and the cells with findings."""
    states = Counter(mark.state for marks in rows.values() for mark in marks)
    by_state = [
        f"{states[state]} {_SYMBOLS[state]}"
        for state in PlaceState
        if states[state] and state not in (PlaceState.EXCLUDED, PlaceState.NOT_PLANNED)
    ]
    runs = counted(len(judgement.verdict.matrix.places), "planned run")
    found = f"{len(rows) - len(clean)} of {counted(len(rows), 'cell')} with findings"
    return f"{runs}: {', '.join(by_state)}. {found}."


def _all_pass(judgement: Judgement) -> str:
    return f"{counted(len(judgement.verdict.matrix.places), 'run')}, {PlaceState.PASS.value}"


def _mark(judgement: Judgement, mark: Mark, *, links: bool) -> str:
    url = judgement.url(mark.attempt) if links and mark.attempt else None
    symbol = link(_SYMBOLS[mark.state], url)
    return f"{symbol} <sub>{' '.join(mark.gates)}</sub>" if mark.gates else symbol


def _legend(marks: Iterable[Sequence[Mark]]) -> str:
    """Explain the symbols that the table shows; the one of a place that nobody planned needs no words."""
    seen = {mark.state for row in marks for mark in row}
    named = [state for state in PlaceState if state in seen and state is not PlaceState.NOT_PLANNED]
    return "<sub>" + " · ".join(f"{_SYMBOLS[state]} {state.value}" for state in named) + "</sub>"


def _exclusions(policy: Policy) -> list[str]:
    entries = [
        f"- {code(entry.cell)} with {', '.join(map(code, entry.seeds))}: {code(entry.reason)}"
        for entry in policy.plan.exclude
    ]
    return ["Not planned:\n\n" + "\n".join(entries)] if entries else []


# --- the ledger -------------------------------------------------------------------------------------------------------


def _run(judgement: Judgement, attempt: Attempt) -> str:
    """Return a run's id: short where it is a link, whole where it is all that a reader has."""
    url = judgement.url(attempt)
    return code(attempt.run_id) if url is None else link(code(attempt.run_id[:_SHORT_ID]), url)


def _attempt(judgement: Judgement, place: Place, attempt: Attempt) -> list[str]:
    return [
        code(place.pair.cell),
        "" if place.pair.seed is None else code(place.pair.seed),
        _run(judgement, attempt),
        code(attempt.status)
        + (f" ({code(attempt.lifecycle_stage)})" if attempt.lifecycle_stage != "active" else ""),
        minute(attempt.start_time),
        duration(attempt.start_time, attempt.end_time),
        (code(attempt.commit[:12]) if attempt.commit else "unknown") + commit_note(attempt),
        "●" if attempt is place.selected else "",
    ]


def _beside(judgement: Judgement) -> list[str]:
    """Count the runs outside the plan, and list those that state no cell or no seed; most are parents of sweeps."""
    matrix = judgement.verdict.matrix
    counts = [words] if (words := other_runs(matrix)) else []
    if not matrix.unidentified:
        return counts
    lines = []
    for runs in unidentified(matrix):
        named = [
            link(code(run_words(attempt)), judgement.url(attempt)) for attempt in runs.attempts[:_MOST_BESIDE]
        ]
        rest = runs.number - _MOST_BESIDE
        more = f" and {rest} more ({ALL})" if rest > 0 else ""
        lines.append(f"- {sentence(runs.words)}: {', '.join(named)}{more}")
    head = f"{counted(matrix.all_unidentified, 'active run')} without cell or seed, counted and not judged."
    return [*counts, head, "\n".join(lines)]
