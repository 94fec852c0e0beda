"""The tables of the Markdown report: cells by seeds, gates, and every attempt."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from smoke_gate.gates import GATES
from smoke_gate.gates.base import Check, Status
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import normal_seed
from smoke_gate.report.escape import code, link
from smoke_gate.report.headline import counted
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_section import STATUS_SYMBOLS, Section, details, sentence, table
from smoke_gate.report.times import duration, minute
from smoke_gate.selection import Place
from smoke_gate.verdict import GateResult

NOT_PLANNED, EXCLUDED, NO_ATTEMPT, UNFINISHED, LOST = "·", "➖", "❔", "⏳", "💥"
_LEGEND = {
    STATUS_SYMBOLS[Status.PASS]: "all checks pass",
    STATUS_SYMBOLS[Status.WARNING]: "a warning, and in which gate",
    STATUS_SYMBOLS[Status.FAIL]: "a failing check, and in which gate",
    UNFINISHED: "not finished yet",
    LOST: "its last attempt ended without a result",
    NO_ATTEMPT: "no attempt",
    EXCLUDED: "excluded from the plan",
}
_LONGEST_LEDGER = 300


def matrix(judgement: Judgement) -> Section:
    """Return the plan as a table, cells by seeds, with a symbol for each run."""
    places = judgement.verdict.matrix.places
    marks = _marks(judgement)
    seeds = _seeds(places)
    columns = [code(seed) for seed in seeds.values()] if any(seeds) else ["run"]
    rows = []
    for cell in dict.fromkeys(place.pair.cell for place in places):
        rows.append(
            [
                code(cell),
                *(marks.get((cell, seed)) or _unplanned(judgement.policy, cell, seed) for seed in seeds),
            ]
        )
    body = [table(["cell", *(f":{column}" for column in columns)], rows), _legend(rows)]
    return Section("Matrix", "\n\n".join([*body, *_exclusions(judgement.policy)]))


def gate_table(judgement: Judgement) -> Section:
    """Return what each gate decided."""
    titles = {gate.id: gate.title for gate in GATES}
    rows = [
        [STATUS_SYMBOLS[result.status], f"**{result.id}** {titles[result.id]}", _result(result)]
        for result in judgement.verdict.gates
    ]
    return Section("Gates", table(["", "gate", "result"], rows))


def attempt_ledger(judgement: Judgement) -> Section | None:
    """Return every attempt at a planned pair, so that a re-roll is seen."""
    places = judgement.verdict.matrix.places
    states = Counter(
        attempt.status if attempt.lifecycle_stage == "active" else attempt.lifecycle_stage
        for place in places
        for attempt in place.attempts
    )
    unidentified = len(judgement.verdict.matrix.unidentified)
    beside = (
        f"{counted(unidentified, 'active run')} without cell or seed, counted and not judged"
        if unidentified
        else ""
    )
    if not states:
        return Section("Attempt ledger", beside + ".") if beside else None
    rows = [row for place in places for row in _attempts(judgement, place)]
    head = ["cell", "seed:", "run", "status", "started (UTC)", "took:", "commit", ":stands for its pair"]
    body = table(head, rows[:_LONGEST_LEDGER])
    if len(rows) > _LONGEST_LEDGER:
        body += f"\n\nand {len(rows) - _LONGEST_LEDGER} more; the verdict file has them all."
    became = ", ".join(f"{number} {code(state)}" for state, number in sorted(states.items()))
    summary = f"{counted(states.total(), 'attempt')} at {counted(len(places), 'planned pair')}: {became}"
    return Section(
        "Attempt ledger", "\n\n".join([details(summary, body), *([beside + "."] if beside else [])])
    )


def _result(result: GateResult) -> str:
    critical = "**critical:** " if result.critical else ""
    return critical + sentence(result.message)


# --- the matrix -------------------------------------------------------------------------------------------------------


def _seeds(places: Sequence[Place]) -> dict[str, str]:
    """Return the seeds in plan order, by value, as the plan first spells them; one empty one where there are none."""
    seeds: dict[str, str] = {}
    for place in places:
        seeds.setdefault(_key(place.pair.seed), place.pair.seed or "")
    return seeds


def _key(seed: str | None) -> str:
    return "" if seed is None else normal_seed(seed)


def _marks(judgement: Judgement) -> dict[tuple[str, str], str]:
    by_run: Mapping[str | None, list[Check]] = defaultdict(list)
    for check in judgement.verdict.checks:
        by_run[check.run_id].append(check)
    marks = {}
    for place in judgement.verdict.matrix.places:
        run = place.selected
        symbol, gates = (_missing(place), "") if run is None else _judged(by_run[run.run_id])
        shown = run or (place.attempts[0] if place.attempts else None)
        mark = link(symbol, judgement.url(shown)) if shown else symbol
        marks[place.pair.cell, _key(place.pair.seed)] = f"{mark} <sub>{gates}</sub>" if gates else mark
    return marks


def _judged(checks: Sequence[Check]) -> tuple[str, str]:
    """Return the symbol of the worst of the run's statuses, and the gates that found it."""
    for status in (Status.FAIL, Status.WARNING):
        gates = sorted({check.gate for check in checks if check.status is status})
        if gates:
            return STATUS_SYMBOLS[status], " ".join(gates)
    return STATUS_SYMBOLS[Status.PASS], ""


def _missing(place: Place) -> str:
    if not place.attempts:
        return NO_ATTEMPT
    waiting = any(attempt.status in ("RUNNING", "SCHEDULED") for attempt in place.attempts[:1])
    return UNFINISHED if waiting else LOST


def _unplanned(policy: Policy, cell: str, seed: str) -> str:
    excluded = any(
        entry.cell == cell and seed in map(normal_seed, entry.seeds) for entry in policy.plan.exclude
    )
    return EXCLUDED if excluded else NOT_PLANNED


def _legend(rows: Sequence[Sequence[str]]) -> str:
    text = " ".join(mark for row in rows for mark in row[1:])
    return (
        "<sub>"
        + " · ".join(f"{symbol} {meaning}" for symbol, meaning in _LEGEND.items() if symbol in text)
        + "</sub>"
    )


def _exclusions(policy: Policy) -> list[str]:
    entries = [
        f"- {code(entry.cell)} with {', '.join(map(code, entry.seeds))}: {code(entry.reason)}"
        for entry in policy.plan.exclude
    ]
    return ["Not planned:\n\n" + "\n".join(entries)] if entries else []


# --- the ledger -------------------------------------------------------------------------------------------------------


def _attempts(judgement: Judgement, place: Place) -> list[list[str]]:
    return [
        [
            code(place.pair.cell),
            "" if place.pair.seed is None else code(place.pair.seed),
            link(code(attempt.run_id), judgement.url(attempt)),
            code(attempt.status)
            + (f" ({code(attempt.lifecycle_stage)})" if attempt.lifecycle_stage != "active" else ""),
            minute(attempt.start_time),
            duration(attempt.start_time, attempt.end_time),
            code(attempt.commit[:12]) if attempt.commit else "unknown",
            "●" if attempt == place.selected else "",
        ]
        for attempt in place.attempts
    ]
