"""All runs of experiments from an MLflow server: by start time, so that no run is passed over while others are erased.

MLflow's own pages count how many runs the pages before had. Here each page begins at the instant at which the one
before ended, and stretches of time are asked for side by side.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.progress import Progress, silent
from smoke_gate.collect.recorded import CONTEXT_TAG, DataSet, LatestValue, RecordedRun, run_name
from smoke_gate.collect.server_requests import asked
from smoke_gate.collect.store import Store
from smoke_gate.collect.workers import in_parallel

_PAGE = 500  # about a second of a server's time, well within one request's timeout
_MOST_AT_ONCE = 4  # requests: a server has few processes
_STRETCHES = 16
_MOST_LISTINGS = 5  # of one instant, until nothing that the one before had is missing
_SEARCH = "/api/2.0/mlflow/runs/search"
_OLDEST_FIRST, _NEWEST_FIRST = "attributes.start_time ASC", "attributes.start_time DESC"

Found = dict[str, dict[str, Any]]
"""Runs as the server says them, by id."""


@dataclass(frozen=True, slots=True)
class _Page:
    runs: Found
    token: str

    @property
    def starts(self) -> list[int]:
        """The start times, in milliseconds. A server fails to list a run that has none."""
        return [int(run["info"].get("start_time", 0)) for run in self.runs.values()]


@dataclass(frozen=True, slots=True)
class ServedRuns:
    """The runs of a server's experiments that a filter selects, deleted ones too."""

    store: Store
    experiments: Sequence[str]
    where: str
    workers: int
    progress: Progress = silent

    def listed(self) -> tuple[RecordedRun, ...]:
        """Return the runs.

        Raises:
            StoreError: A page cannot be read.

        """
        first = self._page([], _OLDEST_FIRST)
        found = dict(first.runs)
        if first.token:
            newest = self._page([], _NEWEST_FIRST, most=1)
            stretches = list(_stretches(max(first.starts), max(newest.starts)))
            answers = in_parallel(
                lambda stretch: self._stretch(*stretch), stretches,
                workers=min(self.workers, _MOST_AT_ONCE), stage="stretches", progress=silent,
            )  # fmt: skip
            for answer in answers:
                found |= answer
        self.progress("runs", len(found), None)
        return tuple(map(run_of, found.values()))

    def _stretch(self, start: int, end: int | None) -> Found:
        """Return the runs that started from ``start`` on and before ``end``."""
        before = [] if end is None else [f"attributes.start_time < {end}"]
        found: Found = {}
        while True:
            page = self._page([f"attributes.start_time >= {start}", *before], _OLDEST_FIRST)
            found |= page.runs
            if not page.token:
                return found
            last = max(page.starts)
            if last == start:  # more runs of one instant than a page has
                found |= self._instant(start)
                last += 1
            start = last

    def _instant(self, start: int) -> Found:
        """Return the runs that started at one instant, which are listed until none is missing."""
        before: Found | None = None
        for _ in range(_MOST_LISTINGS):
            found: Found = {}
            token = ""
            while True:
                page = self._page([f"attributes.start_time = {start}"], _OLDEST_FIRST, token=token)
                found |= page.runs
                token = page.token
                if not token:
                    break
            if before is not None and before.keys() <= found.keys():
                return found
            before = found
        raise StoreError(f"the runs of {self.store.name} change while they are read: try again")

    def _page(self, clauses: Sequence[str], order: str, *, token: str = "", most: int | None = None) -> _Page:
        body = {
            "experiment_ids": list(self.experiments),
            "filter": " and ".join([*([self.where] if self.where else []), *clauses]),
            "run_view_type": "ALL",
            "max_results": most or _PAGE,
            "order_by": [order],
            **({"page_token": token} if token else {}),
        }
        answer = self.store.call(asked, self.store, _SEARCH, "POST", {"json": body})
        return _Page(
            {run["info"]["run_id"]: run for run in answer.get("runs", [])}, answer.get("next_page_token", "")
        )


def _stretches(first: int, last: int) -> Iterator[tuple[int, int | None]]:
    """Yield stretches of time of one length from ``first`` on; the last one has no end."""
    width = max(1, (last - first) // _STRETCHES)
    starts = list(range(first, last, width))[:_STRETCHES] or [first]
    yield from zip(starts, [*starts[1:], None], strict=True)


def run_of(said: Mapping[str, Any]) -> RecordedRun:
    """Return the run of a server's answer."""
    info, data = said["info"], said.get("data", {})
    tags = _texts(data.get("tags", ()))
    return RecordedRun(
        run_id=info["run_id"],
        experiment_id=info.get("experiment_id", ""),
        name=run_name(info.get("run_name"), tags),
        status=info.get("status", "RUNNING"),
        lifecycle_stage=info.get("lifecycle_stage", ""),
        start_time=info.get("start_time") or 0,
        end_time=info.get("end_time") or None,
        artifact_uri=info.get("artifact_uri", ""),
        params=_texts(data.get("params", ())),
        tags=tags,
        metrics={
            one["key"]: LatestValue(
                float(one["value"]), int(one.get("timestamp", 0)), int(one.get("step", 0))
            )
            for one in data.get("metrics", ())
        },
        data_sets=tuple(map(_data_set_of, said.get("inputs", {}).get("dataset_inputs", ()))),
        model_ids=tuple(
            sorted({one["model_id"] for one in said.get("outputs", {}).get("model_outputs", ())})
        ),
    )


def _texts(said: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {one["key"]: one.get("value", "") for one in said}


def _data_set_of(said: Mapping[str, Any]) -> DataSet:
    one = said.get("dataset", {})
    return DataSet(one.get("name", ""), one.get("profile"), _texts(said.get("tags", ())).get(CONTEXT_TAG, ""))
