"""A Cerebro's plot as files, on a machine with or without a display."""

from bt_lstm_rotation.plotting.save import save_plot

__all__ = ["save_plot"]
