import json

import pytest

from smoke_gate.evidence import Holds
from smoke_gate.probes import json_text
from tests.unit.probes.files import inspected, problem_of


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("{}", Holds.DATA),
        ("[]", Holds.DATA),
        (' \n{"a": null}', Holds.DATA),
        ('{"epoch": 3}', Holds.DATA),
        ('{"flags": [true, false, true]}', Holds.DATA),
        ('{"weights": [[0.5], {"b": 1}]}', Holds.NUMBERS),
        ('{"loss": NaN, "best": -Infinity}', Holds.NUMBERS),  # as transformers writes trainer_state.json
        ('{"a": 1}\n{"a": 2}\n', Holds.NUMBERS),  # as pandas writes lines
        ('{"learner": {}, "version": [3, 2, 0]}', Holds.TENSORS),
        ('{"name": "tree", "tree_info": [], "num_tree_per_iteration": 1}', Holds.TENSORS),
        ('{"features_info": {}, "model_info": {}, "oblivious_trees": []}', Holds.TENSORS),
    ],
)
def test_texts(text, holds):
    found, problem, inspection = inspected(text.encode(), "model.json")
    assert (found, problem, inspection.holds) == ("json", None, holds)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1', "not JSON"),
        ("[1,\n2", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ('{"a": 1} more', "not JSON"),
        ('{"a": 1, "a": 2}', "a key twice"),
        ('{"a": {}}\n{"b"', "line by line"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": "\xff"}', "not JSON"),
    ],
)
def test_what_is_not_json(text, reason):
    assert reason in problem_of(text.encode("latin-1"), "config.json")


def test_texts_that_are_too_large(monkeypatch):
    monkeypatch.setattr(json_text, "_MAX_BYTES", 100)
    monkeypatch.setattr(json_text, "_MAX_CONTAINERS", 10)
    monkeypatch.setattr(json_text, "_MAX_VALUES", 20)
    assert problem_of(b"[" + b"1," * 49 + b"1]", "a.json") == "it is JSON of 101 bytes, more than 100"
    assert (
        problem_of(b"[" + b"[]," * 10 + b"1]", "a.json") == "it is JSON with more than 10 objects and arrays"
    )


INDEX = {"metadata": {"total_size": 8}, "weight_map": {"a": "m-1.bin", "b": "m-2.bin", "c": "m-1.bin"}}


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin.index.json", "x/model.safetensors.index.json", "index.json"]
)
def test_an_index_names_its_shards(name):
    """spec: G3-shards"""
    found = inspected(json.dumps(INDEX).encode(), name)
    assert (found[0], found[1], found[2].companions) == ("json", None, {"m-1.bin", "m-2.bin"})


@pytest.mark.parametrize(
    ("shard", "reason"),
    [(1, "names something else"), ("/m.bin", "does not lie beside"), ("../m.bin", "does not lie beside")],
)
def test_an_index_of_something_else(shard, reason):
    assert reason in problem_of(json.dumps({"weight_map": {"a": shard}}).encode(), "m.safetensors.index.json")


def test_an_index_that_is_a_page_of_a_server():
    assert "promises json" in problem_of(b"<html>404</html>", "model.safetensors.index.json")
