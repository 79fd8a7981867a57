"""Panel -> Backtrader feeds, and what is asked of feeds: names, dates, valid bars.

Names are looked up when they are first used: a rebalancer asks for a feed's name and
date, and has no use for pandas.
"""

from typing import TYPE_CHECKING

from bt_lstm_rotation._lazy import lazy_names

if TYPE_CHECKING:
    from bt_lstm_rotation.feeds.bars import last_bar, loaded_bars
    from bt_lstm_rotation.feeds.checked import CheckedPandasData
    from bt_lstm_rotation.feeds.naming import feed_name, feed_names
    from bt_lstm_rotation.feeds.panel_feeds import PanelData, add_feeds
    from bt_lstm_rotation.feeds.sessions import session_of
    from bt_lstm_rotation.feeds.unadjusted import warn_of_unadjusted
    from bt_lstm_rotation.feeds.valid_bars import drop_invalid_bars

__all__ = [
    "CheckedPandasData",
    "PanelData",
    "add_feeds",
    "drop_invalid_bars",
    "feed_name",
    "feed_names",
    "last_bar",
    "loaded_bars",
    "session_of",
    "warn_of_unadjusted",
]

__getattr__ = lazy_names(
    __name__,
    {
        "CheckedPandasData": "checked",
        "PanelData": "panel_feeds",
        "add_feeds": "panel_feeds",
        "drop_invalid_bars": "valid_bars",
        "feed_name": "naming",
        "feed_names": "naming",
        "last_bar": "bars",
        "loaded_bars": "bars",
        "session_of": "sessions",
        "warn_of_unadjusted": "unadjusted",
    },
)
