"""The report as one HTML page: opened from disk it asks nothing of anybody, and foreign text in it is only text."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from smoke_gate.draw import MOST_OF_A_KIND, Drawing
from smoke_gate.draw.facts import shown_metrics
from smoke_gate.gates import gates_of
from smoke_gate.gates.metric_ratio import MetricRatioSettings
from smoke_gate.message import Message, Part, Style, Value, recorded
from smoke_gate.report import baseline_page, statistics
from smoke_gate.report.baseline_page import baseline_words
from smoke_gate.report.bite import bite_words, remedy_place, remedy_text, seen_text
from smoke_gate.report.findings import (
    accepted,
    clean_words,
    failures,
    scope,
    waived,
    warnings,
    warnings_words,
    with_and_without,
)
from smoke_gate.report.first_screen import first_lines
from smoke_gate.report.grouping import CheckGroup, place_of
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_section import ALL
from smoke_gate.report.matrix import (
    PlaceState,
    commit_note,
    is_large,
    ledger_words,
    rows_of,
    seeds_of,
    with_and_without_findings,
)
from smoke_gate.report.origin import origins
from smoke_gate.report.page_data import page_data, shown
from smoke_gate.report.statistics import number_words, signed_words
from smoke_gate.report.unidentified import other_runs, run_words, unidentified
from smoke_gate.text import shortened
from smoke_gate.times import duration, minute
from smoke_gate.verdict import VerdictStatus
from smoke_gate.verdict_file.headline import advice, coverage, status_words

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = "templates"
_MOST_GROUPS = 60
_MOST_ALIKE = 24  # messages of one finding
_LONGEST_VALUE = 200
_MOST_CLEAN = (
    2_000  # places without a finding that a table shows: of more a browser makes megabytes, and nobody looks
)
_MOST_ATTEMPTS = 2000
_TONES = {VerdictStatus.ALL_PASS: "pass", VerdictStatus.WARNING: "warning", VerdictStatus.FAIL: "fail"}


def html(judgement: Judgement, drawings: Sequence[Drawing] = ()) -> str:
    """Return the page.

    Args:
        judgement: what is reported.
        drawings: the summary figures, which the page holds.

    """
    style, script = _asset("page.css"), _asset("page.js")
    return (
        _environment()
        .get_template("page.html")
        .render(
            **_words(judgement),
            **_findings(judgement),
            figures=[(drawing, _data_uri(drawing.png)) for drawing in drawings],
            most_figures=MOST_OF_A_KIND if _some_are_not_drawn(judgement) else None,
            data=page_data(judgement),
            style=style,
            script=script,
            policy=_content_security_policy(style, script),
        )
    )


def _some_are_not_drawn(judgement: Judgement) -> bool:
    """Return whether there are more metrics to show, or more rules on ratios, than figures of a kind are drawn."""
    gate = judgement.policy.settings(MetricRatioSettings)
    rules = gate.rules if gate.enabled else ()
    metrics = shown_metrics(judgement.policy, judgement.evidence)
    return max(len(metrics), len(rules)) > MOST_OF_A_KIND


def _words(judgement: Judgement) -> dict[str, Any]:
    """Return what the parts of the page that do not list findings show."""
    verdict = judgement.verdict
    rows = rows_of(verdict, judgement.policy)
    rows_found, rows_clean = with_and_without_findings(rows)
    gates_found, gates_clean = with_and_without(verdict.gates)
    attempts = [(place, attempt) for place in verdict.matrix.places for attempt in place.attempts]
    return {
        "judgement": judgement,
        "document": judgement.document,
        "verdict": verdict,
        "tone": "pending" if verdict.pending else _TONES[verdict.status],
        "status_words": status_words(verdict),
        "coverage": coverage(verdict, judgement.policy, judgement.evidence),
        "origins": origins(judgement),
        "lines": first_lines(verdict, judgement.policy),
        "advice": advice(verdict),
        "policy_change": judgement.evidence.policy_change,
        "titles": {gate.id: gate.title for gate in gates_of(judgement.policy)},
        "seeds": list(seeds_of(verdict.matrix.places).values()),
        "rows_found": rows_found,
        "rows_clean": rows_clean,
        "is_large": is_large(verdict.matrix),
        "shows_clean": sum(map(len, rows_clean.values())) <= _MOST_CLEAN,
        "gates_found": gates_found,
        "gates_clean": gates_clean,
        "gates_note": clean_words(gates_clean),
        "states": [
            state for state in PlaceState if any(mark.state is state for row in rows.values() for mark in row)
        ],
        "metrics": judgement.metrics,
        "attempts": attempts[:_MOST_ATTEMPTS],
        "attempts_left": len(attempts[_MOST_ATTEMPTS:]),
        "ledger": ledger_words(verdict.matrix),
        "unidentified": unidentified(verdict.matrix),
        "other_runs": other_runs(verdict.matrix),
        "all": ALL,
        **baseline_words(judgement),
        "bite_words": bite_words(judgement),
    }


def _findings(judgement: Judgement) -> dict[str, Any]:
    """Return what failed, what warns and what was waived, put together as the other reports do.

    Each finding is its groups that are shown, and the count of those that are not.
    """
    verdict = judgement.verdict
    every = {"fail": failures(verdict), "warning": warnings(verdict), "waived": waived(verdict)}
    return {
        "findings": {
            name: [(alike[:_MOST_ALIKE], len(alike[_MOST_ALIKE:])) for alike in found[:_MOST_GROUPS]]
            for name, found in every.items()
        },
        "warnings_note": warnings_words(verdict),
        "findings_left": {name: len(found[_MOST_GROUPS:]) for name, found in every.items()},
        "tripped": [result for result in judgement.verdict.references if result.tripped],
    }


def _places(group: CheckGroup) -> list[tuple[str, str | None, tuple[str, ...]]]:
    """Return the name of each check's pair or run, its run's id, and what is to be said of it alone.

    What has neither pair nor run, such as a figure of the checkout, is named by what is to be said of it.
    """
    found = []
    for check in group.checks:
        name = place_of(check) or check.run_id
        words = tuple(shortened(text, _LONGEST_VALUE) for text in group.own_words(check))
        found.append((name or ": ".join(words), check.run_id, words if name else ()))
    return [place for place in found if place[0]]


def _prose(message: Message) -> Markup:
    """Return a message with its values as code, and what our own words have in backquotes."""
    return Markup("").join(map(_part, message.parts))


def _part(part: Part) -> Markup:
    if isinstance(part, Value):
        return escape(part.text) if part.style is Style.NUMBER else _code(part.text)
    pieces = part.split("`")
    return Markup("").join(_code(piece) if index % 2 else escape(piece) for index, piece in enumerate(pieces))


def _code(text: str) -> Markup:
    return (
        Markup("<code>{}</code>").format(shown(shortened(text, _LONGEST_VALUE))) if text else Markup("empty")
    )


def _content_security_policy(style: str, script: str) -> str:
    """Return a policy under which the page's own style and script run, its own pictures show, and nothing else does."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_source_hash(style)}'",
            f"script-src '{_source_hash(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _source_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _asset(name: str) -> str:
    return (files("smoke_gate.report") / _TEMPLATES / name).read_text(encoding="utf-8").strip()


@cache
def _environment() -> "Environment":
    """Return the templates: all that they are given is escaped, except what this module made itself."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("smoke_gate.report", _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        **baseline_page.FILTERS,
        "shown": shown,
        "prose": _prose,
        "recorded": recorded,
        "minute": minute,
        "number": number_words,
        "signed": signed_words,
    }
    environment.globals |= {
        **baseline_page.GLOBALS,
        "places": _places, "accepted": accepted, "scope_of": scope, "statistics": statistics,
        "duration": duration, "run_words": run_words, "commit_note": commit_note,
        "seen_by": seen_text, "remedy_text": remedy_text, "remedy_place": remedy_place,
    }  # fmt: skip
    return environment
