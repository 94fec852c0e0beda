"""G4: every figure can be traced to its runs and to the definition that they computed."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from smoke_gate.evidence import Figure, Run
from smoke_gate.gates.base import Case, Check, Gate, Judged, Outcome, Status, quoted
from smoke_gate.gates.definition import Expected, expected_definition, shown_definition
from smoke_gate.policy.model import FiguresGate
from smoke_gate.policy.terms import path_matches
from smoke_gate.selection import select

SOURCES = "source_run_ids"
_FIX = "Draw it again from the selected runs with smoke_gate.contract.log_figure."
_LOG = "Log one with smoke_gate.contract.log_figure."


def judge(case: Case) -> Outcome:
    """Trace the figures of the runs, of the checkout and of the tool, and look for those that are missing or equal."""
    section, rules = case.policy.gates.figures, _rules(case)
    own = {judged.run.run_id: _matching(judged.run.figures, section.paths) for judged in case.judged}
    files = _matching(case.evidence.files, section.files)
    drawn = [_figure(_for_drawn(rules), figure) for figure in _sorted(case.evidence.drawn)]
    if _asks_for_nothing(case, own) and all(check.status is Status.PASS for check in drawn):
        skipped = "No run has a figure, and the policy requires none (`figures.required`)."
        return Outcome(expected=0, evaluated=0, skipped=skipped)
    checks: list[Check] = []
    for judged in case.judged:
        checks += [_of_run(rules, judged, figure) for figure in own[judged.run.run_id]]
        checks += _absent(section, judged, own)
    checks += [_figure(rules, figure) for figure in files]
    checks += drawn
    checks += _patterns(case, [figure for figures in own.values() for figure in figures], files)
    checks += _duplicates(case, own)
    return Outcome(checks=tuple(checks), expected=len(case.matrix.places), evaluated=len(case.judged))


def _asks_for_nothing(case: Case, own: Mapping[str, Sequence[Figure]]) -> bool:
    """Whether there is no figure and none is missed; artifacts that could not be read are no proof of absence."""
    section = case.policy.gates.figures
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
    """What is asked of the figures.

    ``sources`` are the runs that a figure may be drawn from, ``runs`` the facts of those that are judged. ``expected``
    is the definition; where G1 is off it is None, and the source runs' own hashes under ``key`` count.
    """

    required_keys: tuple[str, ...]
    sources: frozenset[str]
    runs: Mapping[str, Run]
    key: str
    expected: Expected | None


def _rules(case: Case) -> _Rules:
    gate = case.policy.gates.definition_hash
    expected = expected_definition(case) if gate.enabled else None
    return _Rules(
        required_keys=case.policy.gates.figures.required_keys,
        sources=_selected_ids(case),
        runs={judged.run.run_id: judged.run for judged in case.judged},
        key=gate.key,
        expected=expected,
    )


def _for_drawn(rules: _Rules) -> _Rules:
    """Return what is asked of the figures that the tool drew: the two keys of provenance that it writes, and no others.

    It writes no definition that it does not know; that this one is not known is G1's failure.
    """
    written = (SOURCES, rules.key) if _definition(rules, rules.runs) else (SOURCES,)
    return replace(rules, required_keys=tuple(key for key in rules.required_keys if key in written))


def _selected_ids(case: Case) -> frozenset[str]:
    """Return the runs that stand for the whole plan: a figure of all cells is right where options narrowed the plan."""
    whole_plan = case.policy.model_copy(update={"narrowed": None})
    return frozenset(attempt.run_id for _, attempt in select(whole_plan, case.evidence.attempts).selected)


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
        message=problem or f"Readable, with {len(carried)} of {len(rules.required_keys)} required keys.",
        observed=figure.problem or "; ".join(carried) or "no required key",
        expected=", ".join(("readable PNG", *rules.required_keys)),
    )


def _problem(rules: _Rules, figure: Figure, own: Run | None) -> str | None:
    """Return what is wrong with a figure, the cause before its consequences."""
    if figure.problem is not None:
        return f"No readable PNG: {figure.problem}. Draw it again."
    unread = [
        f"{key} cannot be used: {figure.unread[key]}" for key in rules.required_keys if key in figure.unread
    ]
    if unread:
        return f"The text chunk {' and '.join(unread)}. {_FIX}"
    missing = [key for key in rules.required_keys if not figure.text.get(key, "").strip()]
    if missing:
        chunks = f"chunk {missing[0]} is" if len(missing) == 1 else f"chunks {' and '.join(missing)} are"
        return f"The text {chunks} missing or empty. {_FIX}"
    sources = source_run_ids(figure.text.get(SOURCES, ""))
    problem = None
    if SOURCES in rules.required_keys:
        problem = _source_problem(rules, figure.text[SOURCES], sources, own)
    if problem is None and rules.key in rules.required_keys:
        problem = _definition_problem(rules, figure.text[rules.key], [own.run_id] if own else sources)
    return problem


def _source_problem(rules: _Rules, found: str, sources: Sequence[str], own: Run | None) -> str | None:
    strangers = [source for source in sources if source not in rules.sources]
    if not sources:
        return f"{SOURCES} is {quoted(found)}; expected a JSON array with at least one run id. {_FIX}"
    if strangers:
        return f"{SOURCES} names {quoted(', '.join(strangers))}, which stands for no planned pair. {_FIX}"
    if own is not None and own.run_id not in sources:
        return f"{SOURCES} does not name the figure's own run, {own.run_id}. {_FIX}"
    return None


def _definition_problem(rules: _Rules, found: str, sources: Sequence[str]) -> str | None:
    """Hold the figure's definition hash against the one that it must have."""
    expected = _definition(rules, sources)
    if not expected and rules.expected is not None:
        return f"{rules.key} cannot be compared: the expected definition is not known. G1 says what to do."
    if not expected:
        return (
            f"{rules.key} cannot be compared: the runs that the figure is drawn from do not log one hash. "
            "Log it in each run."
        )
    if found != expected:
        return f"{rules.key} is {quoted(found)}, expected {expected}: the figure shows another definition. {_FIX}"
    return None


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


def _absent(section: FiguresGate, judged: Judged, own: Mapping[str, Sequence[Figure]]) -> Iterator[Check]:
    """Yield the failure of a run whose artifacts cannot be read, or that has no figure while another run has one."""
    subject = ", ".join(section.paths)
    if judged.run.artifacts_problem is not None and section.paths:
        message = f"The run's artifacts could not be read: {judged.run.artifacts_problem}"
    elif not own[judged.run.run_id] and any(own.values()):
        message = f"The run has no figure, though other planned runs have one. {_LOG}"
    else:
        return
    yield judged.check("G4", "pattern", Status.FAIL, subject, message, observed="none", expected="a figure")


def _patterns(case: Case, of_runs: Sequence[Figure], files: Sequence[Figure]) -> Iterator[Check]:
    """Yield a check for each pattern; what no run needs must match only if one has a figure, or figures carry keys."""
    section = case.policy.gates.figures
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
        message=f"It matches {found}." if found else f"It matches no {place}",
        observed=str(found),
        expected="at least 1",
    )


# --- equal figures ----------------------------------------------------------------------------------------------------


def _duplicates(case: Case, own: Mapping[str, Sequence[Figure]]) -> Iterator[Check]:
    """Yield a warning for each run with the bytes of an earlier run's figure."""
    holders: dict[str, dict[str, tuple[Judged, str]]] = defaultdict(dict)
    for judged in case.judged:
        for figure in own[judged.run.run_id]:
            if figure.sha256 is not None:
                holders[figure.sha256].setdefault(judged.run.run_id, (judged, figure.path))
    for same in holders.values():
        (first, _), *others = same.values()
        for judged, path in others:
            other = f"{first.pair.subject} (run {first.run.run_id})"
            message = (
                f"Its bytes are those of a figure of {other}: it was copied, or shows nothing of its run. "
                "Draw it for each run."
            )
            yield judged.check(
                "G4", "duplicate", Status.WARNING, path, message, observed=other, expected="its own bytes"
            )


GATE = Gate(id="G4", section="figures", title="Figures can be traced to their runs", judge=judge)
