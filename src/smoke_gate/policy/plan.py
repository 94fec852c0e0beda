"""The policy's sections for the runs and the plan: which runs count, and which must exist."""

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from smoke_gate.policy.fields import (
    CellIdentity,
    CodePatterns,
    Count,
    Expectations,
    Flag,
    Names,
    Reason,
    Section,
    SeedIdentity,
    SomeNames,
    Text,
    WrittenAs,
    distinct,
)
from smoke_gate.policy.filters import identity_filter
from smoke_gate.policy.terms import Template

DEFAULT_CODE = ("**/*.py", "!**/tests/**", "!**/test_*.py", "!**/conftest.py", "!docs/**")


class Ignored(Section):
    """Runs beside the plan that are known and no surprise."""

    cell: Text | None = None
    """The cell as recorded; left out, any cell."""
    seed: Text | None = None
    """The seed as recorded; left out, any seed."""
    reason: Reason
    """Why these runs are there."""

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.cell is None and self.seed is None:
            raise ValueError("an entry of `ignore` needs `cell`, `seed` or both")
        return self


class Runs(Section):
    """Where a run says which cell and seed it is, and which runs count."""

    cell: CellIdentity = "params.cell"
    """params.KEY, tags.KEY, parent.params.KEY, parent.tags.KEY, `experiment`, run_name:REGEX with a group `cell`, or a
    template.

    A template is text with these in braces, such as "{params.method}/{params.pretrained}".
    """
    seed: SeedIdentity = "params.seed"
    """The same forms (group `seed`), or `none`: one run a cell."""
    where: str = ""
    """An MLflow filter on identity (params, tags, attributes).

    Metrics and status are refused: a filter must not pick winners.
    """
    commit: Literal["auto", "any", "same", "head", "code"] = "auto"
    """What is asked of the runs' commits.

    `auto`: runs of other code than head's are a WARNING; where head is not known, as `same`. `any`: nothing. `same`:
    runs of more than one commit are a WARNING. `head`: only runs of head's commit count. `code`: only runs of head's
    code count.
    """
    code_paths: CodePatterns = DEFAULT_CODE
    """The files whose content is the code; `!PATTERN` leaves files out. A submodule's path stands for its commit."""
    duplicates: Literal["latest", "fail"] = "latest"
    """What becomes of a second finished run of a pair.

    `latest`: the newest one counts, and the others are a WARNING unless they ran other code. `fail`: FAIL.
    """
    unexpected: Literal["warn", "fail", "ignore"] = "warn"
    """What a finished run of a pair that is not planned is: `warn`: a WARNING, `fail`: a FAIL, `ignore`: nothing."""
    ignore: tuple[Ignored, ...] = ()
    """Known runs beside the plan."""

    @cached_property
    def cell_template(self) -> Template:
        """Where a run says which cell it is."""
        return Template.parse(self.cell)

    @cached_property
    def seed_template(self) -> Template:
        """Where a run says which seed it has."""
        return Template.parse(self.seed)

    @field_validator("where")
    @classmethod
    def _identity_only(cls, value: str) -> str:
        return identity_filter(value)


class Cell(Section):
    """The expectations of one cell."""

    expect: Expectations = Field(default={})
    """Param or tag to the text it must have; a list means any of them. `True` and `true` are one."""
    seeds: SomeNames | None = None
    """The cell's own seeds; left out, those of the plan."""
    deterministic: Flag = False
    """Whether equal results for different seeds are not a surprise."""
    same_as: Text | None = None
    """Another cell whose results may equal this one's."""
    no_weights: Reason | None = None
    """Why the cell has no weights to log, such as a baseline that learns nothing: then none are asked for."""
    required_metrics: Names = ()
    """Metrics that must be present and finite in every run of the cell, besides those of the plan."""


class Excluded(Section):
    """Pairs that are not planned; always shown."""

    cell: Text
    """A planned cell."""
    seeds: SomeNames
    """The seeds that it does not run."""
    reason: Reason
    """Why not."""


class Plan(Section):
    """The (cell, seed) pairs that must exist, and what is expected of them."""

    cells: Annotated[dict[Text, Cell], WrittenAs(list[Text] | dict[Text, Cell | None])] = Field(default={})
    """A list of names, or a mapping from name to what is expected."""
    seeds: Names = ()
    """The seeds of every cell that names none of its own."""
    exclude: tuple[Excluded, ...] = ()
    """Pairs that are not planned."""
    required_metrics: Names = ()
    """Metrics that must be present and finite in every run."""
    max_attempts: Count | None = None
    """More tries than this at one pair are a WARNING."""

    def required_of(self, cell: str) -> tuple[str, ...]:
        """Return the metrics that every run of a planned cell must log: those of the plan, then its own."""
        return tuple(dict.fromkeys([*self.required_metrics, *self.cells[cell].required_metrics]))

    @property
    def all_required(self) -> tuple[str, ...]:
        """The metrics that some run must log: those of the plan, then those of its cells."""
        of_cells = (metric for cell in self.cells.values() for metric in cell.required_metrics)
        return tuple(dict.fromkeys([*self.required_metrics, *of_cells]))

    @field_validator("cells", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if isinstance(value, list | tuple):
            if not all(isinstance(name, str) for name in value):
                raise ValueError("a list of cells holds names only; write a mapping to say more of a cell")
            return {name: {} for name in distinct(value)}
        if isinstance(value, dict):
            return {name: {} if cell is None else cell for name, cell in value.items()}
        return value


class Narrowing(Section):
    """The part of the plan that `--cells` and `--seeds` leave. Not a key of the policy file."""

    cells: Names | None = None
    """The cells that remain; None: all."""
    seeds: Names | None = None
    """The seeds that remain; None: all."""
