"""Words for what a policy would catch: for `smoke-gate bite`, for the Markdown report and for the page."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from smoke_gate.bite import MOST_RUNS, Bite, BiteState, Bitten
from smoke_gate.gates.base import Check, PolicyLine, Remedy
from smoke_gate.message import Message
from smoke_gate.references import ReferenceResult
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown_section import ReportSection
from smoke_gate.text import counted, log_line

_MOST_NAMED = 12  # mutations that were missed, in one line
_UNCOUNTED = {
    BiteState.OFF: "of a gate that is off",
    BiteState.NOT_APPLICABLE: "that this matrix has nothing for",
}
HOW = "`smoke-gate bite` on the verdict file prints all of them, and what would catch the rest."


def remedy_text(remedy: Remedy) -> str:
    """Return the policy line, or what training code must log."""
    if not isinstance(remedy, PolicyLine):
        return remedy.words
    dumped: str = yaml.safe_dump(
        remedy.value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**9
    )
    value = dumped.removesuffix("...\n").strip()
    return f"{'.'.join(remedy.place)}: {value}"


def remedy_place(remedy: Remedy) -> str:
    """Return where what would catch a mutation must be written."""
    return "catch it in the policy" if isinstance(remedy, PolicyLine) else "log it in training"


def found_text(found: Check | ReferenceResult) -> str:
    """Return which gate found something, and what kind of finding it is."""
    if isinstance(found, ReferenceResult):
        return f"reference {found.reference.metric}"
    return f"{found.gate} {found.kind}"


def seen_text(bitten: Bitten) -> str:
    """Return who saw a mutation: each gate and kind once."""
    return ", ".join(dict.fromkeys(map(found_text, bitten.found)))


def summary_text(bite: Bite) -> str:
    """Return how many were caught, in a line without a full stop."""
    return (
        f"caught {bite.seen} of {counted(bite.counted, 'way')} to break this matrix "
        f"({len(bite.of(BiteState.CAUGHT))} FAIL, {len(bite.of(BiteState.WARNED))} WARNING)"
    )


# --- the command line -------------------------------------------------------------------------------------------------


def bite_text(bite: Bite, headline: Message) -> str:
    """Return the list as `smoke-gate bite` prints it; foreign text in it is made inert."""
    return "".join(f"{log_line(line)}\n" for line in _lines(bite, headline))


def _lines(bite: Bite, headline: Message) -> Iterator[str]:
    yield headline
    yield ""
    for one in bite.every:
        word = "-" if one.state is BiteState.NOT_APPLICABLE else one.state.value
        gates = seen_text(one) or ", ".join(one.seen_by)
        yield f"{one.number:3} {word:6} {one.mutation.title} [{gates}]"
        if one.why is not None:
            yield f"{'':11}{one.why}"
        if one.remedy is not None:
            yield f"{'':11}{remedy_place(one.remedy)}: {remedy_text(one.remedy)}"
    yield ""
    yield f"{summary_text(bite)}: {bite.percent:.1f} %"
    for state, words in _UNCOUNTED.items():
        if number := len(bite.of(state)):
            yield f"not counted: {number} {words}"


def bite_json(bite: Bite) -> str:
    """Return the same as JSON."""
    document = {
        **{state.name.lower(): len(bite.of(state)) for state in BiteState},
        "counted": bite.counted,
        "percent": round(bite.percent, 1),
        "mutations": [_mutation_json(one) for one in bite.every],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _mutation_json(one: Bitten) -> Mapping[str, Any]:
    return {
        "number": one.number,
        "name": one.mutation.name,
        "title": one.mutation.title,
        "gates": one.seen_by,
        "state": one.state.value,
        "found": [_found_json(found) for found in one.found],
        "why": one.why,
        "policy": _nested(one.remedy) if isinstance(one.remedy, PolicyLine) else None,
        "log": one.remedy.words
        if one.remedy is not None and not isinstance(one.remedy, PolicyLine)
        else None,
    }


def _found_json(found: Check | ReferenceResult) -> Mapping[str, Any]:
    if isinstance(found, ReferenceResult):
        about = {"gate": None, "kind": "reference", "status": "WARNING", "subject": found.reference.metric}
    else:
        about = {
            "gate": found.gate,
            "kind": found.kind,
            "status": found.status.value,
            "subject": found.subject,
        }
    return {**about, "run_id": found.run_id, "message": found.message}


def _nested(line: PolicyLine) -> Mapping[str, Any]:
    """Return a policy line as the part of a policy that it is."""
    value = line.value
    for key in reversed(line.place):
        value = {key: value}
    part: Mapping[str, Any] = value
    return part


# --- the reports ------------------------------------------------------------------------------------------------------


def bite_section(judgement: Judgement) -> ReportSection | None:
    """Return the line of the Markdown report; None where the policy does not ask for it."""
    said = bite_words(judgement)
    return None if said is None else ReportSection("What this policy would catch", said)


def bite_words(judgement: Judgement) -> str | None:
    """Return in a line what was caught, and what was missed. All of it are our own words."""
    if not judgement.policy.report.bite:
        return None
    bite = judgement.bite
    if bite is None:
        return f"Not tried: more than {MOST_RUNS} runs stand for planned pairs. `smoke-gate bite` tries it."
    missed = [one.mutation.title for one in bite.of(BiteState.MISSED)]
    named = [
        *missed[:_MOST_NAMED],
        *([f"{len(missed) - _MOST_NAMED} more"] if len(missed) > _MOST_NAMED else []),
    ]
    rest = f"; the rest: {'; '.join(named)}" if named else ""
    summary = summary_text(bite)
    return f"{summary[0].upper()}{summary[1:]}{rest}. {HOW}"
