"""All that is guessed of an experiment: what a policy is written from. Pure.

What most runs log is what the experiment means to log: a run that lacks it, or logs a NaN, is for `check` to find, and
never a reason to ask for less.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from smoke_gate.gates.base import Gate
from smoke_gate.gates.proposal import Files, Proposal, RunShape, Seen
from smoke_gate.gates.twins import is_meter, is_result
from smoke_gate.init.identity import Identity
from smoke_gate.init.places import Shape
from smoke_gate.policy.terms import definition_keys
from smoke_gate.text import words_of

Profile = Literal["contract", "basic"]

_NO_RESULT = re.compile(
    r"(?:global_)?steps?|epochs?|iterations?|(?:.*[/_-])?(?:lr|learning_rate|grad_norm|flos)(?:[-/_].*)?"
)
_MOST_REQUIRED = 8
_SPLITS = (
    ("test",),
    ("val", "valid", "validation", "eval"),
)  # the data that a metric is of, the likeliest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """The guesses that a policy is written from.

    ``metric`` is the metric that the matrix is about. ``required_metrics`` are asked of every run, those in
    ``of_cells`` of the runs of a cell. ``rare_metrics`` are not asked for, since most runs do not log them.
    """

    experiments: tuple[str, ...]
    identity: Identity
    profile: Profile
    metric: str | None
    required_metrics: tuple[str, ...]
    of_cells: Mapping[str, tuple[str, ...]]
    rare_metrics: tuple[str, ...]
    gates: tuple[tuple[Gate, Proposal], ...]

    def is_on(self, gate: Gate, proposal: Proposal) -> bool:
        """Return whether the policy switches a gate on: all in profile contract, else those with something to judge."""
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
    required, of_cells, rare = metrics_of(seen)
    metric = main_metric(required, [key for run in runs for key in definition_keys(run.params)])
    proposals = ((gate, gate.propose(replace(seen, metric=metric))) for gate in gates)
    return Guess(
        experiments=shape.experiments,
        identity=identity,
        profile=profile,
        metric=metric,
        required_metrics=required,
        of_cells=of_cells,
        rare_metrics=rare,
        gates=tuple((gate, proposal) for gate, proposal in proposals if proposal is not None),
    )


def profile_of(shape: Shape, runs: Sequence[RunShape]) -> Profile:
    """Return ``contract`` if there is a preregistration, or a run logs a definition's hash; else ``basic``."""
    return "contract" if shape.registered or any(definition_keys(run.params) for run in runs) else "basic"


def metrics_of(seen: Seen) -> tuple[tuple[str, ...], Mapping[str, tuple[str, ...]], tuple[str, ...]]:
    """Return the metrics that every run should log, those that the runs of a cell should, and those that few log.

    A metric that all runs of some cells lack, and that the runs of the others log, is of these others.
    """
    cells = seen.by_cell
    most = {*seen.in_most(lambda run: run.metrics)}
    required, rare = [], []
    of_cells: dict[str, list[str]] = {cell: [] for cell in cells}
    for metric in sorted({name for run in seen.runs for name in run.metrics if _is_result(name)}):
        logging = {cell: sum(metric in run.metrics for run in runs) for cell, runs in cells.items()}
        lacking = [cell for cell, number in logging.items() if not number]
        usual = [cell for cell, number in logging.items() if 2 * number > len(cells[cell])]
        is_divided = bool(lacking and usual) and len(lacking) + len(usual) == len(cells)
        if metric in most and not (is_divided and any(len(cells[cell]) > 1 for cell in lacking)):
            required.append(metric)
        elif is_divided:
            for cell in usual:
                of_cells[cell].append(metric)
        else:
            rare.append(metric)
    own = {cell: _telling(metrics) for cell, metrics in of_cells.items() if metrics}
    return _telling(required), own, tuple(rare)


def main_metric(metrics: Sequence[str], keys: Sequence[str]) -> str | None:
    """Return the metric that a matrix is about: that of a definition, else the most telling one.

    Args:
        metrics: the metrics that every run should log.
        keys: the params that hold a definition's hash.

    """
    defined = [metric for metric in metrics if f"{metric}_definition_hash" in keys]
    return min(defined or metrics, key=_unlikeliness, default=None)


def _telling(metrics: Iterable[str]) -> tuple[str, ...]:
    """Return the most telling of the metrics, in order."""
    return tuple(sorted(sorted(metrics, key=_unlikeliness)[:_MOST_REQUIRED]))


def _unlikeliness(metric: str) -> tuple[object, ...]:
    """Sort key: a score before a loss, of test data before validation data, of training data last; then short names."""
    words = {*words_of(metric)}
    of_training = not words.isdisjoint(("train", "training"))
    split = [words.isdisjoint(names) for names in _SPLITS]
    return of_training, not is_result(metric), "loss" in metric.lower(), split, len(metric), metric


def _is_result(metric: str) -> bool:
    """Return whether a metric is a result of training: not of the machine, not a counter, and not a setting."""
    return not is_meter(metric) and not _NO_RESULT.fullmatch(metric)
