"""Every month, hold all sectors with the same weight.

Run it:   python run_backtest.py --strategy equal_weight
"""

from bt_lstm_rotation import PeriodicRebalance
from bt_lstm_rotation.selection import equal_weights


class EqualWeight(PeriodicRebalance):
    """No forecast at all: what choosing sectors has to beat."""

    def __init__(self):
        super().__init__()

    def weights(self):
        """Hold whatever trades today."""
        return equal_weights(list(self.trading_today()), cash_buffer=self.p.cash_buffer)
