import pytest
import yaml

from smoke_gate.probes import mlmodel
from smoke_gate.probes.inspection import BrokenError
from smoke_gate.probes.mlmodel import described

ENVIRONMENTS = {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}
END = "\nutc_time_created: '2026-01-31'\n"
SKLEARN = {
    "python_function": {
        "env": ENVIRONMENTS,
        "loader_module": "mlflow.sklearn",
        "model_path": "model.pkl",
        "predict_fn": "predict",
    },
    "sklearn": {"code": None, "pickled_model": "model.pkl", "serialization_format": "cloudpickle"},
}


def written(flavors: object) -> bytes:
    return yaml.safe_dump({"flavors": flavors, "model_id": "m-1", "utc_time_created": "2026"}).encode()


@pytest.mark.parametrize(
    ("flavors", "paths"),
    [
        (SKLEARN, ("model.pkl",)),
        ({"python_function": {"data": "data", "code": "code"}, "pytorch": {"model_data": "data"}}, ("data",)),
        ({"keras": {"data": "data"}, "tensorflow": {"saved_model_dir": "tf2model"}}, ("data", "tf2model")),
        ({"transformers": {"model_binary": "model", "source_model_name": "org/name"}}, ("model",)),
        ({"transformers": {"peft_adaptor": "peft", "local_base_model_path": "/base"}}, ("peft",)),
        ({"dspy": {"model_path": "data/model.pkl"}}, ("data/model.pkl",)),
        (
            {
                "python_function": {
                    "python_model": "python_model.pkl",
                    "artifacts": {
                        "vocabulary": {
                            "path": "artifacts/vocabulary.txt",
                            "uri": "s3://bucket/vocabulary.txt",
                        },
                        "net": {"path": "./artifacts//net/", "uri": "/home/ada/net"},
                    },
                }
            },
            ("artifacts/net", "artifacts/vocabulary.txt", "python_model.pkl"),
        ),
        ({}, ()),  # an external model's
    ],
)
def test_what_loading_reads_is_named(flavors, paths):
    assert described(written(flavors)).paths == paths


@pytest.mark.parametrize(
    "value",
    [
        "/srv/model.pkl", "s3://bucket/model.pkl", "runs:/1/model", "C:/model.pkl", "data\\model.pkl", "../model.pkl",
        "", ".", None, 7, True, ["model.pkl"], {"path": "model.pkl"},
    ],
)  # fmt: skip
def test_what_is_not_certainly_a_path_of_the_model_is_left_out(value):
    artifacts = {"one": {"path": value}, "two": value}
    flavors = {"sklearn": {"pickled_model": value}, "python_function": {"artifacts": artifacts}}
    assert "two" not in described(written(flavors)).paths
    assert [path for path in described(written(flavors)).paths if path != "model.pkl"] == []
    assert described(written({"sklearn": {"pickled_model": value}})).paths == ()


@pytest.mark.parametrize(
    "flavors",
    [
        {"mine": {"data": "the spring of 2000", "model_path": "best"}},
        {"paddle": {"pickled_model": "model"}},  # a prefix: the files are model.pdparams, model.pdmodel
        {"python_function": {"code": "code", "model_path": "best", "model_code_path": "agent.py"}},
        {"sklearn": "model.pkl", "python_function": {"artifacts": ["model.pkl"]}},
        {"python_function": None},
    ],
)
def test_keys_that_may_mean_something_else_are_left_out(flavors):
    assert described(written(flavors)).paths == ()


def test_aliases_are_read_as_what_they_stand_for():
    shared = {"path": "weights.bin"}
    text = written({"python_function": {"artifacts": {"one": shared, "two": shared}}})
    assert b"*id001" in text
    assert described(text).paths == ("weights.bin",)


def test_aliases_do_not_multiply():
    merges = "\n".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 30))
    text = f"a0: &a0 {{k: v}}\n{merges}\nflavors: {{sklearn: {{pickled_model: model.pkl}}, other: *a29}}{END}"
    assert described(text.encode()).paths == ("model.pkl",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "it names no flavors"),
        (b"just a text", "it names no flavors"),
        (b"- flavors", "it names no flavors"),
        (b"model_id: m-1\n", "it names no flavors"),  # cut short
        (b"flavors:\n", "it names no flavors"),
        (b"flavors: {sklearn: {pickled", "it is not YAML"),
        (b"flavors: {sklearn: {}}\nmodel_id: m-1\n", "it is cut off: it has no utc_time_created"),
        (b"a: 1\n---\nflavors: {}\n", "it is not YAML"),
        (b"\xff\xfe\xff", "it is not YAML"),
        (b"\x80\x04pickle", "it is not YAML"),
        (b'"\\UFFFFFFFF"', "it is not YAML"),
        (b"[" * 2000 + b"]" * 2000, "nested too deeply"),
    ],
)
def test_what_is_no_description(text, told):
    with pytest.raises(BrokenError, match=told):
        described(text)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (b"flavors: {sklearn: {pickled_model: a}}\n", True),
        (b"flavors: {sklearn: {pickled_model: a}}\nmlflow_version: 2.9.0\n", False),
        (b"flavors: {sklearn: {pickled_model: a}}", False),  # in the middle of a line
    ],
)
def test_a_description_by_hand_has_no_last_key_and_one_by_mlflow_has(text, whole):
    if whole:
        assert described(text, may_be_by_hand=True).data == ("a",)
    else:
        with pytest.raises(BrokenError, match="it is cut off"):
            described(text, may_be_by_hand=True)
    with pytest.raises(BrokenError, match="it is cut off"):
        described(text)


def test_what_holds_too_many_nodes_is_no_description(monkeypatch):
    text = b"[" + b"a," * 101 + b"]"
    monkeypatch.setattr(mlmodel, "MAX_NODES", 100)
    with pytest.raises(BrokenError, match="far more than the description of a model"):
        described(text)
    monkeypatch.setattr(mlmodel, "MAX_NODES", 102)
    with pytest.raises(BrokenError, match="it names no flavors"):
        described(text)


def test_a_long_signature_is_one_text():
    columns = '[{"type": "double", "name": "gene"}]' * 20_000
    text = yaml.safe_dump({"flavors": SKLEARN, "signature": {"inputs": columns}}).encode() + END.encode()
    assert described(text).paths == ("model.pkl",)


@pytest.mark.parametrize(
    ("said", "size"), [(1234, 1234), (0, 0), ("many", None), (None, None), (-1, None), ([1], None)]
)
def test_how_much_was_saved(said, size):
    text = yaml.safe_dump({"flavors": {}, "model_size_bytes": said}).encode() + END.encode()
    assert described(text).size == size
