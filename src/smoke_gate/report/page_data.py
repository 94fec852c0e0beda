"""The data for the script of the HTML report: every check and every run, packed into text that can do nothing."""

import base64
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from smoke_gate.evidence import Attempt
from smoke_gate.gates import gates_of
from smoke_gate.gates.base import Check, CheckTable, Gate
from smoke_gate.redaction import process_secrets
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.matrix import commit_note
from smoke_gate.text import visible
from smoke_gate.times import duration, minute

Columns = Mapping[str, Sequence[Any]]


def page_data(judgement: Judgement) -> str:
    """Return the columns as JSON, deflated (zlib, RFC 1950) and in base64: a fifteenth of the text.

    Secrets are removed before that: the filter of the file that holds the page cannot see into packed text.
    """
    text = process_secrets().removed_from(json.dumps(page_columns(judgement), separators=(",", ":")))
    return base64.b64encode(zlib.compress(text.encode("ascii"))).decode("ascii")


def page_columns(judgement: Judgement) -> dict[str, Columns]:
    """Return the columns of two tables, each with a value a row, None where there is nothing to say.

    Returns:
        ``checks`` in the verdict's order, and ``runs``. The column ``run`` of a check is the row of its run.

    """
    matrix, checks, urls = judgement.verdict.matrix, judgement.verdict.checks, judgement.urls()
    attempts = {attempt.run_id: attempt for place in matrix.places for attempt in place.attempts} | {
        attempt.run_id: attempt for attempt in matrix.unexpected
    }
    ids = dict.fromkeys([*attempts, *(check.run_id for check in checks if check.run_id is not None)])
    row_of = {run_id: row for row, run_id in enumerate(ids)}
    gates = {gate.id: gate for gate in gates_of(judgement.policy)}
    return {
        "checks": {
            "gate": [check.gate for check in checks],
            "kind": [check.kind for check in checks],
            "status": [check.status.value for check in checks],
            "run": [None if check.run_id is None else row_of[check.run_id] for check in checks],
            **{
                name: [_shown(getattr(check, name)) for check in checks]
                for name in ("subject", "message", "cell", "seed", "observed", "expected", "waived")
            },
            "read": [shown(_read_from(check, gates[check.gate])) for check in checks],
            "table": [None if check.table is None else _table(check.table) for check in checks],
        },
        "runs": {
            "id": [shown(run_id) for run_id in ids],
            **{
                name: [tell(attempts[run_id]) if run_id in attempts else None for run_id in ids]
                for name, tell in _FACTS.items()
            },
            "url": [urls.get(run_id) for run_id in ids],
        },
    }


def _commit(attempt: Attempt) -> str:
    return shown(attempt.commit or "unknown") + commit_note(attempt)


_FACTS: Mapping[str, Callable[[Attempt], str]] = {
    "name": lambda attempt: shown(attempt.run_name),
    "status": lambda attempt: shown(attempt.status),
    "started": lambda attempt: minute(attempt.start_time),
    "took": lambda attempt: duration(attempt.start_time, attempt.end_time),
    "commit": _commit,
}


def shown(text: str) -> str:
    """Escape invisible and text-reordering characters. Most texts have none, which is found out fast."""
    return text if text.isprintable() else visible(text)


def _shown(text: str | None) -> str | None:
    return None if text is None else shown(text)


def _table(table: CheckTable) -> list[list[str]]:
    """Return the head and the rows."""
    return [[shown(text) for text in row] for row in (table.head, *table.rows)]


def _read_from(check: Check, gate: Gate) -> str:
    """Say where what was observed stands."""
    if check.kind == "off":
        return "the policy"
    return gate.read_besides.get(check.kind, gate.read_from).format(check.subject)
