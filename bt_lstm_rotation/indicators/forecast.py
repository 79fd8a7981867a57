"""Forecasts as Backtrader lines.

``LSTMForecast(self.data)`` puts a forecast beside any feed in any strategy;
``LSTMForecast.pooled(self.datas)`` trains one network over several feeds. `Forecast`
does the same for any other forecaster.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import backtrader as bt

from bt_lstm_rotation.checks import check_flag, check_kind
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.feeds.memory import keep_all_bars
from bt_lstm_rotation.feeds.sessions import as_session
from bt_lstm_rotation.forecasting import ForecastSpec, Training
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.indicators.pool import ForecastPool
from bt_lstm_rotation.periods import longest_period

__all__ = ["Forecast", "LSTMForecast"]


class Forecast(bt.Indicator):
    """Forecast return of a feed over the horizon of a forecaster's spec.

    Formula:
      - forecast[0] = E(close[+horizon] / close[0] - 1 | bars up to [0])
      - dispersion[0] = deviation of the forecasts of an ensemble's members, or 0

    They are NaN until there is enough history for a first fit. The minimum period is
    left at one bar all the same: a sector that is listed late must not keep a strategy
    from trading the others, which is what Backtrader makes of a minimum period. With
    ``wait`` it is as long as a first forecast can take, so that an EMA over the line
    begins with forecasts; it would stay NaN for ever after a single one.

    Params:
      - spec: which forecaster, and its settings (None)
      - start: first date on which a forecast is wanted; no fit is made for earlier ones
        (None)
      - training: how fits are made; kept in the user's cache folder, with a bar in a
        terminal, if None (None)
      - wait: whether the minimum period is ``spec.fit_bars`` and the days of the
        longest period between two fits: with at most one bar a day, fits that succeed,
        and ``spec.min_symbols`` feeds that begin with this one, it has a forecast then
        (False)
      - inputs: what the network also reads of each bar, name -> a line, or an `Input`
        (None)
      - context: feeds that are not traded and whose returns it reads, or `Context` of
        them (())
      - benchmark: a feed against which features are measured that need one (None)
      - pool: shared with other feeds' indicators, set by ``pooled`` (None)

    See:
      - ``docs/method.md``
    """

    lines = ("forecast", "dispersion")
    params: tuple[tuple[str, Any], ...] = (
        ("spec", None),
        ("start", None),
        ("training", None),
        ("wait", False),
        ("inputs", None),
        ("context", ()),
        ("benchmark", None),
        ("pool", None),
    )
    plotinfo = (("subplot", True), ("plotname", "Forecast"), ("plothlines", (0.0,)))

    def __init__(self) -> None:
        owner, pool = type(self).__name__, self.p.pool
        check_flag(owner, "wait", self.p.wait)
        check_kind(owner, "pool", pool, ForecastPool | None, "left to `pooled`")
        self.pool: ForecastPool = pool or ForecastPool(
            [self.data],
            self.p.spec,
            start=as_session(self.p.start),
            training=self.p.training,
            inputs=self.p.inputs,
            context=self.p.context,
            benchmark=self.p.benchmark,
        )
        if self.p.wait:
            spec = self.pool.spec
            self.addminperiod(spec.fit_bars + longest_period(spec.retrain))

    @classmethod
    def pooled(
        cls,
        datas: Sequence[Any],
        *,
        spec: Spec | None = None,
        start: dt.date | None = None,
        training: Training | None = None,
        wait: bool = False,
        inputs: Mapping[str, Any] | None = None,
        context: Sequence[Any] = (),
        benchmark: Any = None,
    ) -> dict[Any, Any]:
        """Forecast several feeds with one forecaster; return feed -> its indicator.

        Parameters
        ----------
        datas : sequence of bt.DataBase
            Feeds with different names, in any order.
        spec : Spec, optional
            A forecaster's; default: what `pooled_spec` returns.
        start : date, optional
            First date on which a forecast is wanted.
        training : Training, optional
            How fits are made; by default kept and shown, as in `Forecast`.
        wait : bool
            Whether the indicators' minimum period is as long as a first forecast can
            take. One feed that is listed late then keeps a strategy waiting.
        inputs : mapping of str to mapping of feed to line, or to Input
            What the network also reads of each bar.
        context : sequence of bt.DataBase or of Context
            Feeds that are not traded, whose returns it reads; each feed answers in
            its own way.
        benchmark : bt.DataBase, optional
            What features are measured against that need one, such as "beta".

        Raises
        ------
        StrategyError
            If there are no feeds, or their names are missing or repeated.
        SpecError
            If `spec` is not one, or compares feeds with each other and there is one,
            or if `start` is no date or `wait` no truth value.
        """
        spec = cls.pooled_spec() if spec is None else spec
        session = as_session(start)
        pool = ForecastPool(
            datas,
            spec,
            start=session,
            training=training,
            inputs=inputs,
            context=context,
            benchmark=benchmark,
        )
        make: Any = cls  # Backtrader's metaclass takes the arguments away
        params = {"spec": spec, "start": start, "wait": wait, "pool": pool}
        return {data: make(data, **params) for data in datas}

    @classmethod
    def pooled_spec(cls) -> Spec:
        """Return the spec that ``pooled`` takes if it is given none."""
        raise SpecError(cls.__name__, "spec", None, "given, as in spec=MomentumSpec()")

    def prenext(self) -> None:
        """Show the pool each bar, and set the line, during the minimum period too."""
        self.next()

    def next(self) -> None:
        """Set the line, in a run that goes bar by bar."""
        # Called again for the same bar when other feeds tick: the pool then has no news
        # of this one's session, and the line keeps what it has.
        forecast, dispersion = self.pool.now(self.data)
        if forecast == forecast:
            self.l.forecast[0] = forecast
            self.l.dispersion[0] = dispersion

    def preonce(self, start: int, end: int) -> None:
        """Set the line during the minimum period too."""
        self.once(start, end)

    def once(self, start: int, end: int) -> None:
        """Set the whole line, in a run whose bars are loaded already."""
        values = self.pool.all(self.data)[:, start:end]
        for line, row in zip((self.l.forecast, self.l.dispersion), values, strict=True):
            line.array[start : start + len(row)] = _array_like(line.array, row)

    def notify_corporate_action(self, data: Any, action: Any) -> None:
        """Show the pool its feed's past in new units; see `AdjustingBroker`."""
        if data is self.data:
            self.pool.restate(data, action)

    def qbuffer(self, savemem: int = 0) -> None:
        """Save memory, but not that of the feeds."""
        super().qbuffer(savemem)
        keep_all_bars(self.datas)
        keep_all_bars(self.pool.beside.feeds)

    def _plotlabel(self) -> list[Any]:
        name = getattr(self.data, "_name", "")
        return [*([name] if name else []), f"{self.pool.spec.horizon} sessions"]

    def _plotinit(self) -> None:
        # A single network's dispersion is 0, and would hide the zero line.
        if not any(value > 0.0 for value in self.l.dispersion.array):
            self.plotlines.dispersion._plotskip = True


class LSTMForecast(Forecast):
    """Forecast return of a feed from an LSTM that is trained again every period.

    Formula:
      - forecast[0] = E(close[+horizon] / close[0] - 1 | last ``lookback`` bars), by a
        network trained on the ``train_size`` bars before the period's first close

    Params:
      - spec: a ForecastSpec; for a single feed the default is one that compares with
        nothing (``ForecastSpec(target="plain", features=("log_return",))``)
      - start, training, wait, inputs, context, benchmark, pool: see Forecast

    See:
      - ``docs/method.md``
    """

    params = (("spec", ForecastSpec(target="plain", features=("log_return",))),)

    def __init__(self) -> None:
        super().__init__()

    @classmethod
    def pooled_spec(cls) -> Spec:
        """Return ``ForecastSpec()``."""
        return ForecastSpec()


def _array_like(line: Any, values: Any) -> Any:
    """Backtrader's lines are `array.array`, which takes a slice only from its like."""
    return type(line)(line.typecode, values.tobytes())
