import io
import pickle

import pytest

from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.probes.pickle.files import scan_disguised, scan_one_pickle
from tests.unit.probes.files import SHELL, scanned, torch_legacy, torch_pickle


def stream(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))


def test_several_pickles_in_a_row():
    data = pickle.dumps([1]) + pickle.dumps({"a": 2})
    assert scanned(data) == scanned(pickle.dumps(None))
    assert scanned(data + SHELL)[0].dangerous == ("os.system",)


@pytest.mark.parametrize("rest", [b"\0", b"\n", b"garbage", b"\xff" * 100])
def test_bytes_after_the_pickle_are_a_problem(rest):
    assert scanned(pickle.dumps([1]) + rest)[1]


def test_names_that_the_memo_of_an_earlier_pickle_held_are_not_lost():
    first = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940."
    found, problem = scanned(first + b"\x80\x04h\x00h\x01\x93.")
    assert problem or found.dangerous  # an unpickler that is used twice would still know them


def test_torch_of_before_1_6(monkeypatch):
    found, problem = scanned(torch_legacy(monkeypatch))
    assert problem is None
    assert found.unknown == found.dangerous == ()


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data[:-24], lambda data: data + b"\0"]
)
def test_torch_storages_that_are_cut_off_or_too_long(monkeypatch, change):
    assert "bytes of torch storages" in (scanned(change(torch_legacy(monkeypatch)))[1] or "")


def test_a_torch_storage_of_unknown_size(monkeypatch):
    data = torch_legacy(monkeypatch).replace(b"FloatStorage", b"StrayStorage")
    found, problem = scanned(data)
    assert problem == "it has a torch storage of unknown size: torch.StrayStorage"
    assert found.unknown == ("torch.StrayStorage",)


def test_a_member_holds_one_pickle(monkeypatch):
    inspection = Inspection.of_size(0)
    scan_one_pickle(stream(torch_pickle(monkeypatch)), inspection)
    assert inspection.imports.as_evidence().unknown == ()
    with pytest.raises(BrokenError, match="after the end"):
        scan_one_pickle(stream(pickle.dumps(1) * 2), inspection)


def test_a_disguised_pickle_counts_whole():
    inspection = Inspection.of_size(0)
    assert scan_disguised(stream(b"cmy.module\nThing\n."), inspection)
    assert inspection.imports.unknown == {"my.module.Thing"}


def test_of_bytes_that_only_begin_like_a_pickle_only_named_dangers_count():
    inspection = Inspection.of_size(0)
    assert not scan_disguised(stream(b"cmy.module\nThing\n0NN\x93cos\nsystem\n\xff"), inspection)
    assert inspection.imports.as_evidence().unknown == ()
    assert inspection.imports.as_evidence().dangerous == ("os.system",)


def test_a_disguised_pickle_that_is_too_long_to_follow_is_a_problem():
    inspection = Inspection(expansion_left=0, opcodes_left=50)
    with pytest.raises(LimitError, match="opcodes"):
        scan_disguised(stream(b"N0" * 100 + SHELL), inspection)
