"""The policy's section for each gate: its keys, its defaults and what it refuses."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import ByteSize, Discriminator, Field, Tag, field_validator, model_validator

from smoke_gate.policy.fields import (
    PLAIN_DIGITS,
    Expectations,
    Facts,
    Flag,
    Names,
    Number,
    Patterns,
    RatioText,
    Reference,
    References,
    Section,
    Sha256,
    Size,
    SomeNames,
    Text,
    Threshold,
    refused,
)

DEFAULT_MAX_BYTES = ByteSize(256 * 1024**2)
DEFAULT_FIGURES = ("figures/*.png",)
DEFAULT_CHECKPOINTS = ("checkpoints/*",)
SWITCH_IT_OFF = "the gate would have nothing to assert; switch it off with `enabled: false` and a `reason`"


class Switch(Section):
    """What every gate has."""

    enabled: Flag = True
    """A gate is switched off only here, or by the profile, and only with a reason."""
    reason: Text | None = None
    """Why it is off; shown in every report."""

    @model_validator(mode="after")
    def _off_for_a_reason(self) -> Self:
        if not self.enabled and not self.reason:
            raise refused("enabled", "a gate that is off needs a `reason`")
        if self.enabled:
            self._asserts_something()
        return self

    def _asserts_something(self) -> None:
        """Raise an error where the settings leave the gate nothing to assert."""


class GateSection(Switch):
    """What every gate but G1 has."""

    fail_threshold: Threshold = 1
    """From how many failing runs on the gate fails: a number, or a percentage of the planned runs.

    Fewer are a WARNING.
    """


class PlanGate(GateSection):
    """G0: the planned runs exist and are what the plan says."""


class BySha256(Section):
    """The expected definition, by its hash."""

    sha256: Sha256
    """64 lower-case hex digits."""


class ByFile(Section):
    """The expected definition, by a JSON or YAML file in the checkout."""

    file: Text
    """The file's path, from the policy file's folder."""


class ByRunId(Section):
    """The expected definition, by the id of its preregistration run."""

    run_id: Text
    """An MLflow run id."""


class ByRunName(Section):
    """The expected definition, by the name of its preregistration run."""

    run_name: Text
    """An MLflow run name."""


def tag_of(form: type[Section]) -> str:
    """Return the tag of a form that is known by its one key; in brackets, since locations show it among keys."""
    return f"({next(iter(form.model_fields))})"


def _source_of_definition(value: object) -> str | None:
    """Return the tag of the one form of ``expected`` that is meant, so that its errors are about that form alone."""
    if isinstance(value, Section):
        return tag_of(type(value))
    if isinstance(value, Mapping):
        return next((f"({key})" for key in ("sha256", "file", "run_id", "run_name") if key in value), None)
    return "(preregistration)" if value == "preregistration" else None


Expected = Annotated[
    Annotated[Literal["preregistration"], Tag("(preregistration)")]
    | Annotated[BySha256, Tag("(sha256)")]
    | Annotated[ByFile, Tag("(file)")]
    | Annotated[ByRunId, Tag("(run_id)")]
    | Annotated[ByRunName, Tag("(run_name)")],
    Discriminator(
        _source_of_definition,
        custom_error_type="expected",
        custom_error_message="expected preregistration, {sha256: …}, {file: …}, {run_id: …} or {run_name: …}",
    ),
]


class DefinitionHashGate(Switch):
    """G1: every run computed the preregistered metric definition."""

    key: Text = "pape_definition_hash"
    """The param that holds the definition's hash."""
    retired_keys: Names = ("definition_hash",)
    """Earlier names of `key`: a hash found under one of these only is a FAIL that says so."""
    expected: Expected = "preregistration"
    """Where the expected hash comes from."""
    require_ancestor: Flag = False
    """Whether the registration's commit must be an ancestor of each run's commit."""

    @model_validator(mode="after")
    def _is_not_retired(self) -> Self:
        if self.key in self.retired_keys:
            raise refused("retired_keys", f"`key` {self.key!r} is among the retired ones")
        return self

    @property
    def fail_threshold(self) -> int:
        """One run of another definition is enough; there is no key for it."""
        return 1


class UnitRule(Section):
    """What runs of one kind must say of their units."""

    when: Annotated[Expectations, Field(min_length=1)]
    """The rule is for runs that have all of these."""
    required: References = ()
    """Keys that must be present and not empty."""
    allowed: Expectations = Field(default={})
    """Key to the values it may have."""
    equal: tuple[tuple[Reference, Reference], ...] = ()
    """Pairs of keys that must agree."""

    @model_validator(mode="after")
    def _asserts_something(self) -> Self:
        if not (self.required or self.allowed or self.equal):
            raise ValueError("a rule needs `required`, `allowed` or `equal`")
        if any(left == right for left, right in self.equal):
            raise refused("equal", "a key always equals itself")
        return self


UNIT_NAMES = ("standardized", "kW", "kWh_per_h")
DEFAULT_UNIT_RULE = UnitRule(
    when={"use_vq": ("True",)},
    required=(
        "vq_input_unit",
        "dlinear_output_unit",
        "vq_scaler_space_signature",
        "dlinear_output_scaler_space_signature",
    ),
    allowed={"vq_input_unit": UNIT_NAMES, "dlinear_output_unit": UNIT_NAMES},
    equal=(
        ("vq_input_unit", "dlinear_output_unit"),
        ("vq_scaler_space_signature", "dlinear_output_scaler_space_signature"),
    ),
)


class UnitContractGate(GateSection):
    """G2: what is fed into the quantiser and what comes out of the head have one unit and one scaler space."""

    rules: tuple[UnitRule, ...] = (DEFAULT_UNIT_RULE,)
    """One entry for each kind of run."""

    def _asserts_something(self) -> None:
        if not self.rules:
            raise refused("rules", SWITCH_IT_OFF)


class CheckpointsGate(GateSection):
    """G3: each run left intact, harmless checkpoints."""

    paths: Patterns = DEFAULT_CHECKPOINTS
    """Artifact patterns: `*` stays within a path segment, `**` crosses."""
    required: Flag = True
    """Whether there must be any; false: no run needs one as long as none has one (`basic` without `paths`: false)."""
    min_count: Annotated[int, Field(ge=0, le=1_000_000), PLAIN_DIGITS] = 1
    """How many matching artifacts a run must have."""
    max_bytes: Size = DEFAULT_MAX_BYTES
    """Larger ones are listed, not read: a WARNING at this default, a note where the policy sets another bound."""
    allow_globals: Names = ()
    """Patterns of `module.name` that a pickle may import besides the built-in allowlist, e.g. `mypackage.model.*`."""

    def _asserts_something(self) -> None:
        if not self.paths:
            raise refused("paths", SWITCH_IT_OFF)
        if self.min_count < 1:
            raise refused("min_count", SWITCH_IT_OFF)


class FiguresGate(GateSection):
    """G4: every figure can be traced to its runs and its definition."""

    paths: Patterns = DEFAULT_FIGURES
    """Patterns of PNG artifacts of the runs."""
    required: Flag = True
    """Whether there must be any; false: no run needs one as long as none has one (`basic` without `paths`: false)."""
    files: Patterns = ()
    """Patterns of PNG files in the checkout, e.g. a paper's `figs/**/*.png`."""
    required_keys: Names = ("source_run_ids", "pape_definition_hash")
    """Text chunks that each figure must carry; left out, `source_run_ids` and `definition_hash.key` (`basic`: none)."""

    def _asserts_something(self) -> None:
        if not self.paths and not self.files:
            raise refused("paths", SWITCH_IT_OFF)


class RatioRule(Section):
    """A band for a metric, or for the ratio of two."""

    value: RatioText
    """METRIC[.last|first|min|max] [/ METRIC[…]].

    ` / ` with blanks divides, backquotes hold names that contain either.
    """
    min: Number | None = None
    """The smallest value that is good."""
    max: Number | None = None
    """The largest value that is good."""
    cells: SomeNames | None = None
    """The cells that the rule is for; left out, all."""

    @model_validator(mode="after")
    def _is_a_band(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a rule needs `min`, `max` or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise refused("min", f"`min` {self.min} is above `max` {self.max}")
        return self


class MetricRatioGate(GateSection):
    """G5: training looks like training."""

    fail_threshold: Threshold = 2
    rules: tuple[RatioRule, ...] = (RatioRule(value="val_loss / train_loss", min=0.2, max=5.0),)
    """One entry for each band."""

    def _asserts_something(self) -> None:
        if not self.rules:
            raise refused("rules", SWITCH_IT_OFF)


class SameFact(Section):
    """Facts that must agree within a group of runs."""

    of: Facts
    """Params, tags, or `commit`."""
    within: Literal["cell", "seed", "matrix"]
    """Which runs are compared with one another."""


class PairedDataGate(GateSection):
    """G6: within a seed, all cells saw the same data."""

    key: Text = "{split}_data_hash"
    """The param that holds a split's hash."""
    splits: Names = ("train", "val", "test")
    """The splits."""
    same: tuple[SameFact, ...] = ()
    """Other facts that must agree."""

    @field_validator("key")
    @classmethod
    def _names_the_split(cls, value: str) -> str:
        if "{split}" not in value:
            raise ValueError("`key` must contain {split}, or every split has the same hash")
        return value

    def _asserts_something(self) -> None:
        if not self.splits:
            raise refused("splits", SWITCH_IT_OFF)
