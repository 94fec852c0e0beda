"""All that is guessed of an experiment: what a policy is written from. Pure.

What most runs log is what the experiment means to log: a run that lacks it, or logs a NaN, is for `check` to find, and
never a reason to ask for less.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from smoke_gate.gates.base import Gate
from smoke_gate.gates.proposal import Files, Proposal, RunShape, Seen
from smoke_gate.gates.twins import is_meter
from smoke_gate.init.identity import Identity, Shape
from smoke_gate.policy.terms import definition_keys

Profile = Literal["contract", "basic"]

_COUNTERS = {"epoch", "step", "global_step"}
_MOST_REQUIRED = 8
_TELLING = ("val", "test", "eval", "loss", "acc", "score", "f1", "mse", "mae", "rmse", "r2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a policy is written from. ``rare_metrics`` are not required, since most runs do not log them."""

    experiments: tuple[str, ...]
    identity: Identity
    profile: Profile
    required_metrics: tuple[str, ...]
    rare_metrics: tuple[str, ...]
    gates: tuple[tuple[Gate, Proposal], ...]

    def is_on(self, gate: Gate, proposal: Proposal) -> bool:
        """Whether the policy switches a gate on: all in profile contract, else those with something to judge."""
        return self.profile == "contract" or gate.in_basic == "on" or proposal.is_logged


def guess(
    shape: Shape, identity: Identity, profile: Profile, files: Mapping[str, Files], gates: Iterable[Gate]
) -> Guess:
    """Return what a policy is written from.

    Args:
        shape: the experiment.
        identity: how its runs say which cell and seed they are.
        profile: which defaults the policy takes.
        files: what the runs that stand for the pairs left behind, by run id.
        gates: each proposes its section.

    """
    runs = tuple(identity.selected.values())
    seen = Seen(
        runs=runs,
        files=[files[run.run_id] for run in runs],
        registered=shape.registered,
        stated=identity.is_found,
        pairs=tuple(identity.selected),
    )
    proposals = ((gate, gate.propose(seen)) for gate in gates)
    return Guess(
        experiments=shape.experiments,
        identity=identity,
        profile=profile,
        required_metrics=required_metrics(seen),
        rare_metrics=rare_metrics(seen),
        gates=tuple((gate, proposal) for gate, proposal in proposals if proposal is not None),
    )


def profile_of(shape: Shape, runs: Sequence[RunShape]) -> Profile:
    """Return ``contract`` where a preregistration, or a definition's hash in a run, says that it is meant."""
    return "contract" if shape.registered or any(definition_keys(run.params) for run in runs) else "basic"


def required_metrics(seen: Seen) -> tuple[str, ...]:
    """Return the metrics that most runs log: the most telling ones, without those of time and machine."""
    results = [name for name in seen.in_most(lambda run: run.metrics) if _may_be_required(name)]
    results.sort(key=lambda name: (not any(word in name.lower() for word in _TELLING), name))
    return tuple(sorted(results[:_MOST_REQUIRED]))


def rare_metrics(seen: Seen) -> tuple[str, ...]:
    """Return the metrics that some runs log and most do not: of some cells only, or lost in all the others."""
    usual = seen.in_most(lambda run: run.metrics)
    found = {name for run in seen.runs for name in run.metrics if _may_be_required(name)}
    return tuple(sorted(found.difference(usual)))


def _may_be_required(metric: str) -> bool:
    """Whether a metric is a result of training: not of the machine, and not a counter."""
    return not is_meter(metric) and metric not in _COUNTERS
