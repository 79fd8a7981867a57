"""What a run was set to, as plain values for ``summary.json``."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import backtrader as bt

from bt_lstm_rotation.checks import plain_number
from bt_lstm_rotation.rebalancing.schemes import multiplier_of

__all__ = [
    "described_broker",
    "described_command",
    "described_spec",
    "described_strategies",
    "folder_name",
    "name_of_trial",
]


# Of a folder's name: what is longer is cut, and told apart by its hash.
LONGEST = 80


def described_strategies(strategies: Sequence[Any]) -> dict[str, Any]:
    """Name the strategies of one account, and all parameters that are plain values.

    Where there are several, each one's parameters stand below its name.
    """
    names = [type(strategy).__name__ for strategy in strategies]
    params = [_plain(strategy.p) for strategy in strategies]
    if len(strategies) == 1:
        return {"name": names[0], "params": params[0], **_sizer(strategies[0])}
    numbered = [f"{number} {name}" for number, name in enumerate(names, start=1)]
    return {
        "name": " + ".join(names),
        "params": dict(zip(numbered, params, strict=True)),
    }


def described_spec(spec: Any) -> dict[str, Any] | None:
    """Name a forecaster and its settings; None for what is no dataclass.

    Features of a user's own stand beside, each with the hash of its code.
    """
    if not is_dataclass(spec) or isinstance(spec, type):
        return None
    settings = {"forecaster": type(spec).__name__, **asdict(spec)}
    if own := settings.pop("own_features", ()):
        settings["own_features"] = {each["name"]: each["code"] for each in own}
    return settings


def _sizer(strategy: Any) -> dict[str, Any]:
    """Describe a strategy's sizer, unless it is Backtrader's default, one share."""
    sizer = strategy.getsizer()
    params, default = dict(sizer.p._getkwargs()), bt.sizers.FixedSize
    if type(sizer) is default and params == dict(default.params._getitems()):
        return {}
    return {"sizer": {"name": type(sizer).__name__, "params": params}}


def described_broker(broker: Any, cash: float) -> dict[str, Any]:
    """Say what a broker charges, and with how much `cash` it began.

    A commission is a share of an order's value, or a scheme with its settings; where
    feeds have schemes of their own, they stand below their names.
    """
    schemes = dict(getattr(broker, "comminfo", {}))
    commission = _described(schemes.pop(None, None))
    if schemes:
        own = {str(name): _described(scheme) for name, scheme in schemes.items()}
        commission = {"default": commission, **own}
    params = getattr(broker, "p", None)
    slippage = getattr(params, "slip_perc", 0.0)
    fixed = getattr(params, "slip_fixed", 0.0)
    return {
        "cash": cash,
        "commission": commission,
        "slippage": slippage if slippage or not fixed else {"fixed": fixed},
    }


def described_command(argv: Sequence[str]) -> str | None:
    """Return the command that a process was started with, to be typed again.

    None for a session at a prompt or in a notebook, which no command repeats.
    """
    interpreter, *rest = argv or [""]
    if not rest or any("ipykernel" in part for part in rest):
        return None
    return shlex.join([Path(interpreter).name, *rest])


def name_of_trial(strategies: Sequence[Any]) -> str:
    """Name a trial of an optimisation after the parameters that are not the defaults.

    Such as ``SMACross-period=20-3f2a91c8``: safe in a path, and different for different
    parameters, whatever their text.
    """
    given = []
    for strategy in strategies:
        defaults = dict(type(strategy).params._getitems())
        for name, value in strategy.p._getkwargs().items():
            if repr(value) != repr(defaults.get(name)):
                given.append(f"{name}={value}")
    names = "+".join(type(strategy).__name__ for strategy in strategies)
    # A spec is long, and would push the parameters after it out of the name.
    return folder_name([names, *sorted(given, key=len)])


def folder_name(parts: Sequence[str]) -> str:
    """Name a folder after some texts: it can be read, and no others have the same."""
    text = "-".join(parts)
    readable = re.sub(r"[^A-Za-z0-9=.,_+-]+", "_", text)[:LONGEST]
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
    return f"{readable}-{digest[:8]}"


def _described(scheme: Any) -> Any:
    if scheme is None:
        return None
    if type(scheme) in (bt.CommInfoBase, bt.CommissionInfo) and _is_share(scheme):
        return float(scheme.p.commission)
    return {"scheme": type(scheme).__name__, **_plain(scheme.p)}


def _is_share(scheme: Any) -> bool:
    """Whether a share of an order's value is all that it charges."""
    by_value = scheme._commtype == scheme.COMM_PERC and scheme.stocklike
    unit = multiplier_of(scheme) == scheme.get_leverage() == 1
    return bool(by_value and unit and not scheme.p.interest)


def _plain(params: Any) -> dict[str, Any]:
    plain = str | int | float | bool | None
    values = {k: plain_number(v) for k, v in params._getkwargs().items()}
    return {name: value for name, value in values.items() if isinstance(value, plain)}
