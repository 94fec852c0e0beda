"""The policy's section for checkpoints."""

from typing import Annotated

from pydantic import ByteSize, Field

from smoke_gate.policy.fields import PLAIN_DIGITS, Flag, Names, Patterns, Size, refused
from smoke_gate.policy.settings import SWITCH_IT_OFF, ThresholdSettings

DEFAULT_MAX_BYTES = ByteSize(256 * 1024**2)
DEFAULT_CHECKPOINTS = ("checkpoints/**",)


class CheckpointsSettings(ThresholdSettings):
    """G3: each run left intact, harmless checkpoints."""

    paths: Patterns = DEFAULT_CHECKPOINTS
    """Artifact patterns: `*` stays within a path segment, `**` crosses."""
    weights: Patterns = ()
    """Patterns of the files that hold weights although neither their names nor their bytes say so."""
    required: Flag = True
    """Whether there must be weights. If false, runs may all lack them; once any run has some, every run must.

    `basic` without `paths`: false.
    """
    min_count: Annotated[int, Field(ge=0, le=1_000_000), PLAIN_DIGITS] = 1
    """How many weights files and MLflow models a run must have."""
    max_bytes: Size = DEFAULT_MAX_BYTES
    """Of larger files only the structure is read, where it can be: else a WARNING."""
    allow_globals: Names = ()
    """Patterns of `module.name` that a pickle may import besides the built-in allowlist, e.g. `mypackage.model.*`."""

    def asserts_something(self) -> None:
        """Refuse a place or a number that every run satisfies."""
        if not self.paths:
            raise refused("paths", SWITCH_IT_OFF)
        if self.min_count < 1:
            raise refused("min_count", SWITCH_IT_OFF)
