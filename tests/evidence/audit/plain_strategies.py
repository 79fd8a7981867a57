"""Plain strategies as people write them, none of which looks ahead."""

from __future__ import annotations

import datetime as dt
import random

import backtrader as bt


class Crossover(bt.Strategy):
    """Buys when a fast average crosses a slow one, and sells when it comes back."""

    def __init__(self):
        fast, slow = bt.ind.SMA(period=5), bt.ind.SMA(period=15)
        self.cross = bt.ind.CrossOver(fast, slow)

    def next(self):
        if self.cross[0] > 0:
            self.buy()
        elif self.cross[0] < 0:
            self.close()


class OversoldRSI(bt.Strategy):
    def __init__(self):
        self.rsi = bt.ind.RSI(period=10)

    def next(self):
        if self.rsi[0] < 45 and not self.position:
            self.buy(size=10)
        elif self.rsi[0] > 55 and self.position:
            self.sell(size=10)


class ATRStop(bt.Strategy):
    """Trails a stop that is a multiple of the average true range below."""

    def __init__(self):
        self.atr = bt.ind.ATR(period=10)
        self.stopped = None

    def next(self):
        if not self.position:
            self.buy()
            self.stopped = self.data.close[0] - 2 * self.atr[0]
        elif self.data.close[0] < self.stopped:
            self.close()
        else:
            level = self.data.close[0] - 2 * self.atr[0]
            self.stopped = max(self.stopped, level)


class MonthlyTimer(bt.Strategy):
    def __init__(self):
        self.add_timer(when=bt.Timer.SESSION_START, monthdays=[5], monthcarry=True)
        self.rung = 0

    def notify_timer(self, timer, when, *args, **kwargs):
        self.rung += 1
        (self.buy if self.rung % 2 else self.close)()


class Weekly(bt.Strategy):
    """Decides by the weeks of a feed that is resampled from the first."""

    def __init__(self):
        self.mean = bt.ind.SMA(self.datas[-1], period=4)

    def next(self):
        above = self.datas[-1].close[0] > self.mean[0]
        if above and not self.position:
            self.buy()
        elif not above and self.position:
            self.close()


class TwoTimeFrames(bt.Strategy):
    """Joins a daily and a weekly line by an operator that couples their clocks."""

    def __init__(self):
        slow = bt.ind.EMA(self.datas[-1], period=3)
        self.above = self.data.close > slow()

    def next(self):
        if self.above[0] and not self.position:
            self.buy()
        elif not self.above[0] and self.position:
            self.close()


class Pairs(bt.Strategy):
    """Trades the z-score of a ratio, both legs."""

    def __init__(self):
        ratio = self.data0.close / self.data1.close
        mean, deviation = bt.ind.SMA(ratio, period=15), bt.ind.StdDev(ratio, period=15)
        self.score = (ratio - mean) / deviation

    def next(self):
        if self.score[0] > 1:
            self.order_target_size(self.data0, -5)
            self.order_target_size(self.data1, 5)
        elif self.score[0] < -1:
            self.order_target_size(self.data0, 5)
            self.order_target_size(self.data1, -5)


class Brackets(bt.Strategy):
    def __init__(self):
        self.momentum = bt.ind.Momentum(period=5)

    def next(self):
        if not self.position and self.momentum[0] > 0:
            close = self.data.close[0]
            self.buy_bracket(
                price=close * 0.999, stopprice=close * 0.97, limitprice=close * 1.03
            )


class LimitOrders(bt.Strategy):
    """Bids below the close for three days; when that fills is nobody's leak."""

    def __init__(self):
        pass

    def next(self):
        if len(self) % 7 == 0:
            price, valid = self.data.close[0] * 0.99, dt.timedelta(days=3)
            self.buy(exectype=bt.Order.Limit, price=price, valid=valid)
        elif len(self) % 7 == 5 and self.position:
            price = self.data.close[0] * 1.01
            self.sell(exectype=bt.Order.Limit, price=price, size=self.position.size)


class StopOrders(bt.Strategy):
    def __init__(self):
        self.highest = bt.ind.Highest(self.data.high, period=10)
        self.lowest = bt.ind.Lowest(self.data.low, period=10)
        self.order = None

    def next(self):
        if self.order is not None and self.order.alive():
            self.cancel(self.order)
        make, price = (
            (self.sell, self.lowest[0])
            if self.position
            else (self.buy, self.highest[0])
        )
        self.order = make(exectype=bt.Order.Stop, price=price)


class TrailingStop(bt.Strategy):
    def __init__(self):
        pass

    def next(self):
        if not self.position and len(self) % 10 == 0:
            self.buy()
            self.sell(exectype=bt.Order.StopTrail, trailpercent=0.03)


class OneCancelsOther(bt.Strategy):
    def __init__(self):
        pass

    def next(self):
        if len(self) % 15 == 0 and not self.position:
            close = self.data.close[0]
            low = self.buy(exectype=bt.Order.Limit, price=close * 0.98)
            self.buy(exectype=bt.Order.Stop, price=close * 1.02, oco=low)
        elif len(self) % 15 == 10 and self.position:
            self.close()


class Callbacks(bt.Strategy):
    """Decides in what the broker tells: sells on the fill of a buy, and so on."""

    def __init__(self):
        self.trades = 0

    def next(self):
        if len(self) % 12 == 0:
            self.buy()

    def notify_order(self, order):
        if order.status == order.Completed and order.isbuy():
            price = order.executed.price * 1.01
            self.sell(exectype=bt.Order.Limit, price=price)

    def notify_trade(self, trade):
        self.trades += trade.isclosed


class SeededRandom(bt.Strategy):
    params = (("seed", 1),)

    def __init__(self):
        self.random = random.Random(self.p.seed)

    def next(self):
        if self.random.random() < 0.1:
            (self.close if self.position else self.buy)()


class TargetPercent(bt.Strategy):
    """Rebalances to equal weights each month, and waits for nobody."""

    def __init__(self):
        self.month = None

    def prenext(self):
        self.next()

    def next(self):
        month = self.datetime.date(0).month
        if month != self.month:
            self.month = month
            live = [data for data in self.datas if len(data)]
            for data in live:
                self.order_target_percent(data, target=0.9 / len(live))


class BollingerMACD(bt.Strategy):
    def __init__(self):
        self.bands = bt.ind.BollingerBands(period=12)
        self.macd = bt.ind.MACD(period_me1=5, period_me2=12, period_signal=4)

    def next(self):
        close = self.data.close[0]
        if close < self.bands.bot[0] or self.macd.macd[0] > self.macd.signal[0]:
            if not self.position:
                self.buy()
        elif self.position:
            self.close()


class Signalled(bt.SignalStrategy):
    def __init__(self):
        self.signal_add(
            bt.SIGNAL_LONG, bt.ind.CrossOver(self.data, bt.ind.SMA(period=8))
        )


class OwnLine(bt.Strategy):
    """Writes its decision to a line of its own, and reads that back."""

    lines = ("wanted",)

    def __init__(self):
        pass

    def next(self):
        if len(self) < 3:  # before the first bar comes the last of all
            return
        self.l.wanted[0] = float(self.data.close[0] > self.data.close[-1])
        before = self.l.wanted[-1] == 1.0
        if self.l.wanted[0] and before and not self.position:
            self.buy()
        elif not self.l.wanted[0] and self.position:
            self.close()


class AtTheOpen(bt.Strategy):
    """Under cheat-on-open: decides by yesterday's close, fills at today's open."""

    def __init__(self):
        self.mean = bt.ind.SMA(period=10)

    def next_open(self):
        above = self.data.close[-1] > self.mean[-1]
        if above and not self.position:
            self.buy(size=1)
        elif not above and self.position:
            self.sell(size=1)


class TradesNothing(bt.Strategy):
    def __init__(self):
        self.mean = bt.ind.SMA(period=10)


class ClosesAtTheEnd(Crossover):
    """As many do, so that the last trade is counted."""

    def __init__(self):
        super().__init__()

    def next(self):
        if len(self.data) == self.data.buflen():
            self.close()
        else:
            super().next()


PLAIN = (
    *(Crossover, OversoldRSI, ATRStop, MonthlyTimer, Pairs, Brackets, LimitOrders),
    *(StopOrders, TrailingStop, OneCancelsOther, Callbacks, SeededRandom),
    *(TargetPercent, BollingerMACD, Signalled, OwnLine),
)
RESAMPLED = (Weekly, TwoTimeFrames)
