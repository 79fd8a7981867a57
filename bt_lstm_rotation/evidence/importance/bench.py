"""The walks forward that are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.evidence.importance.comparing import Compared
from bt_lstm_rotation.evidence.importance.groups import Group
from bt_lstm_rotation.evidence.importance.permuting import Block, Served
from bt_lstm_rotation.evidence.importance.refitting import refitted
from bt_lstm_rotation.forecasting import ForecastSpec, Training, walk_forward
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside, history_of
from bt_lstm_rotation.measures.skill import realised_returns
from bt_lstm_rotation.prices import PricePanel

__all__ = ["Bench"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """What all walks forward share."""

    panel: PricePanel
    spec: ForecastSpec
    beside: Beside
    start: np.datetime64 | None
    training: Training
    tell: Callable[[str], None]

    def forecast(self, spec: Any, training: Training) -> Array:
        """Walk forward; return forecasts, (n_sessions, n_symbols), NaN for none."""
        made = walk_forward(
            self.panel, spec, start=self.start, training=training, beside=self.beside
        )
        return made.values

    def served(self) -> tuple[Compared, Served]:
        """Return the forecasts beside what came, and what made them."""
        self.tell("with all")
        blocks: list[Block] = []

        def keep(model: Any, window: Any) -> None:
            if isinstance(model, RecurrentModel):
                blocks.append(Block(model, window.symbols, window.dates[:, 0, -1]))

        base = Compared(
            sessions=self.panel.sessions,
            symbols=self.panel.symbols,
            base=self.forecast(self.spec, replace(self.training, served=keep)),
            came=realised_returns(self.panel, self.spec.horizon),
            horizon=self.spec.horizon,
        )
        history = history_of(self.panel, self.spec, self.beside)
        return base, Served(history, blocks)

    def refitted(self, groups: list[Group], base: Compared) -> Iterator[dict[str, Any]]:
        """Give a row a group: forecasts of networks that were trained without it."""

        def forecast(name: str, spec: ForecastSpec) -> Array:
            self.tell(f"without {name}")
            return self.forecast(spec, self.training)

        return refitted(base, groups, self.spec, forecast)
