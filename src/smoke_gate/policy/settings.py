"""The settings that every gate has. A gate's own keys are in its module in :mod:`smoke_gate.gates`."""

from typing import Self

from pydantic import model_validator

from smoke_gate.policy.fields import Flag, Reason, Section, Threshold, refused

SWITCH_IT_OFF = "the gate would have nothing to assert; switch it off with `enabled: false` and a `reason`"


class GateSettings(Section):
    """The settings of a gate that has no threshold."""

    enabled: Flag = True
    """A gate is switched off only here, or by the profile, and only with a reason."""
    reason: Reason | None = None
    """Why it is off; shown in every report."""

    @model_validator(mode="after")
    def _off_for_a_reason(self) -> Self:
        if not self.enabled and not self.reason:
            raise refused("enabled", "a gate that is off needs a `reason`")
        if self.enabled:
            self.asserts_something()
        return self

    def asserts_something(self) -> None:
        """Raise an error where the settings leave the gate nothing to assert."""

    @property
    def threshold(self) -> int | str:
        """How many failing runs fail the gate: a number, or a percentage of the planned runs."""
        return 1


class ThresholdSettings(GateSettings):
    """The settings of a gate that may bear a few failing runs."""

    fail_threshold: Threshold = 1
    """The number of failing runs at which the gate fails, or a percentage of the planned runs.

    Fewer are a WARNING.
    """

    @property
    def threshold(self) -> int | str:
        """How many failing runs fail the gate."""
        return self.fail_threshold
