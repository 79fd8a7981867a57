"""A folder that already has today's bar: it is not looked at before it is final."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from new_york import SESSIONS
from wire import INDEX, Wire

from bt_lstm_rotation.errors import ClockError, SpecError
from bt_lstm_rotation.paper import Configuration, PaperSession

NEW_YORK = ZoneInfo("America/New_York")
NAMES = ("AA", "BB")


class Desk:
    """A folder of two shares, whose files have a bar that is still traded."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "bars").mkdir()
        shares = Wire(NAMES)
        self.final = {name: shares.traded(name) for name in NAMES}
        self.wanted = Configuration(
            data=f"folder:{folder / 'bars'}", strategy="buy_and_hold", calendar="XNYS"
        )

    def write(self, today):
        """Write final bars before a day, and half a bar of that day."""
        for name, bars in self.final.items():
            written = bars[bars.index <= pd.Timestamp(today)].copy()
            written.loc[pd.Timestamp(today) :] *= 0.97
            written.to_csv(self.folder / "bars" / f"{name}.csv", index_label="Date")

    def at(self, text, today=None):
        """Return the account at a time in New York."""
        self.time = dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)
        return PaperSession("mine", root=self.folder, clock=self, today=today)

    def now(self):
        return self.time.astimezone(dt.UTC)

    def wait(self, until, stop):
        return False

    def recorded(self, account):
        """Return the last session, once it is sure that all bars are the final ones."""
        panel = account.record().panel
        for name, bars in self.final.items():
            kept = panel.frame(name)["Close"]
            np.testing.assert_array_equal(kept, bars["Close"][: len(kept)])
        return str(account.record().last)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.mark.parametrize(
    ("today", "steps"),
    [
        # Its bar has settled at half past four.
        (
            "2024-06-05",
            [
                ("2024-06-05 09:31", "2024-06-04"),
                ("2024-06-05 15:59", "2024-06-04"),
                ("2024-06-05 16:29", "2024-06-04"),
            ],
        ),
        # On Monday, Friday and Thursday are still to be done.
        ("2024-06-10", [("2024-06-10 11:00", "2024-06-07")]),
        # The clock goes an hour forward, and back, over a weekend.
        ("2024-03-11", [("2024-03-11 16:29", "2024-03-08")]),
        ("2024-11-04", [("2024-11-04 16:29", "2024-11-01")]),
        # Early closes, and a holiday with a bar that cannot be.
        ("2024-07-03", [("2024-07-03 13:29", "2024-07-02")]),
        ("2024-07-04", [("2024-07-04 18:00", "2024-07-03")]),
        ("2024-11-29", [("2024-11-29 13:29", "2024-11-27")]),
    ],
)
def test_a_bar_is_not_used_before_its_session_is_finished(desk, today, steps):
    before = SESSIONS[np.searchsorted(SESSIONS, dt.date.fromisoformat(today)) - 4]
    desk.write(before + dt.timedelta(days=1))
    desk.at(f"{before} 23:00").start(desk.wanted)
    desk.at(f"{before} 23:00").step()
    desk.write(today)
    if today == "2024-07-04":
        for name, bars in desk.final.items():
            holiday = bars.loc[["2024-07-03"]].set_axis(pd.DatetimeIndex([today]))
            file = desk.folder / "bars" / f"{name}.csv"
            holiday.to_csv(file, mode="a", header=False)
    for moment, last in steps:
        account = desk.at(moment)
        account.step()
        assert desk.recorded(account) == last
        assert account.step().sessions == ()


@pytest.mark.parametrize(
    "moment",
    ["2024-06-05 16:30", "2024-03-11 16:30", "2024-11-04 16:30", "2024-07-03 13:30"],
)
def test_a_bar_is_used_half_an_hour_after_the_close(desk, moment):
    day = dt.date.fromisoformat(moment[:10])
    before = SESSIONS[np.searchsorted(SESSIONS, day) - 1]
    desk.write(day)
    desk.at(f"{before} 23:00").start(desk.wanted)
    desk.at(f"{before} 23:00").step()
    desk.write(INDEX[-1])
    account = desk.at(moment)
    assert account.step().sessions == (day,)
    assert desk.recorded(account) == str(day)


def test_a_start_during_trading_begins_at_the_close_before(desk):
    desk.write("2024-06-05")
    account = desk.at("2024-06-05 11:00").start(desk.wanted)
    account.step()
    assert desk.recorded(account) == "2024-06-04"


def test_a_calendar_that_is_found_out_begins_at_the_last_close_too(desk):
    desk.write("2024-06-06")
    unknown = Configuration(data=desk.wanted.data, strategy="buy_and_hold")
    # In Greenwich it is still the same day.
    account = desk.at("2024-06-05 17:00").start(unknown)
    assert account.record().configuration.calendar == "XNYS"
    assert account.step().sessions == (dt.date(2024, 6, 5),)


def test_a_clock_that_is_set_back_changes_nothing(desk):
    desk.write("2024-06-05")
    desk.at("2024-06-04 18:00").start(desk.wanted)
    desk.at("2024-06-04 18:00").step()
    with pytest.raises(ClockError, match="set the clock right"):
        desk.at("2024-06-03 18:00").step()
    # By a minute, as time servers do, it is none.
    assert desk.at("2024-06-04 17:59").step().sessions == ()
    assert desk.recorded(desk.at("2024-06-05 09:00")) == "2024-06-04"


def test_a_day_that_is_given_is_not_over_before_it_is(desk):
    desk.write("2024-06-05")
    today = dt.date(2024, 6, 5)
    desk.at("2024-06-05 11:00", today).start(desk.wanted)
    account = desk.at("2024-06-05 11:00", today)
    assert account.step().sessions == (dt.date(2024, 6, 4),)
    assert account.step().sessions == ()
    desk.write("2024-06-06")
    assert desk.at("2024-06-05 16:30", today).step().sessions == (today,)
    assert desk.recorded(account) == "2024-06-05"
    with pytest.raises(SpecError, match="today must be no later than 2024-06-06"):
        desk.at("2024-06-05 16:30", dt.date(2024, 6, 7))
