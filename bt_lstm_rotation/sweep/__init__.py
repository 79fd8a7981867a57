"""A grid of settings, one backtest for each: a table of trials.

A trial is known by all that it depends on: settings, bars, dates, broker, the code of
its strategy. Each row is on disk before the next is waited for, so a sweep that was
stopped loses only the trials under way, and goes on when it is run again.

A sweep shows how much depends on a setting. It does not find the best one: the best of
many trials is also the luckiest [1]_.

References
----------
.. [1] H. White, "A reality check for data snooping", Econometrica 68(5), 2000.
"""

from bt_lstm_rotation.sweep.grid import parse_grid
from bt_lstm_rotation.sweep.places import check_keep, check_table
from bt_lstm_rotation.sweep.running import run_sweep

__all__ = ["check_keep", "check_table", "parse_grid", "run_sweep"]
