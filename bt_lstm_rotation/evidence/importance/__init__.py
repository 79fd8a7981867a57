"""What each input of a network brings to its forecasts, out of sample."""

from bt_lstm_rotation.evidence.importance.findings import Importance
from bt_lstm_rotation.evidence.importance.measuring import importance

__all__ = ["Importance", "importance"]
