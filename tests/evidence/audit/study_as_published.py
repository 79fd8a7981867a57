"""The study of 2019 as it was published, leak and all. It is not to be copied.

Two swapped arguments made the returns of the test period its "predictions", scaled into
the range of the last block of training returns and back out of another: of the smoothed
training returns, which had been scaled in place, and of the sessions just past. What it
printed needs no network, only prices. What `strategies/study_2019.py` does is honest.
"""

from __future__ import annotations

import backtrader as bt
import numpy as np

from bt_lstm_rotation import PeriodicRebalance
from bt_lstm_rotation.selection import equal_weights, select_top

# Sessions that are scaled together, that a range is fitted on, and that share one.
BLOCK, RANGE, STRIDE = 900, 500, 4
SMOOTHING = 0.1

# What its table says: month -> equity at the month's end, then each of the two holdings
# and what became of half of the equity before. The first half began with 100,000.
TABLE = {
    "2019-01": (110_163, ("XLF", 54_450), ("XLI", 55_713)),
    "2019-02": (114_950, ("XLU", 56_062), ("XLK", 58_888)),
    "2019-03": (119_369, ("XLU", 59_347), ("XLK", 60_022)),
    "2019-04": (126_433, ("XLP", 61_386), ("XLF", 65_047)),
    "2019-05": (123_637, ("XLU", 60_916), ("XLV", 62_721)),
    "2019-06": (133_111, ("XLU", 64_553), ("XLB", 68_557)),
}
# What its notebooks print, per cent a month. The one of XLP prints XLI's.
PRINTED = {
    "XLB": (9.093, 4.888, -4.509, 5.983, -10.429, 9.993),
    "XLE": (7.070, 0.166, -5.174, 0.007, -17.587, -1.769),
    "XLF": (14.059, 3.890, 0.267, 14.302, -4.817, 7.618),
    "XLI": (13.552, 7.615, -1.079, 5.934, -9.586, 10.548),
    "XLK": (3.569, 9.708, 4.845, 6.525, -13.159, 7.102),
    "XLU": (10.607, 12.984, 6.804, 4.025, 10.227, 12.555),
    "XLV": (10.187, 5.167, 1.091, -1.506, -0.727, 7.328),
    "XLY": (3.789, 0.273, -1.540, 3.466, -11.975, 5.887),
}
# Its rows of these moved by the closes of the fund before them in the alphabet.
MOVED_BY = {"XLU": "XLP", "XLV": "XLU"}


def as_published(returns, n_train):
    """Forecasts of the sessions from `n_train` on, made of their own returns.

    `returns` are (n,) in per cent, and so is what comes back, (n - n_train,).
    """
    train, test = np.array(returns[:n_train]), np.array(returns[n_train:])
    low = high = 0.0
    for begin in range(0, n_train, BLOCK):
        block = train[begin : begin + BLOCK]
        low, high = block.min(), block.max()
        block[:] = (block - low) / _width(low, high)  # in place: they stay scaled
    scaled = (test - low) / _width(low, high)
    level = 0.0
    for row, value in enumerate(train):
        level = SMOOTHING * value + (1 - SMOOTHING) * level
        train[row] = level
    forecasts = np.empty_like(test)
    for begin in range(0, len(test), STRIDE):
        stop = begin + STRIDE
        seen = np.append(train[begin - RANGE :], test[max(begin - STRIDE, 0) : begin])
        forecasts[begin:stop] = scaled[begin:stop] * np.ptp(seen) + seen.min()
    return forecasts


def _width(low, high):
    return high - low if high > low else 1.0


def compounded(returns, months):
    """Returns in per cent, month by month: month -> per cent, in order."""
    return {
        str(month): 100 * float(np.prod(1 + returns[months == month] / 100) - 1)
        for month in np.unique(months)
    }


class TestReturnsOfTheMonth(bt.Indicator):
    """At a month's last close, what is "forecast" of the next month, in per cent."""

    lines = ("month",)
    params = (("begins", "2019-01-01"),)

    def __init__(self):
        pass

    def once(self, start, end):
        close = np.array(self.data.close.array)
        days = np.array(
            [bt.num2date(day).date() for day in self.data.datetime.array],
            dtype="datetime64[D]",
        )
        months = days.astype("datetime64[M]")
        n_train = int(np.searchsorted(days[1:], np.datetime64(self.p.begins)))
        returns = 100 * (close[1:] / close[:-1] - 1)
        known = {}
        if 0 < n_train < len(returns):
            forecasts = as_published(returns, n_train)
            known = compounded(forecasts, months[1:][n_train:])
        next_months = np.busday_offset(days, 1, roll="backward").astype("datetime64[M]")
        for row in range(start, end):
            turns = next_months[row] > months[row]
            name = str(next_months[row])
            self.l.month.array[row] = known.get(name, np.nan) if turns else np.nan


class StudyAsPublished(PeriodicRebalance):
    """A leak: holds the two sectors whose returns of the coming month it has seen."""

    params = (("begins", "2019-01-01"), ("top", 2))

    def __init__(self):
        super().__init__()
        self.month = {
            name: TestReturnsOfTheMonth(feed, begins=self.p.begins)
            for name, feed in self.sectors.items()
        }

    def weights(self):
        seen = {name: self.month[name].month[0] for name in self.trading_today()}
        chosen = select_top(seen, self.p.top)
        return equal_weights(chosen, cash_buffer=self.p.cash_buffer)
