"""G4: every figure can be traced to its runs and to the definition that they computed."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from smoke_gate.evidence import Figure, Run
from smoke_gate.gates.base import Case, Check, Defaults, Explanation, Gate, Judged, Mutation, Outcome, Status
from smoke_gate.gates.definition import (
    DefinitionHashSettings,
    Expected,
    expected_definition,
    shown_definition,
)
from smoke_gate.gates.needs import Needs
from smoke_gate.gates.patterns import patterns_of
from smoke_gate.gates.profiles import REQUIRED_WHERE_NAMED, is_basic, key_of
from smoke_gate.gates.proposal import Files, Proposal, Seen
from smoke_gate.gates.twins import named, subject_of, surprising
from smoke_gate.message import Message, between, say
from smoke_gate.policy.fields import Flag, Names, Patterns, refused
from smoke_gate.policy.model import Policy
from smoke_gate.policy.settings import SWITCH_IT_OFF, ThresholdSettings
from smoke_gate.policy.terms import path_matches
from smoke_gate.selection import matrix_of
from smoke_gate.text import quoted
from smoke_gate.vocabulary import DEFINITION_KEY, SOURCES

DEFAULT_FIGURES = ("figures/*.png",)
_DRAW = say("Draw it again from the selected runs with smoke_gate.contract.log_figure.")
_EMBED = say("Write it into the file with smoke_gate.contract.embed_provenance.")
_LOG = "Log one with smoke_gate.contract.log_figure."

# --- the policy -------------------------------------------------------------------------------------------------------


class FiguresSettings(ThresholdSettings):
    """G4: every figure can be traced to its runs and its definition."""

    paths: Patterns = DEFAULT_FIGURES
    """Patterns of PNG artifacts of the runs."""
    required: Flag = True
    """Whether there must be any. If false, runs may all lack one; once any run has one, every run must.

    `basic` without `paths`: false.
    """
    files: Patterns = ()
    """Patterns of PNG files in the checkout, e.g. a paper's `figs/**/*.png`."""
    required_keys: Names = (SOURCES, DEFINITION_KEY)
    """Text chunks that each figure must carry; left out, `source_run_ids` and `definition_hash.key` (`basic`: none)."""

    def asserts_something(self) -> None:
        """Refuse settings that name no figure."""
        if not self.paths and not self.files:
            raise refused("paths", SWITCH_IT_OFF)


def _defaults(policy: Mapping[str, Any]) -> Iterable[Defaults]:
    if is_basic(policy):
        yield Defaults(values={"required_keys": []}, unless=("required_keys",))
        yield REQUIRED_WHERE_NAMED
    key = key_of(policy)
    if key is not None:
        yield Defaults(values={"required_keys": [SOURCES, key]}, unless=("required_keys",))


def _needs(policy: Policy) -> Needs:
    settings, definition = policy.settings(FiguresSettings), policy.settings(DefinitionHashSettings)
    return Needs(
        figures=settings.paths,
        files=settings.files,
        params=frozenset([definition.key]),  # a figure is held against it where G1 is off
    )


# --- judging ----------------------------------------------------------------------------------------------------------


def judge(case: Case) -> Outcome:
    """Trace the figures of the runs and of the checkout, and look for those that are missing or equal."""
    section, rules = case.settings(FiguresSettings), _rules(case)
    own = {judged.run.run_id: _matching(judged.run.figures, section.paths) for judged in case.judged}
    files = _matching(case.evidence.files, section.files)
    if _asks_for_nothing(case, own):
        skipped = say("No run has a figure, and the policy requires none (`figures.required`).")
        return Outcome(expected=0, evaluated=0, skipped=skipped)
    checks: list[Check] = []
    for judged in case.judged:
        checks += [_of_run(rules, judged, figure) for figure in own[judged.run.run_id]]
        checks += _absent(section, judged, own)
    checks += [_figure(rules, figure) for figure in files]
    checks += _patterns(case, [figure for figures in own.values() for figure in figures], files)
    checks += _duplicates(case, own)
    return Outcome(checks=tuple(checks), expected=len(case.matrix.places), evaluated=len(case.judged))


def _asks_for_nothing(case: Case, own: Mapping[str, Sequence[Figure]]) -> bool:
    """Return whether there is no figure and none is missed.

    Artifacts that could not be read are not proof of absence.
    """
    section = case.settings(FiguresSettings)
    asked = section.required_keys or section.files or section.required
    return not (asked or _some_unread(case) or any(own.values()))


def _some_unread(case: Case) -> bool:
    return any(judged.run.artifacts_problem is not None for judged in case.judged)


def _matching(figures: Iterable[Figure], patterns: Sequence[str]) -> list[Figure]:
    return _sorted(figure for figure in figures if any(path_matches(figure.path, of) for of in patterns))


def _sorted(figures: Iterable[Figure]) -> list[Figure]:
    return sorted(figures, key=lambda figure: figure.path)


# --- what a figure must carry -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """The demands on the figures.

    ``sources`` are the runs that a figure may be drawn from, ``runs`` the facts of those that are judged. ``expected``
    is the definition; where G1 is off it is None, and the source runs' own hashes under ``key`` count.
    """

    required_keys: tuple[str, ...]
    sources: frozenset[str]
    runs: Mapping[str, Run]
    key: str
    expected: Expected | None


def _rules(case: Case) -> _Rules:
    gate = case.settings(DefinitionHashSettings)
    expected = expected_definition(case) if gate.enabled else None
    return _Rules(
        required_keys=case.settings(FiguresSettings).required_keys,
        sources=_selected_ids(case),
        runs={judged.run.run_id: judged.run for judged in case.judged},
        key=gate.key,
        expected=expected,
    )


def _selected_ids(case: Case) -> frozenset[str]:
    """Return the runs that stand for the whole plan: a figure of all cells is right where options narrowed the plan."""
    whole_plan = case.policy.model_copy(update={"narrowed": None})
    return frozenset(attempt.run_id for _, attempt in matrix_of(whole_plan, case.evidence).selected)


def _of_run(rules: _Rules, judged: Judged, figure: Figure) -> Check:
    check = _figure(rules, figure, judged.run)
    return replace(check, run_id=judged.run.run_id, cell=judged.pair.cell, seed=judged.pair.seed)


def _figure(rules: _Rules, figure: Figure, own: Run | None = None) -> Check:
    """Check one figure; ``own`` is the run whose artifact it is."""
    problem = _problem(rules, figure, own)
    carried = [f"{key}: {quoted(figure.text[key])}" for key in rules.required_keys if key in figure.text]
    return Check(
        gate="G4",
        kind="figure",
        status=Status.FAIL if problem else Status.PASS,
        subject=figure.path,
        message=problem
        or say(
            "Readable, with {carried} of {all} required keys.",
            carried=len(carried),
            all=len(rules.required_keys),
        ),
        observed=figure.problem or "; ".join(carried) or "no required key",
        expected=", ".join(("readable PNG", *rules.required_keys)),
        looked_at=None if figure.problem or own is None else "figures",
    )


def _problem(rules: _Rules, figure: Figure, own: Run | None) -> Message | None:
    """Return what is wrong with a figure, the cause before its consequences."""
    if figure.problem is not None:
        return say("Not a readable PNG: {problem}. Draw it again.", problem=figure.problem)
    unread = [
        say("{key} cannot be used: {why}", key=key, why=figure.unread[key])
        for key in rules.required_keys
        if key in figure.unread
    ]
    if unread:
        return say("The text chunk {unread}. {fix}", unread=between(" and ", unread), fix=_fix(own))
    missing = [key for key in rules.required_keys if not figure.text.get(key, "").strip()]
    if missing:
        chunks = "The text chunk {missing} is" if len(missing) == 1 else "The text chunks {missing} are"
        return say(chunks + " missing or empty. {fix}", missing=" and ".join(missing), fix=_fix(own))
    sources = source_run_ids(figure.text.get(SOURCES, ""))
    problem = None
    if SOURCES in rules.required_keys:
        problem = _source_problem(rules, figure.text[SOURCES], sources, own)
    if problem is None and rules.key in rules.required_keys:
        problem = _definition_problem(
            rules, figure.text[rules.key], [own.run_id] if own else sources, _fix(own)
        )
    return problem


def _source_problem(rules: _Rules, found: str, sources: Sequence[str], own: Run | None) -> Message | None:
    strangers = [source for source in sources if source not in rules.sources]
    if not sources:
        return say(
            SOURCES + " is {found!r}; expected a JSON array with at least one run id. {fix}",
            found=found,
            fix=_fix(own),
        )
    if strangers:
        return say(
            SOURCES + " names {strangers!r}, which stands for no planned pair. {fix}",
            strangers=", ".join(strangers),
            fix=_fix(own),
        )
    if own is not None and own.run_id not in sources:
        return say(
            SOURCES + " does not name the figure's own run, {run_id}. {fix}", run_id=own.run_id, fix=_fix(own)
        )
    return None


def _definition_problem(rules: _Rules, found: str, sources: Sequence[str], fix: Message) -> Message | None:
    """Hold the figure's definition hash against the one that it must have."""
    expected = _definition(rules, sources)
    if not expected and rules.expected is not None:
        return say(
            "{key} cannot be compared: the expected definition is not known. G1 says what to do.",
            key=rules.key,
        )
    if not expected:
        return say(
            "{key} cannot be compared: the runs that the figure is drawn from do not log one hash. "
            "Log it in each run.",
            key=rules.key,
        )
    if found != expected:
        return say(
            "{key} is {found!r}, expected {expected}: the figure shows another definition. {fix}",
            key=rules.key,
            found=found,
            expected=expected,
            fix=fix,
        )
    return None


def _fix(own: Run | None) -> Message:
    """Say how a figure gets its provenance: drawn in training, or written into a file of the checkout."""
    return _DRAW if own is not None else _EMBED


def _definition(rules: _Rules, sources: Iterable[str]) -> str | None:
    known = (rules.runs[source] for source in sources if source in rules.runs)
    return shown_definition(rules.expected, rules.key, known)


def source_run_ids(text: str) -> list[str]:
    """Return the run ids in a figure's ``source_run_ids``: a JSON array, or ids between commas.

    An array that is broken, or holds anything but texts, names no run.
    """
    if not text.lstrip().startswith("["):
        return [run_id.strip() for run_id in text.split(",") if run_id.strip()]
    try:
        run_ids = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return run_ids if all(isinstance(run_id, str) for run_id in run_ids) else []


# --- figures that are not there ---------------------------------------------------------------------------------------


def _absent(section: FiguresSettings, judged: Judged, own: Mapping[str, Sequence[Figure]]) -> Iterator[Check]:
    """Yield the failure of a run whose artifacts cannot be read, or that has no figure while another run has one."""
    subject = ", ".join(section.paths)
    if judged.run.artifacts_problem is not None and section.paths:
        message = say(
            "The run's artifacts could not be read: {problem}", problem=judged.run.artifacts_problem
        )
    elif not own[judged.run.run_id] and any(own.values()):
        message = say("The run has no figure, though other planned runs have one. " + _LOG)
    else:
        return
    yield judged.check("G4", "pattern", Status.FAIL, subject, message, observed="none", expected="a figure")


def _patterns(case: Case, of_runs: Sequence[Figure], files: Sequence[Figure]) -> Iterator[Check]:
    """Yield a check for each pattern.

    A pattern must match something if any run has a figure, or if ``required_keys`` are set.
    """
    section = case.settings(FiguresSettings)
    how = "Not all could be read: see to that first." if _some_unread(case) else _LOG
    none_at_all = bool(section.required_keys) and not files
    if of_runs or none_at_all or section.required:
        for pattern in section.paths:
            yield _pattern(pattern, of_runs, f"artifact of a planned run. {how}")
    for pattern in section.files:
        yield _pattern(pattern, files, "file of the checkout. Commit the figure, or correct figures.files.")


def _pattern(pattern: str, figures: Sequence[Figure], place: str) -> Check:
    found = sum(path_matches(figure.path, pattern) for figure in figures)
    return Check(
        gate="G4",
        kind="pattern",
        status=Status.PASS if found else Status.FAIL,
        subject=pattern,
        message=say("It matches {found}.", found=found) if found else say("It matches no " + place),
        observed=str(found),
        expected="at least 1",
    )


# --- equal figures ----------------------------------------------------------------------------------------------------


def _duplicates(case: Case, own: Mapping[str, Sequence[Figure]]) -> Iterator[Check]:
    """Yield a warning for each group of runs that have a figure of the same pixels."""
    holders: dict[str, dict[str, tuple[Judged, str]]] = defaultdict(dict)
    for judged in case.judged:
        for figure in own[judged.run.run_id]:
            seen = figure.pixels or figure.sha256
            if seen is not None:
                holders[seen].setdefault(judged.run.run_id, (judged, figure.path))
    for same in holders.values():
        runs = surprising(case.policy, [judged for judged, _ in same.values()])
        if runs:
            message = say(
                "The figures of {runs} have the same pixels: one was copied, or shows nothing of its run. "
                "Draw it for each run from its own results.",
                runs=named(runs),
            )
            path = same[runs[0].run.run_id][1]
            yield runs[0].check(
                "G4",
                "duplicate",
                Status.WARNING,
                path,
                message,
                observed=subject_of(runs),
                expected="its own pixels",
            )


# --- init -------------------------------------------------------------------------------------------------------------


def _propose(seen: Seen) -> Proposal:
    patterns = patterns_of(map(_pictures, seen.files))
    usual: Mapping[str, object] = {"required": "true"} if patterns else {}
    log = 'contract.log_figure(figure, "forecast")  # with the run and the definition inside'
    return Proposal(
        found=seen.how_many_have(_pictures, "PNG figures"),
        settings={"paths": patterns} if patterns and patterns != DEFAULT_FIGURES else usual,
        to_log=() if patterns or seen.is_unread else (log,),
    )


def _pictures(files: Files) -> tuple[str, ...]:
    return tuple(path for path in files.paths if path.endswith(".png"))


def _mutations() -> Sequence[Mutation]:
    from smoke_gate.gates.mutations.figures import MUTATIONS

    return MUTATIONS


GATE = Gate(
    id="G4",
    section="figures",
    title="Figures can be traced to their runs",
    short_title="Figures",
    settings=FiguresSettings,
    judge=judge,
    needs=_needs,
    defaults=_defaults,
    propose=_propose,
    mutations=_mutations,
    in_basic="judged as soon as a run has any",
    read_from="the text chunks of {}",
    explanation=Explanation(
        question="Can every figure be traced to its runs and its definition?",
        checks=(
            "Each PNG of the runs (`paths`) and of the checkout (`files`) is whole and readable.",
            "It carries every text chunk of `required_keys`, readable and not contradictory.",
            (
                "`source_run_ids` names only runs that stand for planned pairs, and, for a run's own figure, "
                "includes that run."
            ),
            "The definition's hash in it is the expected one.",
            (
                "A run without a figure while another has one, a pattern of the policy that matches nothing, "
                "no figure at all: FAIL."
            ),
            "The same pixels under two runs are a WARNING, however the files are packed.",
        ),
        example="The text chunks source_run_ids and pape_definition_hash are missing or empty. Draw it again from "
        "the selected runs with smoke_gate.contract.log_figure.",
        fix="Draw the figure again with `smoke_gate.contract.log_figure`, which writes the text chunks; for "
        "the files of a paper use `smoke_gate.contract.embed_provenance`.",
    ),
)
