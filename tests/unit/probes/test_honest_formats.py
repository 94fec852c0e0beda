"""Files that the formats' own libraries wrote: each is intact, and no cut of one is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Holds
from smoke_gate.probes.formats import NAMES, promised_formats
from tests.unit.probes.files import inspected, problem_of

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "formats"
FILES = {
    "all_types.onnx": ("onnx", Holds.TENSORS, set()),
    "external.onnx": ("onnx", Holds.TENSORS, {"external.onnx.data"}),
    "external.onnx.data": ("tensor_data", Holds.TENSORS, set()),
    "trees.ubj": ("ubjson", Holds.TENSORS, set()),
    "linear.ubj": ("ubjson", Holds.TENSORS, set()),
    "trees.json": ("json", Holds.TENSORS, set()),
    "trees.lgb": ("lightgbm", Holds.TENSORS, set()),
    "numbers.cbm": ("catboost", Holds.TENSORS, set()),
    "categories.cbm": ("catboost", Holds.TENSORS, set()),
    "little.gguf": ("gguf", Holds.TENSORS, set()),
    "big.gguf": ("gguf", Holds.TENSORS, set()),
    "state.msgpack": ("msgpack", Holds.TENSORS, set()),
    "state.joblib.lz4": ("joblib", None, set()),  # what a pickle holds is told by its own probe
    "dense.tflite": ("tflite", Holds.TENSORS, set()),
    "distributed/__0_0.distcp": ("zip", None, set()),
    "distributed/.metadata": ("pickle", None, {"__0_0.distcp"}),
    "saved_model/saved_model.pb": ("savedmodel", Holds.TENSORS, {"variables/variables.index"}),
    "saved_model/variables/variables.index": (
        "tensorflow_index",
        Holds.TENSORS,
        {"variables.data-00000-of-00001"},
    ),
    "saved_model/variables/variables.data-00000-of-00001": ("tensor_data", Holds.TENSORS, set()),
    "tensorflow/ckpt-1.index": ("tensorflow_index", Holds.TENSORS, {"ckpt-1.data-00000-of-00001"}),
    "tensorflow/ckpt-1.data-00000-of-00001": ("tensor_data", Holds.TENSORS, set()),
    "tensorflow/model.ckpt.index": ("tensorflow_index", Holds.TENSORS, {"model.ckpt.data-00000-of-00001"}),
    "tensorflow/model.ckpt.data-00000-of-00001": ("tensor_data", Holds.TENSORS, set()),
    "tensorflow/model.ckpt.meta": ("tensorflow_graph", Holds.DATA, set()),
    "tensorflow/checkpoint": ("tensorflow_state", Holds.DATA, set()),
}
LITTLE_GGUF_PADDING, BIG_GGUF_PADDING = 24, 26
UNNOTICED = {
    # The padding behind the last tensor is missing, and no data.
    "little.gguf": {512 - LITTLE_GGUF_PADDING},
    "big.gguf": {352 - BIG_GGUF_PADDING},
    # Where only LightGBM's Python package goes on, with pandas_categorical.
    "trees.lgb": {4424},
    # Whole archives: only .metadata knows how many there must be.
    "distributed/__0_0.distcp": {1261, 2838},
    # Whole messages, behind the graph: what is lost are signatures.
    "tensorflow/model.ckpt.meta": {8589, 8665, 8770},
}
ENDLESS = {"dense.tflite"}  # FlatBuffers do not say where they end


def data_of(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def test_every_file_of_the_folder_is_in_this_table():
    found = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert {name for name in found if not name.endswith((".py", ".pyc"))} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_an_honest_file_is_intact(name):
    expected, holds, companions = FILES[name]
    found, problem, inspection = inspected(data_of(name), name)
    assert (found, problem) == (expected, None)
    assert found in NAMES
    assert inspection.companions == companions
    assert inspection.imports.as_evidence().dangerous == ()
    if holds:
        assert inspection.holds is holds


STRUCTURED = [name for name, (found, *_) in FILES.items() if found != "tensor_data"]


@pytest.mark.parametrize("name", STRUCTURED)
def test_every_cut_of_an_honest_file_is_a_problem(name):
    data = data_of(name)
    cut = {length for length in range(1, len(data)) if not problem_of(data[:length], name)}
    unknown = set() if promised_formats(name) else {n for n in cut if inspected(data[:n], name)[0] is None}
    assert cut - unknown == UNNOTICED.get(name, set())
    assert max(unknown, default=0) <= len(b'model_checkpoint_path: "')  # too short to be known for what it is


@pytest.mark.parametrize("name", [name for name in STRUCTURED if name not in ENDLESS])
@pytest.mark.parametrize("more", [b"\0", b"more", bytes(100)])
def test_what_goes_on_after_its_end_is_a_problem(name, more):
    assert problem_of(data_of(name) + more, name)


@given(
    name=st.sampled_from(sorted(STRUCTURED)),
    flips=st.lists(st.tuples(st.integers(0, 100_000), st.integers(1, 255)), min_size=1, max_size=4),
)
def test_damage_is_told_in_words_and_never_unforeseen(name, flips):
    data = bytearray(data_of(name))
    for at, mask in flips:
        data[at % len(data)] ^= mask
    problem = problem_of(bytes(data), name)
    assert "cannot be understood" not in problem


@pytest.mark.parametrize("name", ["saved_model/variables/variables.index", "tensorflow/ckpt-1.index"])
def test_each_bit_of_a_table_counts(name):
    data = data_of(name)
    covered = [at for at in range(len(data)) if data[at] or at < len(data) - 48]  # the footer has padding
    for at in covered:
        changed = bytearray(data)
        changed[at] ^= 0x10
        found, problem, _ = inspected(bytes(changed), name)
        assert problem or found is None, at
