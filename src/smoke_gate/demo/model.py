"""The forecasters of the demo, in plain NumPy: a DLinear, with two optional stages before it.

DLinear: A. Zeng and others (2023), Are Transformers Effective for Time Series Forecasting?, AAAI. Reversible instance
normalisation: T. Kim and others (2022), ICLR. Adam: D. P. Kingma and J. Ba (2015), ICLR.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smoke_gate.demo.data import HORIZON, WINDOW, Values

KERNEL = 25  # half hours of the moving average; odd
PATCH = 8  # half hours that one code stands for


class Codebook:
    """A vector quantiser: each patch of 8 half hours becomes the nearest of ``size`` learnt patches (k-means)."""

    def __init__(self, series: Values, size: int, rng: np.random.Generator) -> None:
        """Learn the codes from every patch of ``series`` by Lloyd's algorithm.

        Args:
            series: shape (half hours,).
            size: how many codes.
            rng: chooses the patches to begin with.

        """
        patches = np.lib.stride_tricks.sliding_window_view(series, PATCH)
        self.codes = patches[rng.choice(len(patches), size, replace=False)].copy()
        for _ in range(10):
            nearest = self._nearest(patches)
            for code in np.unique(nearest):
                self.codes[code] = patches[nearest == code].mean(axis=0)

    def quantize(self, inputs: Values) -> Values:
        """Return inputs of shape (n, window) with every patch replaced by its code."""
        return self.codes[self._nearest(inputs.reshape(-1, PATCH))].reshape(inputs.shape)

    def _nearest(self, patches: Values) -> NDArray[np.intp]:
        # |p - c|² without |p|², which is the same for every code
        distance: Values = (self.codes**2).sum(axis=1) - 2.0 * patches @ self.codes.T
        nearest: NDArray[np.intp] = distance.argmin(axis=1)
        return nearest


class DLinear:
    """One linear head for the moving average of the window, one for what remains; the forecast is their sum.

    With ``instance_norm`` each window is standardised by itself first, and its forecast is put back.
    """

    def __init__(self, *, instance_norm: bool, rng: np.random.Generator) -> None:
        """Draw the first weights from ``rng``."""
        self.instance_norm = instance_norm
        bound = 1.0 / np.sqrt(WINDOW)
        self.weights = {
            "trend": rng.uniform(-bound, bound, (WINDOW, HORIZON)),
            "seasonal": rng.uniform(-bound, bound, (WINDOW, HORIZON)),
            "bias": np.zeros(HORIZON),
        }

    def predict(self, inputs: Values) -> Values:
        """Return the forecasts, shape (n, 48), for inputs of shape (n, 336)."""
        trend, seasonal, mean, std = self._stages(inputs)
        return self._heads(trend, seasonal) * std + mean

    def gradients(self, inputs: Values, targets: Values) -> dict[str, Values]:
        """Return the gradient of the mean squared error by weight."""
        trend, seasonal, mean, std = self._stages(inputs)
        error = 2.0 * (self._heads(trend, seasonal) * std + mean - targets) * std / targets.size
        return {"trend": trend.T @ error, "seasonal": seasonal.T @ error, "bias": error.sum(axis=0)}

    def _heads(self, trend: Values, seasonal: Values) -> Values:
        heads: Values = (
            trend @ self.weights["trend"] + seasonal @ self.weights["seasonal"] + self.weights["bias"]
        )
        return heads

    def _stages(self, inputs: Values) -> tuple[Values, Values, Values, Values]:
        if self.instance_norm:
            mean = inputs.mean(axis=1, keepdims=True)
            std = inputs.std(axis=1, keepdims=True) + 1e-5
        else:
            mean, std = np.zeros((1, 1)), np.ones((1, 1))
        normal = (inputs - mean) / std
        padded = np.pad(normal, ((0, 0), (KERNEL // 2, KERNEL // 2)), mode="edge")
        sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1)
        trend = (sums[:, KERNEL:] - sums[:, :-KERNEL]) / KERNEL
        return trend, normal - trend, mean, std


@dataclass
class Adam:
    """Adam, with the constants of its paper."""

    learning_rate: float
    step: int = 0
    first: dict[str, Values] = field(default_factory=dict)
    second: dict[str, Values] = field(default_factory=dict)

    def update(self, weights: dict[str, Values], gradients: dict[str, Values]) -> None:
        """Take one step down the gradients, changing the weights in place."""
        self.step += 1
        for name, gradient in gradients.items():
            self.first[name] = 0.9 * self.first.get(name, 0.0) + 0.1 * gradient
            self.second[name] = 0.999 * self.second.get(name, 0.0) + 0.001 * gradient**2
            first = self.first[name] / (1.0 - 0.9**self.step)
            second = self.second[name] / (1.0 - 0.999**self.step)
            weights[name] -= self.learning_rate * first / (np.sqrt(second) + 1e-8)

    def save(self, path: Path) -> None:
        """Write the state from which training can go on, as an .npz."""
        moments: dict[str, Any] = {f"first.{name}": value for name, value in self.first.items()}
        moments |= {f"second.{name}": value for name, value in self.second.items()}
        np.savez(path, step=np.int64(self.step), **moments)


def mean_squared_error(model: DLinear, inputs: Values, targets: Values) -> float:
    """Return the mean squared error over all forecasts, in the targets' squared unit."""
    return float(np.mean((model.predict(inputs) - targets) ** 2))


def save_safetensors(path: Path, tensors: Mapping[str, Values]) -> None:
    """Write tensors in the safetensors format: length of the header, header in JSON, then their bytes end to end."""
    header, offset = {}, 0
    for name, tensor in tensors.items():
        end = offset + tensor.nbytes
        header[name] = {"dtype": "F64", "shape": tensor.shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the data begin at a multiple of 8
    content = [struct.pack("<Q", len(text)), text, *(tensor.tobytes() for tensor in tensors.values())]
    path.write_bytes(b"".join(content))
