"""G3: each run left intact, harmless checkpoints of its own."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from smoke_gate.evidence import Artifact, LoggedModel, ManifestEntry, Run
from smoke_gate.gates.base import Case, Check, Gate, Judged, Outcome, Status
from smoke_gate.policy.model import DEFAULT_MAX_BYTES, CheckpointsGate, Policy
from smoke_gate.policy.terms import path_matches

MANIFEST = "checkpoints/MANIFEST.json"
_SUBJECT = "checkpoints"
_WRITE = "Log checkpoints with smoke_gate.contract.log_checkpoint, which keeps the manifest."
_RESTORE = "Restore what was logged, or run again; smoke_gate.contract.log_checkpoint keeps the manifest."
_MODEL_AGAIN = "Restore it, or log the model again."

Finding = tuple[Status, str]


def judge(case: Case) -> Outcome:
    """Count each run's checkpoints, look at each, hold them against the manifest, and look for equal ones."""
    section = case.policy.gates.checkpoints
    if not section.required and not any(_has_anything(section, judged.run) for judged in case.judged):
        skipped = "No run has a checkpoint, and the policy requires none (`checkpoints.required`)."
        return Outcome(expected=0, evaluated=0, skipped=skipped)
    manifest_used = any(judged.run.manifest is not None for judged in case.judged)
    checks: list[Check] = []
    for judged in case.judged:
        checks.append(_count(section, judged))
        checks += [_checkpoint(section, judged, artifact) for artifact in _matching(section, judged.run)]
        checks += [_model(section, judged, model) for model in _models(judged.run)]
        checks += _manifest(section, judged, used=manifest_used)
    checks += _duplicates(case)
    return Outcome(checks=tuple(checks), expected=len(case.matrix.places), evaluated=len(case.judged))


def _has_anything(section: CheckpointsGate, run: Run) -> bool:
    """Whether there is something to judge; artifacts that could not be read are no proof of absence."""
    return bool(_matching(section, run) or run.models or run.manifest or run.artifacts_problem)


def _matching(section: CheckpointsGate, run: Run) -> list[Artifact]:
    return [
        artifact
        for artifact in run.checkpoints
        if artifact.path != MANIFEST and _is_named(section, artifact.path)
    ]


def _is_named(section: CheckpointsGate, path: str) -> bool:
    return any(path_matches(path, pattern) for pattern in section.paths)


def _models(run: Run) -> list[LoggedModel]:
    return sorted(run.models, key=lambda model: (model.name, model.model_id))


# --- the checkpoints of a run -----------------------------------------------------------------------------------------


def _count(section: CheckpointsGate, judged: Judged) -> Check:
    """Count artifacts and logged models; whether each is good is its own check."""
    run, asked = judged.run, f"at least {section.min_count}"
    found = len(_matching(section, run)) + len(run.models)
    status = Status.FAIL
    if run.artifacts_problem is not None:
        message = f"The run's artifacts could not be read: {run.artifacts_problem}"
    elif found < section.min_count:
        message = (
            f"Found {found} checkpoints ({', '.join(section.paths)}), expected {asked}. "
            f"Log them with smoke_gate.contract.log_checkpoint and run again.{_or_gone(run)}"
        )
    else:
        status, message = Status.PASS, f"Found {found} checkpoints, expected {asked}."
    return judged.check("G3", "count", status, _SUBJECT, message, observed=str(found), expected=asked)


def _or_gone(run: Run) -> str:
    """Say what else may be the cause where nothing of a run is left: a folder that is gone looks like an empty one."""
    if run.checkpoints or run.manifest or run.figures or run.models:
        return ""
    return " Where it did log some, its artifact folder does not exist any more: restore that."


def _checkpoint(section: CheckpointsGate, judged: Judged, artifact: Artifact) -> Check:
    status, message = _worst(
        [*_findings(section, artifact), *_unknown_format(artifact)], otherwise=f"Intact: {artifact.format}."
    )
    imports = ", ".join((*artifact.globals.dangerous, *artifact.globals.unknown))
    observed = artifact.problem or artifact.unread or imports or artifact.format or "unknown format"
    return judged.check(
        "G3", "checkpoint", status, artifact.path, message, observed=observed, expected="intact"
    )


def _model(section: CheckpointsGate, judged: Judged, model: LoggedModel) -> Check:
    """Judge a LoggedModel. Its files of no known format are descriptions and code, which may be empty, not weights."""
    files = [artifact for artifact in model.artifacts if artifact.size != 0 or artifact.problem is not None]
    findings = [
        (status, f"{artifact.path}: {message}")
        for artifact in files
        for status, message in _findings(section, artifact)
    ]
    if model.status != "READY":
        findings.append((Status.FAIL, f"The model is {model.status}, expected READY. Log it again."))
    elif not files:
        findings.append((Status.FAIL, "The model has no files, or only empty ones. Log it again."))
    findings += _described(model)
    status, message = _worst(
        findings, otherwise="The model is READY, and its files of known formats are intact."
    )
    return judged.check(
        "G3", "model", status, model.name, message, observed=model.status, expected="READY, intact"
    )


def _described(model: LoggedModel) -> Iterator[Finding]:
    """Yield what keeps a model from being loaded as its own description says."""
    if model.problem is not None:
        yield Status.FAIL, f"MLmodel does not describe the model: {model.problem}. {_MODEL_AGAIN}"
    if model.absent:
        names = ", ".join(model.absent)
        yield Status.FAIL, f"MLmodel names {names}, which the model does not have. {_MODEL_AGAIN}"


def _findings(section: CheckpointsGate, artifact: Artifact) -> Iterator[Finding]:
    """Yield what is wrong with a file, or worth a note, whatever its format is."""
    if artifact.problem is not None:
        yield Status.FAIL, f"Not intact: {artifact.problem}. Restore it, or save the checkpoint again."
    elif artifact.unread is not None:
        yield (
            Status.FAIL,
            f"Too long to be scanned whole: {artifact.unread}. Save it as safetensors, or waive it.",
        )
    elif artifact.size == 0:
        yield Status.FAIL, "The file is empty. Save the checkpoint again."
    elif artifact.sha256 is None:
        yield _not_read(section, artifact)
    if artifact.globals.dangerous:
        names = ", ".join(artifact.globals.dangerous)
        yield (
            Status.FAIL,
            f"Loading it would run {names}. Do not load it: find out who wrote it, save weights only.",
        )
    unknown = [name for name in artifact.globals.unknown if not _is_allowed(section, name)]
    if unknown:
        entries = ", ".join(f'"{name}"' for name in unknown)
        yield (
            Status.WARNING,
            f"Loading it would import unknown names. Where they are yours: allow_globals: [{entries}]",
        )


def _not_read(section: CheckpointsGate, artifact: Artifact) -> Finding:
    """Judge a file whose bytes were not read: right only above the bound, and only where the policy set the bound."""
    if artifact.size is None or artifact.size <= section.max_bytes:
        return (
            Status.FAIL,
            "Its bytes were not read, so nothing is known of it. Check that it can be downloaded.",
        )
    said = f"{artifact.size} bytes are more than max_bytes ({int(section.max_bytes)}): only name and size were read."
    if section.max_bytes != DEFAULT_MAX_BYTES:
        return Status.PASS, said
    return Status.WARNING, f"{said} Raise max_bytes to have the bytes read, or set a bound of your own."


def _unknown_format(artifact: Artifact) -> Iterator[Finding]:
    if artifact.format is None and _is_whole(artifact):
        yield (
            Status.WARNING,
            "It is of no known format, so it was not checked. Save it in one, or narrow `paths`.",
        )


def _is_whole(artifact: Artifact) -> bool:
    """Whether the file was read and nothing is wrong with its bytes."""
    sound = artifact.problem is None and artifact.unread is None
    return artifact.sha256 is not None and sound and artifact.size != 0


def _is_allowed(section: CheckpointsGate, name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in section.allow_globals)


def _worst(findings: Iterable[Finding], *, otherwise: str) -> Finding:
    """Return one finding for many: the worst status, and what led to it."""
    found = list(findings)
    for status in (Status.FAIL, Status.WARNING, Status.PASS):
        messages = [message for of, message in found if of is status]
        if messages:
            return status, " ".join(messages)
    return Status.PASS, otherwise


# --- the manifest -----------------------------------------------------------------------------------------------------


def _manifest(section: CheckpointsGate, judged: Judged, *, used: bool) -> Iterator[Check]:
    """Hold the run's artifacts against what its manifest lists; ``used`` says whether any run has a manifest."""
    manifest, run = judged.run.manifest, judged.run
    if manifest is None:
        if used and run.artifacts_problem is None:
            message = f"There is no manifest, though other runs have one. {_WRITE}"
            yield judged.check("G3", "manifest", Status.WARNING, MANIFEST, message, observed="missing")
    elif manifest.problem is not None:
        message = f"The manifest cannot be read: {manifest.problem}. {_WRITE}"
        yield judged.check("G3", "manifest", Status.FAIL, MANIFEST, message, observed=manifest.problem)
    elif not manifest.entries:
        message = f"The manifest lists nothing. {_WRITE}"
        yield judged.check("G3", "manifest", Status.WARNING, MANIFEST, message, observed="no entry")
    else:
        artifacts = {artifact.path: artifact for artifact in run.checkpoints}
        for path, entry in sorted(manifest.entries.items()):
            status, message = _listed(section, path, entry, artifacts.get(path))
            yield judged.check(
                "G3", "manifest", status, path, message, expected=f"{entry.sha256}, {entry.size} bytes"
            )


def _listed(section: CheckpointsGate, path: str, entry: ManifestEntry, artifact: Artifact | None) -> Finding:
    if artifact is None:
        return Status.FAIL, f"The manifest lists it, but the run does not have it. {_RESTORE}"
    wrong = []
    if artifact.size is not None and artifact.size != entry.size:
        wrong.append(f"size {artifact.size} instead of {entry.size}")
    if artifact.sha256 is not None and artifact.sha256 != entry.sha256.lower():
        wrong.append(f"sha256 {artifact.sha256} instead of {entry.sha256}")
    if wrong:
        return Status.FAIL, f"It is not what the manifest lists: {' and '.join(wrong)}. {_RESTORE}"
    if artifact.sha256 is not None:
        return Status.PASS, "It is what the manifest lists."
    if artifact.problem is not None:
        return Status.FAIL, f"The manifest lists it, but it could not be read: {artifact.problem}. {_WRITE}"
    status, message = _not_read(section, artifact)
    if status is Status.WARNING and _is_named(section, path):
        status = Status.PASS  # its own check warns
    return status, message


# --- equal checkpoints ------------------------------------------------------------------------------------------------


def _duplicates(case: Case) -> Iterator[Check]:
    """Yield a warning for each run with the bytes of an earlier one: one of the two was not trained."""
    holders: dict[str, list[tuple[Judged, str]]] = defaultdict(list)
    for judged in case.judged:
        for sha256, path in _trained(case.policy.gates.checkpoints, judged.run).items():
            holders[sha256].append((judged, path))
    for same in holders.values():
        for index, (judged, path) in enumerate(same):
            earlier = (other for other, _ in same[:index] if not _may_be_equal(case.policy, judged, other))
            twin = next(earlier, None)
            if twin is not None:
                yield _duplicate(judged, path, twin)


def _duplicate(judged: Judged, path: str, twin: Judged) -> Check:
    other = f"{twin.pair.subject} (run {twin.run.run_id})"
    message = (
        f"Its bytes are those of a checkpoint of {other}: one of the two was not trained, was copied, or was "
        "overwritten by the other before it was logged. "
        "Train it again, into a file of its own, or mark the cell deterministic."
    )
    return judged.check(
        "G3", "duplicate", Status.WARNING, path, message, observed=other, expected="its own bytes"
    )


def _trained(section: CheckpointsGate, run: Run) -> dict[str, str]:
    """Return the intact files that training makes, by their bytes: sha256 to path."""
    weights = [
        (artifact, f"{model.name}/{artifact.path}")
        for model in run.models
        for artifact in model.artifacts
        if artifact.format is not None
    ]
    files = [(artifact, artifact.path) for artifact in _matching(section, run)] + weights
    return {
        artifact.sha256: path
        for artifact, path in sorted(files, key=lambda file: file[1], reverse=True)
        if artifact.sha256 is not None and _is_whole(artifact)
    }


def _may_be_equal(policy: Policy, one: Judged, other: Judged) -> bool:
    """Whether equal results are no surprise: the seeds of one deterministic cell."""
    return one.pair.cell == other.pair.cell and policy.plan.cells[one.pair.cell].deterministic


GATE = Gate(id="G3", section="checkpoints", title="Checkpoints are there and intact", judge=judge)
