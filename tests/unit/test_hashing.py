import hashlib
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from smoke_gate.errors import SmokeGateError
from smoke_gate.hashing import (
    HashError,
    canonical_definition,
    canonical_json,
    data_hash,
    definition_hash,
    file_sha256,
    sha256_hex,
)

VECTORS = json.loads(
    (Path(__file__).parents[2] / "docs" / "hashing-vectors.json").read_text(encoding="utf-8")
)


def by_the_book(*several: Any) -> str:
    digest = hashlib.sha256()
    for array in several:
        digest.update(array.tobytes() + str(array.shape).encode() + str(array.dtype).encode())
    return digest.hexdigest()[:16]


# --- the published test vectors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", VECTORS["definition_hash"], ids=lambda vector: vector["sha256"][:8])
def test_definition_vectors(vector):
    """spec: hash-definition"""
    assert canonical_definition(vector["text"]).decode() == vector["canonical"]
    assert definition_hash(vector["text"]) == vector["sha256"]
    assert definition_hash(json.loads(vector["text"], parse_int=float)) == vector["sha256"]


@pytest.mark.parametrize("vector", VECTORS["refused_definitions"], ids=lambda vector: vector["why"])
def test_refused_definition_vectors(vector):
    """spec: hash-definition"""
    with pytest.raises(HashError):
        definition_hash(vector["text"])


@pytest.mark.parametrize("vector", VECTORS["data_hash"], ids=lambda vector: vector["what"])
def test_data_vectors(vector):
    """spec: hash-data"""
    made = [
        np.frombuffer(bytes.fromhex(array["bytes"]), dtype=array["dtype"]).reshape(array["shape"])
        for array in vector["arrays"]
    ]
    assert data_hash(made) == vector["hash"]


def test_vectors_are_distinct_where_they_say_so():
    hashes = [vector["hash"] for vector in VECTORS["data_hash"]]
    assert len(set(hashes)) == len(hashes)


# --- definitions ----------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(JSON)
def test_canonical_json_says_the_same_value(value):
    text = canonical_json(value)
    assert canonical_definition(b"[" + text + b"]") == b"[" + text + b"]"
    assert json.loads(text, parse_int=float) == json.loads(json.dumps(value), parse_int=float)


SIMPLE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**54), 2**54) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner)
    ),
)


@given(SIMPLE | JSON | st.dictionaries(st.text(), SIMPLE))
def test_every_way_to_write_canonical_json_gives_the_same_text(value):
    """Most values are written by the standard library, which is faster: byte for byte as the reference does."""
    try:
        expected = rfc8785.dumps(value)
    except ValueError:
        with pytest.raises(HashError):
            canonical_json(value)
    else:
        assert canonical_json(value) == expected


@pytest.mark.parametrize(
    "value", [{"\U0001f600": 1, "\uffff": 2}, {"a": 1e16}, {"a": [1.0]}, [2**53 - 1, "\x7f\u2028\x1f"]]
)
def test_what_the_standard_library_would_write_otherwise_is_canonical(value):
    assert canonical_json(value) == rfc8785.dumps(value)


@given(st.dictionaries(st.text("abc", max_size=3), st.integers(0, 9)))
def test_order_of_keys_changes_nothing(definition):
    assert definition_hash(definition) == definition_hash(dict(reversed(definition.items())))


@pytest.mark.parametrize(
    "text", ['{"a":1}', b'{"a":1}', '{"a":1}'.encode("utf-16"), "﻿".encode() + b'{"a":1}']
)
def test_text_and_bytes_are_read(text):
    assert definition_hash(text) == definition_hash({"a": 1})


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"a": float("nan")}, "nan"),
        ({"a": float("inf")}, "inf"),
        ({1: "a"}, "keys must be strings"),
        ({"a": {1, 2}}, "unsupported type"),
        ({"a": 2**53}, "exceeds"),
        (5, "found int"),
        (None, "found NoneType"),
        ('{"a": 1, "b": 2, "a": 3}', "names a key twice: 'a'"),
        ("[NaN]", "holds NaN"),
        (f"[1{'0' * 400}]", "exceeds"),
        ("pape", "not the name of a file"),
        (b"\xff\xfe\xfd", "not the name of a file"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_no_definition(payload, said):
    with pytest.raises(HashError, match=said) as error:
        definition_hash(payload)
    assert isinstance(error.value, SmokeGateError)


def test_a_value_that_holds_itself():
    value: list[Any] = []
    value.append(value)
    with pytest.raises(HashError, match="holds itself"):
        canonical_json(value)


# --- data -----------------------------------------------------------------------------------------------------------

PLAIN = arrays.scalar_dtypes() | arrays.unicode_string_dtypes() | arrays.byte_string_dtypes()


@settings(max_examples=200)
@given(arrays.arrays(PLAIN, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)), st.data())
def test_any_layout_hashes_as_its_c_order_bytes(array, data):
    """spec: hash-data"""
    axes = data.draw(st.permutations(range(array.ndim)))
    steps = [slice(None, None, data.draw(st.sampled_from([1, 2, -1]))) for _ in axes]
    view = array.transpose(axes)[(*steps, ...)]
    assert data_hash(view) == data_hash([view]) == by_the_book(view)


def test_an_array_over_many_blocks():
    array = np.arange(700_000, dtype=np.float64).reshape(700, 1000)
    assert data_hash(array.T) == by_the_book(array.T)
    assert data_hash(np.broadcast_to(np.arange(1000.0), (700, 1000))) == by_the_book(
        np.tile(np.arange(1000.0), (700, 1))
    )


@pytest.mark.parametrize("layout", [lambda array: array, lambda array: array.T, lambda array: array[::-2]])
def test_memory_is_bounded(layout):
    array = layout(np.zeros((2000, 2000)))  # 32 MB
    tracemalloc.start()
    data_hash(array)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000


def test_structured_and_memory_mapped_arrays(tmp_path):
    table = np.array([(1, 2.5), (3, 4.5)], dtype=[("hour", "<i4"), ("load", "<f8")])
    assert data_hash(table[::-1]) == by_the_book(table[::-1])
    np.save(tmp_path / "x.npy", np.arange(10.0))
    assert data_hash(np.load(tmp_path / "x.npy", mmap_mode="r")) == by_the_book(np.arange(10.0))


@pytest.mark.parametrize("change", [(0, 1.0), (3, np.nextafter(3.0, 4.0)), (5, np.nan)])
def test_one_value_changes_the_hash(change):
    array = np.arange(6.0)
    before = data_hash(array)
    array[change[0]] = change[1]
    assert data_hash(array) != before


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.array([{}, []], dtype=object), "dtype object holds Python objects"),
        (np.zeros(2, dtype=[("a", object)]), "holds Python objects"),
        (np.array(["a", "bc"], dtype=np.dtypes.StringDType()), "holds Python objects"),
        (np.ma.masked_array([1.0, 2.0], mask=[True, False]), "mask"),
        ([], "at least one array"),
        ([1.0, 2.0], "found float"),
        ("train", "found str"),
        (3.0, "found float"),
    ],
)
def test_no_data(value, said):
    with pytest.raises(HashError, match=said):
        data_hash(value)


# --- bytes and files ------------------------------------------------------------------------------------------------


def test_bytes_and_files_hash_alike(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"smoke" * 100_000)
    assert file_sha256(file) == file_sha256(str(file)) == sha256_hex(b"smoke" * 100_000)
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
