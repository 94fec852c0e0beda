"""Guesses which gates have something to judge, and what the training code must log for the others. Pure.

What most runs log is what the experiment means to log: a run that lacks it, or logs a NaN, is for `check` to find, and
never a reason to ask for less.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from smoke_gate.gates.checkpoints import MANIFEST
from smoke_gate.gates.plan import is_result
from smoke_gate.init.patterns import patterns_of
from smoke_gate.init.shape import Files, RunShape, Shape
from smoke_gate.policy.model import DEFAULT_CHECKPOINTS, DEFAULT_FIGURES, GateId, MetricRatioGate, Policy
from smoke_gate.policy.terms import definition_keys, path_matches

Profile = Literal["contract", "basic"]

JUDGED_WHERE_THEY_EXIST: tuple[GateId, ...] = ("G3", "G4")  # in profile basic
_CHECKPOINTS = (
    ".pt", ".pth", ".ckpt", ".safetensors", ".h5", ".hdf5", ".keras", ".npz", ".pkl", ".pickle", ".joblib", ".skops",
)  # fmt: skip
_FIGURES = (".png",)
_HASH = re.compile(r"[0-9a-f]{16,64}")
_VALIDATION, _TRAINING = {"val", "valid", "validation", "eval"}, {"train", "training"}
# Paths of one's own are required in any case; in `basic` the usual ones are not, and a lost folder looks like none.
_REQUIRED: Mapping[str, object] = {"required": "true"}
_ERRORS = {"mse", "rmse", "mae", "mape", "error"}
_COUNTERS = {"epoch", "step", "global_step"}
_MOST_REQUIRED = 8
_TELLING = ("val", "test", "eval", "loss", "acc", "score", "f1", "mse", "mae", "rmse", "r2")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateGuess:
    """What was found for a gate.

    ``found`` says what the runs log of what it judges, and ``to_log`` what the training code must log for it to have
    something to judge, a line of code each. ``settings`` are its keys in the policy, where the defaults will not do.
    """

    id: GateId
    section: str
    found: str
    settings: Mapping[str, object] = field(default_factory=dict)
    to_log: tuple[str, ...] = ()

    @property
    def is_logged(self) -> bool:
        """Whether the runs log what the gate judges. What `check` then says of them is another question."""
        return not self.to_log


def profile_of(shape: Shape, runs: Sequence[RunShape]) -> Profile:
    """Return ``contract`` where a preregistration, or a definition's hash in a run, says that it is meant."""
    return "contract" if shape.registered or any(definition_keys(run.params) for run in runs) else "basic"


def guess_gates(
    shape: Shape, runs: Sequence[RunShape], files: Mapping[str, Files], *, stated: bool
) -> tuple[GateGuess, ...]:
    """Return a guess for each gate.

    Args:
        shape: the experiment.
        runs: those that stand for the pairs of the matrix.
        files: what each of them left behind, by run id.
        stated: whether the runs say themselves which cell and seed they are.

    """
    left = [files[run.run_id] for run in runs]
    return (
        _plan(runs, stated=stated),
        _definition_hash(shape, runs),
        _unit_contract(runs),
        _checkpoints(left),
        _figures(left),
        _metric_ratio(runs),
        _paired_data(runs),
    )


def required_metrics(runs: Sequence[RunShape]) -> tuple[str, ...]:
    """Return the metrics that most runs log: the most telling ones, without those of time and machine."""
    results = [name for name in _in_most(runs, lambda run: run.metrics) if _may_be_required(name)]
    results.sort(key=lambda name: (not any(word in name.lower() for word in _TELLING), name))
    return tuple(sorted(results[:_MOST_REQUIRED]))


def rare_metrics(runs: Sequence[RunShape]) -> tuple[str, ...]:
    """Return the metrics that some runs log and most do not: of some cells only, or lost in all the others."""
    usual = _in_most(runs, lambda run: run.metrics)
    found = {name for run in runs for name in run.metrics if _may_be_required(name)}
    return tuple(sorted(found.difference(usual)))


# --- a gate each ------------------------------------------------------------------------------------------------------


def _plan(runs: Sequence[RunShape], *, stated: bool) -> GateGuess:
    found = f"{len(runs)} pairs have a finished run"
    log = ("contract.log_plan(cell=cell, seed=seed)  # params cell and seed; tags git_commit, git_dirty",)
    if not stated:
        found += ", known by nothing but their names"
    return GateGuess(id="G0", section="plan", found=found, to_log=() if stated else log)


def _definition_hash(shape: Shape, runs: Sequence[RunShape]) -> GateGuess:
    default = Policy(version=1).gates.definition_hash.key
    count = Counter(key for run in runs for key in definition_keys(run.params))
    key = max(sorted(count), key=lambda key: (count[key], key == default), default=default)
    named = "" if key == default else f', key="{key}"'
    to_log = []
    if not shape.registered:
        to_log.append(
            f"contract.preregister(definition, golden, experiment=…{named})  # once, before the matrix is trained"
        )
    if not count:
        to_log.append(
            'contract.log_definition(definition)  # in every run; key="…_definition_hash" if not of pape'
        )
    found = f"{count[key]} of {len(runs)} runs log {key if count else 'a definition hash'}"
    found += ", and there is a preregistration" if shape.registered else ", and there is no preregistration"
    return GateGuess(
        id="G1", section="definition_hash", found=found, settings={"key": key} if key != default else {},
        to_log=tuple(to_log),
    )  # fmt: skip


def _unit_contract(runs: Sequence[RunShape]) -> GateGuess:
    rule = Policy(version=1).gates.unit_contract.rules[0]
    keys = [reference.removeprefix("params.") for reference in rule.required]
    flags = [reference.removeprefix("params.") for reference in rule.when]
    flagged = [run for run in runs if all(run.params.get(flag) in ("True", "true") for flag in flags)]
    flag = [f'mlflow.log_param("{name}", True)  # in the cells that have a quantiser' for name in flags]
    to_log = (
        *([] if flagged else flag),
        'contract.log_units(dlinear_output_unit="standardized", vq_input_unit="standardized")',
        "contract.log_scaler_space(dlinear_output_scaler_space_signature=s, vq_scaler_space_signature=s)",
        "# or write `rules` for the units of your own models, or `enabled: false` with a reason where there are none",
    )
    found = f"{len(flagged)} of {len(runs)} runs have {' and '.join(flags)}: True"
    known = any(run.params.get(key) for run in flagged for key in keys)
    if flagged and not known:
        found += ", and none of them logs a unit or a scaler space"
    return GateGuess(id="G2", section="unit_contract", found=found, to_log=() if known else to_log)


def _checkpoints(left: Sequence[Files]) -> GateGuess:
    elsewhere = patterns_of([*map(_checkpoints_elsewhere, left)])
    usual = DEFAULT_CHECKPOINTS if any(map(_has_usual_checkpoint, left)) else ()
    having = sum(
        bool(files.models or _has_usual_checkpoint(files) or _checkpoints_elsewhere(files)) for files in left
    )
    return GateGuess(
        id="G3", section="checkpoints", found=f"{having} of {len(left)} runs have checkpoints or MLflow models",
        settings={"paths": (*usual, *elsewhere)} if elsewhere else _REQUIRED if having else {},
        to_log=() if having else ('contract.log_checkpoint("model.safetensors")',),
    )  # fmt: skip


def _has_usual_checkpoint(files: Files) -> bool:
    """Whether a run has a file where the policy's defaults look for checkpoints, whatever its name promises."""
    return any(_is_usual(path) and path != MANIFEST for path in files.paths)


def _checkpoints_elsewhere(files: Files) -> list[str]:
    return [path for path in files.paths if path.endswith(_CHECKPOINTS) and not _is_usual(path)]


def _is_usual(path: str) -> bool:
    return path_matches(path, DEFAULT_CHECKPOINTS[0])


def _figures(left: Sequence[Files]) -> GateGuess:
    own = [tuple(path for path in files.paths if path.endswith(_FIGURES)) for files in left]
    patterns, having = patterns_of(own), sum(map(bool, own))
    others = patterns and patterns != DEFAULT_FIGURES
    usual: Mapping[str, object] = _REQUIRED if having else {}
    return GateGuess(
        id="G4", section="figures", found=f"{having} of {len(left)} runs have PNG figures",
        settings={"paths": patterns} if others else usual,
        to_log=() if having else ('contract.log_figure(figure, "forecast")  # with the run and the definition inside',),
    )  # fmt: skip


def _metric_ratio(runs: Sequence[RunShape]) -> GateGuess:
    band = MetricRatioGate().rules[0]
    pair = next(_loss_pairs(_in_most(runs, lambda run: run.metrics)), None)
    if pair is None:
        log = ('mlflow.log_metrics({"train_loss": train_loss, "val_loss": val_loss})',)
        found = "most runs log no validation and training loss that are called alike"
        return GateGuess(id="G5", section="metric_ratio", found=found, to_log=log)
    value = " / ".join(map(_operand, pair))
    rule = {"value": value, "min": f"{band.min:g}", "max": f"{band.max:g}"}
    return GateGuess(
        id="G5", section="metric_ratio", settings={} if value == band.value else {"rules": (rule,)},
        found=_counted(runs, lambda run: run.metrics.keys() >= {*pair}, " and ".join(pair)),
    )  # fmt: skip


def _paired_data(runs: Sequence[RunShape]) -> GateGuess:
    default = Policy(version=1).gates.paired_data
    form, splits = next(_hash_forms(_in_most(runs, _hashes)), (default.key, ()))
    keys = [form.replace("{split}", split) for split in splits]
    settings: dict[str, object] = {"key": form} if form != default.key else {}
    if splits and splits != default.splits:
        settings["splits"] = splits
    log = ("contract.log_data_hashes(train=train, val=val, test=test)  # the arrays, before scaling",)
    return GateGuess(
        id="G6", section="paired_data", settings=settings, to_log=() if splits else log,
        found=_counted(runs, lambda run: _hashes(run) >= {*keys}, ", ".join(keys)) if splits
        else "most runs log no data hashes",
    )  # fmt: skip


# --- what runs have in common -----------------------------------------------------------------------------------------


def _in_most(runs: Sequence[RunShape], keys_of: Callable[[RunShape], Iterable[str]]) -> list[str]:
    """Return the keys that more than half of the runs have, in order."""
    count = Counter(key for run in runs for key in keys_of(run))
    return sorted(key for key, number in count.items() if 2 * number > len(runs))


def _counted(runs: Sequence[RunShape], logs: Callable[[RunShape], bool], what: str) -> str:
    return f"{sum(map(logs, runs))} of {len(runs)} runs log {what}"


def _hashes(run: RunShape) -> set[str]:
    """Return the params that look like a hash."""
    return {key for key, value in run.params.items() if _HASH.fullmatch(value)}


def _hash_forms(hashes: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the params that hold a hash a split: their common form, and the splits."""
    for key in (key for key in hashes if "train" in key):
        form = key.replace("train", "{split}", 1)
        splits = tuple(
            split for split in ("train", "val", "test") if form.replace("{split}", split) in hashes
        )
        if len(splits) > 1:
            yield form, splits


def _may_be_required(metric: str) -> bool:
    """Whether a metric is a result of training: not of the machine, and no counter."""
    return is_result(metric) and metric not in _COUNTERS


def _loss_pairs(metrics: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield validation and training losses that are called alike, the shortest names first."""
    losses = sorted(
        (name for name in metrics if _is_loss(name) and "`" not in name),
        key=lambda name: ("loss" not in name.lower(), len(name), name),
    )
    for validation in losses:
        for training in losses:
            words = set(_words(validation)), set(_words(training))
            if words[0] & _VALIDATION and words[1] & _TRAINING and _rest(words[0]) == _rest(words[1]):
                yield validation, training


def _is_loss(metric: str) -> bool:
    return "loss" in metric.lower() or not _ERRORS.isdisjoint(_words(metric))


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", name.lower())


def _rest(words: set[str]) -> set[str]:
    return words - _VALIDATION - _TRAINING - {"epoch"}


def _operand(metric: str) -> str:
    """Return a metric as a ratio names it, in backquotes where a blank or a dot could mean something else."""
    return f"`{metric}`" if re.search(r"[\s.]", metric) else metric
