"""A paper account that reads a series besides is the backtest of its own bars, too."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fakes import random_panel
from vendor import (
    DAYS,
    MARKET,
    SETTINGS,
    SMALL_LSTM,
    Vendor,
    account,
    backtest,
    contents,
)

from bt_lstm_rotation import cli
from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.paper import Configuration
from bt_lstm_rotation.paper.verifying import verify

FIRST, LAST = 300, 316

SERIES = random_panel("V", len(DAYS), seed=9)
BOTH = replace(
    MARKET,
    symbols=(*MARKET.symbols, "V"),
    bars=np.concatenate([MARKET.bars, SERIES.bars], axis=2),
)
LSTM = SETTINGS | SMALL_LSTM
READING = LSTM | {"context": ("V",)}
TABLES = ("account", "weights", "positions", "orders", "forecasts", "events")


def lived(root, days, vendor, wanted=READING):
    """Start an account, do its steps on some days, and return it."""
    account(root, days[0], vendor).start(Configuration(**wanted))
    for day in days:
        now = account(root, day, vendor)
        now.step()
    return now


def backtested(panel, wanted=READING, last=LAST - 1):
    return backtest(Configuration(**wanted), FIRST, last, panel)


def without(panel, symbol, days):
    """The panel without a symbol's bars of some days."""
    bars = panel.bars.copy()
    bars[:, np.isin(panel.sessions, days), panel.symbols.index(symbol)] = np.nan
    return replace(panel, bars=bars)


def assert_frames_equal(found, wanted):
    pd.testing.assert_frame_equal(found, wanted, check_exact=True)


def assert_same(live, expected):
    for name in TABLES:
        assert_frames_equal(getattr(live, name), getattr(expected, name))
    for part in ("metrics", "inputs"):
        assert live.summary[part] == expected.summary[part]
    assert (live.orders["status"] == "Completed").sum() > 3


def test_an_account_that_lived_day_by_day_is_the_backtest(tmp_path):
    mine = lived(tmp_path, range(FIRST, LAST), Vendor(BOTH))
    live = mine.replayed().result
    expected = backtested(BOTH)
    assert_same(live, expected)
    assert live.summary["data"]["context"] == ["V"]
    *_, forecasts = verify(mine)
    assert f"{len(live.forecasts)} come out of the recorded weights" in forecasts
    assert "V" not in live.weights
    # It is read: without it the forecasts are others.
    plain = backtested(BOTH, LSTM)
    assert not np.array_equal(plain.forecasts["forecast"], live.forecasts["forecast"])


def test_features_that_need_the_benchmark_are_those_of_the_backtest(tmp_path):
    settings = (*LSTM["settings"], 'features=["relative_return","residual_return"]')
    wanted = LSTM | {"settings": settings, "symbols": LSTM["symbols"]}
    first = 405  # a fit needs a year more
    mine = lived(tmp_path, range(first, first + 8), Vendor(), wanted)
    expected = backtest(Configuration(**wanted), first, first + 7)
    live = mine.replayed().result
    assert len(live.forecasts) == 8 * 4
    assert_frames_equal(live.forecasts, expected.forecasts)
    assert "32 come out of the recorded weights" in list(verify(mine))[-1]


def test_late_and_repeated_steps_leave_the_same_journal(tmp_path):
    vendor = Vendor(BOTH)
    daily = lived(tmp_path / "daily", range(FIRST, FIRST + 9), vendor)
    some = [FIRST, FIRST, FIRST + 5, FIRST + 6, FIRST + 6, FIRST + 8]
    late = lived(tmp_path / "late", some, vendor)
    assert contents(daily.record()) == contents(late.record())


def test_a_series_without_todays_bar_is_waited_for_and_then_taken_as_last_known(
    tmp_path,
):
    vendor, day = Vendor(BOTH), FIRST + 3
    vendor.late = {("V", DAYS[day])}
    account(tmp_path, FIRST, vendor).start(Configuration(**READING))
    for today in range(FIRST, day + 1):
        outcome = account(tmp_path, today, vendor).step()
    assert outcome.sessions == ()
    assert "V" in outcome.waiting
    # It never comes; two days after the close the account goes on.
    for today in range(day, day + 6):
        now = account(tmp_path, today, vendor)
        now.step()
    record = now.record()
    assert [row[2] for row in record.tables["notes"] if row[1] == "missing"] == ["V"]
    assert not any(row[1:3] == (str(DAYS[day]), "V") for row in record.tables["bars"])
    live = now.replayed().result
    expected = backtested(without(BOTH, "V", [DAYS[day]]), last=day + 5)
    assert_frames_equal(live.forecasts, expected.forecasts)
    made = live.forecasts.groupby("session").size()
    assert (made == 4).all()
    assert len(made) == len(live.account)


def test_a_series_that_is_older_than_its_age_is_missing(tmp_path):
    vendor, gone = Vendor(BOTH), range(FIRST + 2, FIRST + 12)
    vendor.late = {("V", DAYS[day]) for day in gone}
    mine = lived(tmp_path, range(FIRST, LAST), vendor)
    live = mine.replayed().result
    last = DAYS.index(live.account.index[-1].date())
    rows = [DAYS[day] for day in gone]
    expected = backtested(without(BOTH, "V", rows), last=last)
    assert_frames_equal(live.forecasts, expected.forecasts)
    known = DAYS[FIRST + 1]
    old = [DAYS[day] for day in gone if DAYS[day] - known > dt.timedelta(days=7)]
    silent = set(live.account.index.date) - set(live.forecasts["session"].dt.date)
    assert silent == {day for day in old if day <= DAYS[last]}
    assert len(silent) > 2


def test_a_split_of_the_series_changes_no_forecast(tmp_path):
    vendor = Vendor(BOTH)
    account(tmp_path, FIRST, vendor).start(Configuration(**READING))
    for today in range(FIRST, FIRST + 8):
        if today == FIRST + 4:
            vendor.restate("V", DAYS[-1], 0.5, 2.0)
        now = account(tmp_path, today, vendor)
        now.step()
    assert [row[1] for row in now.record().tables["actions"]] == ["V"]
    live, expected = now.replayed().result, backtested(BOTH, last=FIRST + 7)
    pd.testing.assert_frame_equal(live.forecasts, expected.forecasts, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"context": ("V+45",)}, "context.*daily series.*V\\+45"),
        ({"context": ("S1",)}, "neither traded nor the benchmark.*S1"),
        ({"context": ("MARKET",)}, "neither traded nor the benchmark"),
        ({"context": "V"}, "list of texts"),
        ({"strategy": "equal_weight", "settings": ()}, "no SectorRotation"),
        ({"strategy": "momentum_12_1", "settings": ()}, "reads nothing beside bars"),
        ({"settings": (*LSTM["settings"], 'context=["S4"]')}, "given once.*S4"),
    ],
    ids=str,
)
def test_context_that_cannot_be_is_refused(tmp_path, change, said):
    begun = account(tmp_path, FIRST, Vendor(BOTH))
    with pytest.raises(SpecError, match=said):
        begun.start(Configuration(**READING | change))
    assert not begun.folder.exists()


@pytest.mark.parametrize("name", ["symbols", "context", "settings"])
def test_a_list_of_some_sort_is_taken_and_nothing_else(name):
    for names in (["V", "W"], iter(["V", "W"]), np.array(["V", "W"])):
        assert getattr(Configuration(**{name: names}), name) == ("V", "W")
    for odd in (3, True, object(), "V", [1], np.array(3)):
        with pytest.raises(SpecError, match=f"{name} must be a list of texts"):
            Configuration(**{name: odd})


def test_a_slow_series_is_refused_at_the_start(tmp_path):
    monthly = without(BOTH, "V", [day for day in DAYS if day.day > 3])
    with pytest.raises(DataError, match=r"V: no daily series.*of the last 252"):
        account(tmp_path, FIRST, Vendor(monthly)).start(Configuration(**READING))


def test_the_command_takes_context(tmp_path, capsys):
    for symbol in BOTH.symbols:
        file = tmp_path / "bars" / f"{symbol}.csv"
        file.parent.mkdir(exist_ok=True)
        BOTH.frame(symbol).iloc[:FIRST].to_csv(file, index_label="Date")
    small = [part for each in LSTM["settings"] for part in ("--set", each)]
    data = ("--data", f"folder:{tmp_path / 'bars'}", "--benchmark", "MARKET")
    place = ("--root", str(tmp_path / "accounts"), "--today", str(DAYS[FIRST]))
    command = ("paper", "start", "mine", *data, "--context", "V", *small, *place)
    assert cli.main([*command, "--calendar", "bars", "--no-store", "--no-ledger"]) == 0
    shown = capsys.readouterr().out
    assert "Reads      V besides" in shown
    assert "S1, S2, S3, S4, against MARKET" in shown
