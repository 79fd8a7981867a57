"""What an LSTM has in its cells and gates, as Backtrader lines.

``LSTMGates(self.forecast)`` stands beside an `LSTMForecast` and reads the network that
makes its forecasts; none is trained for it.
"""

from __future__ import annotations

import math
from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.feeds.bars import loaded_bars
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.sessions import dates_of
from bt_lstm_rotation.forecasting.forecaster import Model
from bt_lstm_rotation.forecasting.inside.readout import part_of
from bt_lstm_rotation.forecasting.inside.unrolled import LSTM_LINES, last_step
from bt_lstm_rotation.forecasting.recurrent.columns import own_columns
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.indicators.forecast import Forecast, LSTMForecast
from bt_lstm_rotation.indicators.pool import ForecastPool

__all__ = ["LSTMGates"]

UNKNOWN = (math.nan,) * len(LSTM_LINES)


class LSTMGates(bt.Indicator):
    """Cell, hidden state and gates of the LSTM that forecasts a feed.

    Formula:
      - cell[0] = f[0] * c[-1] + i[0] * g[0]
      - hidden[0] = o[0] * tanh(c[0])
      - input_gate[0], forget_gate[0], output_gate[0] = i[0], f[0], o[0], from 0 to 1

    They are those of the last step in a forecast: of a network that has begun at a zero
    state ``lookback`` bars ago. So c[-1] is not the line's value a bar ago, which began
    a bar earlier, but nearly so. Of stacked layers they are the last one's, which the
    head reads; of an ensemble, the first member's; of a mirrored forecast, those for
    the bars as they are. They are NaN where there is no forecast, and in a paper
    account also for sessions whose forecasts are recorded and not made.

    It takes an `LSTMForecast`, whose network it reads; or a feed, on which it makes one
    of its own, with that indicator's defaults.

    Params:
      - unit: which of the units, from 0 on; or None for the mean over them (None)

    See:
      - ``docs/inside-the-lstm.md``
    """

    lines = LSTM_LINES
    params = (("unit", None),)
    plotinfo = (
        ("subplot", True),
        ("plotname", "LSTM gates"),
        ("plothlines", (0.0, 0.5, 1.0)),
    )
    # Gates lie between 0 and 1; the states, which may be small beside them, are dashed.
    plotlines = (
        ("cell", {"color": "#1c1e21", "linestyle": "--"}),
        ("hidden", {"color": "#c8543c", "linestyle": "--"}),
        ("input_gate", {"color": "#1a9674"}),
        ("forget_gate", {"color": "#3579b8"}),
        ("output_gate", {"color": "#c77f0a"}),
    )

    def __init__(self) -> None:
        make: Any = LSTMForecast  # Backtrader's metaclass takes the arguments away
        given = isinstance(self.data, Forecast)
        shown = self.data if given else make(self.data)
        self.pool: ForecastPool = shown.pool
        self._feed = shown.data
        spec: Any = self.pool.spec
        if getattr(spec, "cell", None) != "lstm":
            valid = "one with the gates of an LSTM, such as LSTMForecast(data)"
            raise SpecError(type(self).__name__, "data", spec, valid)
        if self.p.unit is not None:
            owner, most = type(self).__name__, spec.units - 1
            check_whole(owner, "unit", self.p.unit, least=0, most=most)
        self._gates = _gates_of(self.pool)
        self._gates.units.add(self.p.unit)
        self._symbol = feed_name(self._feed)
        self._dates = dates_of(self._feed)

    def prenext(self) -> None:
        """Set the lines during the minimum period too."""
        self.next()

    def next(self) -> None:
        """Set the lines, in a run that goes bar by bar."""
        self.pool.now(self._feed)
        session = self._dates.session(self._feed.lines.datetime[0])
        found = self._gates.at(session, self._symbol, self.p.unit)
        for name, value in zip(LSTM_LINES, found, strict=True):
            getattr(self.l, name)[0] = value

    def preonce(self, start: int, end: int) -> None:
        """Set the lines during the minimum period too."""
        self.once(start, end)

    def once(self, start: int, end: int) -> None:
        """Set the whole lines, in a run whose bars are loaded already."""
        self.pool.all(self._feed)
        sessions, _ = loaded_bars(self._feed)
        rows = [
            self._gates.at(session, self._symbol, self.p.unit)
            for session in sessions[start:end]
        ]
        for place, name in enumerate(LSTM_LINES):
            values = [row[place] for row in rows]
            array = getattr(self.l, name).array
            array[start : start + len(values)] = type(array)(array.typecode, values)

    def _plotlabel(self) -> list[Any]:
        unit = self.p.unit
        shown = "mean over units" if unit is None else f"unit {unit}"
        return [self._symbol, shown]


class _Gates:
    """Reads the gates of a pool's networks while these forecast.

    `units` are those asked for, None for the mean over them.
    """

    def __init__(self) -> None:
        self.units: set[int | None] = set()
        self._found: dict[tuple[Any, str, int | None], tuple[float, ...]] = {}

    def __call__(self, model: Model, window: Window) -> None:
        """Note the gates at the last step of each window."""
        if not isinstance(model, RecurrentModel):
            return
        for rows in _alike(model, window):
            values = _last_of(model, window, rows)
            for unit in self.units:
                chosen = values.mean(axis=-1) if unit is None else values[..., unit]
                for column, row in enumerate(rows):
                    name, days = window.symbols[row], window.dates[:, row, -1]
                    for day, five in zip(
                        days.tolist(), chosen[:, :, column].T.tolist(), strict=True
                    ):
                        self._found[day, name, unit] = tuple(five)

    def at(
        self, session: np.datetime64, symbol: str, unit: int | None
    ) -> tuple[float, ...]:
        """Return the values of `LSTM_LINES`, NaN where there is no forecast."""
        return self._found.get((session.astype(object), symbol, unit), UNKNOWN)


def _gates_of(pool: ForecastPool) -> _Gates:
    for reader in pool.readers:
        if isinstance(reader, _Gates):
            return reader
    made = _Gates()
    pool.readers.append(made)
    return made


def _alike(model: RecurrentModel, window: Window) -> list[list[int]]:
    """Return the rows of symbols that share a network."""
    rows = list(range(len(window.symbols)))
    return [rows] if model.spec.pooled else [[row] for row in rows]


def _last_of(
    model: RecurrentModel, window: Window, rows: list[int]
) -> NDArray[np.float64]:
    """Return `LSTM_LINES` of all units, (5, n_sessions, n_rows, units)."""
    part = part_of(model, window.symbols[rows[0]])
    features = own_columns(model.spec, window)[..., rows, :, :]
    # To the last bit what the network reads.
    step = last_step(part.networks[0], part.scaler.inputs(features))
    return np.stack([step[name] for name in LSTM_LINES])
