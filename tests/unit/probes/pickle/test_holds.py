import argparse
import functools
import io
import pickle
import random
import re
import struct
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from importlib import import_module
from pathlib import PurePosixPath
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import joblib
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smoke_gate.evidence import Holds
from tests.unit.probes.files import followed, probed, torch_legacy, torch_pickle, torch_zip, zipped

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
LITTLE = (Holds.NOTHING, Holds.DATA)


def holds(data: bytes) -> Holds:
    inspection, problem = followed(data)
    assert problem is None
    return inspection.holds


class Net:
    def __init__(self) -> None:
        self.name = "net"


class Listed(list[float]):
    pass


class Mode(Enum):
    FAST = "fast"


NO_MODEL: list[object] = [
    *[None, {}, [], (), set(), "hello", b"bytes", 3, 2**100, 0.5, True, 3 + 2j, ...],
    *[{"loss": 0.1}, {"a": {"b": [1]}}, [True, False], [1, True], [None, "a"], {1: "cat", 2: "dog"}],
    *[OrderedDict(), OrderedDict(loss=0.1), defaultdict(list), Counter(), deque([1])],
    *[
        datetime.now(UTC),
        [timedelta(1), timedelta(2)],
        datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")),
    ],
    *[Decimal("1.5"), Fraction(1, 2), uuid.UUID(int=5), PurePosixPath("a"), re.compile("a")],
    *[argparse.Namespace(lr=0.1, epochs=3), SimpleNamespace(a=1, b=2), random.Random(1)],
    *[np.float64(2.5), [np.float32(1)], np.dtype("f4"), np.dtype([("i", "i4"), ("f", "f8")])],
    *[np.zeros(0), np.zeros((0, 3)), [np.zeros((2, 0))], np.array([], dtype=object), Net, len],
]
NUMBERS: list[object] = [
    *[[1.0, 2.0], (1, 2), {1, 2}, frozenset({1, 2}), {"a": 1, "b": 2.5}, {"a": {"b": 1, "c": 2}}, [[1], [2]]],
    *[[0, 0], [(0, 0)], ((0, 5), (0, 6)), [2**100, 0.5], list(range(5000)), {"w": [0.1, 0.2]}],
    *[OrderedDict(a=1, b=2), Counter("aab"), defaultdict(int, a=1, b=2), deque([1, 2]), tuple(range(20))],
    *[[Decimal(1), Fraction(1, 2)], [np.float64(1), np.float64(2)], [1 + 2j, 3.0], {"a": [1], "b": (2.0,)}],
]
OBJECTS: list[object] = [Net(), [Net()], {"net": Net()}, Listed(), Mode.FAST, functools.partial(len, "a")]
TENSORS: list[object] = [
    *[np.zeros(3), np.array(2.5), np.array(["a", None], dtype=object), np.asfortranarray(np.ones((2, 3)))],
    *[
        {"weight": np.ones((2, 3)), "bias": np.zeros(0)},
        [np.zeros(0), np.zeros(1)],
        np.eye(2).view(np.matrix),
    ],
    *[np.ma.array([1, 2], mask=[True, False]), np.array([(1, 2.0)], dtype=[("i", "i4"), ("f", "f8")])],
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", NO_MODEL, ids=lambda value: type(value).__name__)
def test_plain_data_is_no_model(value, protocol):
    """spec: G3-holds"""
    assert holds(pickle.dumps(value, protocol)) in LITTLE


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: type(value).__name__)
def test_two_numbers_in_containers(value, protocol):
    assert holds(pickle.dumps(value, protocol)) is Holds.NUMBERS


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_objects_of_classes(value, protocol):
    assert holds(pickle.dumps(value, protocol)) is Holds.OBJECT


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", TENSORS, ids=lambda value: type(value).__name__)
def test_arrays_with_elements(value, protocol):
    assert holds(pickle.dumps(value, protocol)) is Holds.TENSORS


@pytest.mark.parametrize(
    ("shape", "found"), [((0,), Holds.DATA), ((2, 0), Holds.DATA), ((3,), Holds.TENSORS), ((), Holds.TENSORS)]
)
@pytest.mark.parametrize("dtype", ["f8", object])
def test_arrays_of_joblib(shape, dtype, found):
    buffer = io.BytesIO()
    joblib.dump(np.zeros(shape, dtype=dtype), buffer)
    assert holds(buffer.getvalue()) is found


def test_estimators():
    linear = import_module("sklearn.linear_model")
    assert holds(pickle.dumps(linear.LinearRegression())) is Holds.OBJECT
    assert holds(pickle.dumps(linear.LinearRegression().fit([[0], [1]], [0, 1]))) is Holds.TENSORS


def test_state_dicts_of_torch(tmp_path, monkeypatch):
    assert probed(tmp_path, torch_zip(monkeypatch), "model.pt").holds is Holds.TENSORS
    assert probed(tmp_path, torch_legacy(monkeypatch), "model.pt").holds is Holds.TENSORS


def test_a_tensor_of_torch_without_elements(tmp_path, monkeypatch):
    data = torch_pickle(monkeypatch).replace(b"K\x06t", b"K\x00t")
    empty = zipped({"archive/data.pkl": data, "archive/data/0": b"", "archive/version": b"3\n"})
    assert probed(tmp_path, empty, "model.pt").holds is Holds.DATA


OF_TORCH = [
    ({}, Holds.DATA),
    ({"epoch": 3}, Holds.DATA),
    ({"lr": 0.1, "epoch": 3}, Holds.NUMBERS),
    (Net(), Holds.OBJECT),
]


@pytest.mark.parametrize(("value", "found"), OF_TORCH, ids=lambda value: type(value).__name__)
def test_what_torch_writes_beside_the_object_tells_nothing(tmp_path, value, found):
    members = {
        "data.pkl": pickle.dumps(value, 2),
        "byteorder": b"little",
        "version": b"3\n",
        ".format_version": b"1",
    }
    data = zipped({f"archive/{name}": content for name, content in members.items()})
    assert probed(tmp_path, data, "model.pt").holds is found


def test_the_head_of_torchs_old_format_tells_nothing(tmp_path):
    system = {
        "protocol_version": 1001,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    for value, found in OF_TORCH:
        parts: list[object] = [0x1950A86A20F9469CFC6C, 1001, system, value, []]
        data = b"".join(pickle.dumps(part, protocol=2) for part in parts)
        assert probed(tmp_path, data, "model.pt").holds is found


@pytest.mark.parametrize("name", ["model.pkl", "model.bin", "model"])
def test_the_name_of_the_file_makes_no_difference(tmp_path, name):
    for value, found in [
        ({}, Holds.DATA),
        ([1, 2], Holds.NUMBERS),
        (Net(), Holds.OBJECT),
        (np.ones(2), Holds.TENSORS),
    ]:
        assert probed(tmp_path, pickle.dumps(value), name).holds is found


def test_several_pickles_in_a_row_tell_what_the_most_telling_one_does():
    assert holds(pickle.dumps(None) + pickle.dumps([1, 2]) + pickle.dumps("a")) is Holds.NUMBERS


scalars = (
    st.none() | st.booleans() | st.text(max_size=5) | st.binary(max_size=5) | st.integers() | st.floats()
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def numbers(value: object) -> int:
    """Count the numbers that containers hold, in the plainest way."""
    if isinstance(value, dict):
        return sum(map(numbers, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(numbers, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


@example(value=(None, (0, 0)), protocol=0)
@example(value=((0,), "a"), protocol=2)
@example(value=((0, "a"), (0,)), protocol=4)
@given(value=values, protocol=st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_numbers_are_counted_as_one_would(value, protocol):
    inspection, problem = followed(pickle.dumps(value, protocol))
    assert problem is None
    assert inspection.holds is (Holds.NUMBERS if numbers(value) >= 2 else Holds.NOTHING)


@given(count=st.integers(0, 5), text=st.booleans())
def test_numbers_that_are_added_one_by_one(count, text):
    item = b"\x8c\x01a" if text else b"G" + struct.pack(">d", 0.5)
    found = holds(b"\x80\x04]" + (item + b"a") * count + b".")
    assert found is (Holds.NUMBERS if count > 1 and not text else Holds.NOTHING)
