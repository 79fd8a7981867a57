"""ForecastSpec: everything an LSTM forecast depends on, but for the bars.

The defaults were chosen on simulated markets (`bt_lstm_rotation.prices.simulated`) and
by the literature, never on real bars: `benchmarks/skill.py` prints what they attain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from bt_lstm_rotation.checks import (
    check_choice,
    check_flag,
    check_fraction,
    check_positive,
    check_whole,
)
from bt_lstm_rotation.errors import SpecError, closest
from bt_lstm_rotation.forecasting.features import FEATURES, mirror, warmup
from bt_lstm_rotation.forecasting.network import Cell
from bt_lstm_rotation.periods import Period, check_period

if TYPE_CHECKING:
    from bt_lstm_rotation.forecasting.forecaster import Forecaster

__all__ = ["ForecastSpec"]

CELLS = get_args(Cell)
WHOLE = ("lookback", "horizon", "units", "layers", "steps", "patience", "members")
TARGETS = ("relative", "plain")


@dataclass(frozen=True, kw_only=True)
class ForecastSpec:
    """What an LSTM is trained on, how, and how often.

    Parameters
    ----------
    lookback : int
        Bars that a forecast reads, and steps over which back-propagation through time
        is truncated [1]_.
    horizon : int
        Bars ahead that are forecast.
    train_size : int
        Bars with a matured target that a fit is made of, at least `lookback`.
    retrain : {"weekly", "monthly", "quarterly"} or int
        When a new fit is made: at the first session of each calendar period, or of
        every so many weekdays; see `bt_lstm_rotation.periods`.
    cell : {"lstm", "gru", "rnn"}
        The recurrent cell: long short-term memory, gated recurrent unit, or the vanilla
        one; see `bt_lstm_rotation.forecasting.network`.
    units, layers : int
        Width and number of recurrent layers.
    dropout : float
        Share of a layer's outputs left out in training, the same ones at every step of
        a sequence [2]_; 0 up to but not including 1.
    learning_rate : float
        Step size of Adam [3]_.
    steps : int
        Training steps, each over the whole window.
    clip_norm : float
        Norm to which a longer gradient is shortened [4]_.
    half_life : float, optional
        Bars after which a squared error counts half as much as the latest; by default
        all count the same.
    validation : float
        Share of the `train_size` bars, the latest ones, that is held out to stop
        early [5]_: the weights of the step with the least loss on it are kept. The
        `horizon` bars before it are left out of training, because their targets
        reach into it. 0 holds nothing out.
    patience : int
        Steps without a lesser held-out loss after which training stops.
    members : int
        Networks trained from different initial weights; the forecast is their mean,
        and the indicator's line `dispersion` their deviation.
    warm_start : bool
        Begin at the weights of the last fit. Then a forecast depends on every fit
        before it and on where these began, against the one law; ``retrains.csv`` names
        the fits that did.
    seed : int
        With the session of a fit, all that its randomness depends on; 0 or more.
    pooled : bool
        One network for all sectors, or one for each.
    features : tuple of str
        Keys of `bt_lstm_rotation.forecasting.features.FEATURES`.
    target : {"relative", "plain"}
        What the network learns: the return over the horizon less the mean return of
        the cross-section, or the return itself. Either way the forecast is a return:
        to a relative one the window's mean return is added.
    mirrored : bool
        Take for the forecast half the difference between what a network makes of the
        features and of their mirror image, in which rises and falls have changed
        places: what is said of a rise is then said of a fall as large, with the sign
        changed. Where that holds, it takes error away and nothing else [6]_. Training
        and its losses are the network's own. Wants a feature that changes its sign.

    Raises
    ------
    SpecError
        If a value is impossible, or two contradict each other.

    References
    ----------
    .. [1] R. J. Williams and J. Peng, "An efficient gradient-based algorithm for
       on-line training of recurrent network trajectories", Neural Computation 2(4),
       1990.
    .. [2] Y. Gal and Z. Ghahramani, "A theoretically grounded application of dropout
       in recurrent neural networks", NIPS 2016.
    .. [3] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR
       2015.
    .. [4] R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training
       recurrent neural networks", ICML 2013.
    .. [5] L. Prechelt, "Early stopping - but when?", in Neural Networks: Tricks of the
       Trade, Springer 1998.
    .. [6] B. Elesedy and S. Zaidi, "Provably strict generalisation benefit for
       equivariant models", ICML 2021.
    """

    lookback: int = 126
    horizon: int = 21
    train_size: int = 756
    retrain: Period = "monthly"
    cell: Cell = "lstm"
    units: int = 32
    layers: int = 1
    dropout: float = 0.0
    learning_rate: float = 5e-3
    steps: int = 15
    clip_norm: float = 1.0
    half_life: float | None = None
    validation: float = 0.0
    patience: int = 5
    members: int = 1
    warm_start: bool = False
    seed: int = 0
    pooled: bool = True
    features: tuple[str, ...] = ("relative_return",)
    target: Literal["relative", "plain"] = "relative"
    mirrored: bool = True

    def __post_init__(self) -> None:
        for name in WHOLE:
            check_whole("ForecastSpec", name, getattr(self, name), least=1)
        check_whole("ForecastSpec", "train_size", self.train_size, least=2)
        check_whole("ForecastSpec", "seed", self.seed, least=0)
        check_period("ForecastSpec", "retrain", self.retrain)
        for name in ("dropout", "validation"):
            check_fraction("ForecastSpec", name, getattr(self, name))
        for name in ("learning_rate", "clip_norm"):
            check_positive("ForecastSpec", name, getattr(self, name))
        if self.half_life is not None:
            check_positive("ForecastSpec", "half_life", self.half_life)
        check_choice("ForecastSpec", "cell", self.cell, CELLS)
        check_choice("ForecastSpec", "target", self.target, TARGETS)
        for name in ("pooled", "warm_start", "mirrored"):
            check_flag("ForecastSpec", name, getattr(self, name))
        self._check_features()
        if self.lookback > self.train_size:
            raise SpecError(
                "ForecastSpec",
                "lookback",
                self.lookback,
                f"at most train_size, which is {self.train_size}",
            )
        if self.held_out and self.trained < self.lookback:
            valid = (
                f"smaller: it leaves {self.trained} of {self.train_size} bars to train"
            )
            raise SpecError("ForecastSpec", "validation", self.validation, valid)

    def _check_features(self) -> None:
        features = self.features
        if isinstance(features, str) or not isinstance(features, tuple | list):
            valid = "a tuple of names, such as ('log_return',)"
            raise SpecError("ForecastSpec", "features", features, valid)
        object.__setattr__(self, "features", tuple(features))
        for name in features:
            if not isinstance(name, str) or name not in FEATURES:
                known = closest(str(name), FEATURES)
                raise SpecError("ForecastSpec", "features", name, f"a feature; {known}")
        if not features or len(set(features)) < len(features):
            valid = "at least one name, each of them once"
            raise SpecError("ForecastSpec", "features", features, valid)
        if self.mirrored and (mirror(features) > 0).all():
            valid = f"False, as none of the features {features} changes its sign"
            raise SpecError("ForecastSpec", "mirrored", True, valid)

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
        return self.lookback + warmup(self.features)

    @property
    def fit_bars(self) -> int:
        """Bars of each symbol that a fit is made of: also the least history."""
        return self.train_size + self.horizon + warmup(self.features)

    @property
    def min_symbols(self) -> int:
        """2 if symbols are compared with each other, 1 if not."""
        compares = any(FEATURES[name].cross_sectional for name in self.features)
        return 2 if compares or self.target == "relative" else 1

    def forecaster(self) -> Forecaster:
        """Make the forecaster that this describes."""
        # Here and not above: the forecaster stands on the spec.
        from bt_lstm_rotation.forecasting.neural import RecurrentForecaster

        return RecurrentForecaster(self)
