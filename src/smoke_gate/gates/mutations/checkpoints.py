"""How a matrix breaks that G3 should see: checkpoints that are lost, damaged, dangerous, or of another run."""

from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from smoke_gate.evidence import Artifact, Evidence, Globals, Holds, LoggedModel, ManifestEntry, Run
from smoke_gate.gates.base import Case, Judged, LogMore, Mutation, PolicyLine, Unbroken
from smoke_gate.gates.checkpoint_settings import CheckpointsSettings
from smoke_gate.gates.mutations.changes import NO_RUN, first, other_hash, two_runs, with_run
from smoke_gate.gates.twins import may_be_equal
from smoke_gate.gates.weights import WeightsFile, weights_of
from smoke_gate.message import say

_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of no bytes
_STRANGER = "stranger.models.Net"
_NO_WEIGHTS = Unbroken(say("No run has a checkpoint."))


def _weights(case: Case, judged: Judged) -> tuple[WeightsFile, ...]:
    section = case.settings(CheckpointsSettings)
    if case.policy.plan.cells[judged.pair.cell].no_weights is not None:
        return ()
    return weights_of(judged.run, section.paths, section.weights)


def _with_file(evidence: Evidence, run: Run, old: Artifact, new: Artifact) -> Evidence:
    """Put another file in a file's place, among the checkpoints of a run and in its models."""

    def files(found: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
        return tuple(new if file is old else file for file in found)

    mine = next(other for other in evidence.runs if other.run_id == run.run_id)
    models = tuple(replace(model, artifacts=files(model.artifacts)) for model in mine.models)
    return with_run(evidence, run, checkpoints=files(mine.checkpoints), models=models)


def _of_first(case: Case, change: Callable[[Artifact], Artifact]) -> Evidence | Unbroken:
    judged = first(case, lambda one: bool(_weights(case, one)))
    if judged is None:
        return _NO_WEIGHTS
    file = _weights(case, judged)[0].artifact
    return _with_file(case.evidence, judged.run, file, change(file))


def _changed(**facts: Any) -> Callable[[Case], Evidence | Unbroken]:
    return lambda case: _of_first(case, lambda file: replace(file, **facts))


def _cut(case: Case) -> Evidence | Unbroken:
    def cut(file: Artifact) -> Artifact:
        size = None if file.size is None else file.size * 2 // 3
        hashed = other_hash(file.sha256 or _EMPTY)
        return replace(file, size=size, sha256=hashed, content=None, problem="it ends before its end")

    return _of_first(case, cut)


def _rewritten(case: Case) -> Evidence | Unbroken:
    """Change the bytes of a file and nothing that a reader of its format would notice."""
    return _of_first(
        case,
        lambda file: replace(
            file,
            sha256=other_hash(file.sha256 or _EMPTY),
            content=None if file.content is None else other_hash(file.content),
        ),
    )


def _too_large(case: Case) -> Evidence | Unbroken:
    bound = int(case.settings(CheckpointsSettings).max_bytes)
    return _of_first(
        case,
        lambda file: replace(
            file, size=2 * bound, sha256=None, content=None, structure_only=False, holds=None
        ),
    )


def _unknown_format(case: Case) -> Evidence | Unbroken:
    own = {id(file) for judged in case.judged for file in judged.run.checkpoints}
    for judged in case.judged:
        for file in (weights.artifact for weights in _weights(case, judged)):
            if id(file) in own:
                return _with_file(
                    case.evidence, judged.run, file, replace(file, format=None, holds=None, content=None)
                )
    return Unbroken(say("No run has a checkpoint outside of a model, which says itself what its data is."))


def _lost(case: Case) -> Evidence | Unbroken:
    judged = first(case, lambda one: bool(_weights(case, one)))
    if judged is None:
        return _NO_WEIGHTS
    return with_run(case.evidence, judged.run, checkpoints=(), models=())


def _of_another_run(case: Case) -> Evidence | Unbroken:
    """Give a run the weights of another one, and write them into its manifest: so training code overwrites a file."""
    for one, other in two_runs(case):
        if may_be_equal(case.policy, one.pair, other.pair):
            continue
        own, others = _weights(case, one), _weights(case, other)
        if own and others:
            evidence = case.evidence
            for mine, file in zip(own, others, strict=False):
                new = replace(file.artifact, path=mine.artifact.path)
                evidence = _listed(
                    _with_file(evidence, one.run, mine.artifact, new), one.run, mine.artifact.path, new
                )
            return evidence
    return Unbroken(say("No two runs have checkpoints that should differ."))


def _listed(evidence: Evidence, run: Run, path: str, file: Artifact) -> Evidence:
    mine = next(other for other in evidence.runs if other.run_id == run.run_id)
    if mine.manifest is None or path not in mine.manifest.entries or file.sha256 is None or file.size is None:
        return evidence
    entries = {**mine.manifest.entries, path: ManifestEntry(sha256=file.sha256, size=file.size)}
    return with_run(evidence, run, manifest=replace(mine.manifest, entries=entries))


def _allow_fewer(case: Case) -> PolicyLine:
    """Return the patterns that do not take everything."""
    allowed = case.settings(CheckpointsSettings).allow_globals
    kept = [pattern for pattern in allowed if not fnmatchcase(_STRANGER, pattern)]
    return PolicyLine(("gates", "checkpoints", "allow_globals"), kept)


def _not_ready(case: Case) -> Evidence | Unbroken:
    judged = first(case, lambda one: bool(one.run.models))
    if judged is None:
        return Unbroken(say("No run has an MLflow model."))

    def failed(model: LoggedModel) -> LoggedModel:
        return replace(model, status="FAILED")

    return with_run(case.evidence, judged.run, models=tuple(map(failed, judged.run.models)))


def _unreadable(case: Case) -> Evidence | Unbroken:
    judged = first(case)
    if judged is None:
        return NO_RUN
    return with_run(
        case.evidence, judged.run, artifacts_problem="their folder does not exist", checkpoints=(), models=(),
        figures=(), manifest=None,
    )  # fmt: skip


def _manifest(_case: Case) -> LogMore:
    return LogMore("contract.log_checkpoint(path)  # it keeps a manifest of what was logged")


MUTATIONS = (
    Mutation(name="lost_checkpoint", title="the checkpoints of a run are lost", change=_lost, also=("G0",)),
    Mutation(name="cut_checkpoint", title="the upload of a checkpoint broke off", change=_cut),
    Mutation(
        name="empty_checkpoint",
        title="a checkpoint has no bytes",
        change=_changed(size=0, sha256=_EMPTY, format=None, holds=None, content=None),
        also=("G0",),
    ),
    Mutation(
        name="hollow_checkpoint",
        title="a checkpoint was saved without the model in it",
        change=_changed(holds=Holds.NOTHING),
    ),
    Mutation(name="nan_checkpoint", title="all weights of a run are NaN", change=_changed(all_nan=True)),
    Mutation(
        name="copied_checkpoint", title="a run has the checkpoint of another run", change=_of_another_run
    ),
    Mutation(
        name="rewritten_checkpoint",
        title="a checkpoint was changed after it was logged",
        change=_rewritten,
        remedy=_manifest,
    ),
    Mutation(
        name="hostile_checkpoint",
        title="a checkpoint runs a command when it is loaded",
        change=_changed(globals=Globals(dangerous=("posix.system",))),
    ),
    Mutation(
        name="strange_checkpoint",
        title="a checkpoint imports code that nobody knows",
        change=_changed(globals=Globals(unknown=(_STRANGER,))),
        remedy=_allow_fewer,
    ),
    Mutation(
        name="unknown_format", title="a checkpoint is of a format that nobody knows", change=_unknown_format
    ),
    Mutation(
        name="large_checkpoint", title="a checkpoint is too large to be read", change=_too_large, also=("G0",)
    ),
    Mutation(name="failed_model", title="an MLflow model was not saved to its end", change=_not_ready),
    Mutation(
        name="dead_artifacts",
        title="the artifacts of a run cannot be read",
        change=_unreadable,
        also=("G0", "G4"),
    ),
)
