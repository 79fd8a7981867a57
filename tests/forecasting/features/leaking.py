"""Features of a user's own: some that leak, each in its own way, and clean ones."""

from __future__ import annotations

import numpy as np
import pandas as pd


def by_series(window, make):
    """Let pandas make each symbol's column of its closes."""
    flat = window.close.reshape(-1, window.n_bars)
    made = [make(pd.Series(row)).to_numpy() for row in flat]
    return np.stack(made).reshape(window.close.shape)


def centred_average(window):
    return by_series(window, lambda c: c / c.rolling(11, center=True).mean()).clip(0, 9)


def tomorrow(window):
    return by_series(window, lambda c: np.log(c).diff().shift(-1).fillna(0.0))


def in_five_bars(window):
    return by_series(window, lambda c: (c.shift(-5) / c).fillna(1.0))


def scaled_by_all(window):
    return by_series(window, lambda c: (c - c.mean()) / c.std())


def centred_maximum(window):
    high = by_series(window, lambda c: c.rolling(7, center=True, min_periods=1).max())
    return window.close / high


def only_at_month_ends(window):
    month = window.dates.astype("datetime64[M]")
    ends = np.zeros(window.close.shape)
    change = np.log(window.close[..., 1:] / window.close[..., :-1])
    ends[..., :-1] = np.where(month[..., 1:] > month[..., :-1], change, 0.0)
    return ends


def next_holiday(window):
    gap = np.zeros(window.close.shape)
    gap[..., :-1] = np.diff(window.dates).astype(float)
    return gap


def since_the_last(window):
    return np.broadcast_to(np.arange(window.n_bars) - window.n_bars, window.close.shape)


def of_all_on_a_column(window):
    """A mean over symbols by column, where the columns' dates differ."""
    return window.close / window.close.mean(axis=-2, keepdims=True)


def growth_by_quarter(window):
    """A macro series, looked up by the quarter that it is of: not out until later."""
    quarter = window.dates.astype("datetime64[M]").astype(int) // 3
    return np.sin(quarter * 12.9898) * 2.0 + np.log(window.close)


LEAKS = {
    centred_average: (5, "looks 5 bars ahead"),
    tomorrow: (1, "looks 1 bar ahead"),
    in_five_bars: (5, "looks 5 bars ahead"),
    scaled_by_all: (None, "to the last bar"),
    centred_maximum: (3, "looks 3 bars ahead"),
    only_at_month_ends: (1, "looks 1 bar ahead"),
    next_holiday: (1, "looks 1 bar ahead"),
    since_the_last: (None, "cut off"),
    of_all_on_a_column: (None, "ahead"),
    growth_by_quarter: (None, "besides its bars and the calendar"),
}


def gap(window):
    past = window.close[..., :-1]
    values = np.zeros(window.close.shape)
    values[..., 1:] = window.bars[0, ..., 1:] / past - 1
    return values


def rsi(window):
    def of(close):
        change = close.diff()
        rise = change.clip(lower=0).rolling(14).mean()
        return rise / (rise + (-change.clip(upper=0)).rolling(14).mean())

    return by_series(window, of)


def exponential_average(window):
    return by_series(window, lambda c: c / c.ewm(span=10, adjust=False).mean())


def band(window):
    return by_series(window, lambda c: (c - c.rolling(20).mean()) / c.rolling(20).std())


def mean_by_sums(window):
    total = np.cumsum(window.close, axis=-1)
    values = np.full(window.close.shape, np.nan)
    values[..., 10:] = (
        (total[..., 10:] - total[..., :-10]) / 10 / window.close[..., 10:]
    )
    return values


def weekday(window):
    return ((window.dates.astype(int) + 3) % 7).astype(float)


def january(window):
    return (window.dates.astype("datetime64[M]").astype(int) % 12 == 0).astype(float)


def range_of_the_day(window):
    return np.log(window.bars[1] / window.bars[2])


def to_the_benchmark(window):
    return np.log(window.close / window.row("benchmark"))


CLEAN = {  # and how far each reaches back
    gap: 1,
    rsi: 14,
    exponential_average: 130,
    band: 19,
    mean_by_sums: 10,
    weekday: 0,
    january: 0,
    range_of_the_day: 0,
    to_the_benchmark: 0,
}
