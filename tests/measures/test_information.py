"""The coefficient over time, against plain loops over its sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.measures.information import (
    ic_by_month,
    ic_on_sessions,
    rank_autocorrelation,
    rolling_ic,
    wide_forecasts,
)
from bt_lstm_rotation.measures.newey_west import means_with_errors
from bt_lstm_rotation.measures.skill import session_ic, skill

NAN = float("nan")


def draws(seed, n_sessions=80, n_symbols=6):
    rng = np.random.default_rng(seed)
    realised = 0.05 * rng.standard_normal((n_sessions, n_symbols))
    forecast = 0.2 * realised + 0.02 * rng.standard_normal(realised.shape)
    forecast[rng.random(realised.shape) < 0.05] = NAN
    realised[-5:] = NAN
    return forecast, realised


def ics(seed, n=80):
    forecast, realised = draws(seed, n)
    return pd.Series(
        session_ic(forecast, realised), pd.bdate_range("2018-12-20", periods=n)
    )


def test_ranks_of_a_session_are_those_of_spearman():
    forecast, realised = draws(0)
    found = session_ic(forecast, realised, ranks=True)
    x = pd.DataFrame(forecast).where(~np.isnan(realised))
    y = pd.DataFrame(realised).where(~np.isnan(forecast))
    for row in range(75):
        expected = x.iloc[row].dropna().rank().corr(y.iloc[row].dropna().rank())
        assert found[row] == pytest.approx(expected)
    assert np.isnan(found[75:]).all()
    assert skill(forecast, realised)["rank_ic"] == pytest.approx(np.nanmean(found))


def test_each_window_has_its_own_mean_and_band():
    ic = ics(1)
    found = rolling_ic(ic, horizon=5, window=20)
    assert found.columns.tolist() == ["ic", "mean", "lower", "upper"]
    pd.testing.assert_series_equal(found["ic"], ic, check_names=False)
    assert found.iloc[:19, 1:].isna().all().all()
    for row in (19, 40, 79):
        part = ic.iloc[row - 19 : row + 1]
        _, error, _ = means_with_errors(part.to_numpy(), 4)
        assert found["mean"].iloc[row] == pytest.approx(part.mean())
        assert found["upper"].iloc[row] == pytest.approx(part.mean() + 2 * error)
        assert found["lower"].iloc[row] == pytest.approx(part.mean() - 2 * error)


def test_a_window_has_to_be_known_by_half():
    ic = ics(2)
    ic.iloc[:30] = NAN
    known = rolling_ic(ic, horizon=1, window=20)["mean"].notna()
    assert np.flatnonzero(known)[0] == 39
    none = rolling_ic(ic * NAN, horizon=3, window=20)
    assert none.isna().all().all()


@pytest.mark.parametrize("n", [0, 1, 19])
def test_too_few_sessions_fill_no_window(n):
    found = rolling_ic(ics(1)[:n], horizon=5, window=20)
    assert len(found) == n
    assert found["mean"].isna().all()


@pytest.mark.parametrize("settings", [{"horizon": 0}, {"horizon": 1, "window": 1}])
def test_what_is_impossible_is_refused(settings):
    with pytest.raises(SpecError):
        rolling_ic(ics(1), **settings)


def test_months_are_means_of_their_sessions():
    ic = ics(3, n=300)
    found = ic_by_month(ic)
    assert found.columns.tolist() == [*range(1, 13), "year"]
    assert found.index.tolist() == [2018, 2019, 2020]
    for year in found.index:
        assert found.loc[year, "year"] == pytest.approx(ic[str(year)].mean())
        for month in range(1, 13):
            own = ic[(ic.index.year == year) & (ic.index.month == month)]
            assert found.loc[year, month] == pytest.approx(own.mean(), nan_ok=True)
    assert ic_by_month(ic[:0]).empty
    assert np.isnan(ic_by_month(ic[:1] * NAN).loc[2018, 12])


def test_chosen_sessions_are_beside_all():
    forecast, realised = draws(4)
    chosen = np.arange(80) % 10 == 3
    found = ic_on_sessions(forecast, realised, chosen, horizon=5)
    assert found.index.tolist() == ["all", "chosen"]
    ic = session_ic(forecast, realised)
    assert found.loc["all", "ic"] == pytest.approx(skill(forecast, realised)["ic"])
    assert found.loc["all", "ic_error"] == means_with_errors(ic, 4)[1]
    own = pd.Series(ic[chosen]).dropna()
    assert found.loc["chosen", "ic"] == pytest.approx(own.mean())
    # They are further apart than the horizon.
    assert found.loc["chosen", "ic_error"] == pytest.approx(own.sem())
    assert found["sessions"].tolist() == [75, 8]
    ranked = session_ic(forecast, realised, ranks=True)
    assert found.loc["chosen", "rank_ic"] == pytest.approx(np.nanmean(ranked[chosen]))


def test_no_session_chosen_has_no_mean():
    forecast, realised = draws(4)
    found = ic_on_sessions(forecast, realised, np.zeros(80, bool), horizon=5)
    assert found.loc["chosen", "sessions"] == 0
    assert found.loc["chosen"].drop("sessions").isna().all()
    empty = ic_on_sessions(forecast[:0], realised[:0], np.zeros(0, bool), horizon=5)
    assert empty["sessions"].tolist() == [0, 0]
    with pytest.raises(DataError, match="chosen: not of the forecasts' sessions"):
        ic_on_sessions(forecast, realised, np.zeros(79, bool), horizon=5)


@pytest.mark.parametrize("lag", [1, 7])
def test_ranks_of_forecasts_are_compared_with_earlier_ones(lag):
    forecast, _ = draws(5)
    found = rank_autocorrelation(forecast, lag)
    assert np.isnan(found[:lag]).all()
    frame = pd.DataFrame(forecast)
    for row in range(lag, 80):
        both = frame.iloc[[row, row - lag]].dropna(axis=1).T.rank()
        expected = both.corr().iloc[0, 1] if len(both) >= 3 else NAN
        assert found[row] == pytest.approx(expected, nan_ok=True)


def test_forecasts_that_stay_ask_for_no_turnover():
    forecast = np.tile([0.1, 0.2, 0.3], (5, 1)) * np.arange(1, 6)[:, None]
    np.testing.assert_allclose(rank_autocorrelation(forecast)[1:], 1)
    assert np.isnan(rank_autocorrelation(forecast * 0)).all()
    assert rank_autocorrelation(forecast[:0]).shape == (0,)
    assert rank_autocorrelation(forecast[:1], 3).shape == (1,)


def long(forecast, realised):
    sessions = pd.bdate_range("2019-01-01", periods=len(forecast)).as_unit("ns")
    rows = [
        (sessions[row], f"S{column}", forecast[row, column], realised[row, column])
        for row, column in np.argwhere(~np.isnan(forecast))
    ]
    return pd.DataFrame(rows, columns=["session", "symbol", "forecast", "realised"])


def test_a_long_table_becomes_a_wide_one():
    forecast, realised = draws(6)
    table = long(forecast, realised)
    shuffled = table.sample(frac=1, random_state=0)
    for rows in (table, shuffled):
        said, came = wide_forecasts(rows)
        assert said.columns.equals(came.columns)
        expected = rows.pivot(index="session", columns="symbol")
        columns = list(expected["forecast"].columns)
        np.testing.assert_array_equal(said[columns], expected["forecast"])
        np.testing.assert_array_equal(came[columns], expected["realised"])
        assert skill(said.to_numpy(), came.to_numpy())["ic"] == pytest.approx(
            skill(forecast, realised)["ic"]
        )
    order = list(dict.fromkeys(table["symbol"]))
    assert wide_forecasts(table)[0].columns.tolist() == order


def test_a_table_without_rows_has_neither_sessions_nor_symbols():
    forecast, realised = draws(6)
    for empty in (long(forecast, realised)[:0], pd.DataFrame()):
        said, came = wide_forecasts(empty)
        assert said.shape == came.shape == (0, 0)
        assert isinstance(said.index, pd.DatetimeIndex)


def test_two_forecasts_of_one_session_are_refused():
    table = long(*draws(6))
    with pytest.raises(DataError, match="two forecasts"):
        wide_forecasts(pd.concat([table, table[5:6]]))
