"""Every month, hold the three sectors with the best LSTM forecast.

Run it:   python run_backtest.py --strategy lstm_top3_monthly
or:       btrun --csvformat yahoocsv --data XLE.csv --data XLK.csv ... \
              --strategy strategies/lstm_top3_monthly.py:LSTMTop3Monthly
"""

from bt_lstm_rotation import ForecastSpec, SectorRotation


class LSTMTop3Monthly(SectorRotation):
    """One network over all sectors, trained again each month on three years."""

    params = (
        ("spec", ForecastSpec(lookback=126, horizon=21, train_size=756)),
        ("top", 3),
        ("rebalance", "monthly"),
    )

    def __init__(self):
        super().__init__()
