"""Where bars come from and what makes them valid."""

from bt_lstm_rotation.prices.panel import PricePanel

__all__ = ["PricePanel"]
