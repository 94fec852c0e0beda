"""The manifest of a run's checkpoints, and whether the run still has what it lists."""

from collections.abc import Iterator

from smoke_gate.evidence import Artifact, ManifestEntry
from smoke_gate.gates.base import Check, Judged, Status
from smoke_gate.gates.checkpoint_files import not_read
from smoke_gate.gates.checkpoint_settings import CheckpointsSettings
from smoke_gate.message import Message, between, say
from smoke_gate.policy.terms import path_matches
from smoke_gate.vocabulary import MANIFEST

_WRITE = "Log checkpoints with smoke_gate.contract.log_checkpoint, which keeps the manifest."
_RESTORE = "Restore what was logged, or run again; smoke_gate.contract.log_checkpoint keeps the manifest."


def manifest_checks(section: CheckpointsSettings, judged: Judged, *, used: bool) -> Iterator[Check]:
    """Hold the run's artifacts against what its manifest lists; ``used`` says whether any run has a manifest."""
    manifest, run = judged.run.manifest, judged.run
    if manifest is None:
        if used and run.artifacts_problem is None:
            message = say("There is no manifest, though other runs have one. " + _WRITE)
            yield judged.check("G3", "manifest", Status.WARNING, MANIFEST, message, observed="missing")
    elif manifest.problem is not None:
        message = say("The manifest cannot be read: {problem}. " + _WRITE, problem=manifest.problem)
        yield judged.check("G3", "manifest", Status.FAIL, MANIFEST, message, observed=manifest.problem)
    elif not manifest.entries:
        message = say("The manifest lists nothing. " + _WRITE)
        yield judged.check("G3", "manifest", Status.WARNING, MANIFEST, message, observed="no entry")
    else:
        artifacts = {artifact.path: artifact for artifact in run.checkpoints}
        for path, entry in sorted(manifest.entries.items()):
            status, message = _listed(section, path, entry, artifacts.get(path))
            yield judged.check(
                "G3", "manifest", status, path, message, expected=f"{entry.sha256}, {entry.size} bytes"
            )


def _listed(
    section: CheckpointsSettings, path: str, entry: ManifestEntry, artifact: Artifact | None
) -> tuple[Status, Message]:
    if artifact is None:
        return Status.FAIL, say("The manifest lists it, but the run does not have it. " + _RESTORE)
    wrong: list[Message] = []
    if artifact.size is not None and artifact.size != entry.size:
        wrong.append(say("size {size} instead of {listed}", size=artifact.size, listed=entry.size))
    if artifact.sha256 is not None and artifact.sha256 != entry.sha256.lower():
        wrong.append(say("sha256 {sha256} instead of {listed}", sha256=artifact.sha256, listed=entry.sha256))
    if wrong:
        return Status.FAIL, say(
            "It is not what the manifest lists: {wrong}. " + _RESTORE, wrong=between(" and ", wrong)
        )
    if artifact.sha256 is not None:
        return Status.PASS, say("It is what the manifest lists.")
    if artifact.problem is not None:
        return Status.FAIL, say(
            "The manifest lists it, but it could not be read: {problem}. " + _WRITE, problem=artifact.problem
        )
    unread = not_read(section, artifact)
    is_told = unread.kind == "unread" and any(path_matches(path, pattern) for pattern in section.paths)
    # Its own check warns of it.
    return Status.PASS if is_told else unread.status, unread.message
