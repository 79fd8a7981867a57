"""What followed each rank, by hand and session by session."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.measures.forecast_ranks import returns_by_rank
from bt_lstm_rotation.measures.newey_west import means_with_errors

NAN = float("nan")


def test_two_sessions_by_hand():
    forecast = np.array([[0.3, 0.1, 0.2], [0.1, 0.2, 0.3], [0.1, 0.1, 0.1]])
    realised = np.array([[0.06, 0.00, 0.03], [0.03, 0.06, 0.00], [9.0, 9.0, 0.0]])
    found = returns_by_rank(forecast, realised, horizon=1)
    assert found.index.tolist() == [1, 2, 3, "spread"]
    # Less 0.03 each: 0.03, 0, -0.03, and -0.03, 0.03, 0.
    assert found["mean"].tolist() == pytest.approx([0, 0.015, -0.015, 0.015])
    assert found["sessions"].tolist() == [2] * 4
    spreads = pd.Series([0.06, -0.03])
    assert found.loc["spread", "error"] == pytest.approx(spreads.sem())


def slowly(forecast, realised, groups):
    """Group by pandas, session by session."""
    rows = []
    for said, came in zip(forecast, realised, strict=True):
        pair = pd.DataFrame({"said": said, "came": came}).dropna()
        if len(pair) < 2 or pair["said"].nunique() == 1:
            rows.append(pd.Series(NAN, range(groups)))
            continue
        excess = pair["came"] - pair["came"].mean()
        rank = pair["said"].rank(ascending=False) - 1
        if len(pair) < groups:
            group = (rank / (len(pair) - 1) * (groups - 1)).round()
        else:
            group = rank * groups // len(pair)
        rows.append(excess.groupby(group.astype(int)).mean().reindex(range(groups)))
    return pd.DataFrame(rows).to_numpy(dtype="float64")


@pytest.mark.parametrize(("k", "groups"), [(6, None), (6, 3), (4, 9), (23, None)])
@pytest.mark.parametrize("horizon", [1, 5])
def test_groups_are_those_of_pandas(k, groups, horizon):
    rng = np.random.default_rng(k)
    realised = rng.normal(0, 0.02, (90, k))
    forecast = np.round(realised + rng.normal(0, 0.05, (90, k)), 2)  # with ties
    forecast[rng.random((90, k)) < 0.1] = NAN
    realised[-horizon:] = NAN
    found = returns_by_rank(forecast, realised, horizon=horizon, groups=groups)
    groups = groups or min(k, 10)
    assert len(found) == groups + 1
    means = slowly(forecast, realised, groups)
    columns = [*means.T, means[:, 0] - means[:, -1]]
    for label, column in zip(found.index, columns, strict=True):
        mean, error, count = means_with_errors(column, horizon - 1)
        row = found.loc[label]
        assert row["mean"] == pytest.approx(float(mean), nan_ok=True)
        assert row["error"] == pytest.approx(float(error), nan_ok=True)
        assert row["sessions"] == count
    assert found.loc["spread", "mean"] > 0


def test_of_two_symbols_one_is_first_and_one_last():
    found = returns_by_rank(
        np.array([[0.2, 0.1]] * 3), np.array([[0.1, 0.0]] * 3), horizon=1, groups=5
    )
    assert found["sessions"].tolist() == [3, 0, 0, 0, 3, 3]
    assert found.loc["spread", "mean"] == pytest.approx(0.1)


def test_all_ranks_together_are_the_session():
    rng = np.random.default_rng(3)
    forecast, realised = rng.normal(size=(2, 50, 7))
    found = returns_by_rank(forecast, realised, horizon=1)
    assert found["mean"].drop("spread").sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (5, 1), (5, 3)])
def test_what_ranks_nothing_has_no_mean(shape):
    found = returns_by_rank(np.ones(shape), np.ones(shape), horizon=2)
    assert len(found) == max(2, shape[1]) + 1
    assert found["mean"].isna().all()
    assert not found["sessions"].any()


def test_what_is_impossible_is_refused():
    with pytest.raises(SpecError, match="groups must be"):
        returns_by_rank(np.ones((2, 3)), np.ones((2, 3)), horizon=1, groups=1)
    with pytest.raises(SpecError, match="horizon must be"):
        returns_by_rank(np.ones((2, 3)), np.ones((2, 3)), horizon=0)
    with pytest.raises(DataError, match="not of one shape"):
        returns_by_rank(np.ones((2, 3)), np.ones((3, 2)), horizon=1)
