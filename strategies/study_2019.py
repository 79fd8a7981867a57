"""The published study of 2019, with forecasts that know nothing of their own future.

Run it:   python run_backtest.py --strategy study_2019
"""

from bt_lstm_rotation import ForecastSpec, SectorRotation


class Study2019(SectorRotation):
    """Three layers over each fund's own returns, 25 sessions ahead, the best two held.

    docs/study.md says where the study and this differ: its layers were 250, 200 and 100
    units wide.
    """

    params = (
        (
            "spec",
            ForecastSpec(
                lookback=50,
                horizon=25,
                train_size=900,
                units=200,
                layers=3,
                dropout=0.2,
                initial_weights="random",
                steps=30,
                pooled=False,
                features=("log_return",),
                target="plain",
                mirrored=False,
            ),
        ),
        ("top", 2),
    )

    def __init__(self):
        super().__init__()
