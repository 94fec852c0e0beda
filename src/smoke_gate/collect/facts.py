"""The facts of the runs that stand for planned pairs, and of the preregistrations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smoke_gate.collect.artifacts import payload_in_artifacts, read_artifacts
from smoke_gate.collect.histories import in_order, thinned
from smoke_gate.collect.needs import Needs
from smoke_gate.collect.registrations import other_keys, payload_in_params, registration_of
from smoke_gate.collect.roots import PathMap
from smoke_gate.collect.store import Store
from smoke_gate.evidence import Payload, Point, Registration, Run, is_exact, metric_text

if TYPE_CHECKING:
    from mlflow.entities import Run as RecordedRun


@dataclass(frozen=True, slots=True)
class FactReader:
    """Reads what the gates need of recorded runs."""

    needs: Needs
    store: Store
    path_map: PathMap

    def run(self, run: "RecordedRun") -> Run:
        """Return a run's facts, but for what git knows.

        Raises:
            StoreError: The store or the artifacts cannot be reached.

        """
        artifacts = read_artifacts(run, self.needs, self.store, self.path_map)
        return Run(
            run_id=run.info.run_id,
            params=_only(self._keys(run), run.data.params),
            tags=_only(self.needs.tags, run.data.tags),
            metrics={name: metric_text(value) for name, value in sorted(run.data.metrics.items())},
            histories={
                name: self._history(run, name)
                for name in sorted(self.needs.histories & set(run.data.metrics))
            },
            payload=self._payload(run),
            checkpoints=artifacts.checkpoints,
            manifest=artifacts.manifest,
            models=artifacts.models,
            figures=artifacts.figures,
            artifacts_problem=artifacts.problem,
        )

    def registration(self, run: "RecordedRun") -> Registration:
        """Return what a preregistration run says.

        Raises:
            StoreError: The artifacts cannot be reached.

        """
        return registration_of(run, self.needs.definition or "", self._payload(run))

    def _keys(self, run: "RecordedRun") -> frozenset[str]:
        """Return the params that are looked at: those of the policy, and where a definition's hash is by mistake."""
        definition = self.needs.definition
        return self.needs.params.union(other_keys(run.data.params, definition) if definition else ())

    def _payload(self, run: "RecordedRun") -> Payload | None:
        if self.needs.definition is None:
            return None
        in_params = payload_in_params(run, self.needs.definition)
        return in_params or payload_in_artifacts(run, self.store, self.path_map)

    def _history(self, run: "RecordedRun", name: str) -> tuple[Point, ...]:
        found = self.store.call(self.store.client.get_metric_history, run.info.run_id, name)
        points = [
            (metric.step if is_exact(metric.step) else str(metric.step), metric) for metric in in_order(found)
        ]
        return thinned([Point(step=step, value=metric_text(metric.value)) for step, metric in points])


def _only(keys: Iterable[str], values: Mapping[str, str]) -> dict[str, str]:
    return {key: values[key] for key in sorted(keys) if key in values}
