"""All that is guessed of an experiment, put together. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from smoke_gate.init.gates import GateGuess, Profile, guess_gates, rare_metrics, required_metrics
from smoke_gate.init.identity import Identity
from smoke_gate.init.shape import Files, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a policy is written from. ``rare_metrics`` are not required, since most runs do not log them."""

    experiments: tuple[str, ...]
    identity: Identity
    profile: Profile
    required_metrics: tuple[str, ...]
    rare_metrics: tuple[str, ...]
    gates: tuple[GateGuess, ...]

    def is_on(self, gate: GateGuess) -> bool:
        """Whether the policy switches a gate on: all in profile contract, else those with something to judge."""
        return self.profile == "contract" or gate.id == "G0" or gate.is_logged


def guess(shape: Shape, identity: Identity, profile: Profile, files: Mapping[str, Files]) -> Guess:
    """Return what a policy is written from.

    Args:
        shape: the experiment.
        identity: how its runs say which cell and seed they are.
        profile: which defaults the policy takes.
        files: what the runs that stand for the pairs left behind, by run id.

    """
    runs = tuple(identity.selected.values())
    return Guess(
        experiments=shape.experiments,
        identity=identity,
        profile=profile,
        required_metrics=required_metrics(runs),
        rare_metrics=rare_metrics(runs),
        gates=guess_gates(shape, runs, files, stated=identity.is_found),
    )
