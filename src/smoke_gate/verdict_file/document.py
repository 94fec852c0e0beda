"""The form of the verdict file, ``smoke-gate/verdict/v1``: these types are the document, and its JSON Schema.

``python -m smoke_gate.verdict_file.schema > src/smoke_gate/schemas/verdict.json`` writes the schema anew.
"""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field

from smoke_gate.gates.base import CheckTable, Plugin, Status
from smoke_gate.pictures import Pictures
from smoke_gate.typed_json import TypedJson, typed_json
from smoke_gate.verdict import VerdictStatus
from smoke_gate.waivers import WaiverState

SCHEMA: Literal["smoke-gate/verdict/v1"] = "smoke-gate/verdict/v1"

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Time = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z$")]
Day = Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
GateName = Annotated[str, Field(pattern="^[A-Z][A-Z0-9]*$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """The tool that made the verdict."""

    name: Literal["smoke-gate"] = "smoke-gate"
    version: str
    image_digest: str | None = None
    """The digest of the published image that it ran in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The place on GitHub that the verdict is about; null where there is no such thing."""

    repository: str | None = None
    """owner/name."""
    sha: str | None = None
    """The commit that was judged: of a pull request its head, never the merge commit."""
    pull_request: int | None = None
    run_id: int | None = None
    """The workflow run."""
    run_attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """An MLflow experiment."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOrigin:
    """The store that the evidence was read from."""

    tracking_uri: str
    """Without credentials."""
    experiments: tuple[Experiment, ...] = ()
    policy_file: str | None = None
    """The policy file, as it was named; null where there was none, and the options were the policy."""
    workspace: str | None = None
    """The workspace of the MLflow server; null where nobody named one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryEntry:
    """Counts. `planned` and `found` are of runs, `gates_off` of gates, the others of checks, after waivers."""

    planned: Count
    found: Count
    passed: Count
    warned: Count
    failed: Count
    skipped: Count
    gates_off: Count
    looked_at: dict[Literal["metrics", "weights", "figures"], Count]
    """The runs of which a gate judged this outcome of training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateEntry:
    """The decision of a gate."""

    id: GateName
    name: str
    """The gate's key in the policy."""
    status: Status
    critical: bool
    evaluated: Count
    """Planned pairs that the gate judged."""
    expected: Count
    """Planned pairs that the gate applies to."""
    failing: Count
    """Distinct runs with an unwaived failure."""
    fail_threshold: Annotated[int, Field(ge=1)]
    """The number of failing runs at which the gate fails."""
    message: str
    plugin: Plugin | None = None
    """The package that the gate comes from; null for a built-in gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckEntry:
    """One assertion of a gate on one subject."""

    gate: GateName
    kind: str
    """A stable word for what was asserted."""
    status: Status
    run_id: str | None
    cell: str | None
    seed: str | None
    subject: str
    message: str
    """What was found and, unless it is a PASS, how to fix it."""
    observed: str | None
    expected: str | None
    waived: str | None
    """The reason of the waiver that accepted this finding and lowered its status by one step."""
    table: CheckTable | None = None
    """What the message counts, row by row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEntry:
    """One attempt at a planned pair, whatever became of it; newest first at each pair, pairs in plan order."""

    cell: str
    seed: str | None
    """As the plan spells it; null where a cell has one run and no seeds."""
    run_id: str
    status: str
    """MLflow's: RUNNING, SCHEDULED, FINISHED, FAILED or KILLED. DAMAGED: the run's ``meta.yaml`` cannot be read."""
    lifecycle_stage: str
    """MLflow's: active or deleted."""
    start_time: Time | None
    """ISO 8601, UTC, with milliseconds; null where the store has none, or a year outside 1 to 9999."""
    end_time: Time | None
    """As `start_time`."""
    commit: str | None
    selected: bool
    """Whether this run stands for its pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceEntry:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverEntry:
    """A waiver of the policy and what it did; null means any."""

    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
    """Names its scope: the beginning of the SHA-256 of gate, kind, cell, seed, run_id and subject (RFC 8785)."""
    gate: GateName
    kind: str | None
    cell: str | None
    seed: str | None
    run_id: str | None
    subject: str | None
    reason: str
    expires: Day
    """The last day on which it holds, UTC."""
    state: WaiverState
    matched: Count
    """The number of checks that it accepted, or would have accepted before it expired."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictDocument:
    """A smoke-gate verdict: the decision, all that led to it, and what is needed to repeat it."""

    schema: Literal["smoke-gate/verdict/v1"]
    verdict: VerdictStatus
    critical: bool
    """Whether G1 failed, or no attempt at any planned pair was found."""
    pending: bool
    """Whether the only failures are planned pairs that are not finished yet."""
    headline: str
    created_at: Time
    """ISO 8601, UTC."""
    tool: Tool
    context: Context
    source: StoreOrigin
    policy: dict[str, Any]
    """The effective policy: the file, defaults and options. `smoke-gate policy --schema` prints its schema."""
    policy_sha256: Sha256
    """SHA-256 over the RFC 8785 form of the policy, all but its `report`."""
    evidence: dict[str, Any]
    """Everything that was judged."""
    evidence_sha256: Sha256
    """SHA-256 over the RFC 8785 form of `evidence`."""
    summary: SummaryEntry
    gates: tuple[GateEntry, ...]
    """The built-in gates in order, whether on or off, then those of plug-ins."""
    checks: tuple[CheckEntry, ...]
    """Sorted by gate, cell, seed, subject, kind, run id."""
    attempts: tuple[AttemptEntry, ...]
    """Every attempt at a planned pair."""
    unidentified: Count
    """Active runs without cell or seed: counted, not judged."""
    references: tuple[ReferenceEntry, ...]
    waivers: tuple[WaiverEntry, ...]
    pictures: Pictures
    """What was read and drawn only for people to look at. The figures are written beside this file."""


@cache
def document_form() -> TypedJson[VerdictDocument]:
    """Return how a verdict document is written as JSON, read and described."""
    return typed_json(VerdictDocument)
