"""Whom a candidate is compared with, over the same walk forward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple

from bt_lstm_rotation.checks import listed
from bt_lstm_rotation.errors import MissingExtraError, SpecError, closest
from bt_lstm_rotation.forecasting import find_forecaster
from bt_lstm_rotation.forecasting.forecaster import Preparable, Spec
from bt_lstm_rotation.wording import in_text

__all__ = ["RIVALS", "Rivals", "find_rivals"]

RIVALS = (
    *("zero", "mean", "ewma", "momentum", "reversal"),
    *("filters", "kalman", "ridge", "tree", "arima"),
)

# An ARIMA of each symbol takes seconds a fit, and so all the others' time several times
# over; it is run where it is named.
SLOW = {"arima": "it takes several times as long as all others; name it to run it"}


class Rivals(NamedTuple):
    """Those to run, name -> spec, and those left out, name -> why."""

    specs: dict[str, Spec]
    left_out: dict[str, str]


def find_rivals(candidate: Spec, names: Sequence[str] | None = None) -> Rivals:
    """Give rivals the candidate's horizon, training window and days of retraining.

    Parameters
    ----------
    candidate : Spec
    names : sequence of str, optional
        Some of `RIVALS`; by default all but those that are slow.

    Raises
    ------
    SpecError
        If a name is none of `RIVALS`.
    """
    valid = f"names of {', '.join(RIVALS)}"
    asked = RIVALS if names is None else listed("verdict", "rivals", names, valid)
    found = Rivals({}, {})
    for name in asked:
        if not isinstance(name, str) or name not in RIVALS:
            hint = closest(in_text(name), RIVALS)
            raise SpecError("verdict", "rivals", name, f"known ({hint})")
        if names is None and name in SLOW:
            found.left_out[name] = SLOW[name]
            continue
        spec = _alike(find_forecaster(name), candidate)
        if spec == candidate:
            found.left_out[name] = "it is the candidate"
            continue
        try:
            forecaster = spec.forecaster()
            if isinstance(forecaster, Preparable):
                forecaster.prepare()
        except MissingExtraError as error:
            found.left_out[name] = str(error)
            continue
        found.specs[name] = spec
    return found


def _alike(spec: Any, candidate: Any) -> Any:
    """Return a spec with what it shares with the candidate's walk forward."""
    shared = {"horizon": candidate.horizon, "retrain": candidate.retrain}
    for name in ("train_size",):
        if hasattr(candidate, name):
            shared[name] = getattr(candidate, name)
    known = {field.name for field in fields(spec)} if is_dataclass(spec) else set()
    shared = {name: value for name, value in shared.items() if name in known}
    try:
        return replace(spec, **shared)
    except SpecError:  # such as a training window that is too short for it
        shared.pop("train_size", None)
        return replace(spec, **shared)
