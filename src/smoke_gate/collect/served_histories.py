"""Histories of metrics from an MLflow server: page by page, each with its own patience, without MLflow's entities."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from smoke_gate.collect.server_requests import asked
from smoke_gate.collect.sql_histories import Logged
from smoke_gate.collect.store import Store, all_pages

if TYPE_CHECKING:
    from mlflow.store.entities import PagedList

_HISTORY = "/api/2.0/mlflow/metrics/get-history"
# Less than a second, also of a busy server: larger pages cost it as much for each point.
_POINTS_OF_A_PAGE = 5_000


def served_history(store: Store, run_id: str, metric: str) -> Iterator[Logged]:
    """Yield the values of a history. Old servers do not know pages, and give it whole.

    Raises:
        StoreError: A page cannot be read, or the pages go in a circle.

    """
    wanted = {"run_id": run_id, "metric_key": metric, "max_results": str(_POINTS_OF_A_PAGE)}

    def page(token: str | None) -> "PagedList[Logged]":
        from mlflow.store.entities import PagedList

        params = {**wanted, "page_token": token} if token else wanted
        answer = asked(store, _HISTORY, "GET", {"params": params})
        values = [
            (int(one.get("step", 0)), int(one.get("timestamp", 0)), float(one.get("value", 0)))
            for one in answer.get("metrics", ())
        ]
        return PagedList(values, answer.get("next_page_token"))

    return all_pages(store, page)
