"""Lines through forecasts and what came, against NumPy's own."""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.measures.calibration import calibration

NAN = float("nan")


def test_lines_that_are_known():
    forecast = np.array([[1, 1, 2], [2, 2, 2], [3, 3, 2], [NAN, 4, 2]]) / 100
    realised = np.array([[3, 1, 5], [5, 2, 6], [7, 3, 7], [9, NAN, 8]]) / 100
    found = calibration(forecast, realised, ["A", "cash", "<b>"])
    assert found.index.tolist() == ["A", "cash", "<b>"]
    assert found["slope"].tolist()[:2] == pytest.approx([2, 1])
    assert found["intercept"].tolist()[:2] == pytest.approx([0.01, 0], abs=1e-15)
    assert found["n"].tolist() == [3, 3, 4]
    # All alike is no line.
    assert found.loc["<b>", ["slope", "intercept"]].isna().all()


@pytest.mark.parametrize("scale", [1e-180, 1.0, 1e180])
def test_numpy_fits_the_same_lines(scale):
    rng = np.random.default_rng(0)
    forecast = rng.normal(0, 0.01, (200, 4))
    realised = 0.3 * forecast + rng.normal(0.001, 0.05, (200, 4))
    forecast[rng.random((200, 4)) < 0.2] = NAN
    realised[rng.random((200, 4)) < 0.2] = NAN
    found = calibration(scale * forecast, realised, "ABCD")
    for column, (_, row) in enumerate(found.iterrows()):
        x, y = forecast[:, column], realised[:, column]
        both = ~np.isnan(x + y)
        slope, intercept = np.polyfit(x[both], y[both], 1)
        assert row["slope"] * scale == pytest.approx(slope)
        assert row["intercept"] == pytest.approx(intercept)
        assert row["n"] == both.sum()


@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (2, 2), (5, 2)])
def test_too_few_or_none_have_no_line(shape):
    forecast = np.full(shape, NAN)
    forecast[:2] = 1.0
    found = calibration(forecast, np.ones(shape), "AB"[: shape[1]])
    assert found["slope"].isna().all()
    assert found["n"].tolist() == [min(shape[0], 2)] * shape[1]


def test_other_shapes_are_refused():
    with pytest.raises(DataError, match="not of one shape"):
        calibration(np.ones((2, 2)), np.ones((3, 2)), "AB")
