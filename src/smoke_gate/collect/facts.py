"""The facts of the runs that stand for planned pairs, and of the preregistrations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from smoke_gate.collect.artifacts import Probe, Way, payload_in_artifacts, probed_here, read_artifacts, way_to
from smoke_gate.collect.attempts import time_of
from smoke_gate.collect.container_action import PathMap
from smoke_gate.collect.histories import Histories
from smoke_gate.collect.ledger import last_step_of, rows_of
from smoke_gate.collect.other_attempts import OtherAttempt, with_weights
from smoke_gate.collect.recorded import RecordedRun
from smoke_gate.collect.registrations import other_keys, payload_in_params, registration_of
from smoke_gate.collect.store import Store
from smoke_gate.collect.without_secrets import without_secrets
from smoke_gate.evidence import Attempt, Payload, Registration, Run, metric_text
from smoke_gate.gates.needs import Needs
from smoke_gate.pictures import Curve
from smoke_gate.policy.terms import nearest

_ALIKE = 0.75  # as difflib measures it: `unit_in` is like `unit_input`, `use_lr` is not like `use_vq`
_GRACE = 60_000  # milliseconds: clients flush their last values when they end


@dataclass(frozen=True, slots=True)
class Facts:
    """A run's facts, and curves by metric for people to look at."""

    run: Run
    curves: Mapping[str, Curve]


@dataclass(frozen=True, slots=True)
class FactReader:
    """Reads what the gates need of recorded runs; ``probe`` reads their artifacts."""

    needs: Needs
    store: Store
    path_map: PathMap
    histories: Histories
    probe: Probe = probed_here

    def facts(self, run: RecordedRun) -> Facts:
        """Return a run's facts, without what only git knows.

        Raises:
            StoreError: The store or the artifacts cannot be reached.

        """
        way = way_to(run, self.store, self.path_map)
        artifacts = read_artifacts(run, way, self.needs, self.store, self.path_map, self.probe)
        names = sorted(self.needs.histories & run.metrics.keys())
        read = {name: self.histories.of(run.run_id, name) for name in names}
        facts = Run(
            run_id=run.run_id,
            params=_only(self._keys(run), run.params),
            tags=_only(self.needs.tags, run.tags),
            metrics={name: metric_text(latest.value) for name, latest in sorted(run.metrics.items())},
            instead=_instead(self.needs.params, run.params),
            late=_late(run),
            damaged=self._damaged(run.run_id),
            histories={name: one.history for name, one in read.items() if one.history is not None},
            rows=rows_of(run) if self.needs.ledger else {},
            last_step=last_step_of(run) if self.needs.ledger else None,
            payload=self._payload(run, way),
            checkpoints=artifacts.checkpoints,
            unmatched=artifacts.unmatched,
            manifest=artifacts.manifest,
            models=artifacts.models,
            figures=artifacts.figures,
            artifacts_problem=artifacts.problem,
        )
        curves = {name: one.curve for name, one in read.items() if one.curve is not None}
        return Facts(without_secrets(facts, self.store.secrets), curves)

    def weights(self, one: OtherAttempt, run: RecordedRun) -> Attempt:
        """Return an attempt with its weights, where they may equal those of the run that stands for its pair."""
        return with_weights(one, run, self.needs, self.store, self.path_map)

    def registration(self, run: RecordedRun) -> Registration:
        """Return what a preregistration run says.

        Raises:
            StoreError: The artifacts cannot be reached.

        """
        payload = self._payload(run, way_to(run, self.store, self.path_map))
        said = registration_of(run, self.needs.definition or "", payload)
        return without_secrets(said, self.store.secrets)

    def _keys(self, run: RecordedRun) -> frozenset[str]:
        """Return the params that are looked at: those of the policy, and where a definition's hash is by mistake."""
        definition = self.needs.definition
        return self.needs.params.union(other_keys(run.params, definition) if definition else ())

    def _damaged(self, run_id: str) -> tuple[str, ...]:
        """Return what is damaged of a run, as far as anybody asks for it; the ledger asks for everything."""
        found = self.store.damaged.get(run_id, ())
        if self.needs.ledger:
            return found
        asked = {f"params.{key}" for key in self.needs.params} | {f"tags.{key}" for key in self.needs.tags}
        return tuple(name for name in found if name in asked or name.startswith("metrics."))

    def _payload(self, run: RecordedRun, way: Way) -> Payload | None:
        if self.needs.definition is None:
            return None
        in_params = payload_in_params(run, self.needs.definition)
        return in_params or payload_in_artifacts(way)


def _instead(needed: frozenset[str], params: Mapping[str, str]) -> dict[str, str]:
    """Return, for each needed param that a run lacks, the param that nobody else needs and that may be meant."""
    names = tuple(sorted(params.keys() - needed))
    found = {key: _nearest(key, names) for key in sorted(needed - params.keys())}
    return {key: near for key, near in found.items() if near is not None}


@lru_cache(maxsize=4096)  # runs log the same params
def _nearest(key: str, names: tuple[str, ...]) -> str | None:
    return nearest(key, names, cutoff=_ALIKE)


def _late(run: RecordedRun) -> tuple[str, ...]:
    """Return the metrics whose value was written more than a minute after the run had ended."""
    end = time_of(run.end_time)
    if end is None:
        return ()
    return tuple(sorted(name for name, latest in run.metrics.items() if latest.timestamp > end + _GRACE))


def _only(keys: Iterable[str], values: Mapping[str, str]) -> dict[str, str]:
    return {key: values[key] for key in sorted(keys) if key in values}
