"""Members that are far apart, and how wrong their mean then was."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.measures.dispersion import error_by_dispersion


def test_groups_are_of_equal_size_from_the_least_to_the_most_dispersed():
    dispersion = np.array([[0.4, 0.1], [0.3, 0.2]])
    forecast = np.array([[0.0, 1.0], [2.0, 0.0]])
    realised = np.array([[4.0, 4.0], [2.0, 1.0]])
    found = error_by_dispersion(dispersion, forecast, realised, groups=2)
    assert found["dispersion"].to_list() == pytest.approx([0.15, 0.35])
    # Errors 3 and 1, then 0 and 4.
    assert found["error"].to_list() == pytest.approx([5**0.5, 8**0.5])
    assert found["n"].to_list() == [2, 2]


def test_it_agrees_with_pandas_on_many():
    rng = np.random.default_rng(1)
    spread, forecast, realised = rng.random((3, 200, 7))
    forecast[rng.random((200, 7)) < 0.2] = np.nan
    found = error_by_dispersion(spread, forecast, realised)
    table = pd.DataFrame(
        {"s": spread.ravel(), "e": (forecast - realised).ravel() ** 2}
    ).dropna()
    groups = table.groupby(pd.qcut(table["s"], 5, labels=False))
    assert found["n"].sum() == len(table)
    assert found["error"].to_numpy() == pytest.approx(
        groups["e"].mean().to_numpy() ** 0.5, rel=0.02
    )


def test_an_ensemble_that_knows_its_errors_has_larger_ones_where_it_is_dispersed():
    rng = np.random.default_rng(2)
    spread = rng.uniform(0.01, 0.1, 5_000)
    errors = error_by_dispersion(spread, rng.normal(0, spread), np.zeros(5_000))[
        "error"
    ]
    assert errors.is_monotonic_increasing


@pytest.mark.parametrize("count", [0, 4])
def test_too_few_forecasts_have_no_groups(count):
    values = np.ones(count)
    assert error_by_dispersion(values, values, values).empty


def test_one_group_is_refused():
    with pytest.raises(SpecError, match="groups"):
        error_by_dispersion(np.ones(9), np.ones(9), np.ones(9), groups=1)
