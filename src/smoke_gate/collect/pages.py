"""Lists that a store gives in pages."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from smoke_gate.collect.store import Store

if TYPE_CHECKING:
    from mlflow.store.entities import PagedList

T = TypeVar("T")


def all_pages(store: Store, page: Callable[[str | None], "PagedList[T]"]) -> Iterator[T]:
    """Yield what is on all pages; ``page`` is asked with the token of the page before.

    Raises:
        StoreError: A page cannot be read.
    """
    token: str | None = None
    while True:
        found = store.call(page, token)
        yield from found
        token = found.token
        if not token:
            return
