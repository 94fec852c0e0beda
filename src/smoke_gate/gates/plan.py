"""G0: the planned runs exist, once each, and are what the plan says."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain

from smoke_gate.evidence import metric_number
from smoke_gate.gates.base import Case, Check, Explanation, Gate, Judged, Mutation, Outcome, Status, instead
from smoke_gate.gates.commits import commit_checks
from smoke_gate.gates.damaged import damaged_checks
from smoke_gate.gates.metric_ratio import MetricRatioSettings
from smoke_gate.gates.needs import Needs, facts
from smoke_gate.gates.pairs import newer_attempts, pair_checks, unexpected_checks
from smoke_gate.gates.proposal import Proposal, Seen
from smoke_gate.gates.twins import compared, named, subject_of, twin_checks
from smoke_gate.gates.unit_contract import UnitContractSettings, UnitRule, condition_of, holds
from smoke_gate.message import Message, say
from smoke_gate.policy.model import Policy
from smoke_gate.policy.settings import ThresholdSettings
from smoke_gate.policy.terms import is_flag, matches, nearest, short, stated


class PlanSettings(ThresholdSettings):
    """G0: the planned runs exist and are what the plan says."""


def _needs(policy: Policy) -> Needs:
    expected = chain.from_iterable(cell.expect for cell in policy.plan.cells.values())
    # A run must not satisfy a unit rule's `when` that its cell does not plan.
    flags = policy.settings(UnitContractSettings).flags
    commits = policy.runs.commit
    return facts((*expected, *flags)) | Needs(head=commits in ("auto", "head", "code"))


def judge(case: Case) -> Outcome:
    """Hold the plan against the attempts, and each run against what its cell is expected to be."""
    checks = [
        *pair_checks(case),
        *_expectations(case),
        *damaged_checks(case),
        *_required_metrics(case),
        *commit_checks(case),
        *_seed_spellings(case),
        *twin_checks(case),
        *_partial(case),
        *_late(case),
        *newer_attempts(case),
        *unexpected_checks(case),
    ]
    return Outcome(checks=tuple(checks), expected=len(case.matrix.places), evaluated=len(case.judged))


# --- what the plan says of a run --------------------------------------------------------------------------------------


def _expectations(case: Case) -> Iterator[Check]:
    named = {reference for cell in case.policy.plan.cells.values() for reference in cell.expect}
    rules = case.settings(UnitContractSettings).rules
    for judged in case.judged:
        cell = case.policy.plan.cells[judged.pair.cell]
        for reference, allowed in cell.expect.items():
            yield _expected(judged, reference, allowed, case.evidence.nearest.get(reference))
        for reference in sorted(named - cell.expect.keys()):
            of_key = [rule for rule in rules if reference in rule.when]
            if of_key:
                yield _not_planned(judged, reference, of_key)


def _expected(judged: Judged, reference: str, allowed: Sequence[str], near: str | None) -> Check:
    recorded, wanted = judged.run.value(reference), " or ".join(allowed)
    value = stated(recorded) if is_flag(allowed) else recorded
    if matches(value, allowed):
        status, message = Status.PASS, say("{name} is as planned.", name=short(reference))
    else:
        status = Status.FAIL
        message = say(
            "{name} is {found}, but cell {cell} is planned with {wanted}. {fix}",
            name=short(reference),
            found=say("missing{have}", have=instead(judged, reference))
            if value is None
            else say("{value!r}", value=value),
            cell=judged.pair.cell,
            wanted=wanted,
            fix=_how_to_agree(value, allowed, near),
        )
    return judged.check(
        "G0",
        "expect",
        status,
        reference,
        message,
        observed="missing" if value is None else value,
        expected=wanted,
    )


def _how_to_agree(value: str | None, allowed: Sequence[str], near: str | None) -> Message:
    if near is not None:
        return say("No run has it: did you mean {near}?", near=short(near))
    if value is not None and any(_same_number(value, one) for one in allowed):
        return say("Text is compared, not numbers: write it into `expect` as it was logged.")
    return say("Run it again as planned, or correct `expect`.")


def _same_number(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def _not_planned(judged: Judged, reference: str, rules: Sequence[UnitRule]) -> Check:
    """A cell that does not expect a flag other cells expect must have run with the flag off."""
    value = judged.run.value(reference)
    satisfied = [rule for rule in rules if holds(rule, judged.run)]
    if satisfied:
        status = Status.FAIL
        message = say(
            "It ran with {condition}, but cell {cell} is not planned so. "
            "Run it again without, or write {name} into the cell's `expect`.",
            condition=condition_of(satisfied[0]),
            cell=judged.pair.cell,
            name=short(reference),
        )
    else:
        status = Status.PASS
        message = say("{name} is as planned: not switched on.", name=short(reference))
    return judged.check(
        "G0", "expect", status, reference, message, observed="missing" if value is None else value,
        expected=" and ".join(f"not {condition_of(rule)}" for rule in rules),
    )  # fmt: skip


def _required_metrics(case: Case) -> Iterator[Check]:
    nearest_of = cache(nearest)  # most runs log the same metrics
    for judged in case.judged:
        for metric in case.policy.plan.required_of(judged.pair.cell):
            value = judged.run.metrics.get(metric)
            if value is None:
                damaged = f"metrics.{metric}" in judged.run.damaged
                near = None if damaged else nearest_of(metric, tuple(judged.run.metrics))
                meant = say("") if near is None else say(" Did you mean {near!r}, which it logs?", near=near)
                status = Status.FAIL
                message = say(
                    "{metric} cannot be read: its file in the store is empty or cut off. Restore it, "
                    "or run again."
                    if damaged
                    else "{metric} is missing. Log it in every run{of_cell}.{meant}",
                    metric=metric,
                    of_cell=_of_cell(case, judged, metric),
                    meant=meant,
                )
            elif not math.isfinite(metric_number(value)):
                status = Status.FAIL
                message = say(
                    "{metric} is {value}. Find out why it is not finite and run again.",
                    metric=metric,
                    value=value,
                )
            else:
                status, message = Status.PASS, say("{metric} is {value}.", metric=metric, value=value)
            yield judged.check(
                "G0",
                "required_metric",
                status,
                metric,
                message,
                observed=value or "missing",
                expected="a finite value",
                looked_at=None if value is None else "metrics",
            )


def _of_cell(case: Case, judged: Judged, metric: str) -> Message:
    """Name the cell as the one whose runs are meant, where the plan asks it of that cell only."""
    if metric in case.policy.plan.required_metrics:
        return say("")
    return say(" of cell {cell}", cell=judged.pair.cell)


def _partial(case: Case) -> Iterator[Check]:
    """Find metrics that only some seeds of a cell log.

    Clocks and meters do not count, and a required metric has a finding of its own.
    """
    cells: dict[str, list[Judged]] = defaultdict(list)
    for judged in case.judged:
        cells[judged.pair.cell].append(judged)
    for cell, runs in cells.items():
        required = {*case.policy.plan.required_of(cell)}
        names = [compared(judged.run.metrics).keys() - required for judged in runs]
        lacking: dict[tuple[int, ...], list[str]] = defaultdict(list)
        for name in sorted(set().union(*names)):
            without = tuple(index for index, own in enumerate(names) if name not in own)
            if without:
                lacking[without].append(name)
        for without, metrics in lacking.items():
            yield _lacks([runs[index] for index in without], metrics)


def _lacks(runs: Sequence[Judged], metrics: Sequence[str]) -> Check:
    message = say(
        "{runs} did not log {metrics}, which other seeds of the cell log. "
        "Find out whether training ended early, and log the same metrics in every seed.",
        metrics=", ".join(metrics),
        runs=named(runs),
    )
    return runs[0].check(
        "G0", "partial", Status.WARNING, subject_of(runs), message, observed=f"without {', '.join(metrics)}",
        expected="the same metrics in every seed",
    )  # fmt: skip


def _late(case: Case) -> Iterator[Check]:
    """Find metrics that a gate judges and that were written after the run had ended."""
    ratios = case.settings(MetricRatioSettings).metrics
    references = [reference.metric for reference in case.policy.references]
    for judged in case.judged:
        judged_metrics = {*case.policy.plan.required_of(judged.pair.cell), *ratios, *references}
        late = [metric for metric in judged.run.late if metric in judged_metrics]
        if late:
            message = say(
                "{metrics} {was} written more than a minute after the run had ended. "
                "Find out who wrote it, and from which results; log results while the run is active.",
                metrics=" and ".join(late),
                was=say("was" if len(late) == 1 else "were"),
            )
            yield judged.check(
                "G0", "late", Status.WARNING, ", ".join(late), message, observed="after the end",
                expected="before the end",
            )  # fmt: skip


def _seed_spellings(case: Case) -> Iterator[Check]:
    for judged in case.judged:
        recorded, planned = judged.attempt.seed, judged.pair.seed
        if planned is not None and recorded is not None and recorded != planned:
            message = say(
                "The run spells its seed {recorded!r}, the plan {planned!r}. Use one spelling.",
                recorded=recorded,
                planned=planned,
            )
            yield judged.check(
                "G0", "seed", Status.WARNING, "seed", message, observed=recorded, expected=planned
            )


# --- init -------------------------------------------------------------------------------------------------------------


def _propose(seen: Seen) -> Proposal:
    found = f"{len(seen.runs)} pairs have a finished run"
    log = "contract.log_plan(cell=cell, seed=seed)  # params cell and seed; tags git_commit, git_dirty"
    if seen.stated:
        return Proposal(found=found)
    return Proposal(found=f"{found}, known by nothing but their names", to_log=(log,))


def _mutations() -> Sequence[Mutation]:
    from smoke_gate.gates.mutations.plan import MUTATIONS

    return MUTATIONS


GATE = Gate(
    id="G0",
    section="plan",
    title="Plan",
    settings=PlanSettings,
    judge=judge,
    needs=_needs,
    propose=_propose,
    mutations=_mutations,
    in_basic="on",
    read_from="the run's record: {}",
    read_besides={"pair": "the attempts at {}", "policy": "the pull request's change of {}"},
    waivable=frozenset([Status.WARNING]),
    explanation=Explanation(
        question="Are the planned runs there, once each, and are they what the plan says?",
        checks=(
            (
                "Every planned pair of cell and seed has a finished run. If all that fails is pairs "
                "that are not run yet, "
                "the verdict is pending."
            ),
            (
                "A newer attempt at a pair that failed, was killed, still runs, or finished and does "
                "not count is a "
                "WARNING. So is an attempt that is tagged as a preregistration."
            ),
            (
                "What `expect` says of a cell holds: the text is equal, or one of a list. A flag may "
                "be logged in any usual "
                "spelling of True or False."
            ),
            "The plan and the runs agree on every flag that a G2 rule looks at, such as use_vq.",
            "Each of `required_metrics`, of the plan and of the run's cell, is there and finite.",
            (
                "`runs.commit: auto`: runs of other code than head's are a WARNING. Under `head` and "
                "`code` such a run does "
                "not count, and unknown or dirty is a FAIL. Two tags that name two commits are a WARNING."
            ),
            (
                "A second finished run of a pair is a WARNING, unless it started later and on newer "
                "code. So are more "
                "attempts than `max_attempts`."
            ),
            (
                "Two seeds of a cell, or two cells at one seed, with identical metrics are a "
                "WARNING: the setting had no "
                "effect, or a run was copied. Clocks and meters are not compared."
            ),
            (
                "A metric that only some seeds of a cell log, or that was written more than a minute "
                "after the run's end, "
                "is a WARNING."
            ),
            (
                "A run of which no gate judged a metric, weights or a figure is a WARNING: nobody looked "
                "at its outcome."
            ),
            (
                "Finished runs that are not planned, seeds spelled in two ways, and a policy that "
                "its own pull request "
                "changes are a WARNING. Of more than 200 such runs, the newest have a check each, and one counts the "
                "rest."
            ),
        ),
        example="No finished run, no attempt. Run it, or exclude the pair in the plan with a reason.",
        fix="Run what is missing, and restore what was deleted (`mlflow runs restore --run-id ID`). If a pair is not "
        "wanted, say so in `plan.exclude` with a reason. Do not delete attempts: the ledger shows "
        "them. A waiver "
        "accepts this gate's warnings, never its failures.",
    ),
)
