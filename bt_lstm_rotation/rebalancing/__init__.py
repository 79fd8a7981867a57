"""Target weights -> orders that fill."""

from bt_lstm_rotation.rebalancing.rebalancer import RebalanceEvent, Rebalancer

__all__ = ["RebalanceEvent", "Rebalancer"]
