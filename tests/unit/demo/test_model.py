import json
import struct

import numpy as np
import pytest

from smoke_gate.demo.data import Values
from smoke_gate.demo.model import Adam, Codebook, DLinear, mean_squared_error, save_safetensors


def made(*, instance_norm: bool = False) -> DLinear:
    return DLinear(instance_norm=instance_norm, rng=np.random.default_rng(0))


def batch() -> tuple[Values, Values]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(3, 336)), rng.normal(size=(3, 48))


@pytest.mark.parametrize("instance_norm", [False, True])
@pytest.mark.parametrize("name", ["trend", "seasonal", "bias"])
def test_gradients_are_those_of_the_loss(instance_norm, name):
    model = made(instance_norm=instance_norm)
    inputs, targets = batch()
    gradient = model.gradients(inputs, targets)[name]
    rng = np.random.default_rng(2)
    for _ in range(5):
        place = tuple(rng.integers(0, length) for length in gradient.shape)
        around = []
        for step in (1e-5, -1e-5):
            model.weights[name][place] += step
            around.append(mean_squared_error(model, inputs, targets))
            model.weights[name][place] -= step
        assert (around[0] - around[1]) / 2e-5 == pytest.approx(gradient[place], rel=1e-4, abs=1e-9)


def test_the_decomposition_adds_up_to_the_window():
    inputs, _ = batch()
    trend, seasonal, _, _ = made()._stages(inputs)
    assert trend + seasonal == pytest.approx(inputs)
    assert trend[:, 12:-12] == pytest.approx(
        np.lib.stride_tricks.sliding_window_view(inputs, 25, axis=1).mean(axis=2)
    )


def test_instance_normalisation_is_reversible():
    inputs, _ = batch()
    model = made(instance_norm=True)
    assert model.predict(10.0 + 3.0 * inputs) == pytest.approx(10.0 + 3.0 * model.predict(inputs), rel=1e-4)
    assert not np.allclose(
        made().predict(10.0 + 3.0 * inputs), 10.0 + 3.0 * made().predict(inputs), rtol=1e-2
    )


def test_adam_finds_a_minimum():
    weights = {"x": np.array([5.0, -3.0])}
    optimizer = Adam(learning_rate=0.1)
    for _ in range(400):
        optimizer.update(weights, {"x": 2.0 * (weights["x"] - np.array([1.0, 2.0]))})
    assert weights["x"] == pytest.approx([1.0, 2.0], abs=1e-2)


def test_adam_saves_what_it_takes_to_go_on(tmp_path):
    optimizer = Adam(learning_rate=0.1)
    optimizer.update({"x": np.zeros(2)}, {"x": np.array([1.0, 2.0])})
    optimizer.save(tmp_path / "state.npz")
    with np.load(tmp_path / "state.npz", allow_pickle=False) as state:
        assert int(state["step"]) == 1
        assert state["first.x"] == pytest.approx([0.1, 0.2])
        assert state["second.x"] == pytest.approx([0.001, 0.004])


def test_a_codebook_replaces_each_patch_by_its_nearest_code():
    rng = np.random.default_rng(3)
    series = rng.normal(size=500)
    codebook = Codebook(series, 16, rng)
    inputs = rng.normal(size=(4, 336))
    quantized = codebook.quantize(inputs)
    patches, codes = inputs.reshape(-1, 8), quantized.reshape(-1, 8)
    distances = ((patches[:, None] - codebook.codes[None]) ** 2).sum(axis=2)
    assert ((patches - codes) ** 2).sum(axis=1) == pytest.approx(distances.min(axis=1))
    assert codebook.codes.shape == (16, 8)


def test_more_codes_lose_less():
    series = np.sin(np.arange(600) / 5.0)
    lost = [
        np.mean(
            (Codebook(series, size, np.random.default_rng(0)).quantize(series[None, :336]) - series[:336])
            ** 2
        )
        for size in (2, 16, 64)
    ]
    assert lost[0] > lost[1] > lost[2]


def test_safetensors_as_the_format_says(tmp_path):
    tensors = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([7.0])}
    save_safetensors(tmp_path / "x.safetensors", tensors)
    content = (tmp_path / "x.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    assert length % 8 == 0
    assert header["a"] == {"dtype": "F64", "shape": [2, 3], "data_offsets": [0, 48]}
    assert header["b"] == {"dtype": "F64", "shape": [1], "data_offsets": [48, 56]}
    assert data == tensors["a"].tobytes() + tensors["b"].tobytes()
