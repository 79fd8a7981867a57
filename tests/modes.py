"""The ways in which Cerebro can run; what holds in one holds in all."""

from __future__ import annotations

import pytest

MODES = {
    "default": {},
    "bar by bar": {"runonce": False},
    "not preloaded": {"preload": False},
    "exactbars -1": {"exactbars": -1},
    "exactbars -2": {"exactbars": -2},
    "exactbars 1": {"exactbars": 1},
}
each_mode = pytest.mark.parametrize("modes", MODES.values(), ids=MODES)

# With exactbars=1 a feed that misses a session shows its next bar a session early,
# unless somebody keeps its bars: Backtrader itself looks ahead there.
KEEPING = {name: modes for name, modes in MODES.items() if name != "exactbars 1"}
