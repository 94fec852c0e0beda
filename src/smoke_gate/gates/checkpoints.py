"""G3: each run left intact, harmless checkpoints of its own."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from smoke_gate.evidence import Artifact, LoggedModel, Run
from smoke_gate.gates.base import (
    Case,
    Check,
    Defaults,
    Explanation,
    Gate,
    Judged,
    Looked,
    Mutation,
    Outcome,
    Status,
)
from smoke_gate.gates.checkpoint_files import Finding, findings, unknown_format, unknown_names
from smoke_gate.gates.checkpoint_manifest import manifest_checks
from smoke_gate.gates.checkpoint_proposal import propose_checkpoints
from smoke_gate.gates.checkpoint_settings import CheckpointsSettings
from smoke_gate.gates.equal_weights import equal_attempts, equal_weights
from smoke_gate.gates.needs import Needs
from smoke_gate.gates.profiles import REQUIRED_WHERE_NAMED, is_basic
from smoke_gate.gates.weights import WeightsFile, matching, weights_of, weights_of_model
from smoke_gate.message import Message, between, say, sentences
from smoke_gate.policy.model import Policy

_SUBJECT = "checkpoints"
_MODEL_AGAIN = "Restore it, or log the model again."
_MOST_NAMED = 5  # files that lie where weights are missed


def _defaults(policy: Mapping[str, Any]) -> Iterable[Defaults]:
    return (REQUIRED_WHERE_NAMED,) if is_basic(policy) else ()


def _needs(policy: Policy) -> Needs:
    settings = policy.settings(CheckpointsSettings)
    return Needs(checkpoints=settings.paths, weights=settings.weights, max_bytes=settings.max_bytes)


# --- judging ----------------------------------------------------------------------------------------------------------


def judge(case: Case) -> Outcome:
    """Count each run's weights, look at each file, hold them against the manifest, and look for equal weights."""
    section = case.settings(CheckpointsSettings)
    if not section.required and not any(_has_anything(section, judged.run) for judged in case.judged):
        skipped = say("No run has a checkpoint, and the policy requires none (`checkpoints.required`).")
        return Outcome(expected=0, evaluated=0, skipped=skipped)
    manifest_used = any(judged.run.manifest is not None for judged in case.judged)
    weights = {judged.run.run_id: _weights(case, section, judged) for judged in case.judged}
    is_asked = section.required or any(_should_have_weights(judged.run, weights) for judged in case.judged)
    checks: list[Check] = []
    for judged in case.judged:
        own = {file.path for file in weights[judged.run.run_id]}
        if is_asked:
            checks.append(_count(case, section, judged, own))
        for artifact in matching(judged.run, section.paths):
            checks += _checkpoint(section, judged, artifact, is_weights=artifact.path in own)
        for model in _models(judged.run):
            checks += _model(section, judged, model)
        checks += manifest_checks(section, judged, used=manifest_used)
    checks += [*equal_weights(case, weights), *equal_attempts(case, weights), *_to_allow(case, section)]
    return Outcome(checks=tuple(checks), expected=len(case.matrix.places), evaluated=len(case.judged))


def _weights(case: Case, section: CheckpointsSettings, judged: Judged) -> tuple[WeightsFile, ...]:
    """Return a run's weights; none where the plan says that its cell learns nothing."""
    if case.policy.plan.cells[judged.pair.cell].no_weights is not None:
        return ()
    return weights_of(judged.run, section.paths, section.weights)


def _has_anything(section: CheckpointsSettings, run: Run) -> bool:
    """Return whether there is something to judge; artifacts that could not be read are not proof of absence."""
    return bool(matching(run, section.paths) or run.models or run.manifest or run.artifacts_problem)


def _should_have_weights(run: Run, weights: Mapping[str, Sequence[WeightsFile]]) -> bool:
    """Return whether a run has weights, or may have lost them."""
    return bool(weights[run.run_id] or run.models or run.manifest or run.artifacts_problem)


def _models(run: Run) -> list[LoggedModel]:
    return sorted(run.models, key=lambda model: (model.name, model.model_id))


# --- the checkpoints of a run -----------------------------------------------------------------------------------------


def _count(case: Case, section: CheckpointsSettings, judged: Judged, weights: Collection[str]) -> Check:
    """Count weights files, whose paths are given, and models; whether each is good is its own check."""
    run, asked = judged.run, f"at least {section.min_count}"
    found = sum(file.path in weights for file in matching(run, section.paths)) + len(run.models)
    reason = case.policy.plan.cells[judged.pair.cell].no_weights
    status = Status.FAIL
    if reason is not None:
        status, asked = Status.PASS, "none"
        message = say("The cell has no weights to log: {reason}", reason=reason)
    elif run.artifacts_problem is not None:
        message = say("The run's artifacts could not be read: {problem}", problem=run.artifacts_problem)
    elif found < section.min_count:
        message = say(
            "Found {found} checkpoints ({paths}), expected {asked}. {there}"
            "Log them with smoke_gate.contract.log_checkpoint and run again.{or_gone}",
            found=found,
            paths=", ".join(section.paths),
            asked=say(asked),
            there=_there(section, run, weights),
            or_gone=_or_gone(run),
        )
    else:
        status = Status.PASS
        message = say("Found {found} checkpoints, expected {asked}.", found=found, asked=say(asked))
    return judged.check("G3", "count", status, _SUBJECT, message, observed=str(found), expected=asked)


def _there(section: CheckpointsSettings, run: Run, weights: Collection[str]) -> Message:
    """Name the files that lie where checkpoints are looked for and that do not count."""
    beside = [file.path for file in matching(run, section.paths) if file.path not in weights]
    if beside:
        return say(
            "There is {names}, which does not look like weights: name it in `checkpoints.weights` if it is. ",
            names=", ".join(beside[:_MOST_NAMED]),
        )
    if run.unmatched:
        return say("There is {names}, which `paths` does not match. ", names=", ".join(run.unmatched))
    return say("")


def _or_gone(run: Run) -> Message:
    """Say what else may be the cause where nothing of a run is left: a folder that is gone looks like an empty one."""
    if run.checkpoints or run.unmatched or run.manifest or run.figures or run.models:
        return say("")
    return say(" Where it did log some, its artifact folder does not exist any more: restore that.")


def _checkpoint(
    section: CheckpointsSettings, judged: Judged, artifact: Artifact, *, is_weights: bool
) -> Iterator[Check]:
    """Yield a check for each kind of finding about a file, or one that says that it is intact."""
    found = [
        *findings(section, artifact, is_weights=is_weights),
        *(unknown_format(artifact) if is_weights else ()),
    ]
    if not found:
        found = [Finding("content", Status.PASS, _intact(artifact))]
    imports = ", ".join((*artifact.globals.dangerous, *artifact.globals.unknown))
    observed = artifact.problem or artifact.unread or imports or artifact.format or "unknown format"
    looked_at: Looked | None = "weights" if is_weights and artifact.sha256 is not None else None
    for finding in found:
        yield judged.check(
            "G3", finding.kind, finding.status, artifact.path, finding.message, observed=observed,
            expected="intact", waivable=finding.waivable, looked_at=looked_at,
        )  # fmt: skip


def _intact(artifact: Artifact) -> Message:
    if artifact.format is None:
        return say("It lies beside the weights. Its format is not known, so it was not checked.")
    return say("Intact: {format}.", format=artifact.format)


def _model(section: CheckpointsSettings, judged: Judged, model: LoggedModel) -> Iterator[Check]:
    """Judge a model. Its files of no known format are descriptions and code, which may be empty; its data may not."""
    files = [
        artifact
        for artifact in model.artifacts
        if artifact.size != 0 or artifact.problem is not None or artifact.path in model.data
    ]
    weights = [file.artifact for file in weights_of_model(model, section.weights)]
    found = [
        finding._replace(message=say("{path}: {said}", path=artifact.path, said=finding.message))
        for artifact in files
        for finding in findings(section, artifact, is_weights=artifact in weights)
    ]
    if model.status != "READY":
        unready = say("The model is {status}, expected READY. Log it again.", status=model.status)
        found.append(Finding("model", Status.FAIL, unready))
    elif not files and not model.absent:
        empty = say("The model has no files, or only empty ones. Log it again.")
        found.append(Finding("model", Status.FAIL, empty))
    elif files and not weights and not model.data:
        strange = say(
            "Nothing in the model is known to be one: its MLmodel names no data, and no file is of a known format. "
            "Log it with the `log_model` of its library, or name its weights in `checkpoints.weights`."
        )
        found.append(Finding("model", Status.WARNING, strange))
    found += _described(model)
    if not found:
        ready = say("The model is READY, and its files of known formats are intact.")
        found = [Finding("model", Status.PASS, ready)]
    looked_at: Looked | None = "weights" if any(file.sha256 is not None for file in weights) else None
    for finding in found:
        yield judged.check(
            "G3", finding.kind, finding.status, model.name, finding.message, observed=model.status,
            expected="READY, intact", waivable=finding.waivable, looked_at=looked_at,
        )  # fmt: skip


def _described(model: LoggedModel) -> Iterator[Finding]:
    """Yield what keeps a model from being loaded as its own description says."""
    if model.problem is not None:
        said = say("MLmodel does not describe the model: {problem}. " + _MODEL_AGAIN, problem=model.problem)
        yield Finding("model", Status.FAIL, said)
    if model.absent:
        names = ", ".join(model.absent)
        said = say("MLmodel names {names}, which the model does not have. " + _MODEL_AGAIN, names=names)
        yield Finding("model", Status.FAIL, said)


def _to_allow(case: Case, section: CheckpointsSettings) -> Iterator[Check]:
    """Say once what the policy must say if all unknown names of all files are the user's own."""
    files = [
        file
        for judged in case.judged
        for file in (
            *matching(judged.run, section.paths),
            *(artifact for model in judged.run.models for artifact in model.artifacts),
        )
    ]
    own, of_python = unknown_names(section, files)
    if own:
        # Each name is a value of its own: a report cuts a long value off, and the entry must be whole.
        entries = between(", ", [say('"{name}"', name=name) for name in own])
        message = say("If these names are yours: `allow_globals`: [{entries}]", entries=entries)
        if of_python:
            message = sentences([message, _not_yours(of_python)])
        yield Check(
            gate="G3", kind="globals", status=Status.SKIPPED, subject="allow_globals", message=message
        )


def _not_yours(names: Sequence[str]) -> Message:
    return say(
        "Left out, since they are of Python's own library: {names}. See what uses them before you allow them.",
        names=", ".join(names),
    )


def _mutations() -> Sequence[Mutation]:
    from smoke_gate.gates.mutations.checkpoints import MUTATIONS

    return MUTATIONS


GATE = Gate(
    id="G3",
    section="checkpoints",
    title="Checkpoints are there and intact",
    short_title="Checkpoints",
    settings=CheckpointsSettings,
    judge=judge,
    needs=_needs,
    defaults=_defaults,
    propose=propose_checkpoints,
    mutations=_mutations,
    in_basic="judged as soon as a run has any",
    read_from="the run's artifacts: {}",
    explanation=Explanation(
        question="Did each run leave its own checkpoints, intact and harmless to load?",
        checks=(
            (
                "At least `min_count` files that match `paths` are weights, or models: those among the run's "
                "outputs, which must be READY, and folders with an `MLmodel`. Names, bytes and "
                "`checkpoints.weights` say what weights are. What lies beside them, such as a scaler or a "
                "vocabulary, does not count."
            ),
            (
                "Each file is what its name promises, and is whole: CRCs, headers, offsets, signatures. Weights "
                "hold an array or a tensor with elements, an object of a class, or at least two numbers. "
                "Weights of which all numbers are NaN are a WARNING."
            ),
            (
                "An index of shards has its shards. "
                "A model has the files and folders that its own `MLmodel` names for loading it, and no fewer "
                "bytes than it was saved with; `MLmodel` is YAML with flavors, as MLflow writes it. An "
                "external model, and one whose files were logged without `MLmodel`, name none."
            ),
            (
                "Weights of no known format are a WARNING. What an `MLmodel` names as the model's data is weights "
                "of whatever format. docs/checkpoints.md lists the formats, and what of each is read."
            ),
            (
                "A pickle is never loaded. What it would import is read; dangerous is FAIL, unknown is a "
                "WARNING that prints the entry for `allow_globals`. One that is far longer than its bytes "
                "explain is not read whole, and FAIL. `docs/checkpoints.md` says what is known, and the bounds."
            ),
            (
                "What `checkpoints/MANIFEST.json` lists is there with that size and hash, also outside of "
                "`paths`."
            ),
            (
                "The same weights in two runs, or in another attempt at the pair, are a WARNING: one was not "
                "trained, or was overwritten by the other. A part that all runs share is only noted."
            ),
            (
                "Of a file larger than `max_bytes` the structure is read, and whatever can carry code. Where that "
                "cannot be, the file is only listed: a WARNING that no waiver takes, since it may hold code."
            ),
        ),
        example="Found 0 checkpoints (checkpoints/**), expected at least 1. Log them with "
        "smoke_gate.contract.log_checkpoint and run again.",
        fix="Log checkpoints with `smoke_gate.contract.log_checkpoint`, which keeps the manifest. Where "
        "artifacts could not be read, the message names the path that was tried: map it with "
        "`--artifact-path-map`.",
    ),
)
