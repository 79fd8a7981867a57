"""Target weights -> orders that fill."""

from bt_lstm_rotation.rebalancing.events import RebalanceEvent
from bt_lstm_rotation.rebalancing.rebalancer import Rebalancer

__all__ = ["RebalanceEvent", "Rebalancer"]
