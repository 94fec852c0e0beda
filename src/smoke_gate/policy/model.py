"""The policy: what must exist, what is expected of it, and how strictly it is judged.

These models are the one description of ``smoke-gate.yml``: its keys, defaults, JSON Schema and errors come from here;
what one part of the policy asks of another is in :mod:`smoke_gate.policy_file.consistency`. A policy is loaded by
:mod:`smoke_gate.policy_file.load`, which keeps every scalar as it was written.
"""

import math
import re
from datetime import date
from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    model_validator,
)

from smoke_gate.policy.fields import (
    Count,
    Flag,
    Names,
    NotNegative,
    Number,
    Reason,
    Section,
    SomeNames,
    Text,
    refused,
)
from smoke_gate.policy.plan import Narrowing, Plan, Runs
from smoke_gate.policy.settings import GateSettings


def _day(value: str) -> str:
    # Python also reads 2026-W01-1, a text that comes after every day of its year.
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("expected a day as YYYY-MM-DD")
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError("expected a day as YYYY-MM-DD") from None
    return value


def _version(value: object) -> object:
    return 1 if value == "1" else value


Day = Annotated[str, AfterValidator(_day), Field(json_schema_extra={"format": "date"})]


class Gates(Section):
    """The settings of the gates.

    :func:`smoke_gate.gates.policy_type` adds a field for each gate: this class knows none of them.
    """

    @model_validator(mode="after")
    def _some_gate_is_on(self) -> Self:
        known = list(self.by_section().values())
        if known and not any(settings.enabled for settings in known):
            raise ValueError("all gates are off: nothing would be judged")
        return self

    def by_section(self) -> dict[str, GateSettings]:
        """Return the settings of each gate by its key, in the order of the gates."""
        return {name: getattr(self, name) for name in type(self).model_fields}


S = TypeVar("S", bound=GateSettings)


class PublishedReference(Section):
    """A published value that the metric should be near: the trip-wire."""

    metric: Text
    """The metric's name."""
    cells: SomeNames | None = None
    """The cells that it is for; left out, all."""
    low: Number
    """The smallest plausible value."""
    high: Number
    """The largest plausible value."""
    n: Count
    """How many runs the reference rests on."""
    tolerance: NotNegative | None = None
    """Widens [low, high] on both sides; needs n of 2 or more."""
    source: Text
    """Where the value comes from."""

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.tolerance is not None and self.n < 2:
            raise refused("tolerance", "`tolerance` needs `n` of 2 or more: one run gives no confidence band")
        if self.low > self.high:
            raise refused("low", f"`low` {self.low} is above `high` {self.high}")
        if not all(map(math.isfinite, self.band)):
            raise refused("tolerance", f"`tolerance` {self.tolerance} widens the band to infinity")
        return self

    @property
    def band(self) -> tuple[float, float]:
        """The smallest and the largest value that does not trip: ``low`` and ``high``, widened by ``tolerance``."""
        margin = self.tolerance or 0.0
        return self.low - margin, self.high + margin


class Waiver(Section):
    """Named failing checks that are accepted, for a reason and for a time."""

    gate: Text
    """The gate, by its id or its key under `gates`; never G1."""
    kind: Text | None = None
    """The kind of check, such as `duplicate` or `globals`; left out, any."""
    cell: Text | None = None
    """The cell; left out, any."""
    seed: Text | None = None
    """The seed; left out, any."""
    run_id: Text | None = None
    """The run; left out, any."""
    subject: Text | None = None
    """The check's subject; left out, any."""
    reason: Reason
    """Why this is acceptable."""
    expires: Day
    """The last day on which the waiver holds, YYYY-MM-DD (UTC)."""


class Report(Section):
    """The content of the report besides the gates."""

    metrics: Names = ()
    """The metrics of the cell summary; left out, those that the gates and references name."""
    reference_cell: Text | None = None
    """The cell that the others are compared with."""
    bite: Flag = False
    """Whether the report says how many ways to break this matrix the policy would catch; for at most 100 runs."""


class Compare(Section):
    """How far a metric may move from the baseline, at each cell and seed. The verdict does not depend on it."""

    max_drop: dict[Text, NotNegative] = Field(default={})
    """The largest drop of a metric, for metrics of which more is better."""
    max_rise: dict[Text, NotNegative] = Field(default={})
    """The largest rise of a metric, for metrics of which less is better."""


class Policy(Section):
    """The whole policy, defaults filled in."""

    version: Annotated[Literal[1], BeforeValidator(_version)]
    """The policy format: 1."""
    metric: Text | None = None
    """The metric that the matrix is about; left out, `pape`.

    It is required, leads reports and figures, and names the param of its definition's hash: METRIC_definition_hash.
    """
    profile: Literal["contract", "basic"] = "contract"
    """Which defaults apply: `contract` for runs that log with smoke_gate.contract, `basic` for any other store."""
    experiments: Names = ()
    """Names or ids of the experiments that hold the matrix; `experiment: NAME` is the same for one."""
    runs: Runs = Runs()
    """Where a run says which cell and seed it is, and which runs count."""
    plan: Plan = Plan()
    """The (cell, seed) pairs that must exist, and what is expected of them."""
    gates: Gates = Gates()
    """How strictly each gate judges."""
    references: tuple[PublishedReference, ...] = ()
    """Published values: a trip-wire, no gate."""
    waivers: tuple[Waiver, ...] = ()
    """Accepted failures."""
    report: Report = Report()
    """What the report shows besides the gates."""
    compare: Compare = Compare()
    """How far metrics may move from the baseline, where one is given."""
    narrowed: Narrowing | None = None
    """What the options `--cells` and `--seeds` leave of the plan; no key of the policy file."""

    def settings(self, kind: type[S]) -> S:
        """Return the settings of one gate."""
        return next(found for found in self.gates.by_section().values() if isinstance(found, kind))

    def with_settings(self, kind: type[GateSettings], **changes: object) -> Self:
        """Return the policy with other settings of one gate, which are taken as they are."""
        changed = {
            section: settings.model_copy(update=changes)
            for section, settings in self.gates.by_section().items()
            if isinstance(settings, kind)
        }
        return self.model_copy(update={"gates": self.gates.model_copy(update=changed)})
