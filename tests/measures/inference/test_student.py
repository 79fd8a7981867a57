"""Student's law, against scipy and against closed forms."""

from __future__ import annotations

import math

import pytest

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.measures.inference.student import t_quantile, t_tail

stats = pytest.importorskip("scipy.stats", reason="scipy is the oracle")


@pytest.mark.parametrize("df", [1, 2, 3.5, 7, 29, 120, 5_000, 1e6])
@pytest.mark.parametrize("t", [-40, -3, -0.5, 0, 1e-9, 0.7, 1.96, 8, 300])
def test_tails_are_scipys(df, t):
    expected = stats.t.sf(t, df)
    assert t_tail(t, df) == pytest.approx(expected, rel=1e-8, abs=1e-300)


@pytest.mark.parametrize("df", [1, 2, 9, 30, 400])
@pytest.mark.parametrize("share", [1e-9, 0.025, 0.2, 0.5, 0.8, 0.975, 1 - 1e-9])
def test_quantiles_are_scipys(df, share):
    expected = stats.t.ppf(share, df)
    assert t_quantile(share, df) == pytest.approx(expected, rel=1e-7, abs=1e-9)


def test_one_degree_is_cauchys_law():
    assert t_tail(1.0, 1) == pytest.approx(0.25)
    assert t_quantile(0.75, 1) == pytest.approx(1.0)


def test_ends():
    assert (t_tail(math.inf, 5), t_tail(-math.inf, 5)) == (0.0, 1.0)
    assert math.isnan(t_tail(math.nan, 5))


@pytest.mark.parametrize("df", [0, -1, math.inf, math.nan, "5", True])
def test_impossible_degrees_are_refused(df):
    with pytest.raises(SpecError, match="df"):
        t_tail(1.0, df)


@pytest.mark.parametrize("share", [0, 1, -0.1, math.nan, None])
def test_impossible_shares_are_refused(share):
    with pytest.raises(SpecError, match="share"):
        t_quantile(share, 5)
