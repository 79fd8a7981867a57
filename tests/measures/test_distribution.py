"""Returns of sessions and their quantiles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.measures.distribution import return_quantiles, session_returns


def series(*values):
    return pd.Series(values, pd.bdate_range("2019-01-02", periods=len(values)), float)


def test_what_was_paid_in_is_no_return():
    found = session_returns(series(100, 210, 189), series(0, 100, 0))
    assert found.tolist() == pytest.approx([0.1, -0.1])
    assert found.index.equals(series(1, 2, 3).index[1:])


def test_a_ruined_account_has_no_more_returns():
    found = session_returns(series(100, 0, 0, 5))
    assert found.iloc[0] == -1
    assert found[1:].isna().all()


def test_a_missing_value_has_no_return_on_either_side():
    found = session_returns(series(100, np.nan, 110, 121))
    assert found.isna().tolist() == [True, True, False]


def test_hardly_a_session_has_no_return():
    assert session_returns(series()).empty
    assert session_returns(series(5)).empty
    with pytest.raises(DataError):
        session_returns(series(1, 2), series(1))


@settings(derandomize=True, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=50))
def test_quantiles_are_where_pandas_has_them(values):
    returns = series(*values, np.nan, np.inf)
    found = return_quantiles(returns)
    expected = pd.Series(values).quantile(found.index.to_list())
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found[0.0] == min(values)
    assert found[1.0] == max(values)
    assert found.is_monotonic_increasing or np.diff(found).min() > -1e-12


def test_of_no_return_there_is_no_quantile():
    assert return_quantiles(series(np.nan)).isna().all()
    assert return_quantiles(series(), (0.5,)).isna().all()


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan, "a"])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(SpecError, match="at must be"):
        return_quantiles(series(0.1), (0.5, share))
