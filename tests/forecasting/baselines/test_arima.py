"""ARIMA: its filter is statsmodels', its fits are kept, and what fails is said."""

from __future__ import annotations

import logging
import sys

import numpy as np
import pytest
from fakes import random_panel, same_bytes, without
from one_window import fitted, last_window, session_window

from bt_lstm_rotation.errors import MissingExtraError, SpecError
from bt_lstm_rotation.forecasting import (
    ArimaSpec,
    ForecastStore,
    Training,
    walk_forward,
)
from bt_lstm_rotation.forecasting.baselines import arima, arma
from bt_lstm_rotation.forecasting.baselines.arima import ORDERS
from bt_lstm_rotation.forecasting.baselines.arma import MOST_LAGS, Arma
from bt_lstm_rotation.forecasting.forecaster import Fit, Storable
from bt_lstm_rotation.forecasting.walkforward import task

library = pytest.importorskip(
    "statsmodels.tsa.arima.model", reason="the extra test has statsmodels"
)

SMALL = {"lookback": 30, "horizon": 4, "train_size": 80, "retrain": "monthly"}


def of_statsmodels(series, phi, theta, horizon):
    """What statsmodels expects of a series of mean 0, with given coefficients."""
    p, q = len(phi), len(theta)
    model = library.ARIMA(series, order=(p, 0, q), trend="n", concentrate_scale=True)
    model.tolerance = 0.0  # its gains are not taken for steady before they are
    return model.smooth(np.array([*phi, *theta])).forecast(horizon)


@pytest.mark.parametrize(
    ("phi", "theta"),
    [
        ([0.5], []),
        ([], [0.4]),
        ([0.98], [-0.95]),
        ([0.4, 0.3], [-0.2]),
        ([0.1], [0.3, 0.2, -0.4]),
        ([0.2, 0.1, 0.1, 0.1, -0.3], [0.1, 0.0, 0.2, 0.1, 0.1]),
    ],
)
def test_what_is_ahead_is_what_statsmodels_expects(phi, theta):
    series = np.random.default_rng(0).normal(size=(3, 40))
    filtered = Arma.of([np.array(phi)] * 3, [np.array(theta)] * 3, 40)
    found = np.array(list(filtered.ahead(series, [0, 1, 2], 7)))
    for row in range(3):
        expected = of_statsmodels(series[row], phi, theta, 7)
        assert found[:, row] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_symbols_of_different_orders_share_a_filter():
    series = np.random.default_rng(1).normal(size=(2, 25))
    both = Arma.of([np.array([0.9]), np.empty(0)], [np.empty(0), np.array([0.5])], 25)
    first = Arma.of([np.array([0.9])], [np.empty(0)], 25)
    found = np.array(list(both.ahead(series, [0, 1], 3)))
    assert same_bytes(found[:, :1], np.array(list(first.ahead(series[:1], [0], 3))))
    turned = np.array(list(both.ahead(series[::-1], [1, 0], 3)))
    assert same_bytes(turned[:, ::-1], found)


def test_the_order_is_the_one_with_the_least_aic_of_statsmodels():
    spec = ArimaSpec(target="plain", **SMALL)
    panel = random_panel("AB", spec.fit_bars, seed=3)
    model = fitted(panel, spec).model
    logs = np.diff(np.log(last_window(panel, spec.fit_bars).close), axis=1)
    for row, name in enumerate(model.symbols):
        y = logs[row] - logs[row].mean()
        found = {}
        for p, _, q in ORDERS:
            made = library.ARIMA(y / y.std(), order=(p, 0, q), trend="n").fit()
            # The mean that was taken away is a parameter more.
            found[p, q] = made.aic + 2, made.params[: p + q]
        p, q = min(found, key=lambda order: found[order][0])
        assert np.count_nonzero(model.arma.phi[row]) == p, name
        assert np.count_nonzero(model.arma.theta[row]) == q, name
        own = [*model.arma.phi[row, :p], *model.arma.theta[row, :q]]
        assert own == pytest.approx(found[p, q][1], abs=2e-3)
        assert model.mean[row] == pytest.approx(logs[row].mean(), rel=1e-12)


@pytest.mark.parametrize("target", ["plain", "relative"])
def test_a_forecast_is_the_sum_of_the_returns_ahead(target):
    spec = ArimaSpec(order=(1, 1, 1), target=target, **SMALL)
    panel = random_panel("ABC", spec.fit_bars, seed=5)
    model = fitted(panel, spec).model
    window = session_window(panel, spec)
    returns = np.diff(np.log(window.close[0]), axis=1)
    level = 0.0
    if target == "relative":
        returns = returns - returns.mean(axis=0)
        closes = last_window(panel, spec.fit_bars).close
        level = (closes[:, 5:] / closes[:, 1:-4] - 1).mean()
    made = model.forecast(window)[0, 0]
    for row in range(3):
        phi, theta, mean = model.arma.phi[row], model.arma.theta[row], model.mean[row]
        ahead = of_statsmodels(returns[row] - mean, phi[:1], theta[:1], 4)
        assert made[row] == pytest.approx(level + ahead.sum() + 4 * mean, rel=1e-8)


def test_of_a_second_difference_the_last_return_is_carried_on():
    spec = ArimaSpec(order=(0, 2, 1), target="plain", **SMALL)
    panel = random_panel("A", spec.fit_bars, seed=7)
    model = fitted(panel, spec).model
    assert model.mean[0] == 0.0
    window = session_window(panel, spec)
    returns = np.diff(np.log(window.close[0, 0]))
    theta = model.arma.theta[0, 0]
    change = of_statsmodels(np.diff(returns), [], [theta], 1)[0]
    # Of ARIMA(0, 2, 1) every later return is expected to be as the next one.
    assert model.forecast(window)[0, 0, 0] == pytest.approx(
        4 * (returns[-1] + change), rel=1e-8
    )


def test_returns_without_any_movement_are_their_mean():
    panel = random_panel("AB", 200)
    flat = panel.bars.copy()
    flat[:4] = 10.0
    still = type(panel)(panel.sessions, panel.symbols, flat)
    made = walk_forward(still, ArimaSpec(target="plain", **SMALL))
    known = made.values[np.isfinite(made.values)]
    assert len(known) > 50
    assert not known.any()


def refusing(orders):
    def likeliest(y, p, q):
        return None if (p, q) in orders else arma.likeliest(y, p, q)

    return likeliest


def test_an_order_that_does_not_converge_is_not_taken_and_said(monkeypatch, caplog):
    panel = without(random_panel("ABC", 200), "B", [70, 71])
    orders = {(p, q) for p, _, q in ORDERS}
    monkeypatch.setattr(arima, "likeliest", refusing(orders))
    with caplog.at_level(logging.WARNING):
        made = walk_forward(panel, ArimaSpec(target="plain", **SMALL))
    assert len(made.fits) > 3
    assert {fit.status for fit in made.fits} == {"ok"}
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"ArimaSpec, fit of {made.fits[0].session}: 12 models did")
    assert line.endswith(
        f"not converge and were not taken (A, B, C); and {len(made.fits) - 1} "
        "later fits with a note"
    )
    # What is left is the mean.
    model = fitted(panel, ArimaSpec(target="plain", **SMALL)).model
    logs = np.diff(np.log(last_window(panel, 85).close), axis=1)
    expected = 4 * logs.mean(axis=1)
    window = session_window(panel, model.spec)
    assert model.forecast(window)[0, 0] == pytest.approx(expected, rel=1e-9)


def test_statsmodels_own_word_of_failure_is_taken(monkeypatch):
    class Found:
        params, llf, mle_retvals = np.array([0.1]), 1.0, {"converged": False}

    class Model:
        def __init__(self, *_, **__):
            pass

        def fit(self, **_):
            return Found()

    monkeypatch.setattr(arma, "require_statsmodels", lambda: Model)
    y = np.random.default_rng(0).normal(size=50)
    assert arma.likeliest(y, 1, 0) is None
    Found.mle_retvals = {"converged": True}
    assert arma.likeliest(y, 1, 0)[1] == 1.0
    Found.params = np.array([np.nan])
    assert arma.likeliest(y, 1, 0) is None
    Model.fit = lambda *_, **__: (_ for _ in ()).throw(
        np.linalg.LinAlgError("singular")
    )
    assert arma.likeliest(y, 1, 0) is None


def test_a_stored_fit_is_the_same_to_the_last_bit_and_still_says_its_note(
    tmp_path, monkeypatch, caplog
):
    panel = random_panel("ABC", 180)
    spec = ArimaSpec(**SMALL)
    monkeypatch.setattr(arima, "likeliest", refusing({(1, 1)}))
    store = ForecastStore(tmp_path)
    first = walk_forward(panel, spec, training=Training(store=store))
    assert isinstance(spec.forecaster(), Storable)
    caplog.clear()

    def never(*_):
        pytest.fail("fitted again")

    monkeypatch.setattr(arima, "likeliest", never)
    again = walk_forward(panel, spec, training=Training(store=store))
    assert {fit.origin for fit in again.fits} == {"stored"}
    assert same_bytes(again.values, first.values)
    assert "3 models did not converge" in caplog.text


def test_another_version_of_its_library_is_another_key(tmp_path, monkeypatch):
    panel, spec = random_panel("AB", 120), ArimaSpec(order=(0, 1, 0), **SMALL)
    training = Training(store=ForecastStore(tmp_path))
    versions = dict.fromkeys(["numpy", "tensorflow", "statsmodels", "scipy"], "1")

    def installed(packages):
        return {name: versions[name] for name in packages if name in versions}

    def origins():
        task._arithmetic.cache_clear()
        made = walk_forward(panel, spec, training=training)
        return {fit.origin for fit in made.fits}

    with monkeypatch.context() as patched:
        patched.setattr(task, "installed", installed)
        assert [origins(), origins()] == [{"trained"}, {"stored"}]
        versions["statsmodels"] = "2"
        assert [origins(), origins()] == [{"trained"}, {"stored"}]
    task._arithmetic.cache_clear()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("phi", None, "no phi among"),
        ("phi", np.full((2, MOST_LAGS), 0.5), "no stationary process"),
        ("phi", np.zeros((2, 3)), "phi are float64 of shape"),
        ("theta", np.full((2, MOST_LAGS), np.nan), "theta are not finite"),
        ("refused", np.zeros(2), "refused are float64"),
        ("level", np.zeros(0), "level are float64 of shape"),
        ("mean", np.zeros(3), "mean are float64 of shape"),
    ],
)
def test_arrays_of_another_kind_are_refused(name, value, problem):
    spec = ArimaSpec(order=(1, 1, 0), **SMALL)
    forecaster = spec.forecaster()
    arrays = forecaster.to_arrays(fitted(random_panel("AB", spec.fit_bars), spec))
    assert {array.dtype.kind for array in arrays.values()} <= set("fi")
    kept = {k: v for k, v in {**arrays, name: value}.items() if v is not None}
    with pytest.raises(ValueError, match=problem):
        forecaster.from_arrays(("A", "B"), kept)


def test_a_fit_of_another_kind_is_not_turned_into_arrays():
    with pytest.raises(SpecError, match="one with its own model"):
        ArimaSpec().forecaster().to_arrays(Fit(None))


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ("auto", "order must be three whole numbers"),
        ([1, 1], "order must be three whole numbers"),
        (11, "order must be three whole numbers"),
        ([1, 0, 1], "d of order must be a whole number of at least 1"),
        ([1, 3, 1], "d of order must be a whole number of at most 2"),
        ([6, 1, 0], "p of order must be a whole number of at most 5"),
        ([0, 1, -1], "q of order must be a whole number of at least 0"),
        ([0, 1, 0.5], "q of order must be"),
        ([True, 1, 0], "p of order must be"),
    ],
)
def test_an_impossible_order_is_refused(order, problem):
    with pytest.raises(SpecError, match=f"ArimaSpec: {problem}"):
        ArimaSpec(order=order)


def test_an_order_may_be_any_list_of_whole_numbers():
    spec = ArimaSpec(order=[np.int64(1), 1, 1])
    assert spec == ArimaSpec(order=(1, 1, 1))
    assert hash(spec) == hash(ArimaSpec(order=(1, 1, 1)))
    with pytest.raises(SpecError, match="lookback must be"):
        ArimaSpec(order=(0, 2, 1), lookback=1)


def test_without_the_library_the_extra_is_named_before_a_fit(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.tsa.arima.model", None)
    with pytest.raises(MissingExtraError, match=r"bt-lstm-rotation\[arima\]"):
        walk_forward(random_panel("AB", 120), ArimaSpec(**SMALL))
