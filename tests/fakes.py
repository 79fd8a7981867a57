"""A forecaster without a network, and small panels, for tests that need either.

What the fake forecasts is a fingerprint of every byte it was shown, in the fit and
since: two runs agree on it only if they were shown the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import Period
from bt_lstm_rotation.prices import PricePanel

# A list cannot be sorted by two threads at once.
ONE_BY_ONE = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class FakeSpec:
    """A spec whose fits cost nothing; `seen` keeps the windows of its fits.

    A fit diverges if its session is among `diverges_at`, as ISO dates; if it is
    among `raises_at`, the error that is there is raised.
    """

    fit_bars: int = 12
    forecast_bars: int = 4
    horizon: int = 2
    retrain: Period = "monthly"
    min_symbols: int = 1
    diverges_at: frozenset[str] = frozenset()
    raises_at: Mapping[str, Exception] = field(default_factory=dict, hash=False)
    seen: list[tuple[np.datetime64, Window]] = field(
        default_factory=list, compare=False, repr=False
    )

    def forecaster(self) -> FakeSpec:
        return self

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        # Fits of one call may be made side by side; what they saw is told in order.
        with ONE_BY_ONE:
            self.seen.append((session, window))
            self.seen.sort(key=lambda pair: pair[0])
        if str(session) in self.raises_at:
            raise self.raises_at[str(session)]
        if str(session) in self.diverges_at:
            return Fit(None, (1.0, float("inf")), "the loss is not finite")
        return Fit(FakeModel(window.symbols, _digest(window, session)), (1.0, 0.5))


@dataclass(frozen=True)
class FakeModel:
    symbols: tuple[str, ...]
    fitted: bytes

    def forecast(self, window: Window) -> NDArray[np.float64]:
        values = np.empty(window.dates.shape[:2])
        for row in range(len(values)):
            session = Window(window.symbols, window.dates[row], window.bars[:, row])
            shown = self.fitted + _digest(session)
            for column, symbol in enumerate(window.symbols):
                print_ = hashlib.sha256(shown + symbol.encode()).digest()
                # Between -0.5 and 0.5, as a return may be.
                values[row, column] = int.from_bytes(print_[:4]) / 2**32 - 0.5
        return values[None]


def _digest(window: Window, session: object = None) -> bytes:
    digest = hashlib.sha256(repr((window.symbols, str(session))).encode())
    digest.update(window.dates.astype(np.int64).tobytes())
    digest.update(np.ascontiguousarray(window.bars).tobytes())
    return digest.digest()


def random_panel(
    symbols: str | Sequence[str] = "ABC",
    n_sessions: int = 80,
    *,
    first: str = "2019-01-02",
    seed: int = 0,
) -> PricePanel:
    """Valid bars of a random walk on consecutive weekdays."""
    rng = np.random.default_rng(seed)
    shape = (n_sessions, len(symbols))
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, shape), axis=0))
    opened = close * np.exp(rng.normal(0.0, 0.005, shape))
    high = np.maximum(opened, close) * 1.004
    low = np.minimum(opened, close) * 0.996
    volume = rng.integers(1_000, 9_000, shape).astype(np.float64)
    days = np.busday_offset(np.datetime64(first, "D"), np.arange(n_sessions), "forward")
    bars = np.stack([opened, high, low, close, volume])
    return PricePanel(days, tuple(symbols), bars)


def without(panel: PricePanel, symbol: str, rows: object) -> PricePanel:
    """Take some bars of one symbol away; `rows` is an index or a slice."""
    bars = panel.bars.copy()
    bars[:, rows, panel.symbols.index(symbol)] = np.nan
    return replace(panel, bars=bars).select(panel.symbols)


def shocked(panel: PricePanel, row: int, *, seed: int = 1) -> PricePanel:
    """Change every bar after a row, and none up to it."""
    rng = np.random.default_rng(seed)
    bars = panel.bars.copy()
    bars[:, row + 1 :] *= np.exp(rng.normal(0.0, 0.1, (1, *bars[0, row + 1 :].shape)))
    return replace(panel, bars=bars)


def same_bytes(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    """Tell whether two arrays agree to the last bit, NaN where NaN."""
    return bool(
        first.shape == second.shape
        and np.array_equal(np.isnan(first), np.isnan(second))
        and first[~np.isnan(first)].tobytes() == second[~np.isnan(second)].tobytes()
    )


def unchecked(spec: Any, **settings: object) -> Any:
    """Change settings of a frozen spec to what it would refuse."""
    changed = replace(spec)
    for name, value in settings.items():
        object.__setattr__(changed, name, value)
    return changed


def days(texts: Iterable[str]) -> list[np.datetime64]:
    """Dates as NumPy has them."""
    return [np.datetime64(text, "D") for text in texts]


def date(session: np.datetime64) -> dt.date:
    """A date as Python has it."""
    return dt.date.fromisoformat(str(session))
