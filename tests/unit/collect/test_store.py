import tempfile

import pytest

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.store import open_store
from smoke_gate.errors import UsageError

PAGE = "http://host:5000/#/experiments/1"


def test_where_no_temporary_file_can_be_written_the_way_out_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "read-only"))
    with (
        pytest.raises(UsageError, match=r"temporary files cannot be written: .*--tmpfs /tmp"),
        open_store("x"),
    ):
        pass


def test_the_address_of_a_page_is_no_store():
    with pytest.raises(StoreError, match=r"a page: as the store write http://host:5000/$"), open_store(PAGE):
        pass
