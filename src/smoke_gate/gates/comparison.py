"""G7: a fair comparison. What differs between the cells is what the plan says, and nothing else."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from smoke_gate.evidence import Attempt, Run
from smoke_gate.gates.base import Case, Check, Explanation, Gate, Judged, Mutation, Outcome, Status
from smoke_gate.gates.budget import budget_checks
from smoke_gate.gates.columns import Fact, comparable, facts_of
from smoke_gate.gates.comparison_settings import ComparisonSettings, Kind
from smoke_gate.gates.drift import constant_checks, drift_checks, drifting
from smoke_gate.gates.environment import environment_checks, stated_versions
from smoke_gate.gates.evaluation import counts_of, evaluation_checks, proportion_checks
from smoke_gate.gates.needs import Needs
from smoke_gate.gates.proposal import Proposal, RunShape, Seen
from smoke_gate.gates.undeclared import ledger_notes
from smoke_gate.message import Message, say
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import short
from smoke_gate.selection import Pair
from smoke_gate.text import counted, words_of
from smoke_gate.vocabulary import COUNT_SUFFIX, OVERLAP_KEY

_MOST_PROPOSED = 20
_OF_TRAINING = frozenset(
    ["batch", "epochs", "epoch", "horizon", "iterations", "optimizer", "steps", "window"]
)


def _needs(_policy: Policy) -> Needs:
    return Needs(ledger=True)


def _cells(settings: ComparisonSettings) -> Iterable[tuple[tuple[str | int, ...], Sequence[str]]]:
    return [(("steps",), tuple(settings.steps))] if isinstance(settings.steps, dict) else []


def judge(case: Case) -> Outcome:
    """Compare what the runs say of themselves, as far as they say it."""
    section = case.settings(ComparisonSettings)
    ledger = case.evidence.ledger
    everything = facts_of(ledger, ledger.params, case.judged)
    tags = facts_of(ledger, ledger.tags, case.judged)
    facts = comparable(everything, case.judged, _judged_elsewhere(case))

    def status(kind: Kind) -> Status:
        return Status.FAIL if kind in section.fail else Status.WARNING

    findings = [
        *drift_checks(case, facts, section, status("drift")),
        *constant_checks(case, everything, section, status("constant")),
        *environment_checks(case, tags, status("environment")),
        *evaluation_checks(case, everything, status("evaluation")),
        *proportion_checks(case, everything, section, status("evaluation")),
        *budget_checks(case, section, status("budget")),
        *_overlap(case, everything, status("overlap")),
    ]
    known = _known(case, everything, tags, facts)
    if not findings and not known:
        nothing = say(
            "The runs say nothing by which they could be compared: no params, versions, counts or steps."
        )
        return Outcome(expected=0, evaluated=0, skipped=nothing)
    compared = Check(
        gate="G7", kind="compared", status=Status.PASS, subject="runs", observed=", ".join(known),
        message=say(
            "Compared between the runs: {known}.{constant}{some}{declared}",
            known=", ".join(known),
            constant=_counted_keys(facts, " {count} are the same in all runs.", lambda fact: len(fact.distinct) == 1),
            some=_counted_keys(
                everything, " {count} are logged by some runs only.", lambda fact: len(fact.values) < len(case.judged)
            ),
            declared=_declared(case),
        ),
    )  # fmt: skip
    notes = ledger_notes(case, everything, facts, tags)
    checks = [*([compared] if known else []), *findings, *notes]
    return Outcome(checks=tuple(checks), expected=len(case.matrix.places), evaluated=len(case.judged))


def _judged_elsewhere(case: Case) -> frozenset[str]:
    """Return the params that another gate judges, or that say which pair a run is: only those are in its facts."""
    named = {key for one in case.judged for key in one.run.params}
    own = {key for key in case.evidence.ledger.params if key.endswith(COUNT_SUFFIX) or key == OVERLAP_KEY}
    templates = (case.policy.runs.cell_template, case.policy.runs.seed_template)
    references = {name.removeprefix("params.") for template in templates for name in template.references}
    return frozenset(named | own | references)


def _known(case: Case, params: Sequence[Fact], tags: Sequence[Fact], facts: Sequence[Fact]) -> list[str]:
    """Return what could be compared, in words."""
    versions = {name for own in stated_versions(case.judged, tags).values() for name in own}
    counts = {what for one in case.judged for what in counts_of(one, params)}
    steps = any(one.run.last_step for one in case.judged)
    words = (
        (len(facts), "param"),
        (len(versions), "version"),
        (len(counts), "number of samples"),
    )
    found = [
        counted(number, one, "numbers of samples" if one.startswith("number") else None)
        for number, one in words
        if number
    ]
    return [*found, *(["last steps"] if steps else [])]


def _counted_keys(facts: Sequence[Fact], words: str, is_meant: Callable[[Fact], bool]) -> Message:
    number = sum(map(is_meant, facts))
    return say(words, count=say(counted(number, "param"))) if number else say("")


def _declared(case: Case) -> Message:
    """Name what the plan says that cells differ in."""
    keys = sorted({short(key) for cell in case.policy.plan.cells.values() for key in cell.expect})
    return say(" The plan says what cells differ in: {keys}.", keys=", ".join(keys)) if keys else say("")


def _overlap(case: Case, params: Sequence[Fact], status: Status) -> Iterator[Check]:
    """Find runs whose test data hold samples of their training data."""
    fact = next((fact for fact in params if fact.key == OVERLAP_KEY), None)
    for one in case.judged if fact else ():
        text = fact.of(one) if fact else None
        if text is not None:
            is_none = text.strip() == "0"
            message = (
                say("No sample is in both the training and the test data.")
                if is_none
                else say(
                    "{count} samples of the test data are in the training data too. Split the data again, and "
                    "train again.",
                    count=text,
                )
            )
            yield one.check(
                "G7",
                "overlap",
                Status.PASS if is_none else status,
                OVERLAP_KEY,
                message,
                observed=text,
                expected="0",
            )


# --- init -------------------------------------------------------------------------------------------------------------


def _propose(seen: Seen) -> Proposal:
    """Propose what varies between the seeds of a cell now, and holds constant what says how long and how to train."""
    judged = [_as_judged(run, *pair) for run, pair in zip(seen.runs, seen.pairs, strict=False)]
    keys = sorted({key for run in seen.runs for key in run.params})
    every = [
        Fact(key, {run.run_id: run.params[key] for run in seen.runs if key in run.params}) for key in keys
    ]
    facts = comparable(every, judged, ())
    varies = drifting(facts, judged)[:_MOST_PROPOSED]
    constant = [
        fact.key
        for fact in facts
        if len(fact.distinct) == 1
        and len(fact.values) == len(seen.runs)
        and not _OF_TRAINING.isdisjoint(words_of(fact.key))
    ][:_MOST_PROPOSED]
    settings = {"varies": tuple(varies), "constant": tuple(constant)}
    return Proposal(
        found=f"{counted(len(facts), 'param')} of the runs can be compared",
        settings={key: value for key, value in settings.items() if value},
    )


def _as_judged(run: RunShape, cell: str, seed: str) -> Judged:
    """Return a run of ``init`` as gates see runs."""
    attempt = Attempt(
        run_id=run.run_id, run_name=run.name, cell=cell, seed=seed or None, status="FINISHED",
        lifecycle_stage="active", start_time=run.start_time, end_time=None,
    )  # fmt: skip
    return Judged(pair=Pair(cell, seed or None), attempt=attempt, run=Run(run_id=run.run_id))


def _mutations() -> Sequence[Mutation]:
    from smoke_gate.gates.mutations.comparison import MUTATIONS

    return MUTATIONS


GATE = Gate(
    id="G7",
    section="comparison",
    title="The comparison is fair",
    short_title="Comparison",
    settings=ComparisonSettings,
    judge=judge,
    needs=_needs,
    cells=_cells,
    propose=_propose,
    mutations=_mutations,
    in_basic="on",
    read_from="the params of the runs: {}",
    read_besides={
        "environment": "tags `environment.…` and MLmodel: {}",
        "evaluation": "params, data sets and metrics: {}",
        "budget": "the steps of the metrics: {}",
        "ledger": "the params, tags and models of the runs",
    },
    explanation=Explanation(
        question="Do the cells differ in what the plan says, and in nothing else?",
        checks=(
            (
                "Params that differ between the seeds of a cell are a WARNING, unless `varies` names them. Params "
                "that go with the run, the seed or the machine are left out: ids, paths, host names."
            ),
            "Params that `constant` names are the same in all runs.",
            (
                "Versions of libraries, of Python and of the machine are the same in all runs that state them: in "
                "the `MLmodel` of their models, or by `contract.log_environment`."
            ),
            (
                "Within a seed, all cells were evaluated on as many samples, as far as runs say on how many: by "
                "`contract.log_counts`, by MLflow's data sets, or by the runtime and rate of the Hugging Face Trainer. "
                "A metric that `proportion` names is a whole number of them."
            ),
            (
                "The seeds of a cell end at one step, unless `early_stopping` says otherwise, and at the one that "
                "`steps` says. The history of a metric that a rule of G5 names holds one training, and no NaN on "
                "its way."
            ),
            "No sample of the test data is in the training data, as far as `contract.data_overlap` was logged.",
            (
                "Differences between cells are not findings: they are listed, for people to read. `fail` says which "
                "kinds of findings are FAIL."
            ),
        ),
        example="B0/456: scikit-learn 1.1.3; the others (11): 1.2.0. Another version may compute something else: run "
        "these again with the version of the others.",
        fix="Run the odd ones again as the others were, or declare the difference: `varies` for params that are tuned, "
        "`expect` in the plan for what cells are meant to differ in.",
    ),
)
