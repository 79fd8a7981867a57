"""Forecasts and networks of a paper account, as its journal has them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.archive import pack, unpack
from bt_lstm_rotation.errors import JournalError
from bt_lstm_rotation.forecasting import FitRecord, Past
from bt_lstm_rotation.paper.daybook import model_key
from bt_lstm_rotation.periods import NEVER

__all__ = ["Fits"]


class Fits:
    """A `FitJournal` over rows of a journal.

    Parameters
    ----------
    until : datetime64[D]
        The last session that is recorded.
    forecasts : iterable of rows
        ``(session, model, symbol, forecast, dispersion)``, by session.
    fits : iterable of rows
        ``(model, session, status, first_bar, last_target, symbols, n_bars, first_loss,
        last_loss, served_by, weights)``, oldest first.

    Attributes
    ----------
    made : dict of (model, session) to bytes
        The weights of fits that were not recorded yet, as an archive.
    """

    def __init__(
        self,
        until: np.datetime64,
        forecasts: Iterable[tuple[Any, ...]],
        fits: Iterable[tuple[Any, ...]],
    ) -> None:
        self.until = until
        self.made: dict[tuple[str, np.datetime64], bytes] = {}
        self._forecasts: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for session, model, *rest in forecasts:
            self._forecasts[model].append((session, *rest))
        self._fits: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for model, *rest in fits:
            self._fits[model].append(tuple(rest))

    def past(self, spec: Any, symbols: Sequence[str]) -> Past | None:
        """Return what was recorded of a model; None if nothing was."""
        key = model_key(spec, symbols)
        if key not in self._fits:
            return None
        rows = self._forecasts[key]
        days = np.array([row[0] for row in rows], dtype="datetime64[D]")
        sessions, places = np.unique(days, return_inverse=True)
        values = np.full((2, len(sessions), len(symbols)), np.nan)
        column = {symbol: place for place, symbol in enumerate(symbols)}
        at = [column[row[1]] for row in rows]
        numbers = np.array([row[2:] for row in rows], dtype="float64").reshape(-1, 2)
        values[:, places, at] = numbers.T
        records = tuple(_record(row) for row in self._fits[key])
        weights = {
            np.datetime64(row[0], "D"): _arrays(row)
            for row in self._fits[key]
            if row[-1] is not None
        }
        return Past(self.until, sessions, values, records, weights)

    def keep(
        self,
        spec: Any,
        symbols: Sequence[str],
        session: np.datetime64,
        arrays: Mapping[str, NDArray[Any]],
    ) -> None:
        """Take the weights of a fit that this run has made or found."""
        self.made[model_key(spec, symbols), session] = pack(arrays)

    def new_rows(
        self, fits: Iterable[tuple[str, FitRecord]]
    ) -> list[tuple[np.datetime64, tuple[Any, ...]]]:
        """Return the fits that are not recorded yet, as (session, row), in order."""
        known = {(model, row[0]) for model, rows in self._fits.items() for row in rows}
        return [
            (fit.session, _row(model, fit, self.made.get((model, fit.session))))
            for model, fit in fits
            if (model, str(fit.session)) not in known
        ]


def _row(model: str, fit: FitRecord, weights: bytes | None) -> tuple[Any, ...]:
    return (
        model,
        str(fit.session),
        fit.status,
        _text(fit.first_bar),
        _text(fit.last_target),
        json.dumps(fit.symbols),
        int(fit.n_bars),
        float(fit.first_loss),
        float(fit.last_loss),
        _text(fit.served_by),
        weights,
    )


def _record(row: tuple[Any, ...]) -> FitRecord:
    session, status, first_bar, last_target, symbols, n_bars, *losses, served_by, _ = (
        row
    )
    return FitRecord(
        session=np.datetime64(session, "D"),
        first_bar=_day(first_bar),
        last_target=_day(last_target),
        symbols=tuple(json.loads(symbols)),
        n_bars=n_bars,
        first_loss=losses[0],
        last_loss=losses[1],
        seconds=0.0,
        origin="recorded",
        status=status,
        served_by=_day(served_by),
    )


def _text(day: np.datetime64) -> str | None:
    return None if np.isnat(day) else str(day)


def _day(text: str | None) -> np.datetime64:
    return NEVER if text is None else np.datetime64(text, "D")


def _arrays(row: tuple[Any, ...]) -> dict[str, NDArray[Any]]:
    try:
        return unpack(row[-1])
    except ValueError as error:
        raise JournalError(
            f"the weights of the fit of {row[0]} cannot be read ({error})"
        ) from error
