"""``listing.search``, on a store whose runs change while they are listed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from mlflow.entities import Run
from mlflow.store.entities import PagedList

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.listing import search
from smoke_gate.collect.progress import silent
from smoke_gate.collect.served_runs import ServedRuns
from tests.support.entities import entity
from tests.support.stores import served


@dataclass
class Client:
    """Lists as MLflow does: a token is how many runs the pages before had.

    ``after`` says which change follows which page, counted over all listings.
    """

    ids: list[str]
    after: Mapping[int, Callable[[list[str]], None]] = field(default_factory=dict)
    page_size: int = 2
    asked: int = 0

    def search_runs(self, _: Sequence[str], *, page_token: str | None, **__: Any) -> PagedList[Run]:
        start = int(page_token or 0)
        end = start + self.page_size
        page = PagedList(
            [entity(name) for name in self.ids[start:end]], str(end) if end < len(self.ids) else ""
        )
        self.asked += 1
        if change := self.after.get(self.asked):
            change(self.ids)
        return page


@pytest.fixture(autouse=True)
def listed_by_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a server that cannot list runs by start time."""

    def refuse(_: ServedRuns) -> None:
        raise StoreError("another API", code="ENDPOINT_NOT_FOUND")

    monkeypatch.setattr(ServedRuns, "listed", refuse)


def found(client: Client, where: str = "") -> list[str]:
    return [one.run_id for one in search(served(client), ["1"], where, silent)]


def erase_first(ids: list[str]) -> None:
    del ids[0]


@pytest.mark.parametrize("where", ["", "tags.k = 'v'"])
@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_run_that_moves_to_a_page_that_was_read_is_found(where, page):
    assert found(Client(list("abcdef"), {page: erase_first}), where) == list("bcdef")


def test_runs_that_are_erased_in_several_listings():
    assert found(Client(list("abcdefgh"), {1: erase_first, 5: erase_first})) == list("cdefgh")


def test_a_page_is_a_listing():
    client = Client(list("ab"), {1: erase_first})
    assert found(client) == ["a", "b"]
    assert client.asked == 1


def test_a_quiet_store_is_listed_twice_and_no_run_counts_twice():
    client = Client(list("abcdef"))
    assert found(client) == list("abcdef")
    assert client.asked == 6


def test_runs_that_start_meanwhile_move_none_out_of_sight():
    client = Client(list("abcdef"), {page: lambda ids: ids.insert(0, f"new{len(ids)}") for page in range(50)})
    assert set("abcdef") <= set(found(client))


def test_a_store_that_does_not_come_to_rest():
    client = Client([str(number) for number in range(100)], dict.fromkeys(range(1000), erase_first), 10)
    with pytest.raises(StoreError, match="the runs of http://host change while they are read: try again"):
        found(client)
