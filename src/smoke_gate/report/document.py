"""The form of the verdict file, ``smoke-gate/verdict/v1``: these types are the document, and its JSON Schema.

``python -m smoke_gate.report.schema > src/smoke_gate/schemas/verdict.json`` writes the schema anew.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict  # the one that pydantic reads on Python 3.11

SCHEMA: Literal["smoke-gate/verdict/v1"] = "smoke-gate/verdict/v1"

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$")]
GateName = Literal["G0", "G1", "G2", "G3", "G4", "G5", "G6"]
StatusName = Literal["PASS", "WARNING", "FAIL", "SKIPPED"]

_documented = with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True))


@_documented
class ToolEntry(TypedDict):
    """What made the verdict."""

    name: Literal["smoke-gate"]
    version: str
    image_digest: str | None
    """The digest of the published image that it ran in."""


@_documented
class ContextEntry(TypedDict):
    """What the verdict is about on GitHub; null where there is no such thing."""

    repository: str | None
    """owner/name."""
    sha: str | None
    """The commit that was judged: of a pull request its head, never the merge commit."""
    pull_request: int | None
    run_id: int | None
    """The workflow run."""
    run_attempt: int | None


@_documented
class ExperimentEntry(TypedDict):
    """An MLflow experiment."""

    id: str
    name: str


@_documented
class SourceEntry(TypedDict):
    """Where the evidence was read."""

    tracking_uri: str
    """Without credentials."""
    experiments: list[ExperimentEntry]


@_documented
class SummaryEntry(TypedDict):
    """Counts. `planned` and `found` are of runs, `gates_off` of gates, the others of checks, after waivers."""

    planned: Count
    found: Count
    passed: Count
    warned: Count
    failed: Count
    skipped: Count
    gates_off: Count


@_documented
class GateEntry(TypedDict):
    """What a gate decided."""

    id: GateName
    name: str
    """The gate's key in the policy."""
    status: StatusName
    critical: bool
    evaluated: Count
    """Planned pairs that the gate judged."""
    expected: Count
    """Planned pairs that the gate applies to."""
    failing: Count
    """Distinct runs with an unwaived failure."""
    fail_threshold: Annotated[int, Field(ge=1)]
    """From how many failing runs on the gate fails."""
    message: str


@_documented
class CheckEntry(TypedDict):
    """One assertion of a gate on one subject."""

    gate: GateName
    kind: str
    """A stable word for what was asserted."""
    status: StatusName
    run_id: str | None
    cell: str | None
    seed: str | None
    subject: str
    message: str
    """What was found and, where it is no PASS, how to fix it."""
    observed: str | None
    expected: str | None
    waived: str | None
    """The reason of the waiver that accepted this failure; its status is then WARNING."""


@_documented
class AttemptEntry(TypedDict):
    """One attempt at a planned pair, whatever became of it; newest first at each pair, pairs in plan order."""

    cell: str
    seed: str | None
    """As the plan spells it; null where a cell has one run and no seeds."""
    run_id: str
    status: str
    """MLflow's: RUNNING, SCHEDULED, FINISHED, FAILED or KILLED."""
    lifecycle_stage: str
    """MLflow's: active or deleted."""
    start_time: Time | None
    """ISO 8601, UTC, with milliseconds; null where the store has none, or none of the years 1 to 9999."""
    end_time: Time | None
    """As `start_time`."""
    commit: str | None
    selected: bool
    """Whether this run stands for its pair."""


@_documented
class ReferenceEntry(TypedDict):
    """One run's metric against one published value."""

    metric: str
    run_id: str
    cell: str
    seed: str | None
    value: str | None
    """The metric's value as text; null where it was not logged."""
    low: float
    """The smallest plausible value, tolerance included."""
    high: float
    """The largest plausible value, tolerance included."""
    n: Annotated[int, Field(ge=1)]
    """How many runs the published value rests on."""
    source: str
    tripped: bool
    """Whether the value is outside, or absent: a WARNING."""
    message: str


@_documented
class WaiverEntry(TypedDict):
    """A waiver of the policy and what it did; null means any."""

    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
    """Names its scope: the beginning of the SHA-256 over the RFC 8785 form of gate, cell, seed, run_id and subject."""
    gate: GateName
    cell: str | None
    seed: str | None
    run_id: str | None
    subject: str | None
    reason: str
    expires: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    """The last day on which it holds, UTC."""
    state: Literal["used", "expired", "unmatched", "not judged"]
    matched: Count
    """The failing checks that it accepted, or would have but for its date."""
    message: str


@_documented
class VerdictDocument(TypedDict):
    """A smoke-gate verdict: the decision, all that led to it, and what is needed to repeat it."""

    schema: Literal["smoke-gate/verdict/v1"]
    verdict: Literal["ALL PASS", "WARNING", "FAIL"]
    critical: bool
    """Whether G1 failed, or no attempt at any planned pair was found."""
    pending: bool
    """Whether all that fails is planned pairs that are not finished yet."""
    headline: str
    created_at: Time
    """ISO 8601, UTC."""
    tool: ToolEntry
    context: ContextEntry
    source: SourceEntry
    policy: dict[str, Any]
    """The effective policy: the file, defaults and options. `smoke-gate policy --schema` prints its schema."""
    policy_sha256: Sha256
    """SHA-256 over the RFC 8785 form of the policy's runs, plan and gates."""
    evidence: dict[str, Any]
    """All that was judged."""
    evidence_sha256: Sha256
    """SHA-256 over the RFC 8785 form of `evidence`."""
    summary: SummaryEntry
    gates: Annotated[list[GateEntry], Field(min_length=7, max_length=7)]
    """G0 to G6, in order, whether on or off."""
    checks: list[CheckEntry]
    """Sorted by gate, cell, seed, subject, kind, run id."""
    attempts: list[AttemptEntry]
    """Every attempt at a planned pair."""
    unidentified: Count
    """Active runs without cell or seed: counted, not judged."""
    references: list[ReferenceEntry]
    waivers: list[WaiverEntry]
    figures: list[str]
    """The names of the summary figures written beside this file."""
