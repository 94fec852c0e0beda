"""The policy's section for a fair comparison."""

from typing import Annotated, Literal

from pydantic import Field

from smoke_gate.policy.fields import PLAIN_DIGITS, Flag, Names, Text
from smoke_gate.policy.settings import ThresholdSettings

Kind = Literal["drift", "constant", "environment", "evaluation", "budget", "overlap"]
Step = Annotated[int, Field(ge=0, le=10**15), PLAIN_DIGITS]


class ComparisonSettings(ThresholdSettings):
    """G7: what differs between cells is what the plan says, and nothing else."""

    varies: Names = ()
    """Patterns of params that may differ between the seeds of a cell, such as `dropout` where it is tuned."""
    constant: Names = ()
    """Patterns of params that must be the same in all runs, such as `batch_size`."""
    proportion: Names = ()
    """Metrics that are a share of the evaluated samples, such as `accuracy`: k of n, for the n that the runs log."""
    steps: Step | dict[Text, Step] | None = None
    """The last step of each run: a number, or one for each cell. Another one is FAIL."""
    early_stopping: Flag = False
    """Whether training may end at different steps."""
    fail: tuple[Kind, ...] = ()
    """The kinds of findings that are FAIL: `drift`, `constant`, `environment`, `evaluation`, `budget`, `overlap`."""

    def last_step(self, cell: str) -> int | None:
        """Return the step at which the runs of a cell must end; None: the policy says none."""
        return self.steps.get(cell) if isinstance(self.steps, dict) else self.steps
