"""The proof that a journal is whole, and that the account comes out of it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.archive import unpack
from bt_lstm_rotation.errors import JournalError
from bt_lstm_rotation.forecasting import (
    ForecastStore,
    Training,
    WalkForward,
)
from bt_lstm_rotation.paper.record import Record
from bt_lstm_rotation.paper.recovery import verify_chain
from bt_lstm_rotation.paper.replay import Replayed
from bt_lstm_rotation.paper.session import PaperSession

__all__ = ["verify"]

# Another processor adds up in another order; a changed weight moves forecasts by more.
RELATIVE, ABSOLUTE = 1e-4, 1e-7


def verify(account: PaperSession) -> Iterator[str]:
    """Prove an account, and yield a line for each thing that was found to hold.

    Raises
    ------
    JournalError
        If a hash does not fit, if running the account again gives something else, or
        if a recorded forecast does not come out of the recorded weights.
    StrategyError
        If the strategy fails, or has changed.
    """
    account.record()  # by the seal
    chain = verify_chain(account.folder)
    if chain.problem is not None:
        raise JournalError(
            chain.problem,
            name=account.name,
            last_sound=None if chain.last is None else chain.last.session,
        )
    yield f"Journal    {chain.number:,} transactions, each with the hash of the last"
    record = account.record()
    if record.begins is None:
        return
    replayed = account.replayed(record)
    yield f"Account    {len(record.sessions):,} sessions come out again, to the bit"
    for key, count in _forecasts_again(record, replayed):
        yield f"Forecasts  {count:,} come out of the recorded weights (model {key[:8]})"


def _forecasts_again(record: Record, replayed: Replayed) -> Iterator[tuple[str, int]]:
    """Make all forecasts from the weights that are recorded; yield how many."""
    for key, (spec, history) in replayed.models.items():
        weights = {
            row[2]: row[-1]
            for row in record.tables["fits"]
            if row[1] == key and row[-1] is not None
        }
        store = _Recorded(weights)
        start = np.datetime64(record.first_of(key) or record.last, "D")
        walk = WalkForward(spec, history, start=start, training=Training(store=store))
        sessions = history.sessions()
        values = walk.forecast(sessions)[0]
        row = {day: place for place, day in enumerate(sessions.tolist())}
        count = 0
        for day, rows in record.daily("forecasts").items():
            for model, symbol, forecast, _ in rows:
                if model != key:
                    continue
                made = values[row[day], history.symbols.index(symbol)]
                count += 1
                if not np.isclose(made, forecast, rtol=RELATIVE, atol=ABSOLUTE):
                    raise JournalError(
                        f"the forecast of {symbol} on {day} is recorded as {forecast!r}"
                        f", and the recorded weights give {float(made)!r}",
                    )
        yield key, count


class _Recorded(ForecastStore):
    """Gives fits the weights that a journal has, by their session."""

    def __init__(self, weights: Mapping[str, bytes]) -> None:
        super().__init__(Path("unused"))
        self._weights = weights

    def key(self, kind: str, *parts: object) -> str:
        """Return the session of a fit; forecasts are made."""
        return str(parts[1]) if kind == "fit" else ""

    def get(self, key: str) -> dict[str, NDArray[Any]] | None:
        """Return recorded weights; None to make what is not recorded."""
        found = self._weights.get(key)
        return None if found is None else unpack(found)

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep nothing."""

    def discard(self, key: str, problem: str) -> None:
        """Delete nothing: what is made in its place will be found to differ."""
