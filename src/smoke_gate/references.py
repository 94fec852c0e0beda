"""References: published values that the metrics should be near. A trip-wire for a person, never a gate."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from smoke_gate.evidence import metric_number
from smoke_gate.gates.base import Case, Judged
from smoke_gate.message import Message, say
from smoke_gate.policy.model import PublishedReference


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceResult:
    """A run's metric against a reference; ``low`` and ``high`` include the tolerance; ``value`` None: not logged."""

    reference: PublishedReference
    run_id: str
    cell: str
    seed: str | None
    value: str | None
    low: float
    high: float
    tripped: bool
    message: Message


def compare_references(case: Case) -> tuple[ReferenceResult, ...]:
    """Compare each reference with the runs of its cells, in the order of the policy and of the plan."""
    return tuple(_results(case))


def _results(case: Case) -> Iterator[ReferenceResult]:
    for reference in case.policy.references:
        for judged in case.judged:
            if reference.cells is None or judged.pair.cell in reference.cells:
                yield _compare(reference, judged)


def _compare(reference: PublishedReference, judged: Judged) -> ReferenceResult:
    low, high = reference.band
    value = judged.run.metrics.get(reference.metric)
    within = value is not None and math.isfinite(metric_number(value)) and low <= metric_number(value) <= high
    found = say("is {value}", value=value) if value is not None else say("was not logged")
    message = say(
        "{metric} of {pair} {found}; published: {low} to {high} ({source}){fix}",
        metric=reference.metric,
        pair=judged.pair.subject,
        found=found,
        low=say(f"{low:g}"),
        high=say(f"{high:g}"),
        source=reference.source,
        fix=say("") if within else say(": investigate the pipeline"),
    )
    return ReferenceResult(
        reference=reference,
        run_id=judged.run.run_id,
        cell=judged.pair.cell,
        seed=judged.pair.seed,
        value=value,
        low=low,
        high=high,
        tripped=not within,
        message=message,
    )
