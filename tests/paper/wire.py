"""Shares in 2024, as they trade, split and pay, and as Yahoo shows them.

What it shows of the past changes with each split and dividend, as the real one's does.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from new_york import SESSIONS

from bt_lstm_rotation.prices.yahoo import YahooPrices, fetch_yahoo
from tests.prices.yahoo_chart import FakeYahoo

INDEX = pd.DatetimeIndex(SESSIONS)


@dataclass(frozen=True)
class Event:
    """A split or a dividend: `ratio` new shares for an old one, `cash` for an old one.

    Yahoo shows it in its past from the evening of `applied` on.
    """

    symbol: str
    day: dt.date
    ratio: float = 1.0
    cash: float = 0.0
    applied: dt.date | None = None


class Wire:
    """What Yahoo answers, and when."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.yahoo = FakeYahoo({})
        self.waits: list[float] = []
        self.events: list[Event] = []
        rng = np.random.default_rng(11)
        self.growth = {}
        for place, name in enumerate(names):
            drift = 0.0008 * (place % 4)
            self.growth[name] = (
                30.0
                * (place + 1)
                * np.exp(rng.normal(drift, 0.009, len(SESSIONS)).cumsum()),
                np.exp(rng.normal(0.0, 0.003, len(SESSIONS))),
                rng.integers(1_000_000, 9_000_000, len(SESSIONS)).astype(float),
            )

    def prices(self, folder):
        """Make what an account loads its bars with."""
        return YahooPrices(
            folder=folder,
            fetch=partial(fetch_yahoo, session=self.yahoo.session()),
            sleep=self.waits.append,
            rng=np.random.default_rng(0),
        )

    def publish(self, today: dt.date, *, without: tuple[str, ...] = ()) -> None:
        """Let Yahoo know all bars up to a day, of all symbols but some."""
        self.yahoo.failure = None
        self.yahoo.bars = {
            name: self.shown(name, today) for name in self.names if name not in without
        }

    def shown(self, name: str, today: dt.date) -> pd.DataFrame:
        """Return what Yahoo shows of a share on the evening of a day."""
        frame = self.traded(name)
        frame["Adj Close"] = frame["Close"]
        for event in self._events_of(name):
            if (event.applied or event.day) > today:
                continue
            at = SESSIONS.index(event.day)
            paid = 1.0 - event.cash / frame["Close"].iloc[at - 1]
            before = frame.index < pd.Timestamp(event.day)
            prices = ["Open", "High", "Low", "Close", "Adj Close"]
            frame.loc[before, prices] /= event.ratio
            frame.loc[before, "Volume"] *= event.ratio
            frame.loc[before, "Adj Close"] *= paid
        return frame[frame.index <= pd.Timestamp(today)]

    def traded(self, name: str) -> pd.DataFrame:
        """Return the prices at which a share traded: they fall by what it pays."""
        close, gap, volume = (one.copy() for one in self.growth[name])
        opened = np.concatenate([close[:1], close[:-1]]) * gap
        for event in self._events_of(name):
            at = SESSIONS.index(event.day)
            fell = (1.0 - event.cash / close[at - 1]) / event.ratio
            close[at:] *= fell
            opened[at:] *= fell
            volume[at:] *= event.ratio
        return pd.DataFrame(
            {
                "Open": opened,
                "High": np.maximum(opened, close) * 1.002,
                "Low": np.minimum(opened, close) * 0.998,
                "Close": close,
                "Volume": volume,
            },
            index=INDEX,
        )

    def _events_of(self, name: str) -> list[Event]:
        return sorted(
            (event for event in self.events if event.symbol == name),
            key=lambda event: event.day,
        )
