"""Real electricity demand, split in time order, scaled by its training part, cut into windows.

Source: half-hourly demand of England and Wales, 12 weeks from Monday 5 June 2000; J. W. Taylor (2003), Short-term
electricity demand forecasting using double seasonal exponential smoothing, Journal of the Operational Research
Society 54, 799-805 (the series ``taylor`` of R's package forecast).
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[np.float64]

HALF_HOURS_PER_DAY = 48
WINDOW = 7 * HALF_HOURS_PER_DAY
HORIZON = HALF_HOURS_PER_DAY


def load_demand() -> Values:
    """Return the demand in kW, shape (4032,); the file has it in MW."""
    with files("smoke_gate.demo").joinpath("england_wales_demand_2000.csv").open() as stream:
        return np.loadtxt(stream, delimiter=",", skiprows=1, usecols=1) * 1000.0


@dataclass(frozen=True, slots=True)
class Splits:
    """Consecutive parts of a series, in time order; each of shape (half hours,)."""

    train: Values
    val: Values
    test: Values


def split(series: Values, *, train_days: int, val_days: int) -> Splits:
    """Cut a half-hourly series into the first ``train_days``, the next ``val_days`` and the rest."""
    first = train_days * HALF_HOURS_PER_DAY
    second = first + val_days * HALF_HOURS_PER_DAY
    return Splits(series[:first], series[first:second], series[second:])


@dataclass(frozen=True, slots=True)
class Scaler:
    """The standardisation that a series' mean and standard deviation define; both in the series' unit."""

    mean: float
    std: float

    @classmethod
    def fit(cls, series: Values) -> "Scaler":
        """Return the scaler that gives ``series`` mean 0 and standard deviation 1."""
        return cls(float(series.mean()), float(series.std()))

    def standardize(self, values: Values) -> Values:
        """Turn values of the series' unit into standardised ones."""
        return (values - self.mean) / self.std

    def restore(self, values: Values) -> Values:
        """Turn standardised values back into the series' unit."""
        return values * self.std + self.mean


@dataclass(frozen=True, slots=True)
class Windows:
    """Every forecast that can be made in a split: a week of shape (n, 336), and the day that follows, (n, 48)."""

    inputs: Values
    targets: Values

    def followed_by(self, others: "Windows") -> "Windows":
        """Return these windows and then the others."""
        return Windows(
            np.concatenate([self.inputs, others.inputs]), np.concatenate([self.targets, others.targets])
        )


def windows(splits: Splits) -> dict[str, Windows]:
    """Cut each split into windows, by its name.

    The first forecasts of ``val`` and ``test`` take their week from the split before: the past is known.
    """
    nothing = splits.train[:0]
    return {
        "train": _windows(nothing, splits.train),
        "val": _windows(splits.train, splits.val),
        "test": _windows(np.concatenate([splits.train, splits.val]), splits.test),
    }


def _windows(past: Values, part: Values) -> Windows:
    series = np.concatenate([past[-WINDOW:], part])
    both = np.lib.stride_tricks.sliding_window_view(series, WINDOW + HORIZON)
    return Windows(both[:, :WINDOW], both[:, WINDOW:])
