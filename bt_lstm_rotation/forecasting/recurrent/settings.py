"""Everything a recurrent forecast depends on, but for the bars.

The defaults were chosen on simulated markets (`bt_lstm_rotation.prices.simulated`) and
by the literature, never on real bars: `benchmarks/skill.py` prints what they attain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from bt_lstm_rotation.checks import (
    check_choice,
    check_flag,
    check_fraction,
    check_positive,
    check_whole,
    plain_fields,
)
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting.recurrent.forward import Cell
from bt_lstm_rotation.forecasting.recurrent.reading import OWNER, ReadingSettings
from bt_lstm_rotation.periods import Period, check_period

__all__ = ["RecurrentSettings"]

CELLS = get_args(Cell)
# Name -> the least and the most. What lies above trains for days, or overflows; whether
# the machine has the memory for what lies below is asked before a fit.
WHOLE = {
    "lookback": (1, 100_000),
    "horizon": (1, 100_000),
    "train_size": (2, 1_000_000),
    "units": (1, 1_024),
    "layers": (1, 20),
    "patience": (1, 10_000),
    "members": (1, 100),
    "seed": (0, 2**64 - 1),
}
STARTS = ("memory", "random")
SHRINKAGES = ("common", "adaptive")
# With more features and inputs, each axis of the states has a penalty of its own.
FEW = 3
# Start -> how many steps are taken from there, and of what size.
STEPS, MOST_STEPS = {"memory": 0, "random": 15}, 10_000
RATES = {"memory": 5e-4, "random": 5e-3}
# A step of Adam moves a weight by as much.
HIGHEST_RATE = 10.0
TARGETS = ("relative", "plain")
# Target -> the feature that is its daily return.
DAILY = {"relative": "relative_return", "plain": "log_return"}


@dataclass(frozen=True, kw_only=True)
class RecurrentSettings(ReadingSettings):
    """What a recurrent network is trained on, how, and how often.

    Parameters
    ----------
    lookback : int
        Bars that a forecast reads, and steps of back-propagation through time.
    horizon : int
        Bars ahead that are forecast.
    train_size : int
        Bars with a matured target that a fit is made of, at least `lookback`.
    retrain : {"weekly", "monthly", "quarterly"} or int
        When a new fit is made: at the first session of each calendar period, or of
        every so many weekdays.
    cell : {"lstm", "gru", "rnn"}
        Long short-term memory, gated recurrent unit, or the vanilla cell.
    units : int
        Width of each recurrent layer.
    layers : int
        How many recurrent layers stand on each other.
    dropout : float
        Share of a layer's outputs left out in training; 0 up to but not including 1.
    initial_weights : {"memory", "random"}
        Where training begins: at units that remember, with a head that is solved for,
        or at Keras' random weights.
    filters : bool, optional
        Whether filters of the daily returns are fitted, and the network learns what
        they leave. By default they are where it begins with memory and reads the daily
        return of what it learns: "relative_return", or "log_return" of a plain target.
    shrinkage : {"common", "adaptive"}, optional
        Whether one penalty holds for all that a solved head reads, or each direction
        has its own, so that few features can matter among many; by default "adaptive"
        with more than three features and inputs.
    learning_rate : float, optional
        Step size of Adam; by default 0.005 from random weights and 0.0005 from memory.
    steps : int, optional
        Training steps, each over the whole window; by default 15 from random weights,
        and none from memory. After the last the head is solved again.
    clip_norm : float
        Norm to which a longer gradient is shortened.
    half_life : float, optional
        Bars after which a squared error counts half as much as the latest.
    validation : float
        Share of the `train_size` bars, the latest ones, that is held out to stop early.
    patience : int
        Steps without a lesser held-out loss after which training stops.
    members : int
        Networks in the ensemble; the forecast is their mean.
    warm_start : bool
        Begin at the weights of the last fit. Forecasts then depend on the fits before.
    seed : int
        With the session of a fit, all that its randomness depends on; 0 or more.
    pooled : bool
        One network for all sectors, or one for each.
    features : tuple of str
        What the network reads of each bar: "log_return", "relative_return",
        "overnight_return", "intraday_return", "volatility", "garman_klass", "volume",
        "amihud", "rank", "momentum_12_1", "drawdown", "high_52_week", "beta",
        "residual_return", "turn_of_month", or one that you have made with
        `bt_lstm_rotation.feature`, by its name or as it is. See docs/inputs.md.
    target : {"relative", "plain"}
        Whether the network learns returns less the cross-section's mean, or returns.
    mirrored : bool
        Whether a forecast also counts what the network makes of the bars with rises and
        falls exchanged.
    inputs : tuple of InputRule
        What it also reads of each bar, from rows of these names; set by who gives the
        rows, as ``LSTMForecast.pooled(inputs=...)`` does (`reading`).
    context : tuple of ContextRule
        Series that are the same for every sector, of whose returns each sector has a
        head of its own; set in the same way.
    own_features : tuple of Feature
        Those of `features` that are your own, as their code was when the spec was made;
        filled in.

    Raises
    ------
    SpecError
        If a value is impossible, or two contradict each other.
    FeatureError
        If a feature of your own reads something whose content no key can hold.

    See Also
    --------
    docs/method.md : The mathematics of each setting, and its sources.
    """

    lookback: int = 126
    horizon: int = 21
    train_size: int = 756
    retrain: Period = "monthly"
    cell: Cell = "lstm"
    units: int = 32
    layers: int = 1
    dropout: float = 0.0
    initial_weights: Literal["memory", "random"] = "memory"
    filters: bool | None = None
    shrinkage: Literal["common", "adaptive"] | None = None
    learning_rate: float | None = None
    steps: int | None = None
    clip_norm: float = 1.0
    half_life: float | None = None
    validation: float = 0.0
    patience: int = 5
    members: int = 1
    warm_start: bool = False
    seed: int = 0
    pooled: bool = True
    target: Literal["relative", "plain"] = "relative"

    def __post_init__(self) -> None:
        plain_fields(self)
        for name, (least, most) in WHOLE.items():
            check_whole(OWNER, name, getattr(self, name), least=least, most=most)
        check_period(OWNER, "retrain", self.retrain)
        for name in ("dropout", "validation"):
            check_fraction(OWNER, name, getattr(self, name))
        if self.learning_rate is not None:
            check_positive(
                OWNER, "learning_rate", self.learning_rate, most=HIGHEST_RATE
            )
        check_positive(OWNER, "clip_norm", self.clip_norm)
        if self.half_life is not None:
            check_positive(OWNER, "half_life", self.half_life)
        check_choice(OWNER, "cell", self.cell, CELLS)
        check_choice(OWNER, "initial_weights", self.initial_weights, STARTS)
        self._check_steps()
        check_choice(OWNER, "target", self.target, TARGETS)
        for name in ("pooled", "warm_start"):
            check_flag(OWNER, name, getattr(self, name))
        self._check_reading()
        self._check_filters()
        self._check_shrinkage()
        if self.lookback > self.train_size:
            raise SpecError(
                OWNER,
                "lookback",
                self.lookback,
                f"at most train_size, which is {self.train_size}",
            )
        if self.held_out and self.trained < self.lookback:
            valid = (
                f"smaller: it leaves {self.trained} of {self.train_size} bars to train"
            )
            raise SpecError(OWNER, "validation", self.validation, valid)

    def _check_steps(self) -> None:
        if self.steps is not None:
            # Random weights that nothing trains would forecast nothing.
            least = 0 if self.initial_weights == "memory" else 1
            check_whole(OWNER, "steps", self.steps, least=least, most=MOST_STEPS)
        for name in ("dropout", "validation"):
            if not self.step_count and getattr(self, name):
                valid = "0 where no step is taken (see steps)"
                raise SpecError(OWNER, name, getattr(self, name), valid)

    def _check_filters(self) -> None:
        if self.filters is not None:
            check_flag(OWNER, "filters", self.filters)
        if self.filters and self.filtered_column is None:
            valid = f"False, as {DAILY[self.target]!r} is not among the features"
            raise SpecError(OWNER, "filters", True, valid)

    def _check_shrinkage(self) -> None:
        if self.shrinkage is None:
            return
        check_choice(OWNER, "shrinkage", self.shrinkage, SHRINKAGES)
        if self.initial_weights == "random":
            valid = "left out with random initial weights, whose head is not solved"
            raise SpecError(OWNER, "shrinkage", self.shrinkage, valid)

    @property
    def filtered_column(self) -> int | None:
        """Column of the daily returns that filters read; None where there are none."""
        memory = self.initial_weights == "memory"
        daily, wanted = (
            DAILY[self.target],
            memory if self.filters is None else self.filters,
        )
        return self.features.index(daily) if wanted and daily in self.features else None

    @property
    def shrinks_adaptively(self) -> bool:
        """Whether each direction of what a solved head reads has its own penalty."""
        if self.shrinkage is None:
            return len(self.features) + len(self.inputs) > FEW
        return self.shrinkage == "adaptive"

    @property
    def step_count(self) -> int:
        """Steps of gradient descent."""
        return STEPS[self.initial_weights] if self.steps is None else self.steps

    @property
    def step_size(self) -> float:
        """Step size of Adam."""
        return (
            RATES[self.initial_weights]
            if self.learning_rate is None
            else self.learning_rate
        )

    @property
    def held_out(self) -> int:
        """Latest bars of the window that are held out to stop early."""
        return round(self.validation * self.train_size)

    @property
    def trained(self) -> int:
        """Oldest bars of the window that are trained on."""
        purged = self.held_out + self.horizon if self.held_out else 0
        return self.train_size - purged

    @property
    def forecast_bars(self) -> int:
        """Bars of each symbol that a forecast is made of."""
        return self.lookback + self.skipped

    @property
    def fit_bars(self) -> int:
        """Bars of each symbol that a fit is made of: also the least history."""
        return self.train_size + self.horizon + self.skipped

    @property
    def min_symbols(self) -> int:
        """2 if symbols are compared with each other, 1 if not."""
        compares = any(feature.cross_sectional for feature in self.feature_columns)
        return 2 if compares or self.target == "relative" else 1
