"""Writes what was guessed as a policy with comments. Pure: the same guess gives the same text."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

import yaml

from smoke_gate.gates.base import Gate
from smoke_gate.gates.proposal import Proposal
from smoke_gate.init.guess import Guess
from smoke_gate.init.identity import NO_SEED, Identity
from smoke_gate.text import shortened, visible

_PLAIN = re.compile(r"(?!(?:null|Null|NULL)$)[A-Za-z0-9_][A-Za-z0-9_./+-]*")
SCHEMA_FILE = "smoke-gate.schema.json"
_MOST_MISSING = 6
_PROFILES = {
    "contract": (
        "contract: the runs log with smoke_gate.contract, or mean to. All eight gates are on; those for which",
        "something must be logged, as is said below, do not pass before it is.",
    ),
    "basic": (
        "basic: for runs that never heard of smoke-gate. What they cannot have is not asked for;",
        "when they log all that is said below, make it `contract`: then all eight gates are on.",
    ),
}


_REPORT = (
    "report:",
    "  # Reports say how many ways to break this matrix the policy would catch; `smoke-gate bite` lists them.",
    "  bite: true",
)


def policy_text(guess: Guess) -> str:
    """Return the text of a policy file that ``load_policy`` takes."""
    sections = (_head(guess), _runs(guess), _plan(guess), _gates(guess), _REPORT)
    return "\n".join("".join(f"{line}\n" for line in section) for section in sections)


def _head(guess: Guess) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={SCHEMA_FILE}"
    yield "# What the smoke matrix must be before anybody believes its numbers. Written by `smoke-gate init` from the"
    yield "# runs that are there: what they have in common is not proof that it is right, so read every line once."
    yield "# `smoke-gate policy` prints this file with all defaults, `smoke-gate explain` says what a gate checks."
    yield "version: 1"
    yield from (f"# {line}" for line in _PROFILES[guess.profile])
    yield f"profile: {guess.profile}"
    yield f"experiments: {_flow(guess.experiments)}"
    if guess.metric is not None:
        yield "# The metric that the matrix is about: it leads reports and figures. Is it this one?"
        yield f"metric: {_scalar(guess.metric)}"


def _runs(guess: Guess) -> Iterator[str]:
    identity = guess.identity
    yield "runs:"
    yield from (f"  # {line}" for line in _certainty(identity))
    yield from (f"  # {_comment(line)}" for line in repeats(identity))
    yield f"  cell: {_scalar(identity.cell)}"
    if identity.seed == NO_SEED:
        yield "  # `none`: no seed was found, so each cell has one run. One run gives no confidence band."
    yield f"  seed: {_scalar(identity.seed)}"
    yield "  # auto: runs of other code than the pull request's are a warning. Write `code` if a push starts training"
    yield "  # elsewhere: then only runs of the pull request's code count, and the verdict is pending until they exist."
    yield "  commit: auto"


def _certainty(identity: Identity) -> Iterator[str]:
    """Yield how sure the place is, and what to decide where none was good enough."""
    if identity.is_found:
        both = f"{identity.stated} of {identity.asked} runs say both"
        yield f"Where a run says which variant it is, and with which seed: {both}."
        return
    if not identity.others:
        yield "NOTHING IN THE RUNS SAYS WHICH CELL AND SEED THEY ARE. Each is a cell by its name, until they do:"
        yield "log them with contract.log_plan(cell=…, seed=…), then write params.cell and params.seed here."
        return
    yield "WHICH CELL AND SEED THE RUNS ARE IS NOT CERTAIN. Each is a cell by its name, until you choose."
    yield "Is it one of these?"
    yield from (f"  cell: {_scalar(one.cell)}, seed: {_scalar(one.seed)}" for one in identity.others)
    yield "If none of these is right, log both with contract.log_plan(cell=…, seed=…)."


def repeats(identity: Identity) -> Iterator[str]:
    """Yield a sentence where some pairs have several runs: in which settings these differ, or that none differs."""
    more = identity.stated - len(identity.selected)
    if not more:
        return
    what = "cells have" if identity.seed == NO_SEED else "pairs have"
    if identity.repeated_with:
        settings = ", ".join(identity.repeated_with[:_MOST_MISSING])
        why = f"They differ in {settings}: if that is meant, make it a part of the cell."
    elif identity.seed == NO_SEED:
        why = "Nothing that they log tells them apart. If they are repeats, log a seed."
    else:
        why = "Nothing that they log tells them apart: they were run again."
    yield f"Some {what} several finished runs, {more} more in all; the newest counts. {why}"


def _plan(guess: Guess) -> Iterator[str]:
    identity = guess.identity
    yield "# The runs that must exist. This is what there is; make it what there should be."
    yield "plan:"
    yield "  # To hold a cell to its settings, write for example:  B0: {expect: {use_vq: False, lr: 0.01}}"
    yield "  cells:"
    for cell in identity.cells:
        own = guess.of_cells.get(cell)
        yield f"    {_scalar(cell)}:" + (f" {{required_metrics: {_flow(own)}}}" if own else "")
    if identity.seeds:
        yield f"  seeds: {_flow(identity.seeds)}"
    if identity.missing:
        yield from _missing(identity.missing)
    if guess.rare_metrics:
        yield f"  # Not asked for, since most runs do not log it: {_comment(', '.join(guess.rare_metrics))}."
    if guess.required_metrics:
        yield "  # Present and finite in every run: never NaN, never absent."
        yield f"  required_metrics: {_flow(guess.required_metrics)}"


def _missing(missing: Sequence[tuple[str, str]]) -> Iterator[str]:
    named = ", ".join(_comment("/".join(pair)) for pair in missing[:_MOST_MISSING])
    more = f" and {len(missing) - _MOST_MISSING} more" if len(missing) > _MOST_MISSING else ""
    cell, seed = missing[0]
    yield f"  # No finished run: {named}{more}. These fail until they are run, or are excluded:"
    yield "  # exclude:"
    yield f"  #   - {{cell: {_scalar(cell)}, seeds: {_flow([seed])}, reason: why it is not run}}"


def _gates(guess: Guess) -> Iterator[str]:
    yield "gates:"
    if not all(proposal.is_logged for _, proposal in guess.gates):
        yield "  # What must be logged is said as code. Where you train: from smoke_gate import contract"
    for gate, proposal in guess.gates:
        yield f"  # {gate.id}: {_comment(proposal.found)}."
        if proposal.to_log:
            yield "  # To be judged, the training code must log:"
            yield from (f"  #   {_comment(line)}" for line in proposal.to_log)
        yield from _settings(guess, gate, proposal)


def _settings(guess: Guess, gate: Gate, proposal: Proposal) -> Iterator[str]:
    """Yield the gate's section; one with nothing to judge is left to the profile, and changes with it."""
    settings = {"enabled": "true", **proposal.settings} if guess.is_on(gate, proposal) else proposal.settings
    if not settings:
        yield f"  # {gate.section}: {gate.in_basic} (profile basic)"
        return
    yield f"  {gate.section}:"
    for key, value in settings.items():
        if key == "rules":
            yield "    # A ratio far from 1 means that training, or the data, is not what it should be."
        yield f"    {key}: {_value(value)}"


# --- YAML -------------------------------------------------------------------------------------------------------------


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return _scalar(str(value))


def _flow(values: Iterable[str]) -> str:
    return _value(tuple(values))


def _scalar(text: str) -> str:
    """Return a text so that YAML reads it back as it is, on one line."""
    if _PLAIN.fullmatch(text):
        return text
    quoted: str = yaml.safe_dump(text, default_style='"', allow_unicode=text.isprintable(), width=sys.maxsize)
    return quoted.strip()


def _comment(text: str) -> str:
    """Return foreign text for a comment, which is one line."""
    return shortened(visible(text))
