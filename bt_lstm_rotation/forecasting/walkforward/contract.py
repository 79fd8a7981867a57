"""What a spec and its forecaster have to keep to, checked on every answer.

A forecaster may be anybody's. An answer in another shape is not always an error to
NumPy: sessions that stand where members belong are averaged into each other, and every
session is forecast from those after it.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole, is_number
from bt_lstm_rotation.errors import ForecastError, SpecError
from bt_lstm_rotation.forecasting.features import check_rows
from bt_lstm_rotation.forecasting.features.proof import prove
from bt_lstm_rotation.forecasting.forecaster import Fit, Forecaster, Model, Spec
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import check_period

__all__ = [
    "check_forecaster",
    "check_spec",
    "checked_answer",
    "checked_fit",
    "forecast_of",
    "is_ours",
]

ATTRIBUTES = ("horizon", "retrain", "fit_bars", "forecast_bars", "min_symbols")

# How far a session's forecast together with others may lie from the one alone, as a
# share of the largest of that session: a sum may be rounded in another order.
ROUNDING = {"f8": 1e-9, "f4": 1e-5}

ANSWER = "an array of (n_members, n_sessions, n_symbols) decimal returns"
UNSTATED = "no model was made, and no reason given"


def is_ours(thing: object) -> bool:
    """Whether a forecaster or model is of this package, whose code is known."""
    return type(thing).__module__.startswith("bt_lstm_rotation.")


def check_spec(spec: object, extra: tuple[str, ...] | None = None) -> None:
    """Raise SpecError unless it is a spec, and its numbers fit together.

    With the extra rows of its windows, also unless its features find theirs there, and
    FeatureError unless those of a user's own are proved to be causal.
    """
    if isinstance(spec, type):
        valid = f"a forecaster's spec, {spec.__name__}() and not the class itself"
        raise SpecError("Forecast", "spec", spec, valid)
    missing = [name for name in (*ATTRIBUTES, "forecaster") if not hasattr(spec, name)]
    if missing:
        valid = (
            "a forecaster's spec, such as ForecastSpec() or MomentumSpec(), and this "
            f"is without {', '.join(missing)}"
        )
        raise SpecError("Forecast", "spec", spec, valid)
    owner = type(spec).__name__
    for name in ("horizon", "fit_bars", "forecast_bars", "min_symbols"):
        check_whole(owner, name, getattr(spec, name), least=1)
    bars, most = spec.forecast_bars, spec.fit_bars  # type: ignore[attr-defined]
    if bars > most:
        # A session has a forecast as soon as it has the bars for a fit.
        raise SpecError(owner, "forecast_bars", bars, f"at most fit_bars, {most}")
    check_period(owner, "retrain", spec.retrain)  # type: ignore[attr-defined]
    if extra is not None and hasattr(spec, "own_features"):
        check_rows(owner, spec.feature_columns, extra)  # type: ignore[attr-defined]
        for feature in spec.own_features:
            prove(feature, extra)


def check_forecaster(spec: Spec, forecaster: Forecaster) -> Forecaster:
    """Return what a spec made if it can be fitted; raise ForecastError if not."""
    if isinstance(forecaster, type):
        name = forecaster.__name__
        problem = f"returns the class {name}"
        raise ForecastError(_name(spec), "forecaster", problem, f"return {name}()")
    _check_method(forecaster, "fit", "window", "session")
    return forecaster


def checked_fit(fit: object, forecaster: object, symbols: Sequence[str]) -> Fit:
    """Return a fit if it is one, of some of these symbols; raise ForecastError if not.

    A fit without a model has a problem.
    """
    name = _name(forecaster)
    if not isinstance(fit, Fit):
        valid = "return Fit(model), or Fit(None, problem='why') for a failed one"
        raise ForecastError(name, "fit", f"returns {_described(fit)}", valid)
    for curve in ("losses", "held_out_losses", "gradient_norms"):
        found: Any = getattr(fit, curve)
        if not isinstance(found, tuple) or not all(map(is_number, found)):
            valid = (
                f"Fit's {curve} are a tuple of floats; leave them out if there are none"
            )
            problem = f"returns {curve} {_described(found)}"
            raise ForecastError(name, "fit", problem, valid)
    if not is_number(fit.clipped):
        problem = f"returns clipped {_described(fit.clipped)}"
        raise ForecastError(name, "fit", problem, "a share of the steps, or NaN")
    if not isinstance(fit.problem, str):
        problem = f"returns the problem {fit.problem!r}"
        raise ForecastError(name, "fit", problem, "a problem is a text")
    if not isinstance(fit.note, str):
        problem = f"returns the note {fit.note!r}"
        raise ForecastError(name, "fit", problem, "a note is a text")
    model = fit.model
    if model is None:
        return fit if fit.problem else replace(fit, problem=UNSTATED)
    if fit.problem:
        problem = f"returns a model and the problem {fit.problem!r}"
        valid = "a fit with a problem has no model: Fit(None, problem='why')"
        raise ForecastError(name, "fit", problem, valid)
    _check_method(model, "forecast", "window")
    known: Any = getattr(model, "symbols", None)
    if not isinstance(known, tuple | list) or not _are_some_of(known, symbols):
        problem = f"returns a {_name(model)} whose symbols are {_described(known)}"
        valid = f"they are window.symbols, or some of them in that order: {symbols!r}"
        raise ForecastError(name, "fit", problem, valid)
    return fit


def forecast_of(model: Model, window: Window, *, sample: bool) -> NDArray[np.float64]:
    """Ask a model for its forecasts, and check them.

    Parameters
    ----------
    window : Window
        ``(n_sessions, n_symbols, n_bars)``.
    sample : bool
        Whether the first, middle and last session are also forecast alone, and
        compared.

    Returns
    -------
    (n_members, n_sessions, n_symbols) float64
        Decimal returns; NaN where the model has no forecast.

    Raises
    ------
    ForecastError
        If the answer has another shape, type or an infinite value, or a session's
        forecast differs when it is made alone.
    """
    last = len(window.dates) - 1
    rows = sorted({0, last // 2, last}) if sample and last else []
    # Copied before the model is asked: it may write into what it is shown.
    alone = [(row, _session(window, row)) for row in rows]
    answer = model.forecast(window)
    values = checked_answer(answer, model, window)
    for row, session in alone:
        single = model.forecast(session)
        checked = checked_answer(single, model, session)
        _compare(
            values[:, row], checked[:, 0], model, session,
            others=last, rounding=max(map(_rounding, (answer, single))),
        )  # fmt: skip
    return values


def checked_answer(answer: object, model: Model, window: Window) -> NDArray[np.float64]:
    """Return a model's forecasts for a window; raise ForecastError if they are none."""
    sessions, symbols = window.dates.shape[:2]
    wanted = f"(n_members, {sessions}, {symbols})"

    def refused(problem: str, valid: str) -> ForecastError:
        return ForecastError(_name(model), "forecast", f"gives {problem}", valid)

    # What is hidden in a masked array would come to light, and a frame has an order of
    # columns of its own.
    if not isinstance(answer, np.ndarray) or isinstance(answer, np.ma.MaskedArray):
        valid = f"{ANSWER} is wanted, here {wanted} float64"
        raise refused(_described(answer), valid)
    if answer.dtype.kind not in "fiu":
        valid = f"{ANSWER} is wanted, of floats"
        raise refused(f"an array of {answer.dtype.name}", valid)
    if answer.shape != (*answer.shape[:1], sessions, symbols) or not len(answer):
        hint = ""
        if answer.shape == (sessions, symbols):
            hint = "; values[None] adds the axis of the one member"
        elif answer.shape[1:] == (symbols, sessions):
            hint = "; sessions and symbols have changed places"
        valid = f"{wanted} is wanted: members, sessions, symbols{hint}"
        raise refused(f"an array of shape {answer.shape}", valid)
    values = answer.astype(np.float64)
    if np.isinf(values).any():
        member, row, column = np.argwhere(np.isinf(values))[0]
        cell = f"{values[member, row, column]} for {window.symbols[column]}"
        valid = "a forecast is a finite decimal return, or NaN for none"
        raise refused(f"{cell} on {window.dates[row].max()}", valid)
    return values


def _compare(
    together: NDArray[np.float64],
    alone: NDArray[np.float64],
    model: Model,
    session: Window,
    *,
    others: int,
    rounding: float,
) -> None:
    """Compare a session's forecasts, (n_members, n_symbols), made in two ways."""
    date = session.dates.max()
    rule = "a forecast must depend on its own session's bars"
    if len(together) != len(alone):
        problem = (
            f"has {len(together)} members for {date} together with {others} other "
            f"sessions and {len(alone)} alone"
        )
        raise ForecastError(_name(model), "forecast", problem, rule)
    known = np.concatenate([together, alone]).ravel()
    largest = np.abs(known[np.isfinite(known)]).max(initial=0.0)
    same = np.isclose(together, alone, rtol=0, atol=rounding * largest, equal_nan=True)
    if same.all():
        return
    member, column = np.argwhere(~same)[0]
    first, second = together[member, column], alone[member, column]
    if abs(first - second) <= ROUNDING["f4"] * largest:
        rule += "; for a difference as small as single precision's, return float32"
    problem = (
        f"gives {first:.9g} for {session.symbols[column]} on {date} together with "
        f"{others} other sessions and {second:.9g} alone"
    )
    raise ForecastError(_name(model), "forecast", problem, rule)


def _rounding(answer: Any) -> float:
    exact = answer.dtype.kind != "f" or answer.dtype.itemsize >= 8
    return ROUNDING["f8" if exact else "f4"]


def _session(window: Window, row: int) -> Window:
    """Return one session of a window, with arrays of its own."""
    here = slice(row, row + 1)
    dates, bars = window.dates[here].copy(), window.bars[:, here].copy()
    return replace(window, dates=dates, bars=bars)


def _check_method(owner: object, method: str, *arguments: str) -> None:
    """Raise ForecastError unless a method takes so many arguments."""
    valid = f"define {method}(self, {', '.join(arguments)})"
    function = getattr(owner, method, None)
    if not callable(function):
        raise ForecastError(_name(owner), method, "is not there", valid)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # compiled code need not say
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        problem = f"takes {signature} and is called with {', '.join(arguments)}"
        raise ForecastError(
            _name(owner), method, f"{problem} ({error})", valid
        ) from None


def _are_some_of(known: Sequence[Any], symbols: Sequence[str]) -> bool:
    return len(known) > 0 and list(known) == [s for s in symbols if s in known]


def _name(thing: object) -> str:
    return type(thing).__name__


def _described(thing: object) -> str:
    """Say what was given in a few words, with its shape if it has one."""
    shape = getattr(thing, "shape", None)
    if isinstance(shape, tuple):
        return f"{_name(thing)} of shape {tuple(shape)}"
    text = " ".join(repr(thing).split())
    kind = "" if thing is None else f" ({_name(thing)})"
    return f"{text if len(text) <= 80 else text[:77] + '...'}{kind}"
