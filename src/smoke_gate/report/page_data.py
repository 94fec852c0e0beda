"""The data for the script of the HTML report: every check and every run, as JSON that can do nothing in a page."""

import json
from typing import Any

from smoke_gate.evidence import Attempt
from smoke_gate.gates import gates_of
from smoke_gate.gates.base import Check, CheckTable, Gate
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.matrix import commit_note
from smoke_gate.text import visible
from smoke_gate.times import duration, minute


def page_json(judgement: Judgement) -> str:
    """Return the checks and runs as JSON in ASCII without ``<``, ``>`` and ``&``: no text in it ends the script.

    Returns:
        An object with ``checks`` (in the verdict's order) and ``runs`` (facts by run id).

    """
    matrix = judgement.verdict.matrix
    attempts = {attempt.run_id: attempt for place in matrix.places for attempt in place.attempts} | {
        attempt.run_id: attempt for attempt in matrix.unexpected
    }
    urls = judgement.urls()
    gates = {gate.id: gate for gate in gates_of(judgement.policy)}
    data = {
        "checks": [_check(check, gates[check.gate]) for check in judgement.verdict.checks],
        "runs": {shown(run_id): _run(attempt, urls.get(run_id)) for run_id, attempt in attempts.items()},
    }
    text = json.dumps(data, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def shown(text: str) -> str:
    """Escape invisible and text-reordering characters. Most texts have none, which is found out fast."""
    return text if text.isprintable() else visible(text)


def _check(check: Check, gate: Gate) -> dict[str, Any]:
    texts = {
        "subject": check.subject,
        "message": check.message,
        "run_id": check.run_id,
        "cell": check.cell,
        "seed": check.seed,
        "observed": check.observed,
        "expected": check.expected,
        "waived": check.waived,
        "read": _read_from(check, gate),
    }
    return {
        "gate": check.gate,
        "kind": check.kind,
        "status": check.status.value,
        **{key: shown(text) for key, text in texts.items() if text is not None},
        **({} if check.table is None else {"table": _table(check.table)}),
    }


def _table(table: CheckTable) -> list[list[str]]:
    """Return the head and the rows."""
    return [[shown(text) for text in row] for row in (table.head, *table.rows)]


def _read_from(check: Check, gate: Gate) -> str:
    """Say where what was observed stands."""
    if check.kind == "off":
        return "the policy"
    return gate.read_besides.get(check.kind, gate.read_from).format(check.subject)


def _run(attempt: Attempt, url: str | None) -> dict[str, Any]:
    return {
        "name": shown(attempt.run_name),
        "status": shown(attempt.status),
        "started": minute(attempt.start_time),
        "took": duration(attempt.start_time, attempt.end_time),
        "commit": shown(attempt.commit or "unknown") + commit_note(attempt),
        "url": url,
    }
