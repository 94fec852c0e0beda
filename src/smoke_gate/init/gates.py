"""Guesses which gates the runs can satisfy as they are, and what the training code must log for the others. Pure."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from smoke_gate.init.shape import Files, RunShape, Shape
from smoke_gate.policy.model import DEFAULT_CHECKPOINTS, DEFAULT_FIGURES, GateId, MetricRatioGate, Policy
from smoke_gate.policy.terms import path_matches

Profile = Literal["contract", "basic"]

JUDGED_WHERE_THEY_EXIST: tuple[GateId, ...] = ("G3", "G4")  # in profile basic
_CHECKPOINTS = (
    ".pt", ".pth", ".ckpt", ".safetensors", ".h5", ".hdf5", ".keras", ".npz", ".pkl", ".pickle", ".joblib", ".skops",
)  # fmt: skip
_FIGURES = (".png",)
_HASH = re.compile(r"[0-9a-f]{16,64}")
_DEFINITION = re.compile(r"[0-9a-f]{64}")
_VALIDATION, _TRAINING = {"val", "valid", "validation", "eval"}, {"train", "training"}
_TIMES = ("_time", "_seconds", "duration")  # as G0 leaves them out when it looks for replicates
_COUNTERS = {"epoch", "step", "global_step"}
_MOST_REQUIRED = 8
_TELLING = ("val", "test", "eval", "loss", "acc", "score", "f1", "mse", "mae", "rmse", "r2")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateGuess:
    """What was found for a gate.

    ``ready`` says whether the runs can satisfy it as they are; ``settings`` are its keys in the policy, where the
    defaults will not do; ``found`` says why, and ``to_log`` what the training code must log, a line of code each.
    """

    id: GateId
    section: str
    ready: bool
    found: str
    settings: Mapping[str, object] = field(default_factory=dict)
    to_log: tuple[str, ...] = ()


def profile_of(shape: Shape, runs: Sequence[RunShape]) -> Profile:
    """Return ``contract`` where a preregistration, or a definition's hash in a run, says that it is meant."""
    return "contract" if shape.registered or _definition_keys(runs) else "basic"


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
    """Return the metrics that every run has, finite: the most telling ones, without those of time and machine."""
    shared = [
        name
        for name in _shared_metrics(runs)
        if name not in _COUNTERS
        and not name.startswith("system/")
        and not name.endswith(_TIMES)
        and all(_finite(run, name) for run in runs)
    ]
    shared.sort(key=lambda name: (not any(word in name.lower() for word in _TELLING), name))
    return tuple(sorted(shared[:_MOST_REQUIRED]))


# --- a gate each ------------------------------------------------------------------------------------------------------


def _plan(runs: Sequence[RunShape], *, stated: bool) -> GateGuess:
    found = f"{len(runs)} planned pairs have a finished run"
    log = ("contract.log_plan(cell=cell, seed=seed)  # params cell and seed; tags git_commit, git_dirty",)
    if not stated:
        found += ", known by nothing but their names"
    return GateGuess(id="G0", section="plan", ready=stated, found=found, to_log=() if stated else log)


def _definition_hash(shape: Shape, runs: Sequence[RunShape]) -> GateGuess:
    keys = [key for key, count in _definition_keys(runs).items() if count == len(runs)]
    default = Policy(version=1).gates.definition_hash.key
    key = default if default in keys or not keys else keys[0]
    to_log = []
    if not shape.registered:
        to_log.append(
            "contract.preregister(definition, golden, experiment=…)  # once, before the matrix is trained"
        )
    if not keys:
        to_log.append("contract.log_definition(definition)  # in every run")
    one = len({run.params.get(key) for run in runs}) == 1
    found = f"every run logs {key}" if keys else "no definition hash in every run"
    found += ", and there is a preregistration" if shape.registered else ", no preregistration"
    return GateGuess(
        id="G1", section="definition_hash", ready=not to_log and one, found=found,
        settings={"key": key} if key != default else {}, to_log=tuple(to_log),
    )  # fmt: skip


def _unit_contract(runs: Sequence[RunShape]) -> GateGuess:
    rule = Policy(version=1).gates.unit_contract.rules[0]
    keys = [reference.removeprefix("params.") for reference in rule.required]
    flags = [reference.removeprefix("params.") for reference in rule.when]
    flagged = [run for run in runs if all(run.params.get(flag) in ("True", "true") for flag in flags)]
    complete = bool(flagged) and all(run.params.get(key) for run in flagged for key in keys)
    found = f"{len(flagged)} of {len(runs)} runs have {' and '.join(flags)}: True"
    to_log = (
        'contract.log_units(dlinear_output_unit="standardized", vq_input_unit="standardized")',
        "contract.log_scaler_space(dlinear_output_scaler_space_signature=s, vq_scaler_space_signature=s)",
        "# or write `rules` for the units of your own models; see `smoke-gate explain G2`",
    )
    return GateGuess(
        id="G2", section="unit_contract", ready=complete, found=found, to_log=() if complete else to_log
    )


def _checkpoints(left: Sequence[Files]) -> GateGuess:
    patterns = _patterns(left, _CHECKPOINTS)
    own = sum(any(path.endswith(_CHECKPOINTS) for path in files.paths) for files in left)
    having = sum(
        bool(files.models) or any(path.endswith(_CHECKPOINTS) for path in files.paths) for files in left
    )
    found = f"{having} of {len(left)} runs have checkpoints or MLflow models"
    others = own and not all(path_matches(pattern, DEFAULT_CHECKPOINTS[0]) for pattern in patterns)
    ready = bool(left) and having == len(left)
    return GateGuess(
        id="G3", section="checkpoints", ready=ready, found=found, settings={"paths": patterns} if others else {},
        to_log=() if ready else ('contract.log_checkpoint("model.safetensors")',),
    )  # fmt: skip


def _figures(left: Sequence[Files]) -> GateGuess:
    patterns = _patterns(left, _FIGURES)
    having = sum(any(path.endswith(_FIGURES) for path in files.paths) for files in left)
    others = patterns and patterns != DEFAULT_FIGURES
    ready = bool(left) and having == len(left)
    return GateGuess(
        id="G4", section="figures", ready=ready, found=f"{having} of {len(left)} runs have PNG figures",
        settings={"paths": patterns} if others else {},
        to_log=() if ready else ('contract.log_figure(figure, "forecast")  # with the run and the definition inside',),
    )  # fmt: skip


def _metric_ratio(runs: Sequence[RunShape]) -> GateGuess:
    band = MetricRatioGate().rules[0]
    low, high = band.min or 0.0, band.max or math.inf
    pairs = [
        (validation, training)
        for validation, training in _loss_pairs(_shared_metrics(runs))
        if all(_within(run, validation, training, low, high) for run in runs)
    ]
    if not pairs:
        log = ('mlflow.log_metrics({"train_loss": train_loss, "val_loss": val_loss})',)
        found = f"no validation and training loss in every run with a ratio of {low:g} to {high:g}"
        return GateGuess(id="G5", section="metric_ratio", ready=False, found=found, to_log=log)
    value = " / ".join(map(_operand, pairs[0]))
    settings = (
        {} if value == band.value else {"rules": ({"value": value, "min": f"{low:g}", "max": f"{high:g}"},)}
    )
    found = f"{value} is between {low:g} and {high:g} in every run"
    return GateGuess(id="G5", section="metric_ratio", ready=True, found=found, settings=settings)


def _paired_data(runs: Sequence[RunShape]) -> GateGuess:
    default = Policy(version=1).gates.paired_data
    for key, splits in _hash_keys(runs):
        found = f"every run logs {', '.join(key.replace('{split}', split) for split in splits)}"
        settings: dict[str, object] = {"key": key} if key != default.key else {}
        if splits != default.splits:
            settings["splits"] = splits
        return GateGuess(id="G6", section="paired_data", ready=True, found=found, settings=settings)
    return GateGuess(
        id="G6", section="paired_data", ready=False, found="no data hashes in every run",
        to_log=("contract.log_data_hashes(train=train, val=val, test=test)  # the arrays, before scaling",),
    )  # fmt: skip


# --- what runs have in common -----------------------------------------------------------------------------------------


def _definition_keys(runs: Sequence[RunShape]) -> dict[str, int]:
    """Return the params that hold a definition's hash, with how many runs have it."""
    found: dict[str, int] = {}
    for run in runs:
        for key, value in run.params.items():
            if key.endswith("_definition_hash") and _DEFINITION.fullmatch(value):
                found[key] = found.get(key, 0) + 1
    return dict(sorted(found.items()))


def _hash_keys(runs: Sequence[RunShape]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the params of every run that hold a hash a split: their common form, and the splits."""
    shared = set.intersection(*(set(run.params) for run in runs)) if runs else set()
    hashes = sorted(key for key in shared if all(_HASH.fullmatch(run.params[key]) for run in runs))
    for key in (key for key in hashes if "train" in key):
        form = key.replace("train", "{split}", 1)
        splits = tuple(
            split for split in ("train", "val", "test") if form.replace("{split}", split) in hashes
        )
        if len(splits) > 1:
            yield form, splits


def _shared_metrics(runs: Sequence[RunShape]) -> list[str]:
    return sorted(set.intersection(*(set(run.metrics) for run in runs))) if runs else []


def _finite(run: RunShape, metric: str) -> bool:
    return math.isfinite(run.metrics[metric]) and abs(run.metrics[metric]) < 1e300


def _loss_pairs(metrics: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield validation and training losses that are called alike, the shortest names first."""
    losses = sorted(
        (name for name in metrics if "loss" in name.lower() and "`" not in name),
        key=lambda name: (len(name), name),
    )
    for validation in losses:
        for training in losses:
            words = set(_words(validation)), set(_words(training))
            if words[0] & _VALIDATION and words[1] & _TRAINING and _rest(words[0]) == _rest(words[1]):
                yield validation, training


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", name.lower())


def _rest(words: set[str]) -> set[str]:
    return words - _VALIDATION - _TRAINING - {"epoch"}


def _within(run: RunShape, numerator: str, denominator: str, low: float, high: float) -> bool:
    above, below = run.metrics[numerator], run.metrics[denominator]
    return below != 0 and low <= above / below <= high


def _operand(metric: str) -> str:
    """Return a metric as a ratio names it, in backquotes where a blank or a dot could mean something else."""
    return f"`{metric}`" if re.search(r"[\s.]", metric) else metric


def _patterns(left: Iterable[Files], suffixes: Sequence[str]) -> tuple[str, ...]:
    """Return patterns that match all files with these suffixes: one a suffix and top folder."""
    folders: dict[tuple[str, str], list[list[str]]] = {}
    for path in sorted({path for files in left for path in files.paths if path.endswith(tuple(suffixes))}):
        *folder, name = path.split("/")
        suffix = name[name.rindex(".") :]
        folders.setdefault((folder[0] if folder else "", suffix), []).append(folder)
    return tuple(_pattern(found, suffix) for (_, suffix), found in folders.items())


def _pattern(folders: Sequence[Sequence[str]], suffix: str) -> str:
    """Return the pattern of files in these folders: in their common one, or anywhere below it."""
    common = list(folders[0])
    for folder in folders:
        same = next(
            (n for n, pair in enumerate(zip(common, folder, strict=False)) if pair[0] != pair[1]), None
        )
        common = common[: min(len(common), len(folder)) if same is None else same]
    deeper = [] if all(len(folder) == len(common) for folder in folders) else ["**"]
    literal = [re.sub(r"[*?\[\]\\]", "?", part) for part in common]
    return "/".join([*literal, *deeper, f"*{suffix}"])
