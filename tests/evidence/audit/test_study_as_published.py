"""What the study of 2019 printed comes out of prices alone, and the audit says why."""

from __future__ import annotations

import csv
import datetime as dt
import inspect
from dataclasses import replace

import numpy as np
import pytest
import study_as_published as study
from real_bars import FOLDER, needs_real_bars, real_panel
from worlds import MARKET

from bt_lstm_rotation.backtest.strategy_file import find_strategy
from bt_lstm_rotation.evidence.audit import audit_backtest
from bt_lstm_rotation.forecasting import Training
from bt_lstm_rotation.prices.folder import load_folder
from bt_lstm_rotation.prices.simulated import SimulatedMarket

# The vendor's bars of the time, with a false return in XLF's training period.
VENDOR = FOLDER.parent / "vendor-fault" / "XLF.csv"
MONTHS = list(study.TABLE)


def replayed(sessions, close):
    """Month by month, as its notebooks print it, of bars up to 2019-07-01."""
    days = sessions[1:]
    returns = 100 * (close[1:] / close[:-1] - 1)
    kept = days >= np.datetime64("1999-07-01")
    days, returns = days[kept], returns[kept]
    n_train = int(np.searchsorted(days, np.datetime64("2019-01-01")))
    forecasts = study.as_published(returns, n_train)
    months = study.compounded(forecasts, days[n_train:].astype("datetime64[M]"))
    return [months[month] for month in MONTHS]


@pytest.fixture(scope="module")
def sectors():
    panel = real_panel()
    return {
        name: replayed(panel.sessions, panel.close[:, column])
        for column, name in enumerate(panel.symbols)
    }


def moves(name):
    """Month -> what one share became of its close before, without dividends."""
    panel = load_folder(FOLDER, [name], today=dt.date(2019, 7, 1), adjust=False)
    months = panel.sessions.astype("datetime64[M]")
    last = np.flatnonzero(months[1:] > months[:-1])
    close = panel.close[last, 0]
    named = [str(month) for month in months[last][1:]]
    return dict(zip(named, close[1:] / close[:-1], strict=True))


@needs_real_bars
def test_the_months_of_xlk_come_out_to_every_printed_digit(sectors):
    wanted = [3.569, 9.708, 4.845, 6.525, -13.159, 7.102]
    assert np.round(sectors["XLK"], 3).tolist() == wanted


@needs_real_bars
@pytest.mark.parametrize("name", sorted(set(study.PRINTED) - {"XLF"}))
def test_so_do_those_of_every_other_fund_with_a_notebook_of_its_own(name, sectors):
    assert np.allclose(sectors[name], study.PRINTED[name], atol=0.0006)


@pytest.mark.skipif(not VENDOR.is_file(), reason="the vendor's bars are not here")
def test_those_of_xlf_rest_on_the_false_return_that_its_vendor_had(sectors):
    with VENDOR.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sessions = np.array([row["Date"] for row in rows], dtype="datetime64[D]")
    close = np.array([float(row["Adj Close"]) for row in rows])
    of_the_time = replayed(sessions, close)
    assert np.allclose(of_the_time, study.PRINTED["XLF"], atol=0.0006)
    assert sectors["XLF"][0] - of_the_time[0] > 1


def best_two(month, forecasts):
    row = MONTHS.index(month)
    return set(sorted(forecasts, key=lambda name: -forecasts[name][row])[:2])


def held(month):
    return {name for name, _ in study.TABLE[month][1:]}


@needs_real_bars
def test_which_picks_of_its_table_its_forecasts_make(sectors):
    agree = [month for month in MONTHS if best_two(month, sectors) == held(month)]
    assert agree == ["2019-01", "2019-02", "2019-04"]
    # With the notebook of XLP as it was printed: of XLI's bars.
    printed = study.PRINTED | {"XLP": study.PRINTED["XLI"]}
    agree = [month for month in MONTHS if best_two(month, printed) == held(month)]
    # In January XLI and "XLP" tie for the second place.
    assert set(agree) - {"2019-01"} == {"2019-02", "2019-03", "2019-05"}
    # No notebook has XLB before XLI in June, where the table holds XLB.
    assert printed["XLI"][5] > printed["XLB"][5]


@needs_real_bars
def test_its_whole_table_comes_out_to_the_dollar_once_two_funds_are_mixed_up():
    equity = 100_000.0
    for month, (total, *halves) in study.TABLE.items():
        worth = 0.0
        for name, printed in halves:
            half = equity / 2 * moves(study.MOVED_BY.get(name, name))[month]
            assert round(half) == printed, (month, name)
            worth += half
        assert round(worth) == total
        equity = worth


@needs_real_bars
def test_january_needs_no_slip_and_february_does():
    halves = [50_000 * moves(name)["2019-01"] for name in ("XLF", "XLI")]
    assert round(sum(halves)) == 110_163
    february = sum(halves) / 2 * moves("XLU")["2019-02"]
    assert round(february) == 57_345 != study.TABLE["2019-02"][1][1]


SMALL = SimulatedMarket(n_sectors=3, n_sessions=260).panel()


def test_the_audit_names_the_line_that_has_seen_the_month_to_come():
    report = audit_backtest(
        SMALL,
        study.StudyAsPublished,
        {"begins": "2000-07-01", "top": 1},
        benchmark=MARKET,
        probes=4,
        warmup=False,
    )
    assert report.outcome == "leak", str(report)
    finding = report.findings[0]
    kind = study.TestReturnsOfTheMonth
    assert finding.what.startswith(f"{kind.__name__}(")
    # At the close of July it has seen the 23 weekdays of August 2000.
    assert (finding.session, finding.ahead) == ("2000-07-31", 23)
    line = inspect.getsourcelines(kind)[1]
    assert finding.place.endswith(f"study_as_published.py:{line}")


def test_the_audit_passes_the_same_study_when_it_waits_for_its_returns():
    strategy = find_strategy("study_2019")
    small = {"lookback": 5, "train_size": 40, "horizon": 5, "units": 3, "steps": 1}
    spec = replace(strategy.params.spec, **small)
    report = audit_backtest(
        SMALL,
        strategy,
        {"spec": spec, "top": 1},
        benchmark=MARKET,
        training=Training(store=None),
        probes=3,
        warmup=False,
    )
    assert report.outcome == "clean", str(report)


@pytest.mark.parametrize("value", [0.0, 1.5])
def test_returns_that_never_change_are_forecast_to_go_on(value):
    # There is no range to scale by: nothing is divided by zero.
    forecasts = study.as_published(np.full(40, value), 30)
    assert np.isfinite(forecasts).all()
