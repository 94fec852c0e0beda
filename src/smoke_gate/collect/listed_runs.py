"""The runs of the experiments as attempts: those of the plan where they say enough, else all."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from smoke_gate.collect.attempts import all_are_tried, keys_for_attempts, parents_of, reader_of
from smoke_gate.collect.listing import RunListing, ids_in_scope, keys_of, listing_of, planned_listing
from smoke_gate.collect.nearest import named_keys, nearest_keys
from smoke_gate.collect.planned_part import PlannedPart, planned_part
from smoke_gate.collect.progress import Progress
from smoke_gate.collect.recorded import RecordedRun
from smoke_gate.collect.registrations import is_registration
from smoke_gate.collect.store import Store
from smoke_gate.evidence import Attempt
from smoke_gate.policy.model import Policy
from smoke_gate.selection import planned_pairs

_LOG = logging.getLogger(__name__)

Experiments = tuple[tuple[str, str], ...]
"""The id and the name of each experiment."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The runs of the experiments: as listed, and as attempts; ``registered`` are the ids of preregistrations."""

    experiments: Experiments
    listing: RunListing
    attempts: tuple[Attempt, ...]
    registered: frozenset[str]

    @property
    def active(self) -> Sequence[RecordedRun]:
        """The active runs that are not preregistrations."""
        return [
            run
            for run_id, run in self.listing.runs.items()
            if run.lifecycle_stage == "active" and run_id not in self.registered
        ]


def listed_runs(
    policy: Policy, store: Store, experiments: Experiments, progress: Progress, workers: int
) -> Listed:
    """Return the runs of the experiments, deleted ones too.

    Where the policy ignores runs outside the plan, the store is asked for those of the plan. If something is missing
    there, all runs are listed, since the others may say why.

    Raises:
        StoreError: The store cannot be read.
        UsageError: MLflow refuses ``runs.where``.

    """
    ids = [experiment_id for experiment_id, _ in experiments]
    keys = keys_for_attempts(policy) | named_keys(policy)

    def read(listing: RunListing, part: PlannedPart | None) -> Listed:
        named = ", ".join(f"{name} ({experiment_id})" for experiment_id, name in experiments)
        _LOG.info("%d %sruns in %s", len(listing.runs), "" if part is None else "planned ", named)
        registered = frozenset(run_id for run_id, run in listing.runs.items() if is_registration(policy, run))
        reader = reader_of(
            policy,
            parents_of(store, policy, listing.runs),
            ids_in_scope(store, ids, policy, progress, workers, part),
            dict(experiments),
        )
        attempts = (
            reader.attempt(run, registered=run_id in registered) for run_id, run in listing.runs.items()
        )
        return Listed(experiments, listing, tuple(attempts), registered)

    part = planned_part(policy)
    listing = None if part is None else planned_listing(store, ids, part, keys, progress, workers)
    if listing is not None:
        planned = read(listing, part)
        if all_are_tried(policy, planned.attempts) and _has_named_keys(policy, planned):
            return planned
    wanted = len(planned_pairs(policy, narrowed=False))
    return read(listing_of(store, ids, keys, progress, workers, wanted=wanted), None)


def nearest_of(policy: Policy, store: Store, listed: Listed) -> dict[str, str]:
    """Return what may be meant by keys that no run has; where there are none, as mostly, the store is not asked."""
    if _has_named_keys(policy, listed):
        return {}
    known = keys_of(store, listed.listing, listed.registered)
    return nearest_keys(policy, known.params, known.tags)


def _has_named_keys(policy: Policy, listed: Listed) -> bool:
    """Return whether each param and tag that the policy names is one of some run."""
    named, active = named_keys(policy), listed.active
    return all(any(key in run.params for run in active) for key in named.params) and all(
        any(key in run.tags for run in active) for key in named.tags
    )
