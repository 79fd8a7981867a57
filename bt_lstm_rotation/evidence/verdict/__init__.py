"""The verdict: a candidate beside its rivals, and what the evidence supports."""

from bt_lstm_rotation.evidence.verdict.running import verdict
from bt_lstm_rotation.evidence.verdict.trials import HoldoutBook, Trials
from bt_lstm_rotation.evidence.verdict.verdict import Verdict

__all__ = ["HoldoutBook", "Trials", "Verdict", "verdict"]
