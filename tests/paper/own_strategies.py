"""Strategies as users write them: what an account has to go through with each."""

from __future__ import annotations

HEAD = "import datetime as dt\nimport backtrader as bt\n\n\nclass Mine(bt.Strategy):\n"

BRACKETS = (
    HEAD
    + """
    def __init__(self):
        self.sent = {}

    def next(self):
        for data in self.datas[1:]:
            if not any(order.alive() for order in self.sent.get(data, ())):
                close = data.close[0]
                self.sent[data] = self.buy_bracket(
                    data=data,
                    size=10,
                    price=close * 1.001,
                    stopprice=close * 0.99,
                    limitprice=close * 1.01,
                )
"""
)

STOPS = (
    HEAD
    + """
    def next(self):
        one, two, three = self.datas[1:4]
        if len(self) % 3 == 0:
            close = one.close[0]
            first = self.buy(
                data=one,
                size=7,
                exectype=bt.Order.Stop,
                price=close * 1.003,
                valid=dt.timedelta(days=4),
            )
            self.buy(
                data=one,
                size=7,
                exectype=bt.Order.Limit,
                price=close * 0.99,
                oco=first,
            )
            close = two.close[0]
            self.buy(
                data=two,
                size=5,
                exectype=bt.Order.StopLimit,
                price=close * 1.002,
                plimit=close * 1.004,
                valid=two.datetime.date(0) + dt.timedelta(days=2),
            )
            self.sell(data=three, size=2, exectype=bt.Order.Close)
        if self.getposition(one).size > 10:
            self.close(data=one)
"""
)

TRAILING = (
    HEAD
    + """
    order = None

    def next(self):
        data = self.datas[1]
        if not self.getposition(data):
            self.buy(data=data, size=10)
        elif self.order is None or not self.order.alive():
            self.order = self.sell(
                data=data, size=10, exectype=bt.Order.StopTrail, trailpercent=0.01
            )
"""
)

TIMERS = (
    HEAD
    + """
    def __init__(self):
        self.add_timer(when=dt.time(0), weekdays=[2, 4])

    def notify_timer(self, timer, when, *args, **kwargs):
        self.buy(data=self.datas[1], size=3)

    def next(self):
        pass
"""
)

REBALANCER = (
    "from bt_lstm_rotation.rebalancing import Rebalancer\n"
    + HEAD
    + """
    params = (("lot", 1),)

    def __init__(self):
        self.rebalancer = Rebalancer(self, ignore=[self.data], lot=self.p.lot)

    def notify_order(self, order):
        self.rebalancer.notify_order(order)

    def notify_corporate_action(self, data, action):
        self.rebalancer.notify_corporate_action(data, action)

    def next(self):
        if len(self) % 4 == 0:
            one, two, three = self.datas[1:4]
            self.rebalancer.target({one if len(self) % 8 else three: 0.5, two: 0.4})
        self.rebalancer.next()
"""
)

PRINTS = (
    "print('loaded')\n"
    + HEAD
    + """
    def next(self):
        print("\\x1b[31mred", self.data.datetime.date(0))
        if not self.getposition(self.datas[2]):
            self.order_target_percent(self.datas[2], 0.4)
"""
)

PARAMS = (
    HEAD
    + """
    params = (("share", 0.1), ("names", ()))

    def next(self):
        for data in self.datas[1:]:
            if data._name in self.p.names:
                self.order_target_percent(data, self.p.share)
"""
)

BENCHMARK = (
    HEAD
    + """
    def next(self):
        if len(self) % 3 == 0:
            self.buy(data=self.data, size=20)
            self.buy(data=self.datas[1], size=3)
        elif len(self) % 3 == 2:
            self.close(data=self.data)
"""
)

SHORTS = (
    HEAD
    + """
    def next(self):
        for number, data in enumerate(self.datas[1:]):
            if (len(self) + number) % 5 == 0:
                self.order_target_size(data, -30)
            elif (len(self) + number) % 5 == 3:
                self.order_target_size(data, 12)
"""
)

SIZER = (
    HEAD
    + """
    def next(self):
        send = self.sell if self.getposition(self.datas[1]) else self.buy
        send(data=self.datas[1])
"""
)

INDICATORS = (
    HEAD
    + """
    def __init__(self):
        self.cross = {
            data: bt.ind.CrossOver(
                bt.ind.SMA(data, period=2), bt.ind.EMA(data, period=5)
            )
            for data in self.datas[1:]
        }

    def next(self):
        for data, cross in self.cross.items():
            if cross[0] > 0:
                self.order_target_value(data, 15_000)
            elif cross[0] < 0:
                self.close(data=data)
"""
)

# What each is called, its text, and what else is set of the account.
OWN = {
    "brackets": (BRACKETS, {}),
    "stops": (STOPS, {}),
    "trailing": (TRAILING, {}),
    "timers": (TIMERS, {}),
    "rebalancer": (REBALANCER, {}),
    "fractions": (REBALANCER, {"settings": ("lot=0.001",)}),
    "prints": (PRINTS, {}),
    "params": (PARAMS, {"settings": ("share=0.2", 'names=["S1","S3"]')}),
    "benchmark": (BENCHMARK, {}),
    "shorts": (SHORTS, {}),
    "sizer": (SIZER, {"sizer": 0.3}),
    "indicators": (INDICATORS, {}),
}

FAILING = {
    "raises": HEAD + "    def next(self):\n        1 / 0\n",
    "raises at once": HEAD + "    def __init__(self):\n        1 / 0\n",
    "exits": HEAD + "    def next(self):\n        raise SystemExit(3)\n",
    "without TA-Lib": HEAD
    + "    def __init__(self):\n        bt.talib.SMA(self.data, timeperiod=5)\n",
}
