"""Lists that a store gives in pages."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.store import Store

if TYPE_CHECKING:
    from mlflow.store.entities import PagedList

T = TypeVar("T")


def all_pages(store: Store, page: Callable[[str | None], "PagedList[T]"]) -> Iterator[T]:
    """Yield what is on all pages; ``page`` is asked with the token of the page before.

    Raises:
        StoreError: A page cannot be read, or the pages go in a circle.
    """
    token: str | None = None
    asked = set()
    while True:
        found = store.call(page, token)
        yield from found
        token = found.token
        if not token:
            return
        if token in asked:
            raise StoreError(f"{store.name} lists the same page again and again: its list has no end")
        asked.add(token)
