"""Buy all sectors once, with the same weight, and hold them.

Run it:   python run_backtest.py --strategy buy_and_hold
"""

from bt_lstm_rotation import PeriodicRebalance
from bt_lstm_rotation.selection import equal_weights


class BuyAndHold(PeriodicRebalance):
    """No forecast and no turnover: what rebalancing has to beat."""

    def __init__(self):
        super().__init__()
        self.bought = False

    def is_due(self):
        """Only the first time."""
        return not self.bought and super().is_due()

    def weights(self):
        """Hold whatever trades today."""
        weights = equal_weights(
            list(self.trading_today()), cash_buffer=self.p.cash_buffer
        )
        self.bought = bool(weights)
        return weights
