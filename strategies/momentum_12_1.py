"""Every month, hold the three sectors that rose most in a year but for its last month.

Run it:   python run_backtest.py --strategy momentum_12_1
"""

from bt_lstm_rotation import MomentumSpec, SectorRotation


class Momentum121(SectorRotation):
    """What an LSTM has to beat: no network, one line of arithmetic."""

    params = (
        ("spec", MomentumSpec(lookback=252, skip=21, horizon=21)),
        ("top", 3),
        ("rebalance", "monthly"),
    )

    def __init__(self):
        super().__init__()
