"""Configurations that make Keras run something, and those that real models have. Payloads do nothing and never run."""

import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from smoke_gate.evidence import Artifact, Globals
from smoke_gate.probes.inspection import BrokenError, Imports, LimitError
from smoke_gate.probes.keras import MAX_CONFIG_BYTES, judge_keras
from tests.unit.probes.files import probed, zipped

CODE = "4wEAAAABAAAA\n"  # base64 of something that marshal does not read


def weights() -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers/dense/vars/0"] = np.ones((2, 2))
    return buffer.getvalue()


def archive(config: Any) -> bytes:
    members = {"metadata.json": b'{"keras_version": "3.8.0"}', "model.weights.h5": weights()}
    return zipped(
        {**members, "config.json": config if isinstance(config, bytes) else json.dumps(config).encode()}
    )


def legacy(config: Any) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["model_config"] = json.dumps(config).encode()
        file["model_weights/dense/kernel"] = np.ones((2, 2))
    return buffer.getvalue()


WRITERS = {"model.keras": archive, "model.h5": legacy}


def function(module: str | None, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}


def layer(kind: str, config: Any, module: str | None = "keras.layers") -> dict[str, Any]:
    return {"module": module, "class_name": kind, "config": config, "registered_name": None, "name": "x"}


def model(*layers: Any) -> dict[str, Any]:
    config = {"name": "model", "trainable": True, "layers": list(layers)}
    return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}


LAMBDA = {"class_name": "__lambda__", "config": {"code": CODE, "defaults": None, "closure": None}}
DANGEROUS: dict[str, tuple[Any, str]] = {
    "CVE-2024-3660": (model(layer("Lambda", {"function": LAMBDA})), "keras.layers.Lambda"),
    "CVE-2025-1550": (
        model({**function("subprocess", "Popen"), "inbound_nodes": [{"args": [["true"]], "kwargs": {}}]}),
        "subprocess.Popen",
    ),
    "CVE-2025-1550, a system call": (model(function("os", "system")), "os.system"),
    "CVE-2025-1550, evaluated": (model(function("builtins", "eval")), "builtins.eval"),
    "CVE-2025-1550, as a class": (model(layer("Popen", {}, "subprocess")), "subprocess.Popen"),
    "CVE-2025-8747": (
        model({**function("keras.utils", "get_file"), "inbound_nodes": [{"args": ["a"], "kwargs": {}}]}),
        "keras.utils.get_file",
    ),
    "CVE-2025-8747, by its own module": (
        model(function("keras.src.utils.file_utils", "get_file")),
        "keras.src.utils.file_utils.get_file",
    ),
    "CVE-2025-9905": (
        model(
            layer(
                "Lambda",
                {"function": [CODE, None, None], "function_type": "lambda", "module": "__main__"},
                None,
            )
        ),
        "keras.layers.Lambda",
    ),
    "CVE-2025-9905, without saying so": (
        model({"class_name": "Lambda", "config": {"function": [CODE, None, None]}}),
        "keras.layers.Lambda",
    ),
    "CVE-2025-9905, in the shape": (
        model({"class_name": "Lambda", "config": {"function": "f", "output_shape": [CODE, None, None]}}),
        "keras.layers.Lambda",
    ),
    "CVE-2025-9906": (
        model(
            layer(
                "Lambda",
                {"function": function("keras.config", "enable_unsafe_deserialization"), "arguments": {}},
            )
        ),
        "keras.config.enable_unsafe_deserialization",
    ),
    "CVE-2025-9906, by the attribute": (
        model(
            layer(
                "Lambda",
                {"function": function("keras.src.backend.common.global_state", "set_global_attribute")},
            )
        ),
        "keras.src.backend.common.global_state.set_global_attribute",
    ),
    "CVE-2025-9906, by another model": (
        model(layer("Lambda", {"function": function("keras.models", "load_model")})),
        "keras.models.load_model",
    ),
    "CVE-2025-49655": (
        model(layer("TorchModuleWrapper", {"module": CODE})),
        "keras.layers.TorchModuleWrapper",
    ),
    "a program of TensorFlow": (model(layer("TFSMLayer", {"filepath": "x"})), "keras.layers.TFSMLayer"),
    "a name that Keras 2 looks up": (
        model(
            {
                "class_name": "Lambda",
                "config": {"function": "system", "function_type": "function", "module": "os"},
            }
        ),
        "os.system",
    ),
    "a type of TensorFlow": (
        model({"class_name": "__typespec__", "spec_name": "system", "module": "os", "config": []}),
        "os.system",
    ),
    "a function of TensorFlow that writes": (
        model({"class_name": "TFOpLambda", "config": {"function": "io.write_file"}}),
        "tensorflow.io.write_file",
    ),
    "deep inside": (model({"config": [[{"a": {"b": [function("os", "system")]}}]]}), "os.system"),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(("config", "expected"), DANGEROUS.values(), ids=DANGEROUS)
def test_what_runs_on_loading_is_dangerous(tmp_path, name, config, expected):
    artifact = probed(tmp_path, WRITERS[name](config), name)
    assert expected in artifact.globals.dangerous
    assert artifact.problem is None


def test_words_that_are_written_in_another_way_are_the_same_words(tmp_path):
    text = json.dumps(DANGEROUS["CVE-2024-3660"][0])
    escaped = text.replace("class_name", "cl\\u0061ss_name").replace("__lambda__", "\\u005f_lambda__")
    assert "keras.layers.Lambda" in probed(tmp_path, archive(escaped.encode()), "m.keras").globals.dangerous


UNKNOWN: dict[str, tuple[Any, str]] = {
    "a class of one's own": (model(layer("Attention", {}, "mine.layers")), "mine.layers.Attention"),
    "a function of one's own": (model(function("builtins", "my_loss")), "builtins.my_loss"),
    "a function of Keras that is not for models": (
        model(function("keras.utils", "to_categorical")),
        "keras.utils.to_categorical",
    ),
    "what only begins like Keras": (
        model(layer("Dense", {}, "keras_evil.layers")),
        "keras_evil.layers.Dense",
    ),
    "a function of TensorFlow that calls Python": (
        model({"class_name": "TFOpLambda", "config": {"function": "py_function"}}),
        "tensorflow.py_function",
    ),
    "a class of TensorFlow that does more than compute": (
        model(
            {"class_name": "ClassMethod", "config": {"cls_ref": "data.Dataset", "method_name": "list_files"}}
        ),
        "tensorflow.data.Dataset",
    ),
    "words from a file": (
        model(layer("StringLookup", {"vocabulary": "words.txt"})),
        "keras.layers.StringLookup of a file",
    ),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(("config", "expected"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_of_keras_is_unknown(tmp_path, name, config, expected):
    artifact = probed(tmp_path, WRITERS[name](config), name)
    assert artifact.globals == Globals(unknown=(expected,))


HONEST: dict[str, Any] = {
    "layers": model(
        layer("Dense", {"units": 3, "activation": "relu", "dtype": {"class_name": "DTypePolicy"}})
    ),
    "functional": layer("Functional", {"layers": []}, "keras.src.models.functional"),
    "Keras 2": {"class_name": "Functional", "config": {"layers": [{"class_name": "Conv2D", "config": {}}]}},
    "TensorFlow's": layer("Sequential", {}, "tensorflow.python.keras.engine.sequential"),
    "an activation": model(function("builtins", "softmax")),
    "a loss": {"compile_config": {"loss": function("builtins", "mean_squared_error")}},
    "an operation": model(layer("GetItem", {"name": "g"}, "keras.src.ops.numpy")),
    "a shape": model(layer("Lambda", {"function": function("keras.ops", "sin"), "output_shape": [None, 3]})),
    "a function of TensorFlow": model({"class_name": "TFOpLambda", "config": {"function": "math.multiply"}}),
    "an initializer": model(layer("GlorotUniform", {"seed": None}, "keras.initializers")),
    "a registered class": model(layer("Mine", {}, None)),
    "words": model(layer("StringLookup", {"vocabulary": ["a", "b"]})),
    "infinity": model({"class_name": "ReLU", "config": {"max_value": float("inf")}}),
    "another library's": {"architectures": ["Bert"], "hidden_size": 8},
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("config", HONEST.values(), ids=HONEST)
def test_honest_models_name_nothing(tmp_path, name, config):
    artifact: Artifact = probed(tmp_path, WRITERS[name](config), name)
    assert artifact.globals == Globals()
    assert artifact.problem is None
    assert artifact.holds == "tensors"


@pytest.mark.parametrize(("config", "expected"), DANGEROUS.values(), ids=DANGEROUS)
def test_a_configuration_alone(tmp_path, config, expected):
    artifact = probed(tmp_path, json.dumps(config).encode(), "checkpoints/config.json")
    assert expected in artifact.globals.dangerous


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b'{"class_name": "Dense", "class_name": "Lambda"}', b"[" * 100_000, "{}".encode("utf-16")],
)
def test_what_readers_read_differently_is_not_intact(tmp_path, text):
    assert "configuration cannot be read" in (probed(tmp_path, archive(text), "m.keras").problem or "")
    with pytest.raises(BrokenError):
        judge_keras(text, Imports())


def test_a_configuration_without_end():
    with pytest.raises(LimitError):
        judge_keras(b" " * (MAX_CONFIG_BYTES + 1), Imports())


@pytest.mark.parametrize(
    "node", [{"class_name": ["x"]}, {"class_name": 3, "module": {}}, {"module": 1}, [], 1, None]
)
def test_odd_nodes_name_nothing(node):
    imports = Imports()
    judge_keras(json.dumps({"config": node}).encode(), imports)
    assert imports.as_evidence() == Globals()


def test_the_training_configuration_is_read_too(tmp_path: Path):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["training_config"] = json.dumps({"loss": function("os", "system")})
        file["x"] = np.ones(3)
    assert probed(tmp_path, buffer.getvalue(), "m.hdf5").globals.dangerous == ("os.system",)


@pytest.mark.parametrize("name", ["model/keras_metadata.pb", "model/saved_model.pb"])
@pytest.mark.parametrize("before", [0, 1, (1 << 20) - 5, (1 << 20) + 5])
def test_configurations_amid_messages(tmp_path, name, before):
    honest = json.dumps(model(layer("Dense", {"units": 3}))).encode()
    hostile = json.dumps(model(layer("Lambda", {"function": CODE}))).encode()
    padding = b"\x12" + bytes(before)
    assert "keras.layers.Lambda" not in probed(tmp_path, padding + honest, name).globals.dangerous
    assert "keras.layers.Lambda" in probed(tmp_path, padding + hostile, name).globals.dangerous
