"""The values that the options set in the policy; apart from the loader, so that options need no models."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """The values of the options; None and empty: not given."""

    experiments: tuple[str, ...] = ()
    """Replace those of the file."""
    cells: tuple[str, ...] | None = None
    """Narrow the plan of the file; where it names no cells, they are the plan's."""
    seeds: tuple[str, ...] | None = None
    """The same for seeds."""
    threshold: str | None = None
    """Replaces G5's ``fail_threshold``."""
    definition: str | None = None
    """Replaces the expected definition: its sha256, or a file's path from the working directory."""
    profile: str | None = None
    """Replaces the profile."""


NO_OVERRIDES = Overrides()
