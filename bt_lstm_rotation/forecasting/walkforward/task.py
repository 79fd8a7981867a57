"""One fit: found in the store, or made and kept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation._version import installed
from bt_lstm_rotation.errors import ForecastError
from bt_lstm_rotation.forecasting.forecaster import (
    Fit,
    Forecaster,
    Model,
    Preparable,
    Storable,
)
from bt_lstm_rotation.forecasting.store.forecast_store import ForecastStore
from bt_lstm_rotation.forecasting.walkforward.contract import (
    checked_answer,
    checked_fit,
    is_ours,
)
from bt_lstm_rotation.forecasting.walkforward.guarded import (
    guarded_fit,
    guarded_fit_within,
)
from bt_lstm_rotation.forecasting.walkforward.leading import check_leads
from bt_lstm_rotation.forecasting.walkforward.one_thread import one_thread
from bt_lstm_rotation.forecasting.window import Excerpt, Window
from bt_lstm_rotation.machine import onednn_is_on, processor
from bt_lstm_rotation.wording import in_words

__all__ = ["FitTask", "Fitted", "stored_forecast"]


class Fitted(NamedTuple):
    """A fit that was made, or found in `seconds`.

    `key` is where it is stored (empty if it cannot be), and `origin` is ``"trained"``,
    ``"stored"`` or ``"warm start"``.
    """

    session: np.datetime64
    window: Window
    fit: Fit
    seconds: float
    key: str
    origin: str


@dataclass(frozen=True, eq=False)
class FitTask:
    """One fit to make, with all that it needs wherever it is made.

    The window is ``(n_symbols, spec.fit_bars)``. In the store, `content` tells the spec
    and the window from others (`BarHistory.content`); `origin` is ``"trained"`` or
    ``"warm start"``, for a fit that is not found there.
    """

    forecaster: Forecaster
    window: Window
    session: np.datetime64
    store: ForecastStore | None
    content: tuple[object, ...]
    clock: Callable[[], float]
    origin: str = "trained"

    def find(self) -> Fitted | None:
        """Return the fit if it is stored."""
        kept, store = self._kept, self.store
        if store is None or kept is None:
            return None
        began = self.clock()
        arrays = store.get(self.key)
        if arrays is None:
            return None
        try:
            fit = kept.from_arrays(self.window.symbols, arrays)
        except Exception as error:  # its checksum is right, and what is in it is not
            store.discard(self.key, in_words(error))
            return None
        took = self.clock() - began
        return Fitted(self.session, self.window, fit, took, self.key, "stored")

    def run(self, limit: float | None = None) -> Fitted:
        """Find the fit, or make it and keep it; with a limit, in so many seconds."""
        found = self.find()
        if found is not None:
            return found
        forecaster, window, session = self.forecaster, self.window, self.session
        if window.extra:
            check_leads(getattr(forecaster, "spec", None), window)
        if isinstance(forecaster, Preparable):
            forecaster.prepare()
        began = self.clock()
        shown = window
        if not is_ours(forecaster):  # it may write into what it is shown
            shown = replace(window, dates=window.dates.copy(), bars=window.bars.copy())
        make = functools.partial(forecaster.fit, shown, session)
        with one_thread():
            if limit is None:
                made = guarded_fit(make)
            else:
                made = guarded_fit_within(make, limit)
        fit = checked_fit(made, forecaster, window.symbols)
        took = self.clock() - began
        kept, store = self._kept, self.store
        # A failure is not kept: it may be the machine's, and is tried again.
        if store is not None and kept is not None and fit.model is not None:
            store.put(self.key, kept.to_arrays(fit))
        return Fitted(session, window, fit, took, self.key, self.origin)

    @cached_property
    def key(self) -> str:
        """Where the fit is stored; empty if it cannot be."""
        kept, store = self._kept, self.store
        if store is None or kept is None:
            return ""
        computed_with = (*_arithmetic(getattr(kept, "libraries", ())), onednn_is_on())
        return store.key("fit", self.session, self.content, computed_with)

    @property
    def _kept(self) -> Storable | None:
        # The key knows the code of this package, and would not notice a change in that
        # of a forecaster defined elsewhere.
        forecaster = self.forecaster
        return forecaster if is_ours(forecaster) and _is_storable(forecaster) else None


def _is_storable(forecaster: object) -> TypeGuard[Storable]:
    return isinstance(forecaster, Storable)


def stored_forecast(
    store: ForecastStore | None, key: str, model: Model, shown: Excerpt
) -> tuple[str, NDArray[np.float64] | None]:
    """Return where a stored fit's forecast is kept, and the forecast if it is there.

    The key is empty if nothing can be stored. What no such model can have said is no
    forecast.
    """
    if store is None or not key:
        return "", None
    own = store.key("forecast", key, shown.content)
    arrays = store.get(own)
    if arrays is None:
        return own, None
    values = arrays.get("values")
    try:
        if values is None or values.dtype != np.float64:
            raise ForecastError("the entry", "values", "are not there", "float64")
        wanted = (len(shown.sessions), len(shown.symbols))
        if values.shape[1:] == wanted and len(values) and not np.isinf(values).any():
            return own, values  # as good as always, and without a look at the bars
        return own, checked_answer(values, model, shown.window)
    except ForecastError as error:
        store.discard(own, in_words(error))
        return own, None


@functools.cache
def _arithmetic(others: tuple[str, ...]) -> tuple[str, ...]:
    """Name what a fit is computed with; another one may round otherwise."""
    found = installed(("numpy", "tensorflow", "tensorflow-cpu", *others))
    versions = [f"{package} {version}" for package, version in found.items()]
    return *versions, processor()
