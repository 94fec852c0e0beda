"""How a matrix breaks that G4 should see: figures that are lost, damaged, or of another run."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from smoke_gate.evidence import Evidence, Figure
from smoke_gate.gates.base import Case, Judged, LogMore, Mutation, PolicyLine, Remedy, Unbroken
from smoke_gate.gates.definition import DefinitionHashSettings
from smoke_gate.gates.figures import FiguresSettings
from smoke_gate.gates.mutations.changes import first, other_hash, two_runs, with_run
from smoke_gate.gates.twins import may_be_equal
from smoke_gate.message import say
from smoke_gate.policy.terms import path_matches
from smoke_gate.vocabulary import SOURCES

_NO_FIGURE = Unbroken(say("No run has a figure."))
_LOG_FIGURE = LogMore("contract.log_figure(figure, name)")


def _own(case: Case, judged: Judged) -> list[Figure]:
    paths = case.settings(FiguresSettings).paths
    return [figure for figure in judged.run.figures if any(path_matches(figure.path, path) for path in paths)]


def _changed(case: Case, **facts: Any) -> Evidence | Unbroken:
    """Change the first figure of the first run that has one."""
    judged = first(case, lambda one: bool(_own(case, one)))
    if judged is None:
        return _NO_FIGURE
    return _with_figure(case, judged, _own(case, judged)[0], facts)


def _with_figure(case: Case, judged: Judged, old: Figure, facts: Mapping[str, Any]) -> Evidence:
    figures = tuple(replace(figure, **facts) if figure is old else figure for figure in judged.run.figures)
    return with_run(case.evidence, judged.run, figures=figures)


def _with_chunk(case: Case, key: str, text: str | None) -> Evidence | Unbroken:
    """Change a text chunk, of the first figure that has it; None: to another hash."""
    for judged in case.judged:
        for figure in _own(case, judged):
            if key in figure.text:
                new = other_hash(figure.text[key]) if text is None else text
                return _with_figure(case, judged, figure, {"text": {**figure.text, key: new}})
    if first(case, lambda one: bool(_own(case, one))) is None:
        return _NO_FIGURE
    return Unbroken(say("No figure carries {key}.", key=key), _LOG_FIGURE)


def _of_another_run(case: Case) -> Evidence | Unbroken:
    return _copied(case, ("sha256", "pixels", "text", "unread", "problem"))


def _same_pixels(case: Case) -> Evidence | Unbroken:
    return _copied(case, ("sha256", "pixels"))


def _copied(case: Case, facts: tuple[str, ...]) -> Evidence | Unbroken:
    for one, other in two_runs(case):
        own, others = _own(case, one), _own(case, other)
        if own and others and not may_be_equal(case.policy, one.pair, other.pair):
            return _with_figure(case, one, own[0], {fact: getattr(others[0], fact) for fact in facts})
    return Unbroken(say("No two runs have figures that should differ."))


def _stripped(case: Case) -> Evidence | Unbroken:
    return _changed(case, text={}, unread={})


def _cut(case: Case) -> Evidence | Unbroken:
    return _changed(case, problem="it ends before its end", text={}, unread={}, pixels=None)


def _lost(case: Case) -> Evidence | Unbroken:
    having = [judged for judged in case.judged if _own(case, judged)]
    return with_run(case.evidence, having[0].run, figures=()) if having else _NO_FIGURE


def _old_definition(case: Case) -> Evidence | Unbroken:
    return _with_chunk(case, case.settings(DefinitionHashSettings).key, None)


def _of_last_month(case: Case) -> Evidence | Unbroken:
    return _with_chunk(case, SOURCES, json.dumps(["run-of-last-month"]))


def _keys(case: Case) -> Remedy:
    """Ask for the text chunks that figures carry; where none carries any, they must be drawn so."""
    carried = {key for judged in case.judged for figure in _own(case, judged) for key in figure.text}
    known = [key for key in (SOURCES, case.settings(DefinitionHashSettings).key) if key in carried]
    if not known:
        return LogMore(f"{_LOG_FIGURE.words}  # then `gates.figures.required_keys: [{SOURCES}]`")
    required = case.settings(FiguresSettings).required_keys
    return PolicyLine(("gates", "figures", "required_keys"), list(dict.fromkeys([*required, *known])))


def _require(_case: Case) -> PolicyLine:
    return PolicyLine(("gates", "figures", "required"), True)


MUTATIONS = (
    Mutation(
        name="lost_figure", title="the figures of a run are lost", change=_lost, also=("G0",), remedy=_require
    ),
    Mutation(name="cut_figure", title="the upload of a figure broke off", change=_cut, also=("G0",)),
    Mutation(
        name="copied_figure",
        title="a run has the figure of another run",
        change=_of_another_run,
        remedy=_keys,
    ),
    Mutation(name="same_pixels", title="two runs have figures that look the same", change=_same_pixels),
    Mutation(
        name="stripped_figure",
        title="a figure lost the text that says where it is from",
        change=_stripped,
        remedy=_keys,
    ),
    Mutation(
        name="old_figure",
        title="a figure is of a run that does not count",
        change=_of_last_month,
        remedy=_keys,
    ),
    Mutation(
        name="old_definition",
        title="a figure shows another definition of the metric",
        change=_old_definition,
        remedy=_keys,
    ),
)
