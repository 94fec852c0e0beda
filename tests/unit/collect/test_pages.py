from collections.abc import Mapping
from types import SimpleNamespace

import pytest
from mlflow.store.entities import PagedList

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.store import all_pages
from tests.support.stores import served

STORE = served(SimpleNamespace())


def listed(pages: Mapping[str | None, tuple[str, str]]) -> list[str]:
    def page(token: str | None) -> PagedList[str]:
        items, following = pages[token]
        return PagedList(list(items), following)

    return list(all_pages(STORE, page))


def test_all_pages_are_read():
    assert listed({None: ("ab", "1"), "1": ("", "2"), "2": ("c", "")}) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "pages",
    [
        {None: ("", "1"), "1": ("", "1")},
        {None: ("a", "1"), "1": ("b", "2"), "2": ("c", "1")},
    ],
)
def test_pages_that_go_in_a_circle(pages):
    with pytest.raises(StoreError, match="http://host lists the same page again and again"):
        listed(pages)
