"""How a matrix breaks that G7 should see: runs that cannot be compared."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase

from smoke_gate.evidence import Evidence, History, metric_number, metric_text
from smoke_gate.gates.base import Case, Judged, LogMore, Mutation, PolicyLine, Unbroken
from smoke_gate.gates.columns import Fact, by_cell, facts_of
from smoke_gate.gates.comparison_settings import ComparisonSettings
from smoke_gate.gates.evaluation import counts_of
from smoke_gate.gates.mutations.changes import (
    first,
    first_with,
    params_of,
    runs_of_cell,
    settings_of,
    with_metric,
    with_param,
    with_run,
    with_tag,
)
from smoke_gate.gates.mutations.metric_ratio import no_history
from smoke_gate.message import say
from smoke_gate.text import words_of
from smoke_gate.vocabulary import COUNT_SUFFIX, ENVIRONMENT_PREFIX, OVERLAP_KEY

_OF_TRAINING = frozenset(
    ["batch", "epoch", "epochs", "iterations", "learning", "lr", "optimizer", "rate", "steps"]
)
_NO_SETTING = Unbroken(say("The runs log no setting that they share."), LogMore("mlflow.log_params(config)"))
_NO_STEPS = Unbroken(
    say("No run says at which step it ended."), LogMore("mlflow.log_metrics({…}, step=step)  # in each epoch")
)
_NO_COUNT = Unbroken(
    say("No run says on how many samples it was evaluated."), LogMore("contract.log_counts(test=test)")
)
_NO_VERSION = Unbroken(
    say("No run states the versions of its libraries."), LogMore("contract.log_environment()")
)
_NO_OVERLAP = Unbroken(
    say("No run says whether its splits share samples."), LogMore("contract.data_overlap(train, test)")
)
_ONE_CELL = Unbroken(say("The matrix has one cell only."))
_ONE_SEED = Unbroken(say("No cell has two runs."))


# --- settings ---------------------------------------------------------------------------------------------------------


def _shared(case: Case) -> Fact | None:
    """Return a setting that all runs share and that no gate but G7 judges: one of training, if there is one."""
    judged_elsewhere = {key for one in case.judged for key in one.run.params}
    facts = [
        fact
        for fact in settings_of(case)
        if fact.key not in judged_elsewhere
        and not fact.key.endswith(COUNT_SUFFIX)
        and fact.key != OVERLAP_KEY
        and len(fact.distinct) == 1
        and len(fact.values) == len(case.judged)
    ]
    of_training = (fact for fact in facts if not _OF_TRAINING.isdisjoint(words_of(fact.key)))
    return next(of_training, None) or next(iter(facts), None)


def _with_other_setting(case: Case, fact: Fact, runs: Iterable[Judged]) -> Evidence:
    evidence, text = case.evidence, _another(fact.distinct[0])
    for one in runs:
        evidence = with_param(evidence, one.run, fact.key, text)
    return evidence


def _another(text: str) -> str:
    """Return another value of a setting: twice the number, or another word."""
    try:
        return metric_text(2 * float(text) or 1.0)
    except ValueError:
        return f"{text}-2"


def _drift(case: Case) -> Evidence | Unbroken:
    fact, runs = _shared(case), [runs for runs in by_cell(case.judged).values() if len(runs) > 1]
    if not runs:
        return _ONE_SEED
    return _NO_SETTING if fact is None else _with_other_setting(case, fact, [runs[0][0]])


def _other_cell(case: Case) -> Evidence | Unbroken:
    fact, cells = _shared(case), by_cell(case.judged)
    if len(cells) < 2:
        return _ONE_CELL
    return (
        _NO_SETTING if fact is None else _with_other_setting(case, fact, runs_of_cell(case, case.judged[0]))
    )


def _constant(case: Case) -> PolicyLine | None:
    fact, constant = _shared(case), case.settings(ComparisonSettings).constant
    return None if fact is None else PolicyLine(("gates", "comparison", "constant"), [*constant, fact.key])


def _settled(case: Case) -> PolicyLine | None:
    """Take out of ``varies`` what may vary, or else hold the setting constant."""
    fact, varies = _shared(case), case.settings(ComparisonSettings).varies
    if fact is None or not any(fnmatchcase(fact.key, pattern) for pattern in varies):
        return _constant(case)
    kept = [pattern for pattern in varies if not fnmatchcase(fact.key, pattern)]
    return PolicyLine(("gates", "comparison", "varies"), kept)


# --- machines and data ------------------------------------------------------------------------------------------------


def _library(case: Case) -> Evidence | Unbroken:
    if len(case.judged) < 2:
        return _ONE_SEED
    for fact in facts_of(case.evidence.ledger, case.evidence.ledger.tags, case.judged):
        judged = first_with(case, fact)
        if fact.key.startswith(ENVIRONMENT_PREFIX) and judged is not None and len(fact.values) > 1:
            return with_tag(case.evidence, judged.run, fact.key, "0.0.1")
    for judged in case.judged:
        for model in judged.run.models:
            if model.versions:
                name = min(model.versions)
                models = [
                    replace(one, versions={**one.versions, name: "0.0.1"}) if one is model else one
                    for one in judged.run.models
                ]
                return with_run(case.evidence, judged.run, models=tuple(models))
    return _NO_VERSION


def _subset(case: Case) -> Evidence | Unbroken:
    """Halve the number of samples on which a run was evaluated."""
    if len(by_cell(case.judged)) < 2:
        return _ONE_CELL
    counts = [fact for fact in params_of(case) if fact.key.endswith(COUNT_SUFFIX)]
    for fact in sorted(counts, key=lambda fact: not fact.key.startswith("test")):
        judged = first_with(case, fact)
        if judged is not None and fact.values[judged.run.run_id].isdecimal():
            half = str(int(fact.values[judged.run.run_id]) // 2)
            return with_param(case.evidence, judged.run, fact.key, half)
    judged = first(case, lambda one: bool(one.run.rows))
    if judged is None:
        return _NO_COUNT
    name, rows = next(iter(judged.run.rows.items()))
    return with_run(case.evidence, judged.run, rows={**judged.run.rows, name: rows // 2})


def _overlap(case: Case) -> Evidence | Unbroken:
    fact = next((fact for fact in params_of(case) if fact.key == OVERLAP_KEY), None)
    judged = None if fact is None else first_with(case, fact)
    return _NO_OVERLAP if judged is None else with_param(case.evidence, judged.run, OVERLAP_KEY, "336")


def _share(case: Case) -> Evidence | Unbroken:
    params = params_of(case)
    for metric in case.settings(ComparisonSettings).proportion:
        for judged in case.judged:
            sizes = [count.number for count in counts_of(judged, params).values() if not count.error]
            if metric in judged.run.metrics and sizes:
                value = metric_number(judged.run.metrics[metric]) * 0.9 + 0.037 / max(sizes)
                return with_metric(case.evidence, judged.run, metric, metric_text(value))
    return Unbroken(say("The policy names no metric that is a share of samples (`comparison.proportion`)."))


# --- training ---------------------------------------------------------------------------------------------------------


def _shorter(case: Case) -> Evidence | Unbroken:
    judged = first(case, lambda one: bool(one.run.last_step))
    if judged is None:
        return _NO_STEPS
    return with_run(case.evidence, judged.run, last_step=(judged.run.last_step or 0) // 2)


def _shorter_cell(case: Case) -> Evidence | Unbroken:
    judged = first(case, lambda one: bool(one.run.last_step))
    if judged is None:
        return _NO_STEPS
    evidence = case.evidence
    for one in runs_of_cell(case, judged):
        evidence = with_run(evidence, one.run, last_step=(one.run.last_step or 0) // 2)
    return evidence


def _steps(case: Case) -> PolicyLine | None:
    """Say the step at which most runs end, of each cell where they differ."""
    cells = {cell: [one.run.last_step or 0 for one in runs] for cell, runs in by_cell(case.judged).items()}
    usual = {cell: max(sorted(steps), key=steps.count) for cell, steps in cells.items() if any(steps)}
    if not usual:
        return None
    one = set(usual.values())
    return PolicyLine(("gates", "comparison", "steps"), one.pop() if len(one) == 1 else usual)


def _trained_twice(case: Case) -> Evidence | Unbroken:
    return _with_history(case, lambda history: replace(history, two_trainings=True))


def _nan_on_the_way(case: Case) -> Evidence | Unbroken:
    return _with_history(case, lambda history: replace(history, smallest="NaN", largest="NaN"))


def _with_history(case: Case, changed: Callable[[History], History]) -> Evidence | Unbroken:
    """Change the first history that is longer than two values."""
    for judged in case.judged:
        for metric, history in judged.run.histories.items():
            if history.length > 2:
                histories = {**judged.run.histories, metric: changed(history)}
                return with_run(case.evidence, judged.run, histories=histories)
    return no_history(case)


MUTATIONS = (
    Mutation(
        name="drift",
        title="one seed of a cell was tuned by hand",
        change=_drift,
        remedy=_settled,
    ),
    Mutation(
        name="other_training",
        title="all runs of a cell were trained with another setting than the plan says",
        change=_other_cell,
        remedy=_constant,
    ),
    Mutation(name="other_library", title="a run was made with another version of a library", change=_library),
    Mutation(name="subset", title="a run was evaluated on half of the samples", change=_subset),
    Mutation(name="overlap", title="samples of the test data are in the training data", change=_overlap),
    Mutation(name="not_a_share", title="a share of samples was averaged over batches", change=_share),
    Mutation(
        name="shorter_run", title="a run was trained for half of the steps", change=_shorter, remedy=_steps
    ),
    Mutation(
        name="shorter_cell",
        title="all runs of a cell were trained for half of the steps",
        change=_shorter_cell,
        remedy=_steps,
    ),
    Mutation(name="two_trainings", title="two trainings were logged into one run", change=_trained_twice),
    Mutation(name="nan_on_the_way", title="a loss was NaN for a while", change=_nan_on_the_way, also=("G5",)),
)
