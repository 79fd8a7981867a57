"""A forecaster of anybody's: what it may answer, and what is refused by name."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import random_panel, same_bytes
from modes import each_mode

from bt_lstm_rotation import MomentumSpec, SectorRotation, run_backtest
from bt_lstm_rotation.errors import FitsError, ForecastError, SpecError
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.forecasting import (
    BarHistory,
    ForecastStore,
    Training,
    WalkForward,
    Workers,
    walk_forward,
)
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.walkforward.contract import forecast_of

# 80 weekdays from 2019-01-02: fits on the last weekdays of January, February and March.
PANEL = random_panel("ABC", 80)
ONE = Training(workers=Workers(jobs=1))


def last_return(window) -> np.ndarray:
    """The return of each session's last bar, (n_sessions, n_symbols)."""
    return window.close[..., -1] / window.close[..., -2] - 1


def right(window) -> np.ndarray:
    return last_return(window)[None]


@dataclass(frozen=True)
class OwnModel:
    symbols: Any
    answer: Callable[[Any], Any]

    def forecast(self, window):
        return self.answer(window)


@dataclass(frozen=True)
class OwnForecaster:
    spec: OwnSpec

    def fit(self, window, session):
        return self.spec.fitted(window, session)


@dataclass(frozen=True, kw_only=True)
class OwnSpec:
    answer: Callable[[Any], Any] = right
    make: Callable[[Any, Any], Any] | None = None
    horizon: int = 1
    retrain: Any = "monthly"
    fit_bars: int = 10
    forecast_bars: int = 5
    min_symbols: int = 1

    def forecaster(self):
        return OwnForecaster(self)

    def fitted(self, window, session):
        if self.make is not None:
            return self.make(window, session)
        return Fit(OwnModel(window.symbols, self.answer))


def walked(panel=PANEL, **settings):
    return walk_forward(panel, OwnSpec(**settings), training=ONE)


def refusal(panel=PANEL, **settings) -> str:
    with pytest.raises(ForecastError) as raised:
        walked(panel, **settings)
    return str(raised.value)


def one_by_one(spec, panel=PANEL) -> np.ndarray:
    walk = WalkForward(spec, BarHistory.from_panel(panel), training=ONE)
    return np.concatenate([walk.forecast(panel.sessions[[r]])[0] for r in range(80)])


def test_what_keeps_to_the_contract_gives_what_it_says_in_every_mode():
    result = walked()
    close = pd.DataFrame(PANEL.bars[3])
    expected = close.pct_change().to_numpy()
    first = int(np.flatnonzero(PANEL.sessions == result.fits[0].session)[0])
    np.testing.assert_allclose(result.values[first:], expected[first:], rtol=1e-12)
    assert same_bytes(one_by_one(OwnSpec()), result.values)


SHAPES = {
    "no axis of members": (last_return, r"shape \(20, 3\).*\(n_members, 20, 3\) is"),
    "how to mend it": (last_return, r"values\[None\] adds the axis of the one member"),
    "transposed": (lambda w: right(w).transpose(0, 2, 1), "have changed places"),
    "an axis too many": (lambda w: right(w)[..., None], r"shape \(1, 20, 3, 1\)"),
    "members last": (lambda w: np.moveaxis(right(w), 0, -1), r"shape \(20, 3, 1\)"),
    "a number": (lambda w: 0.01, r"gives 0.01 \(float\)"),
    "an array of no axis": (lambda w: np.array(0.01), r"shape \(\)"),
    "one session": (lambda w: right(w)[:, :1], r"shape \(1, 1, 3\)"),
    "one symbol": (lambda w: right(w)[..., :1], r"shape \(1, 20, 1\)"),
    "no member": (lambda w: right(w)[:0], r"shape \(0, 20, 3\)"),
    "nothing": (lambda w: None, "gives None; an array of"),
    "a list": (lambda w: right(w).tolist(), r"gives \[\[\[.*\(list\)"),
    "a frame": (
        lambda w: pd.DataFrame(last_return(w)),
        r"DataFrame of shape \(20, 3\)",
    ),
    "a masked array": (lambda w: np.ma.masked_less(right(w), 0), "MaskedArray of"),
    "objects": (lambda w: right(w).astype(object), "an array of object"),
    "truth values": (lambda w: right(w) > 0, "an array of bool"),
    "complex numbers": (lambda w: right(w) + 0j, "an array of complex128"),
    "text": (lambda w: right(w).astype(str), "an array of str"),
    "infinite": (lambda w: right(w) / 0, r"gives -?inf for A on 2019-01-31"),
}


@pytest.mark.parametrize(("answer", "says"), SHAPES.values(), ids=SHAPES)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_an_answer_in_another_form_is_refused_by_name(answer, says):
    message = refusal(answer=answer)
    assert message.startswith("OwnModel.forecast gives ")
    assert re.search(says, message), message


@pytest.mark.parametrize("answer", [last_return, lambda w: right(w)[..., None]])
def test_bar_by_bar_it_is_refused_too(answer):
    with pytest.raises(ForecastError, match=r"OwnModel.forecast gives an array of sha"):
        one_by_one(OwnSpec(answer=answer))


def mixed(window):
    values = last_return(window)
    return (values - values.mean(axis=0))[None]


def shifted(window):
    return np.roll(right(window), -1, axis=1)


def members_of_sessions(window):
    # A broadcast gone wrong: as many members as sessions.
    values = last_return(window)
    return values[:, None] - values[None]


LEAKS = {
    "sessions compared with each other": mixed,
    "the session after": shifted,
    "filled in from the row before": lambda w: (
        pd.DataFrame(last_return(w)).where(lambda f: f > 0).ffill().to_numpy()[None]
    ),
    "a rank over the sessions": lambda w: last_return(w).argsort(0).argsort(0)[None],
    "scaled by the largest": lambda w: right(w) / np.abs(right(w)).max(),
    "noise that counts the rows": lambda w: (
        right(w) + np.random.default_rng(0).normal(0, 0.01, right(w).shape)
    ),
    "the last session alone is off": lambda w: np.concatenate(
        [right(w)[:, :-1], right(w)[:, -1:] + (len(w.dates) > 1) * 1e-6], axis=1
    ),
}


@pytest.mark.parametrize("answer", LEAKS.values(), ids=LEAKS)
def test_a_session_forecast_from_others_is_refused_by_name(answer):
    message = refusal(answer=answer)
    assert "OwnModel.forecast gives " in message
    assert "on 2019-0" in message
    assert "together with 19 other sessions and " in message
    assert "must depend on its own session's bars" in message


def test_as_many_members_as_sessions_are_noticed():
    message = refusal(answer=members_of_sessions)
    assert "has 20 members for 2019-01-31 together with 19 other" in message


def test_changed_places_are_noticed_where_the_shape_cannot_show_them():
    # Five sessions of a week by five symbols; a session alone has another shape.
    panel = random_panel("ABCDE", 80)
    weeks = {"retrain": "weekly", "answer": lambda w: right(w).transpose(0, 2, 1)}
    assert "(n_members, 1, 5) is wanted" in refusal(panel, **weeks)
    assert "sessions and symbols have changed places" in refusal(panel, **weeks)


def test_rounding_in_another_order_is_no_leak():
    jitter = {True: 1e-12, False: 0.0}
    result = walked(answer=lambda w: right(w) * (1 + jitter[len(w.dates) > 1]))
    assert np.isfinite(result.values).any()


def test_single_precision_may_round_as_it_does_and_is_averaged_in_double():
    def two_members(window):
        off = 1e-6 * (len(window.dates) > 1)
        values = last_return(window) * (1 + off)
        return np.stack([values, 1.0000001 * values + 1e-9]).astype(np.float32)

    result = walked(answer=two_members)
    row = PANEL.sessions == result.fits[0].session
    window = BarHistory.from_panel(PANEL).window(PANEL.symbols, PANEL.sessions[row], 5)
    first, second = two_members(window)[:, 0].astype(np.float64)
    np.testing.assert_allclose(result.values[row][0], (first + second) / 2, rtol=2e-6)
    double = {"answer": lambda w: two_members(w).astype(np.float64)}
    assert "single precision's, return float32" in refusal(**double)


def test_whole_numbers_are_taken_and_a_view_of_the_window_too():
    zeros = walked(answer=lambda w: np.zeros((1, *w.dates.shape[:2]), int))
    assert set(zeros.values[np.isfinite(zeros.values)]) == {0.0}
    closes = walked(answer=lambda w: w.close[None, ..., -1])
    last = PANEL.bars[3, -1]
    assert (closes.values[-1] == last).all()


def test_nan_is_no_forecast_for_that_symbol_in_that_session():
    def rises(window):
        return np.where(right(window) > 0, right(window), np.nan)

    result = walked(answer=rises)
    served = PANEL.sessions >= result.fits[0].session
    expected = pd.DataFrame(PANEL.bars[3]).pct_change().to_numpy()[served]
    assert (np.isnan(result.values[served]) == ~(expected > 0)).all()


def test_what_is_written_into_a_window_stays_there():
    def destroys(window):
        answer = right(window).copy()
        window.bars[:] = np.nan
        window.dates[:] = "1999-01-01"
        return answer

    def make(window, session):
        destroys(window)
        return Fit(OwnModel(window.symbols, destroys))

    result = walked(make=make)
    assert same_bytes(result.values, walked().values)
    assert [str(fit.last_target) for fit in result.fits] == [
        str(fit.session) for fit in result.fits
    ]


def test_a_sample_is_the_first_middle_and_last_session_of_each_fit():
    asked = []

    def noting(window):
        asked.append([str(day) for day in window.dates.max(axis=(1, 2))])
        return right(window)

    result = walked(answer=noting)
    together = [days for days in asked if len(days) > 1]
    alone = [days[0] for days in asked if len(days) == 1]
    firsts = [str(fit.session) for fit in result.fits]
    assert [days[0] for days in together] == firsts
    expected = [d for days in together for d in (days[0], days[(len(days) - 1) // 2],
                                                 days[-1])]  # fmt: skip
    assert alone == expected


def test_ours_are_not_asked_twice():
    model = MomentumSpec(lookback=4, skip=1).forecaster()
    panel = BarHistory.from_panel(PANEL).window("ABC", PANEL.sessions[20:40], 5)
    values = forecast_of(model, panel, sample=False)
    assert values.shape == (1, 20, 3)


FITS = {
    "nothing": (lambda w, s: None, "OwnForecaster.fit returns None; return Fit(model)"),
    "a model": (
        lambda w, s: OwnModel(w.symbols, right),
        "OwnForecaster.fit returns OwnModel(",
    ),
    "a model without symbols": (
        lambda w, s: Fit(SimpleNamespace(forecast=right)),
        "OwnForecaster.fit returns a SimpleNamespace whose symbols are None",
    ),
    "a model without a forecast": (
        lambda w, s: Fit(SimpleNamespace(symbols=w.symbols)),
        "SimpleNamespace.forecast is not there; define forecast(self, window)",
    ),
    "a forecast of no argument": (
        lambda w, s: Fit(SimpleNamespace(symbols=w.symbols, forecast=lambda: 0)),
        "SimpleNamespace.forecast takes () and is called with window",
    ),
    "symbols of another market": (
        lambda w, s: Fit(OwnModel(("X", "Y"), right)),
        "OwnForecaster.fit returns a OwnModel whose symbols are ('X', 'Y') (tuple)",
    ),
    "symbols in another order": (
        lambda w, s: Fit(OwnModel(w.symbols[::-1], right)),
        "whose symbols are ('C', 'B', 'A') (tuple); they are window.symbols",
    ),
    "one symbol as text": (
        lambda w, s: Fit(OwnModel("ABC", right)),
        "whose symbols are 'ABC' (str)",
    ),
    "no symbol": (lambda w, s: Fit(OwnModel((), right)), "whose symbols are () (tup"),
    "a note that is no text": (
        lambda w, s: Fit(OwnModel(w.symbols, right), note=3),
        "returns the note 3; a note is a text",
    ),
    "a model with a problem": (
        lambda w, s: Fit(OwnModel(w.symbols, right), problem="bad luck"),
        "returns a model and the problem 'bad luck'",
    ),
    "losses in an array": (
        lambda w, s: Fit(OwnModel(w.symbols, right), np.array([1.0, 0.5])),
        "returns losses ndarray of shape (2,)",
    ),
}


@pytest.mark.parametrize(("make", "says"), FITS.values(), ids=FITS)
@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_no_fit_is_one_error(make, says, jobs):
    training = Training(workers=Workers(jobs=jobs))
    with pytest.raises(ForecastError) as raised:
        walk_forward(PANEL, OwnSpec(make=make), training=training)
    assert says in str(raised.value)


def test_a_model_may_know_fewer_symbols_than_it_was_shown():
    result = walked(make=lambda w, s: Fit(OwnModel(["A", "C"], right)))
    column = PANEL.symbols.index("B")
    assert np.isnan(result.values[:, column]).all()
    whole = walked().values
    assert same_bytes(result.values[:, [0, 2]], whole[:, [0, 2]])


SIGNATURES = {
    "no session": lambda self, window: None,
    "an argument too many": lambda self, window, session, seed: None,
    "no fit at all": None,
    "a number": 3,
}


@pytest.mark.parametrize("fit", SIGNATURES.values(), ids=SIGNATURES)
def test_a_fit_of_another_signature_is_one_error_before_any_fit(fit):
    forecaster = type("Bad", (), {"fit": fit})()
    spec = type("Spec", (OwnSpec,), {"forecaster": lambda self: forecaster})()
    with pytest.raises(ForecastError, match=r"Bad.fit .*define fit\(self, window, s"):
        walk_forward(PANEL, spec)


def test_a_class_in_place_of_an_instance_is_named():
    spec = type("Spec", (OwnSpec,), {"forecaster": lambda self: OwnForecaster})()
    with pytest.raises(ForecastError, match=r"returns the class .*return OwnForecast"):
        walk_forward(PANEL, spec)
    with pytest.raises(SpecError, match=r"OwnSpec\(\) and not the class"):
        walk_forward(PANEL, OwnSpec)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"horizon": 0}, "OwnSpec: horizon must be a whole number of at least 1"),
        ({"horizon": 2.0}, "OwnSpec: horizon must be a whole number of at least 1"),
        ({"min_symbols": 0}, "OwnSpec: min_symbols must be"),
        ({"fit_bars": 0}, "OwnSpec: fit_bars must be"),
        ({"forecast_bars": True}, "OwnSpec: forecast_bars must be"),
        ({"forecast_bars": 11}, "OwnSpec: forecast_bars must be at most fit_bars, 10"),
        ({"retrain": "yearly"}, "OwnSpec: retrain must be one of weekly"),
    ],
)
def test_a_spec_whose_numbers_cannot_be_is_refused(settings, says):
    with pytest.raises(SpecError) as raised:
        walked(**settings)
    assert says in str(raised.value)
    with pytest.raises(SpecError) as raised:
        run_backtest(PANEL, params={"spec": OwnSpec(**settings), "top": 1})
    assert says in str(raised.value)


def test_what_a_spec_lacks_is_named():
    with pytest.raises(SpecError, match="without fit_bars, min_symbols, forecaster"):
        walk_forward(
            PANEL, SimpleNamespace(horizon=1, retrain="weekly", forecast_bars=3)
        )


def test_a_spec_that_is_not_frozen_forecasts_as_one_that_is():
    @dataclass
    class Thawed(OwnSpec.__base__):
        answer = staticmethod(right)
        horizon = 1
        retrain = "monthly"
        fit_bars = 10
        forecast_bars = 5
        min_symbols = 1

        def forecaster(self):
            return OwnForecaster(self)

        def fitted(self, window, session):
            return Fit(OwnModel(window.symbols, self.answer))

    assert Thawed.__hash__ is None
    result = run_backtest(PANEL, params={"spec": Thawed(), "top": 1})
    frozen = run_backtest(PANEL, params={"spec": OwnSpec(), "top": 1})
    assert result.account.equals(frozen.account)
    assert len(result.forecasts) > 50


def raising(window, session):
    raise AttributeError("'Window' object has no attribute 'closes'")


def single(caplog) -> str:
    lines = [record.message for record in caplog.records]
    (line,) = [line for line in lines if line.startswith("no forecast was ")]
    return line


@each_mode
def test_a_run_whose_fits_all_fail_ends_with_the_reason(caplog, modes):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    add_feeds(cerebro, PANEL)
    cerebro.addstrategy(SectorRotation, spec=OwnSpec(make=raising), top=1, training=ONE)
    with pytest.raises(FitsError) as failed:
        cerebro.run()
    assert str(failed.value) == (
        "no forecast was made: all 3 fits of OwnSpec failed: AttributeError: "
        "'Window' object has no attribute 'closes', at "
        f"{__file__}:{raising.__code__.co_firstlineno + 1}"
    )
    # Bars that come one by one may be live: there it is told when it happens, once.
    lines = [record.message for record in caplog.records]
    assert len(lines) == (modes != {})
    assert all("2019-01-31 was thrown away: AttributeError" in line for line in lines)


def test_a_backtest_ends_too():
    spec = OwnSpec(make=lambda w, s: Fit(None))
    with pytest.raises(FitsError, match=": no model was made, and no reason given"):
        run_backtest(PANEL, params={"spec": spec, "top": 1})


def test_several_reasons_are_counted():
    def make(window, session):
        raise ValueError(f"nothing to learn at {session}")

    with pytest.raises(FitsError, match=r"-01-31, at .*, the first of 3 reasons$"):
        walked(make=make)


def test_a_forecaster_that_only_ever_says_nan_is_named(caplog):
    spec = OwnSpec(answer=lambda w: np.full((1, *w.dates.shape[:2]), np.nan))
    with caplog.at_level(logging.WARNING):
        run_backtest(PANEL, params={"spec": spec, "top": 1})
    assert single(caplog) == "no forecast was made: all that OwnSpec gave was NaN"


def test_a_run_with_some_forecasts_says_nothing(caplog):
    def make(window, session):
        if str(session) != "2019-02-28":
            raising(window, session)
        return Fit(OwnModel(window.symbols, right))

    with caplog.at_level(logging.WARNING):
        walked(make=make)
        walked(panel=PANEL)
    assert "no forecast was" not in caplog.text


def test_an_error_inside_a_sound_fit_stays_a_failed_fit(tmp_path):
    def make(window, session):
        if str(session) == "2019-02-28":
            raise TypeError("fit() takes 2 positional arguments but 3 were given")
        return Fit(OwnModel(window.symbols, right))

    store = ForecastStore(tmp_path)
    training = Training(workers=Workers(jobs=1), store=store)
    result = walk_forward(PANEL, OwnSpec(make=make), training=training)
    assert [fit.status[:9] for fit in result.fits] == ["ok", "TypeError", "ok"]
    assert store.size()[0] == 0
