"""Feeds without volumes, where a forecaster reads these."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.forecasting import BarHistory
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.prices.validity import BarValidator

__all__ = ["VolumeWatch"]

logger = logging.getLogger("bt_lstm_rotation.indicators.pool")


class VolumeWatch:
    """Says once of each feed that its volumes are not known."""

    def __init__(
        self, spec: Spec, history: BarHistory, series: Mapping[str, BarValidator]
    ) -> None:
        self._features = tuple(getattr(spec, "features", ()))
        self._fit_bars = spec.fit_bars
        self._history = history
        self._series = series
        self._told: set[str] = set()

    def check(self, sessions: NDArray[np.datetime64]) -> None:
        """Say that a feed has no volume; DataError if nothing else is read."""
        shown = all(series.has_volume for series in self._series.values())
        if shown or "volume" not in self._features:
            return
        counts = self._history.counts(sessions).max(axis=0, initial=0)
        for name, count in zip(self._history.symbols, counts, strict=True):
            if count < self._fit_bars or self._series[name].has_volume:
                continue
            if self._features == ("volume",):
                problem = "no volume, and the feature 'volume' is asked for"
                valid = "features without 'volume', or bars with volumes"
                raise DataError(problem, symbol=name, valid=valid)
            if name not in self._told:
                self._told.add(name)
                logger.warning("%s: no volume, so that the feature says nothing", name)

    def warn(self, name: str, unknown: NDArray[np.datetime64]) -> None:
        """Say that volumes of some sessions are not known, where that matters."""
        if "volume" in self._features and len(unknown) and name not in self._told:
            self._told.add(name)
            logger.warning(
                "%s: %d volumes not known from %s on, counted as 0",
                name,
                len(unknown),
                unknown[0],
            )
