"""Evidence as named texts, one for each fact, so that two readings of a store can be compared. Pure."""

from collections.abc import Iterator, Sequence

from smoke_gate.evidence import Artifact, Attempt, Evidence, Figure, Point, Registration, Run
from smoke_gate.hashing import canonical_json, sha256_hex
from smoke_gate.report.times import iso

Facts = dict[str, str]

METRIC = "metric "  # how the names of metrics begin


def attempt_facts(attempt: Attempt) -> Facts:
    """Return what is recorded of every attempt."""
    return {
        "status": attempt.status,
        "lifecycle stage": attempt.lifecycle_stage,
        "start": iso(attempt.start_time) or "unknown",
        "end": iso(attempt.end_time) or "unknown",
        "name": attempt.run_name,
        "cell": attempt.cell or "none",
        "seed": attempt.seed or "none",
        "commit": attempt.commit or "unknown",
        "uncommitted changes": {True: "yes", False: "no", None: "unknown"}[attempt.dirty],
        "selected by runs.where": "yes" if attempt.in_scope else "no",
    }


def run_facts(run: Run) -> Facts:
    """Return what is recorded of a run that stands for a pair, but for what git knows."""
    return dict(_run_facts(run))


def registration_facts(one: Registration) -> Facts:
    """Return what is recorded of a preregistration."""
    return {
        "status": one.status,
        "lifecycle stage": one.lifecycle_stage,
        "start": iso(one.start_time) or "unknown",
        "name": one.run_name,
        "definition hash": one.sha256 or "none",
        "prior_sha256": one.prior_sha256 or "none",
        "reason": one.reason or "none",
        "commit": one.commit or "unknown",
        "policy_sha256": one.policy_sha256 or "none",
        "definition": one.payload.text_sha256 if one.payload else "none",
    }


def checkout_facts(evidence: Evidence) -> Facts:
    """Return what is recorded of the working tree; what git says of the runs' commits is left out."""
    facts = dict(_figures(evidence.files))
    if evidence.definition_sha256 is not None:
        facts["definition file"] = evidence.definition_sha256
    if evidence.head is not None:
        facts["head"] = evidence.head
    return facts


def _run_facts(run: Run) -> Iterator[tuple[str, str]]:
    yield from ((f"param {key}", repr(value)) for key, value in run.params.items())
    yield from ((f"tag {key}", repr(value)) for key, value in run.tags.items())
    yield from ((f"{METRIC}{name}", value) for name, value in run.metrics.items())
    yield from ((f"history of {name}", _history(points)) for name, points in run.histories.items())
    if run.payload is not None:
        yield "definition", f"sha256 {run.payload.text_sha256}"
    yield from ((f"artifact {one.path}", _artifact(one)) for one in run.checkpoints)
    if run.manifest is not None:
        yield "manifest", run.manifest.problem or "readable"
        for path, entry in run.manifest.entries.items():
            yield f"manifest entry {path}", f"sha256 {entry.sha256}, {entry.size} bytes"
    for model in run.models:
        yield f"model {model.model_id}", f"{model.name}, {model.status}"
        yield from ((f"model {model.model_id}, {one.path}", _artifact(one)) for one in model.artifacts)
    yield from _figures(run.figures)
    yield "artifacts", run.artifacts_problem or "readable"


def _history(points: Sequence[Point]) -> str:
    digest = sha256_hex(canonical_json([[point.step, point.value] for point in points]))
    return f"{len(points)} values, sha256 {digest[:16]}…"


def _artifact(artifact: Artifact) -> str:
    size = f"{artifact.size} bytes" if artifact.size is not None else "of unknown size"
    read = f"sha256 {artifact.sha256}" if artifact.sha256 else artifact.problem or "not read"
    return f"{read}, {size}"


def _figures(figures: Sequence[Figure]) -> Iterator[tuple[str, str]]:
    for figure in figures:
        yield (
            f"figure {figure.path}",
            f"sha256 {figure.sha256}" if figure.sha256 else figure.problem or "not read",
        )
