"""Strategies that look ahead, each in a way of its own. None is to be copied.

What each is found by, and where, is beside it in `test_planted_leaks.py`.
"""

from __future__ import annotations

import datetime as dt
import random

import backtrader as bt
import numpy as np


class Trader(bt.Strategy):
    """Holds one share while `wanted` says so."""

    def __init__(self):
        pass

    def wanted(self):
        raise NotImplementedError

    def next(self):
        held = bool(self.position)
        if self.wanted() != held:
            (self.close if held else self.buy)()


class NextClose(Trader):
    """Reads tomorrow's close by a positive index."""

    def __init__(self):
        super().__init__()

    def wanted(self):
        return (
            len(self.data) < self.data.buflen()
            and self.data.close[1] > self.data.close[0]
        )


class CentredMean(bt.Indicator):
    """A moving average with two bars on either side."""

    lines = ("mean",)

    def __init__(self):
        self.addminperiod(3)

    def once(self, start, end):
        close = np.array(self.data.close.array)
        for row in range(start, end):
            self.l.mean.array[row] = close[max(row - 2, 0) : row + 3].mean()


class ByCentredMean(Trader):
    def __init__(self):
        super().__init__()
        self.mean = CentredMean(self.data)

    def wanted(self):
        return self.mean[0] > self.data.close[0]


class Scaled(bt.Indicator):
    """Closes scaled by the range of the whole series."""

    lines = ("scaled",)

    def __init__(self):
        pass

    def once(self, start, end):
        close = np.array(self.data.close.array)
        scaled = (close - close.min()) / (close.max() - close.min())
        for row in range(start, end):
            self.l.scaled.array[row] = scaled[row]


class ByScaler(Trader):
    def __init__(self):
        super().__init__()
        self.scaled = Scaled(self.data)

    def wanted(self):
        return self.scaled[0] < 0.5


class UnmaturedFit(bt.Indicator):
    """A regression on five-day returns, of which the last four are not known yet."""

    lines = ("forecast",)

    def __init__(self):
        self.addminperiod(60)

    def once(self, start, end):
        close = np.log(np.array(self.data.close.array))
        for row in range(start, end):
            days = np.arange(row - 49, row + 1)
            days = days[days + 5 < len(close)]
            past = close[days] - close[days - 5]
            coming = close[days + 5] - close[days]
            slope = np.polyfit(past, coming, 1)[0]
            self.l.forecast.array[row] = slope * (close[row] - close[row - 5])


class ByUnmaturedFit(Trader):
    def __init__(self):
        super().__init__()
        self.forecast = UnmaturedFit(self.data)

    def wanted(self):
        return self.forecast[0] > 0


class RowSpread(bt.Indicator):
    """Backtrader's default for ``next`` over two feeds: it goes by row, not by date."""

    lines = ("spread",)

    def __init__(self):
        pass

    def next(self):
        self.l.spread[0] = self.data0.close[0] - self.data1.close[0]


class ByRowNumber(Trader):
    def __init__(self):
        super().__init__()
        self.spread = RowSpread(self.data0, self.data1)

    def wanted(self):
        return self.spread[0] > 0


class NotBegun(bt.Strategy):
    """Reads a feed that has no bar yet, which shows the last of all."""

    def __init__(self):
        pass

    def prenext(self):
        late = self.datas[-1]
        if not len(late) and len(self) % 20 == 0:
            self.buy(self.data0, size=round(late.close[0]))


class GlobalMean(Trader):
    """Takes the mean of all closes, those to come included, when it is made."""

    def __init__(self):
        super().__init__()
        self.mean = float(np.mean(self.data.close.array))

    def wanted(self):
        return self.data.close[0] < self.mean


class RandomSplit(bt.Indicator):
    """Five-day returns told from the nearest of a random half of all windows."""

    lines = ("forecast",)

    def __init__(self):
        self.addminperiod(10)

    def once(self, start, end):
        close = np.log(np.array(self.data.close.array))
        days = np.arange(5, len(close) - 5)
        train = np.random.default_rng(0).permutation(days)[: len(days) // 2]
        past = close[train] - close[train - 5]
        coming = close[train + 5] - close[train]
        for row in range(start, end):
            nearest = np.argsort(np.abs(past - (close[row] - close[row - 5])))[:10]
            self.l.forecast.array[row] = coming[nearest].mean()


class ByRandomSplit(Trader):
    def __init__(self):
        super().__init__()
        self.forecast = RandomSplit(self.data)

    def wanted(self):
        return self.forecast[0] > 0


class TestReturns(bt.Indicator):
    """Returns to come, scaled, in place of a forecast, as in the published study."""

    lines = ("predicted",)

    def __init__(self):
        pass

    def once(self, start, end):
        close = np.array(self.data.close.array)
        coming = np.append(close[1:] / close[:-1] - 1.0, 0.0)
        low, high = coming.min(), coming.max()
        for row in range(start, end):
            self.l.predicted.array[row] = (coming[row] - low) / (high - low)


class ByTestReturns(Trader):
    def __init__(self):
        super().__init__()
        self.predicted = TestReturns(self.data)

    def wanted(self):
        return self.predicted[0] > 0.5


class ReadsFrame(Trader):
    """Reads the DataFrame behind the feed, a row too far."""

    def __init__(self):
        super().__init__()

    def wanted(self):
        close = self.data.p.dataname["Close"]
        return (
            len(self) < len(close) and close.iloc[len(self)] > close.iloc[len(self) - 1]
        )


class WrapsRound(Trader):
    """Asks for the close before the first, which is the last of all."""

    def __init__(self):
        super().__init__()

    def wanted(self):
        return self.data.close[0] > self.data.close[-1]


class EachMonth(Trader):
    """Orders at the close: honest, unless the broker fills at that close."""

    def __init__(self):
        super().__init__()

    def wanted(self):
        return self.data.datetime.date(0).month % 2 == 0


class ByBenchmark(Trader):
    """Follows the first feed of all; honest, if that is dated as the others are."""

    def __init__(self):
        super().__init__()

    def wanted(self):
        return self.data0.close[0] > self.data0.close[-1]

    def next(self):
        held = bool(self.getposition(self.data1))
        if len(self) > 1 and self.wanted() != held:
            (self.close if held else self.buy)(self.data1)


class UTCDate(Trader):
    """Looks the day up by the date in UTC, which in the evening is tomorrow's."""

    params = (("daily", None),)

    def __init__(self):
        super().__init__()

    def wanted(self):
        evening = self.data.datetime.datetime(0) + dt.timedelta(hours=20)
        utc = (evening + dt.timedelta(hours=5)).date()
        daily = self.p.daily
        if len(self) < 2 or str(utc) not in daily.index:
            return False
        return bool(daily.loc[str(utc)] > daily.loc[str(self.data.datetime.date(-1))])


class ThreeDays(Trader):
    """Looks ahead on three days of ten years, before the three largest gains."""

    params = (("days", ()),)

    def __init__(self):
        super().__init__()

    def wanted(self):
        if self.data.datetime.date(0).isoformat() in self.p.days:
            return self.data.close[1] > self.data.close[0]
        return False


class RareLine(bt.Indicator):
    """The same, calculated ahead of the run."""

    lines = ("signal",)
    params = (("days", ()),)

    def __init__(self):
        pass

    def once(self, start, end):
        close = self.data.close.array
        for row in range(start, end):
            day = bt.num2date(self.data.datetime.array[row]).date().isoformat()
            rises = day in self.p.days and close[row + 1] > close[row]
            self.l.signal.array[row] = float(rises)


class ThreeDaysByLine(Trader):
    params = (("days", ()),)

    def __init__(self):
        super().__init__()
        self.signal = RareLine(self.data, days=self.p.days)

    def wanted(self):
        return self.signal[0] > 0


class EachWeekButThree(Trader):
    """Holds in every other week, but for days on which a rare line is set.

    Its other orders are many, and those on these days lose: neither leads to them.
    """

    params = (("days", ()),)

    def __init__(self):
        super().__init__()
        self.signal = RareLine(self.data, days=self.p.days)

    def wanted(self):
        return is_held_week(self.data.datetime.date(0)) and self.signal[0] == 0


def is_held_week(day):
    return day.isocalendar().week % 2 == 0


class ModelOfFile(Trader):
    """Trades by what a file says, which may know anything."""

    params = (("file", ""),)

    def __init__(self):
        super().__init__()
        self.weights = np.load(self.p.file)

    def wanted(self):
        return self.weights[len(self) % len(self.weights)] > 0


class ByWeights(Trader):
    """Trades by a linear model of the last five returns, fitted by whoever made it."""

    params = (("weights", ()),)

    def __init__(self):
        super().__init__()

    def wanted(self):
        if len(self) < 7:
            return False
        close = np.array([self.data.close[-ago] for ago in range(6)])
        return float(np.dot(self.p.weights, close[:-1] / close[1:] - 1.0)) > 0


class ByTable(Trader):
    """Holds while a table's row of the day is above 0."""

    params = (("table", None),)

    def __init__(self):
        super().__init__()

    def wanted(self):
        rows = self.p.table.loc[: str(self.data.datetime.date(0))]
        return len(rows) > 0 and float(rows.iloc[-1]) > 0


class Survivors(bt.Strategy):
    """Holds all that it is given, from the second session on."""

    def __init__(self):
        self.bought = set()

    def prenext(self):
        self.next()

    def next(self):
        for data in self.datas:
            if len(data) > 1 and data not in self.bought:
                self.buy(data)
                self.bought.add(data)


class Unrepeatable(Trader):
    """No leak: it hangs on a generator that no seed was given to."""

    def __init__(self):
        super().__init__()
        self.random = random.SystemRandom()

    def wanted(self):
        return self.random.random() > 0.5
