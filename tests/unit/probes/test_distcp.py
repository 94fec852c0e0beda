import io
import pickle
import struct

import pytest

from smoke_gate.probes import distcp
from smoke_gate.probes.distcp import archives_in
from smoke_gate.probes.inspection import LimitError
from smoke_gate.probes.streams import BLOCK_BYTES
from tests.unit.probes.files import SHELL, inspected, problem_of, zipped

FIRST = zipped({"archive/data.pkl": b"N.", "archive/version": b"3\n"})
SECOND = zipped({"archive/data.pkl": b"K\x01.", "archive/data/0": bytes(100)})
NAME = "__0_0.distcp"


def parts(data: bytes) -> list[bytes]:
    return [part.read() for part, _ in archives_in(io.BytesIO(data), len(data))]


@pytest.mark.parametrize("archives", [[FIRST], [FIRST, SECOND], [SECOND, FIRST, FIRST]])
def test_archives_behind_one_another(archives):
    assert parts(b"".join(archives)) == archives
    assert inspected(b"".join(archives), NAME)[:2] == ("zip", None)


def test_an_archive_that_holds_an_archive_is_one():
    outer = zipped({"archive/data/0": FIRST + SECOND})
    assert parts(outer + FIRST) == [outer, FIRST]


def test_only_files_that_are_called_so_may_hold_several():
    assert "directory is not where its end says" in problem_of(FIRST + SECOND, "model.pt")


def test_inside_an_archive():
    assert problem_of(zipped({f"checkpoint/{NAME}": FIRST + SECOND}), "bundle.zip") == ""


def test_each_archive_is_scanned_whatever_is_wrong_with_another():
    evil = zipped({"archive/data.pkl": SHELL})
    broken = zipped({"archive/data.pkl": b"\xff"})
    for archives in ([FIRST, evil], [evil, FIRST], [broken, evil, FIRST]):
        assert inspected(b"".join(archives), NAME)[2].imports.dangerous == {"os.system"}
    assert "'archive/data.pkl'" in problem_of(FIRST + broken + FIRST, NAME)


@pytest.mark.parametrize(
    "data", [FIRST + SECOND[:-1], FIRST[:-1] + SECOND, FIRST + b"x" + SECOND, FIRST + b"x" * 100]
)
def test_bytes_that_belong_to_no_archive(data):
    assert problem_of(data, NAME)


def test_a_comment_may_not_hide_anything():
    end = FIRST[:-2] + struct.pack("<H", 4) + b"more"
    assert "no whole archive at byte 0" in problem_of(end, NAME)


def test_too_many_archives(monkeypatch):
    monkeypatch.setattr(distcp, "_MAX_ARCHIVES", 2)
    assert parts(FIRST * 2) == [FIRST] * 2
    with pytest.raises(LimitError, match="more than 2 archives"):
        parts(FIRST * 3)


def test_too_many_signatures(monkeypatch):
    monkeypatch.setattr(distcp, "_MAX_CANDIDATES", 5)
    with pytest.raises(LimitError, match="more than 5 signatures"):
        parts(b"PK\x05\x06" * 100)


def test_signatures_on_the_border_of_a_block():
    for size in range(BLOCK_BYTES - 160, BLOCK_BYTES - 90):
        data = zipped({"a": bytes(size)})
        assert parts(data + FIRST) == [data, FIRST]


def test_metadata_names_its_files():
    metadata = pickle.dumps(
        {"a": "__0_0.distcp", "b": "__1_0.distcp", "c": "x.distcpp", "d": "no/x.distcp"}, 4
    )
    found, problem, inspection = inspected(metadata, "step-3/.metadata")
    assert (found, problem) == ("pickle", None)
    assert inspection.companions == {"__0_0.distcp", "__1_0.distcp"}
    assert inspected(metadata, "state.pkl")[2].companions == set()
