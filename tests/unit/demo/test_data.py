import numpy as np
import pytest

from smoke_gate.demo.data import Scaler, load_demand, split, windows


def test_the_series_is_the_published_one():
    demand = load_demand()
    assert demand.shape == (4032,)
    assert demand[:3].tolist() == [22_262_000.0, 21_756_000.0, 22_247_000.0]
    assert demand[-1] == 23_132_000.0
    assert 1.5e7 < demand.min() < demand.max() < 4.5e7


def test_splits_are_consecutive_and_whole():
    series = np.arange(84.0 * 48)
    splits = split(series, train_days=56, val_days=14)
    assert [len(part) for part in (splits.train, splits.val, splits.test)] == [2688, 672, 672]
    assert np.concatenate([splits.train, splits.val, splits.test]).tolist() == series.tolist()


def test_windows_look_back_into_the_split_before_and_never_ahead():
    cut = windows(split(np.arange(84.0 * 48), train_days=56, val_days=14))
    first = {"train": 336.0, "val": 2688.0, "test": 3360.0}  # the first value that can be, and is, forecast
    last = {"train": 2687.0, "val": 3359.0, "test": 4031.0}
    for name, part in cut.items():
        assert part.inputs.shape[1:] == (336,)
        assert part.targets.shape[1:] == (48,)
        assert (part.targets[0, 0], part.targets[-1, -1]) == (first[name], last[name])
        assert (part.inputs[:, -1] == part.targets[:, 0] - 1).all()
    assert [len(part.inputs) for part in cut.values()] == [2305, 625, 625]


def test_the_scaler_standardises_and_restores():
    series = np.array([2.0, 4.0, 6.0])
    scaler = Scaler.fit(series)
    scaled = scaler.standardize(series)
    assert (scaled.mean(), scaled.std()) == (pytest.approx(0.0), pytest.approx(1.0))
    assert scaler.restore(scaled) == pytest.approx(series)
