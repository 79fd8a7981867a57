"""Known-answer markets: bars whose best possible forecast can be computed.

They are the embedded default source, and a measuring rod. What there is to find was
planted, so the forecast that nobody can beat is known; and where there is nothing to
find, whatever finds something leaks. `simulated_market` makes one by name:

- ``linear``: expected returns wander, and a Kalman filter is the optimum
- ``regimes``: they jump between two levels, and the Hamilton filter is the optimum
- ``volatility``: days are calm or wild, and the optimum believes the calm ones
- ``delayed``: returns come back after a lag
- ``product``: returns go on or turn round, depending on volume
- ``context``: a series that is not traded says what they will be
- ``none``: there is nothing to find
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from bt_lstm_rotation.errors import SpecError, closest
from bt_lstm_rotation.prices.simulated.context import ContextMarket
from bt_lstm_rotation.prices.simulated.delayed import DelayedMarket
from bt_lstm_rotation.prices.simulated.linear import SimulatedMarket
from bt_lstm_rotation.prices.simulated.market import MARKET, HiddenPath, KnownMarket
from bt_lstm_rotation.prices.simulated.product import ProductMarket
from bt_lstm_rotation.prices.simulated.regimes import RegimeMarket
from bt_lstm_rotation.prices.simulated.volatility import VolatilityMarket

__all__ = [
    "MARKET",
    "WORLDS",
    "ContextMarket",
    "DelayedMarket",
    "HiddenPath",
    "KnownMarket",
    "ProductMarket",
    "RegimeMarket",
    "SimulatedMarket",
    "VolatilityMarket",
    "simulated_market",
]

WORLDS: dict[str, Callable[..., KnownMarket]] = {
    "linear": SimulatedMarket,
    "regimes": RegimeMarket,
    "volatility": VolatilityMarket,
    "delayed": DelayedMarket,
    "product": ProductMarket,
    "context": ContextMarket,
    "none": partial(SimulatedMarket, signal=0.0),
}


def simulated_market(name: str = "linear", **settings: Any) -> KnownMarket:
    """Make the market of a world.

    Parameters
    ----------
    name : str
        One of `WORLDS`.
    settings
        Of that world: `seed`, `n_sectors`, `n_sessions`, `start`, `signal`, ...

    Raises
    ------
    SpecError
        If there is no such world, or a setting is of the wrong kind or out of range.
    """
    if not isinstance(name, str) or name not in WORLDS:
        known = f"a world's; {closest(str(name), WORLDS)}"
        raise SpecError("simulated_market", "name", name, known)
    return WORLDS[name](**settings)
