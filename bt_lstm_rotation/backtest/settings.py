"""``--set key=value`` -> parameters of a strategy and settings of its forecaster.

``--forecaster NAME`` is ``--set forecaster=NAME``: the strategy's parameter ``spec`` by
a name in `bt_lstm_rotation.forecasting.FORECASTERS`; its fields are then the settings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple

from bt_lstm_rotation.backtest.meanings import meanings
from bt_lstm_rotation.errors import SpecError, closest
from bt_lstm_rotation.forecasting import find_forecaster
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.periodic import PeriodicRebalance

__all__ = ["FORECASTER", "Setting", "given_names", "known_settings", "parse_settings"]

# The key that names a forecaster, unless the strategy has a parameter of that name.
FORECASTER = "forecaster"


class Setting(NamedTuple):
    """A key of ``--set``; `default` as ``--set`` takes it, `meaning` "" if unknown."""

    key: str
    default: str
    meaning: str


def given_names(strategy: Any) -> set[str]:
    """Return which of a strategy's parameters `run_backtest` gives it.

    All of ours have them. Somebody's own strategy may mean something else by the same
    names: it is given a benchmark and a training where these are None by default, and
    its ``start`` is its own.
    """
    names = {"benchmark", "start", "training"}
    defaults = dict(strategy.params._getitems())
    if not issubclass(strategy, PeriodicRebalance):
        names = {n for n in names - {"start"} if defaults.get(n, n) is None}
    return names & set(defaults)


def known_settings(
    strategy: Any, forecaster: str | None = None
) -> tuple[list[Setting], list[Setting]]:
    """Return all that `parse_settings` takes: of a strategy, and of its forecaster.

    The forecaster is its own, or that of a name. Raises SpecError as `parse_settings`.
    """
    spec = _spec(strategy, forecaster)
    params, of_spec = _defaults(strategy, spec)
    return _listed(strategy, params), _listed(type(spec), of_spec)


def parse_settings(
    strategy: Any, settings: Sequence[str], *, seed: int | None = None
) -> dict[str, Any]:
    """Turn command-line settings into those of a strategy's parameters they change.

    Parameters
    ----------
    strategy : type of bt.Strategy
        Its parameters are the keys; where one of them is ``spec``, so are the fields of
        the spec, with or without ``spec.`` in front, and ``forecaster``, which names
        another spec.
    settings : sequence of str
        Each ``key=value``; the value as JSON, or else as text: ``top=2``,
        ``pooled=false``, ``retrain=weekly``, ``features=["log_return", "rank"]``.
    seed : int, optional
        The spec's seed, if it has one.

    Raises
    ------
    SpecError
        If a setting is not ``key=value``, its key is unknown or given twice, its value
        is impossible, or a forecaster is unknown or is named for a strategy without a
        parameter ``spec``.
    """
    owner = strategy.__name__
    chosen = _forecaster_in(strategy, settings)
    spec = _spec(strategy, chosen)
    known, of_spec = _defaults(strategy, spec)
    fields_of_spec = {key.removeprefix("spec.") for key in of_spec}
    params: dict[str, Any] = {}
    changes: dict[str, Any] = {}
    if seed is not None and "seed" in fields_of_spec:
        changes["seed"] = seed
    seen = set()
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        if not equals or not key:
            raise SpecError(owner, "--set", setting, "key=value, such as top=2")
        name = key.removeprefix("spec.")
        if name in seen:
            raise SpecError(owner, "--set", setting, "given once for each key")
        seen.add(name)
        if key in of_spec or (name != key and name in fields_of_spec):
            changes[name] = _value(text)
        elif key in known:
            params[key] = _value(text)
        elif key == FORECASTER and chosen is not None:
            params["spec"] = spec
        else:
            hint = closest(name, {*known, *fields_of_spec})
            raise SpecError(owner, "--set", setting, f"a known key ({hint})")
    if changes:
        params["spec"] = replace(spec, **changes)
    return params


def _forecaster_in(strategy: Any, settings: Sequence[str]) -> str | None:
    """Return the forecaster that settings name; None if they name none."""
    if FORECASTER in strategy.params._getkeys():
        return None
    for setting in settings:
        key, equals, text = setting.partition("=")
        if equals and key.strip() == FORECASTER:
            return text.strip()
    return None


def _spec(strategy: Any, forecaster: str | None) -> Any:
    """Return a strategy's own spec, or the one that a name stands for."""
    params = dict(strategy.params._getitems())
    own = params.get("spec")
    if forecaster is None:
        return own
    owner = strategy.__name__
    is_ours = own is None or (isinstance(own, Spec) and not isinstance(own, type))
    if "spec" not in params or not is_ours:
        valid = "left out, as it has no parameter spec for one; SectorRotation has"
        raise SpecError(owner, "--forecaster", forecaster, valid)
    try:
        return find_forecaster(forecaster)
    except SpecError as error:
        raise SpecError(owner, "--forecaster", forecaster, error.valid) from error


def _listed(owner: type, defaults: Mapping[str, Any]) -> list[Setting]:
    meaning = meanings(owner)
    return [
        Setting(key, _text(value), meaning.get(key.removeprefix("spec."), ""))
        for key, value in defaults.items()
    ]


def _defaults(strategy: Any, spec: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return key -> default, of the strategy's parameters and of a spec's fields."""
    params = dict(strategy.params._getitems())
    names: list[str] = []
    if is_dataclass(spec) and not isinstance(spec, type):
        names = [f.name for f in fields(spec) if not f.metadata.get("derived")]
    of_spec = {
        f"spec.{name}" if name in params else name: getattr(spec, name)
        for name in names
    }
    closed = given_names(strategy)
    # Its fields are settings, and not the spec itself.
    if spec is None or names:
        closed.add("spec")
    return {k: v for k, v in params.items() if k not in closed}, of_spec


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # not JSON; too many digits; too many brackets
        return text.strip()
    return tuple(value) if isinstance(value, list) else value


def _text(value: Any) -> str:
    """Spell a value so that `_value` gives it back, if there is a way."""
    if isinstance(value, str) and value and _value(value) == value:
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return repr(value)
