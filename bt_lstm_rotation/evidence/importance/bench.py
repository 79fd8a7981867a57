"""The walks forward that are compared, and what each comparison gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError, FitsError, SpecError
from bt_lstm_rotation.evidence.importance.groups import Group, spec_without
from bt_lstm_rotation.evidence.importance.permuting import Block, Draw, Served
from bt_lstm_rotation.forecasting import ForecastSpec, Training, walk_forward
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside, history_of
from bt_lstm_rotation.measures.inference.mean_test import mean_test
from bt_lstm_rotation.measures.skill import MIN_PAIRS, realised_returns, session_ic
from bt_lstm_rotation.prices import PricePanel

__all__ = ["Bench"]

Array = NDArray[np.float64]

NONE = (np.nan, np.nan)


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

    def served(self) -> tuple[Array, Served]:
        """Return the forecasts, and what made them."""
        self.tell("with all")
        blocks: list[Block] = []

        def keep(model: Any, window: Any) -> None:
            if isinstance(model, RecurrentModel):
                blocks.append(Block(model, window.symbols, window.dates[:, 0, -1]))

        values = self.forecast(self.spec, replace(self.training, served=keep))
        if not np.isfinite(self.ic(values)).any():
            raise DataError(
                "no session has a correlation between forecasts and what came",
                valid=f"at least {MIN_PAIRS} symbols with forecasts that have matured",
            )
        history = history_of(self.panel, self.spec, self.beside)
        return values, Served(history, blocks)

    def permuted(
        self, groups: list[Group], base: Array, served: Served, draws: Sequence[Draw]
    ) -> Iterator[dict[str, Any]]:
        """Give a row a group: forecasts with its columns from elsewhere."""
        self.tell("permuted")
        rows = np.searchsorted(self.panel.sessions, served.sessions)
        order = [served.history.symbols.index(name) for name in self.panel.symbols]
        found = served.permuted(groups, draws)[..., order]
        for group, each in zip(groups, found, strict=True):
            others = np.full((len(draws), *base.shape), np.nan)
            others[:, rows] = each
            yield self._row(group, base, others)

    def refitted(self, groups: list[Group], base: Array) -> Iterator[dict[str, Any]]:
        """Give a row a group: forecasts of networks that were trained without it."""
        for group in groups:
            try:
                self.tell(f"without {group.name}")
                spec, note = spec_without(self.spec, group)
                values = self.forecast(spec, self.training)
            except (SpecError, FitsError) as error:  # such as no feature left
                values, note = np.full(base.shape, np.nan), str(error)
            yield {**self._row(group, base, values[np.newaxis]), "note": note}

    def ic(self, values: Array) -> Array:
        """Correlate forecasts with what came, session by session."""
        return session_ic(values, realised_returns(self.panel, self.spec.horizon))

    def _row(self, group: Group, base: Array, others: Array) -> dict[str, Any]:
        """Compare forecasts with others, (n_others, ...), pair by pair."""
        pairs = [
            np.where(np.isfinite(base) & np.isfinite(other), [base, other], np.nan)
            for other in others
        ]
        ics = np.array([[self.ic(own), self.ic(other)] for own, other in pairs])
        drops = (ics[:, 0] - ics[:, 1]).mean(axis=0)
        test, known = mean_test(drops, self.spec.horizon), np.isfinite(drops)
        with_it, without = ics[:, :, known].mean(axis=(0, 2)) if known.any() else NONE
        return {
            "name": group.name,
            "kind": group.kind,
            "members": list(group.members),
            "ic": with_it,
            "ic_without": without,
            "drop": test.mean,
            "error": test.error,
            "t": test.t,
            "p": test.p_above,
            "sessions": test.sessions,
            "note": "",
        }
