"""A bar belongs to the date on which its exchange traded it, however it is written."""

from __future__ import annotations

import datetime as dt
import re

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import FakeSpec, date, random_panel, without
from modes import MODES

from bt_lstm_rotation import NoLookahead, PeriodicRebalance, SectorRotation
from bt_lstm_rotation.analyzers import AccountHistory, ForecastHistory, OrderHistory
from bt_lstm_rotation.errors import DataError, StrategyError
from bt_lstm_rotation.feeds.sessions import SessionDates, dates_of
from bt_lstm_rotation.feeds.valid_bars import ValidBars
from bt_lstm_rotation.indicators import LSTMForecast
from bt_lstm_rotation.selection import equal_weights

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = random_panel("ABC", 60)
FRAMES = {symbol: PANEL.frame(symbol) for symbol in PANEL.symbols}
ZONES = {"A": "Asia/Tokyo", "B": "America/New_York", "C": "Europe/Berlin"}
ahead_or_not = pytest.mark.parametrize(
    "modes", [{}, {"preload": False}], ids=["ahead", "as it comes"]
)
RECORDERS = (AccountHistory, OrderHistory, ForecastHistory)


class Hold(PeriodicRebalance):
    def __init__(self):
        super().__init__()

    def weights(self):
        return equal_weights(list(self.trading_today()), cash_buffer=0.02)


def written_in(zone, frames=FRAMES, hours=0):
    """The same bars dated at an hour of the exchange's clock."""
    return {
        name: frame.set_axis(frame.index + pd.Timedelta(hours=hours)).tz_localize(zone)
        for name, frame in frames.items()
    }


def mixed(hours=0):
    return {name: written_in(ZONES[name], hours=hours)[name] for name in FRAMES}


def recorded(frames, strategy=Hold, *, settings=None, zone=None, modes=None, **params):
    """Records of a run whose feeds have `settings`, under a zone for the display."""
    cerebro = bt.Cerebro(stdstats=False, **(modes or {}))
    if zone is not None:
        cerebro.addtz(zone)
    for name, frame in frames.items():
        feed = bt.feeds.PandasData(dataname=frame, name=name, **(settings or {}))
        cerebro.adddata(feed)
    cerebro.broker.setcash(100_000.0)
    cerebro.addstrategy(strategy, **params)
    for analyzer in RECORDERS:
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__)
    (ran,) = cerebro.run()
    records = [ran.analyzers.getbyname(kind.__name__) for kind in RECORDERS]
    return re.sub(r"seconds=[^,)]+", "", repr([r.get_analysis() for r in records]))


NAIVE = recorded(FRAMES)


def test_the_naive_run_trades_and_is_dated_by_the_panels_sessions():
    assert repr(date(PANEL.sessions[0])) in NAIVE
    assert NAIVE.count("OrderRecord") >= 9


@pytest.mark.parametrize("zone", [*ZONES.values(), "Australia/Sydney", "+05:30"])
@pytest.mark.parametrize("hours", [0, 9, 16])
def test_bars_in_the_exchanges_zone_give_the_naive_run(zone, hours):
    assert recorded(written_in(zone, hours=hours)) == NAIVE


@pytest.mark.parametrize("modes", MODES.values(), ids=MODES)
def test_exchanges_of_three_zones_are_joined_by_local_date(modes):
    assert recorded(mixed(), modes=modes) == NAIVE


@ahead_or_not
def test_forecasts_fits_and_orders_of_three_zones_have_the_same_dates(modes):
    rotation = {"strategy": SectorRotation, "spec": FakeSpec(), "top": 2}
    naive, found = (recorded(f, modes=modes, **rotation) for f in (FRAMES, mixed(9)))
    assert "FitRecord" in naive
    assert found == naive


def test_one_feed_with_a_zone_and_others_by_the_close_are_joined_by_date():
    frames = written_in(None, hours=16) | {"B": written_in("Europe/Berlin")["B"]}
    assert recorded(frames) == NAIVE


def test_feeds_of_gaps_and_late_listings_are_joined_by_date():
    panel = without(without(PANEL, "C", slice(0, 25)), "A", [20, 41])
    frames = {symbol: panel.frame(symbol) for symbol in panel.symbols}
    zoned = {name: written_in(ZONES[name], frames)[name] for name in frames}
    assert recorded(zoned) == recorded(frames)


@pytest.mark.parametrize("zone", ["US/Eastern", "Asia/Tokyo", 0])
@pytest.mark.parametrize("shown", [None, "Asia/Tokyo", "US/Pacific"])
def test_a_zone_for_the_display_moves_no_session(zone, shown):
    settings = {"tz": shown}
    assert recorded(FRAMES, zone=zone, settings=settings) == NAIVE
    assert recorded(written_in("Europe/Berlin"), zone=zone, settings=settings) == NAIVE


@pytest.mark.parametrize("zone", ZONES.values())
@ahead_or_not
def test_local_times_with_tzinput_give_the_naive_run(zone, modes):
    assert recorded(FRAMES, settings={"tzinput": zone}, modes=modes) == NAIVE


@pytest.mark.parametrize("naive", [True, False])
def test_dates_in_utc_are_local_by_the_feeds_tz(naive):
    frames = {
        name: frame.tz_convert(None if naive else "UTC")
        for name, frame in written_in("Europe/Berlin").items()
    }
    assert recorded(frames, settings={"tz": "Europe/Berlin"}) == NAIVE


@ahead_or_not
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Tokyo"])
@pytest.mark.parametrize("strategy", [Hold, SectorRotation, bt.Strategy])
def test_midnights_elsewhere_in_utc_are_refused(zone, modes, strategy):
    frames = {n: f.tz_convert("UTC") for n, f in written_in(zone).items()}
    with pytest.raises(DataError, match=r"^A 2019-01-01.*elsewhere.*tz_convert"):
        recorded(frames, strategy, modes=modes)


def test_midnights_of_utc_are_dates():
    assert recorded(written_in("UTC")) == NAIVE


@pytest.mark.parametrize(
    ("made_in", "shown_in"),
    [
        ("Asia/Tokyo", "America/New_York"),
        ("Asia/Tokyo", None),
        ("Europe/Berlin", "Europe/London"),
        ("Europe/Berlin", None),
    ],
)
def test_dates_that_another_zone_has_moved_to_sundays_are_refused(made_in, shown_in):
    frames = {n: f.tz_convert(shown_in) for n, f in written_in(made_in).items()}
    with pytest.raises(DataError, match=r"A 2019-01-06: bars on Sundays and none on F"):
        recorded(frames)


def test_a_market_of_sundays_to_thursdays_keeps_its_dates():
    week = pd.bdate_range(
        "2019-01-06", periods=60, freq="C", weekmask="Sun Mon Tue Thu"
    )
    local = {name: frame.set_axis(week) for name, frame in FRAMES.items()}
    assert recorded(written_in("Asia/Jerusalem", local)) == recorded(local)


def test_midnight_in_utc_shown_in_new_york_could_be_either_date():
    frames = {n: f.tz_convert("US/Eastern") for n, f in written_in("UTC").items()}
    with pytest.raises(DataError, match=r"A 2019-01-02: midnight in UTC.*evening"):
        recorded(frames)


def test_an_evening_that_may_be_midnight_further_east_is_refused():
    days = SessionDates("DAX", dt.timezone(dt.timedelta(hours=1)), daily=True)
    with pytest.raises(DataError, match=r"DAX 2019-07-01.*got '23:00 UTC\+01:00'"):
        days.day(bt.date2num(dt.datetime(2019, 7, 1, 22)))


def test_a_zone_that_shifts_twice_and_one_a_row_are_refused():
    with pytest.raises(DataError, match="leave tzinput out"):
        recorded(written_in("Asia/Tokyo"), settings={"tzinput": "Asia/Tokyo"})
    stamps = [
        pd.Timestamp(day).tz_localize(zone)
        for day, zone in zip(PANEL.sessions, 30 * ["Asia/Tokyo", "UTC"], strict=True)
    ]
    frame = FRAMES["A"].set_axis(pd.Index(stamps, dtype=object))
    with pytest.raises(DataError, match="A: dates that each have a time zone"):
        recorded({"A": frame})


def test_a_feed_cut_by_the_clock_of_utc_is_refused_and_by_its_own_is_right():
    cut = {"fromdate": dt.datetime(2019, 1, 9), "todate": dt.date(2019, 3, 1)}
    expected = recorded(FRAMES, settings=cut)
    berlin = written_in("Europe/Berlin")
    with pytest.raises(DataError, match=r"A 2019-01-09: fromdate.*tz='Europe/Berlin'"):
        recorded(berlin, settings=cut)
    assert recorded(berlin, settings=cut | {"tz": "Europe/Berlin"}) == expected
    # In New York midnight is 05:00 in UTC: the first and the last date stay inside.
    assert recorded(written_in("America/New_York"), settings=cut) == expected


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "Pacific/Apia"])
def test_an_hour_of_a_local_day_is_of_that_day_in_spite_of_rounding(hour, zone):
    stamps = pd.date_range("2019-03-25", periods=21, tz=zone)
    exchange = SessionDates("X", stamps.tz, daily=False)
    for stamp in stamps + pd.Timedelta(hours=hour):
        number = bt.date2num(stamp.to_pydatetime())
        assert exchange.day(number) == stamp.toordinal()
        just_before = bt.date2num(
            (stamp.normalize() - pd.Timedelta(microseconds=10)).to_pydatetime()
        )
        assert exchange.day(just_before) == stamp.toordinal() - 1


def test_the_end_of_a_session_is_of_its_day_as_csv_feeds_have_it():
    end = bt.date2num(dt.datetime(2019, 1, 7, 23, 59, 59, 999990))
    for zone in (None, dt.timezone(dt.timedelta(hours=9)), dt.UTC):
        session = SessionDates("X", zone, daily=True).session(end)
        assert session == np.datetime64("2019-01-07")


class Once(bt.Strategy):
    """Anybody's strategy: buys a share on its third bar and sells it on the ninth."""

    def __init__(self):
        self.dates = [dates_of(data) for data in self.datas]

    def next(self):
        if len(self) == 3:
            self.buy(size=1)
        if len(self) == 9:
            self.sell(size=1)


def hourly(frame, hours):
    """Bars of some hours a session, the last of them the session's own."""
    return pd.concat(
        frame.set_axis(frame.index + pd.Timedelta(hours=hour)) for hour in hours
    ).sort_index()


@pytest.mark.parametrize("zone", [*ZONES.values(), "Australia/Sydney"])
@ahead_or_not
def test_a_plain_strategy_is_recorded_by_local_date_and_its_dates_are_left(zone, modes):
    frame = FRAMES["A"]
    naive = recorded({"A": frame}, Once, modes=modes)
    assert recorded(written_in(zone, {"A": frame}), Once, modes=modes) == naive
    shown = []

    class Shown(Once):
        def next(self):
            super().next()
            shown.append(self.datetime.datetime(0))

    recorded(written_in(zone, {"A": frame}), Shown, modes=modes)
    utc = frame.tz_localize(zone).index.tz_convert(None)
    assert shown == list(utc.to_pydatetime())


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo", "Australia/Sydney"])
def test_hours_of_a_plain_strategy_are_recorded_under_their_session(zone):
    frames = written_in(zone, {"A": hourly(FRAMES["A"], (10, 12, 15))})
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frames["A"], name="A"))
    cerebro.addstrategy(Once)
    cerebro.addanalyzer(AccountHistory, _name="account")
    cerebro.addanalyzer(OrderHistory, _name="orders")
    (ran,) = cerebro.run()
    account = ran.analyzers.account.get_analysis()
    assert list(account) == [date(session) for session in PANEL.sessions]
    bought, sold = ran.analyzers.orders.get_analysis()
    # Three bars a session: the third closes the first one, the ninth the third.
    first, second, third, fourth = map(date, PANEL.sessions[:4])
    assert (bought.submitted, bought.executed) == (first, second)
    assert (sold.submitted, sold.executed) == (third, fourth)
    # The last bar of the session counts: bought that day, at its close.
    _, _, held = account[second]
    assert held == {"A": (1.0, float(FRAMES["A"].Close.iloc[1]))}


@pytest.mark.parametrize("timeframe", [bt.TimeFrame.Days, bt.TimeFrame.Minutes])
@ahead_or_not
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_shorter_bars_are_refused_by_strategies_and_pools_in_the_same_words(
    timeframe, modes, zone
):
    frames = {name: hourly(frame, (10, 15)) for name, frame in FRAMES.items()}
    frames, settings = written_in(zone, frames), {"timeframe": timeframe}

    class Pool(bt.Strategy):
        def __init__(self):
            LSTMForecast.pooled(self.datas, spec=FakeSpec())

    words = set()
    for strategy in (Hold, SectorRotation, Pool):
        with pytest.raises(DataError) as caught:
            recorded(frames, strategy, settings=settings, modes=modes)
        words.add(str(caught.value))
    (message,) = words
    assert message.startswith("A 2019-01-02: more than one bar in a session; ")
    assert "cerebro.resampledata(feed, timeframe=bt.TimeFrame.Days)" in message


def test_shorter_bars_of_a_feed_that_is_not_traded_stop_nobody():
    frames = FRAMES | {"VIX": hourly(FRAMES["A"], (10, 15))}
    found = recorded(frames, universe=tuple(FRAMES))
    assert found == recorded(FRAMES, universe=tuple(FRAMES))
    with pytest.raises(DataError, match="VIX 2019-01-02: more than one"):
        recorded(frames, benchmark="VIX")


def test_bars_of_one_session_at_two_times_are_refused_by_a_strategy():
    frames = FRAMES | {"B": written_in(None, hours=16)["B"]}
    for modes in ({}, {"preload": False}):
        with pytest.raises(StrategyError, match="2019-01-02 have different times"):
            recorded(frames, modes=modes)


def weekly(frame, settings, modes, *, daily_too=False):
    """The account of a run on the weeks that Backtrader makes of days."""
    cerebro = bt.Cerebro(stdstats=False, **modes)
    feed = bt.feeds.PandasData(dataname=frame, **settings)
    if daily_too:
        cerebro.adddata(feed, name="daily")
    cerebro.resampledata(feed, name="A", timeframe=bt.TimeFrame.Weeks)
    cerebro.addstrategy(Hold, universe=("A",))
    cerebro.addanalyzer(AccountHistory, _name="account")
    return cerebro.run()[0].analyzers.account.get_analysis()


@ahead_or_not
def test_weeks_made_of_days_are_the_exchanges(modes):
    frame, zone = FRAMES["A"], "Europe/Berlin"
    naive = weekly(frame, {}, modes)
    assert len(naive) == 13
    assert weekly(frame.tz_localize(zone), {"tz": zone}, modes) == naive
    assert weekly(frame, {"tzinput": zone, "tz": zone}, modes) == naive
    assert weekly(frame.tz_localize("US/Eastern"), {}, modes) == naive


@ahead_or_not
@pytest.mark.parametrize(
    ("written", "tzinput", "tz", "by"),
    [
        ("Europe/Berlin", None, None, "UTC"),
        (None, "Europe/Berlin", None, "UTC"),
        (None, None, "US/Eastern", "US/Eastern"),
        ("Asia/Tokyo", None, "Europe/London", "Europe/London"),
    ],
)
def test_weeks_cut_by_another_date_are_refused(written, tzinput, tz, by, modes):
    frame = written_in(written)["A"]
    with pytest.raises(DataError, match=f"A 2019-01-02: resampled by the days of {by}"):
        weekly(frame, {"tzinput": tzinput, "tz": tz}, modes)


@ahead_or_not
def test_days_and_their_weeks_side_by_side_have_one_session_or_are_refused(modes):
    frame, zone = FRAMES["A"], "US/Eastern"
    naive = weekly(frame, {}, modes, daily_too=True)
    assert weekly(frame.tz_localize(zone), {}, modes, daily_too=True) == naive
    with pytest.raises(DataError, match="A 2019-01-02: resampled by"):
        weekly(frame.tz_localize(zone), {"tz": zone}, modes, daily_too=True)


@ahead_or_not
def test_a_filter_in_front_of_the_resampler_dates_days_locally(modes):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    feed = bt.feeds.PandasData(dataname=FRAMES["A"].tz_localize("Asia/Tokyo"))
    feed.addfilter(ValidBars)
    cerebro.resampledata(feed, name="A", timeframe=bt.TimeFrame.Weeks)
    cerebro.addstrategy(Hold, universe=("A",))
    cerebro.addanalyzer(AccountHistory, _name="account")
    account = cerebro.run()[0].analyzers.account.get_analysis()
    assert account == weekly(FRAMES["A"], {}, modes)


def test_an_indicator_over_two_zones_may_not_read_tomorrow():
    class Two(NoLookahead, bt.Indicator):
        lines = ("sum",)
        _nextforce = True

        def __init__(self):
            self.addminperiod(1)

        def next(self):
            if all(map(len, self.datas)):
                self.l.sum[0] = sum(data.close[0] for data in self.datas)

    class User(bt.Strategy):
        def __init__(self):
            self.two = Two(*self.datas)

    # By date, no bar of the future is read, though Berlin's Tuesday is a UTC Monday.
    recorded({name: mixed()[name] for name in "BC"}, User)
