"""Every month, hold the sectors that close above their moving average.

Run it:   python run_backtest.py --strategy above_average
"""

import backtrader as bt

from bt_lstm_rotation import PeriodicRebalance
from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.selection import equal_weights


class AboveAverage(PeriodicRebalance):
    """The plainest rule of trend: the share of a sector below its average is cash.

    Params:
      - period: bars of the average (200)
    """

    params = (("period", 200),)

    def __init__(self):
        super().__init__()
        check_whole("AboveAverage", "period", self.p.period, least=1)
        self.average = {
            name: bt.indicators.SMA(feed.close, period=self.p.period)
            for name, feed in self.sectors.items()
        }

    def weights(self):
        """Give every sector that has an average its share, or nothing."""
        gaps = {
            name: feed.close[0] - self.average[name][0]
            for name, feed in self.trading_today().items()
        }
        known = [name for name, gap in gaps.items() if gap == gap]  # NaN is not
        shares = equal_weights(known, cash_buffer=self.p.cash_buffer)
        return {name: shares[name] * (gaps[name] > 0) for name in known}
