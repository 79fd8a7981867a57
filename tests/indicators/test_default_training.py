"""In a script that says nothing, what is trained is kept and shown; nothing else."""

from __future__ import annotations

import errno
import io
import logging
import sys
from contextlib import contextmanager
from dataclasses import replace

import backtrader as bt
import pytest
from fakes import random_panel
from forecast_reader import Reader, pooled
from modes import each_mode

from bt_lstm_rotation import (
    ForecastSpec,
    LSTMForecast,
    SectorRotation,
    Training,
    progress,
    run_backtest,
)
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.forecasting.store import default_folder, forecast_store

TINY = ForecastSpec(
    lookback=10,
    horizon=3,
    train_size=40,
    units=4,
    steps=2,
    features=("relative_return",),
)
PANEL = random_panel("ABC", 90)


def run(make, **modes):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    add_feeds(cerebro, PANEL)
    cerebro.addstrategy(Reader, make=make)
    return cerebro.run()[0]


def origins(strategy):
    (pool,) = {id(f.pool): f.pool for f in strategy.forecasts.values()}.values()
    return {fit.origin for fit in pool.fits}


@each_mode
def test_what_is_trained_is_kept_and_every_forecast_the_same(modes):
    apart = run(pooled(TINY, training=Training()), **modes)
    first, second = run(pooled(TINY), **modes), run(pooled(TINY), **modes)
    assert any(value != "nan" for value in apart.noted.values())
    assert first.noted == second.noted == apart.noted
    runs = (apart, first, second)
    assert [origins(ran) for ran in runs] == [{"trained"}, {"trained"}, {"stored"}]


def test_a_training_that_is_given_is_used_as_it_stands():
    run(pooled(TINY, training=Training()))
    assert not default_folder().exists()


@pytest.mark.parametrize("training", ["slow", 1, Training])
def test_what_is_no_training_is_refused(training):
    with pytest.raises(SpecError, match=r"training must be Training\(...\), or None"):
        run(pooled(TINY, training=training))


def test_one_feed_alone_takes_a_training_too():
    plain = replace(TINY, target="plain", features=("log_return",))
    calls = []
    training = Training(progress=lambda *call: calls.append(call))

    def make(strategy):
        return {strategy.data: LSTMForecast(spec=plain, training=training)}

    given = run(make)
    assert calls
    assert not default_folder().exists()
    kept = run(lambda s: {s.data: LSTMForecast(spec=plain)})
    assert kept.noted == given.noted
    assert default_folder().exists()


def test_a_rotation_and_a_backtest_share_what_was_trained():
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, PANEL)
    cerebro.addstrategy(SectorRotation, spec=TINY, top=1)
    cerebro.run()
    result = run_backtest(PANEL, params={"spec": TINY, "top": 1})
    assert set(result.retrains["origin"]) == {"stored"}
    apart = run_backtest(PANEL, params={"spec": TINY, "top": 1}, training=Training())
    assert set(apart.retrains["origin"]) == {"trained"}
    assert apart.forecasts.equals(result.forecasts)
    assert apart.account.equals(result.account)


def test_a_disk_that_will_have_nothing_stops_no_run(monkeypatch, tmp_path, caplog):
    file = tmp_path / "file"
    file.write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    with caplog.at_level(logging.WARNING):
        ran = run(pooled(TINY))
        run(pooled(TINY))
    assert origins(ran) == {"trained"}
    told = [r.getMessage() for r in caplog.records if "stored" in r.getMessage()]
    assert len(told) == 1
    assert "is not a folder" in told[0]


def test_a_disk_that_is_full_stops_no_run(monkeypatch, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(forecast_store, "write_atomically", full)
    with caplog.at_level(logging.WARNING):
        ran = run(pooled(TINY))
    assert origins(ran) == {"trained"}
    assert caplog.text.count("going on without stored forecasts") == 1


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("modes", [{}, {"runonce": False}])
def test_somebody_who_watches_sees_a_bar_that_goes_away(modes, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "SOON", 0.0)
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    run(pooled(TINY), **modes)
    assert "training" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[1A\x1b[2K")


@pytest.mark.parametrize("modes", [{}, {"runonce": False}])
def test_what_watches_is_told_of_each_fit_and_closed(modes):
    told = []

    @contextmanager
    def watch(done, planned):
        told.append(f"{done} of {planned}")
        yield lambda done, planned: told.append((done, planned))
        told.append("closed")

    run(pooled(TINY, training=Training(watch=watch)), **modes)
    if modes:  # a fit when its session comes
        expected = [
            *("0 of 1", (1, 1), "closed"),
            *("1 of 2", (2, 2), "closed"),
        ]
    else:
        expected = ["0 of 2", (1, 2), (2, 2), "closed"]
    assert told == expected
