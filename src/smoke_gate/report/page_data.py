"""What the script of the HTML report works with: every check and every run, as JSON that can do nothing in a page."""

import json
from collections.abc import Mapping
from typing import Any

from smoke_gate.evidence import Attempt
from smoke_gate.gates.base import Check
from smoke_gate.policy.model import GateId
from smoke_gate.report.escape import visible
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.ledger import commit_note
from smoke_gate.report.times import duration, minute

_READ_FROM: Mapping[GateId, str] = {
    "G0": "the run's record: {}",
    "G1": "the run's param {}",
    "G2": "the run's params: {}",
    "G3": "the run's artifacts: {}",
    "G4": "the text chunks of {}",
    "G5": "the run's metrics: {}",
    "G6": "the run's facts: {}",
}
_READ_BESIDES_RUNS: Mapping[str, str] = {
    "pair": "the attempts at {}",
    "preregistration": "the preregistration run",
    "policy": "the pull request's change of {}",
    "off": "the policy",
}


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
    data = {
        "checks": [_check(check) for check in judgement.verdict.checks],
        "runs": {shown(run_id): _run(attempt, urls.get(run_id)) for run_id, attempt in attempts.items()},
    }
    text = json.dumps(data, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def shown(text: str) -> str:
    """Return foreign text with what shows as nothing, or moves others, as its escape; fast where there is none."""
    return text if text.isprintable() else visible(text)


def _check(check: Check) -> dict[str, Any]:
    texts = {
        "subject": check.subject,
        "message": check.message,
        "run_id": check.run_id,
        "cell": check.cell,
        "seed": check.seed,
        "observed": check.observed,
        "expected": check.expected,
        "waived": check.waived,
        "read": _read_from(check),
    }
    return {
        "gate": check.gate,
        "kind": check.kind,
        "status": check.status.value,
        **{key: shown(text) for key, text in texts.items() if text is not None},
    }


def _read_from(check: Check) -> str:
    """Say where what was observed stands."""
    return (_READ_BESIDES_RUNS.get(check.kind) or _READ_FROM[check.gate]).format(check.subject)


def _run(attempt: Attempt, url: str | None) -> dict[str, Any]:
    return {
        "name": shown(attempt.run_name),
        "status": shown(attempt.status),
        "started": minute(attempt.start_time),
        "took": duration(attempt.start_time, attempt.end_time),
        "commit": shown(attempt.commit or "unknown") + commit_note(attempt),
        "url": url,
    }
