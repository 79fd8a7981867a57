"""``--set key=value`` -> parameters of a strategy and settings of its spec."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from bt_lstm_rotation.errors import SpecError, closest
from bt_lstm_rotation.periodic import PeriodicRebalance

__all__ = ["given_names", "parse_settings"]


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


def parse_settings(
    strategy: Any, settings: Sequence[str], *, seed: int | None = None
) -> dict[str, Any]:
    """Turn command-line settings into those of a strategy's parameters they change.

    Parameters
    ----------
    strategy : type of bt.Strategy
        Its parameters are the keys; where one of them is ``spec``, so are the fields of
        the spec, with or without ``spec.`` in front.
    settings : sequence of str
        Each ``key=value``; the value as JSON, or else as text: ``top=2``,
        ``pooled=false``, ``retrain=weekly``, ``features=["log_return", "rank"]``.
    seed : int, optional
        The spec's seed, if it has one.

    Raises
    ------
    SpecError
        If a setting is not ``key=value``, its key is unknown or given twice, or its
        value is impossible.
    """
    owner = strategy.__name__
    defaults = dict(strategy.params._getitems())
    spec = defaults.get("spec")
    of_spec = _field_names(spec)
    # Its fields are settings, and not the spec itself.
    closed = given_names(strategy)
    if spec is None or of_spec:
        closed.add("spec")
    params: dict[str, Any] = {}
    changes: dict[str, Any] = {}
    if seed is not None and "seed" in of_spec:
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
        if name in of_spec and (name != key or name not in defaults):
            changes[name] = _value(text)
        elif key in defaults and key not in closed:
            params[key] = _value(text)
        else:
            hint = closest(name, {*defaults, *of_spec} - closed)
            raise SpecError(owner, "--set", setting, f"a known key ({hint})")
    if changes:
        params["spec"] = replace(spec, **changes)  # type: ignore[type-var]
    return params


def _field_names(spec: Any) -> set[str]:
    is_instance = is_dataclass(spec) and not isinstance(spec, type)
    return {field.name for field in fields(spec)} if is_instance else set()


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # not JSON; too many digits; too many brackets
        return text.strip()
    return tuple(value) if isinstance(value, list) else value
