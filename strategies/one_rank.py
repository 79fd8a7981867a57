"""Every month, hold the one sector whose past return has a certain rank.

Run it:   python run_backtest.py --strategy one_rank
"""

import backtrader as bt

from bt_lstm_rotation import PeriodicRebalance
from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.selection import equal_weights, ranked


class OneRank(PeriodicRebalance):
    """A published rule: the fourth best of last month. docs/study.md judges it.

    Params:
      - rank: which one is held, 1 for the best; the last if there are fewer (4)
      - period: bars of the past return (21)
    """

    params = (("rank", 4), ("period", 21))

    def __init__(self):
        super().__init__()
        check_whole("OneRank", "rank", self.p.rank, least=1)
        check_whole("OneRank", "period", self.p.period, least=1)
        self.past = {
            name: bt.indicators.RateOfChange(feed, period=self.p.period)
            for name, feed in self.sectors.items()
        }

    def weights(self):
        """Rank what trades today, and keep one."""
        order = ranked({name: self.past[name][0] for name in self.trading_today()})
        return equal_weights(order[: self.p.rank][-1:], cash_buffer=self.p.cash_buffer)
