"""Bars as they were seen, from a journal's rows, and the same in today's units."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.bars import COLUMNS
from bt_lstm_rotation.prices.corporate_actions import CorporateAction
from bt_lstm_rotation.prices.corporate_actions import restated as in_last_units

__all__ = ["actions_of", "bar_rows", "panel_of", "restated"]

Actions = Mapping[dt.date, Mapping[str, CorporateAction]]


def panel_of(
    rows: Iterable[tuple[Any, ...]], symbols: Sequence[str], source: str
) -> PricePanel:
    """Align rows ``(session, symbol, open, high, low, close, volume)`` by session."""
    rows = list(rows)
    days = np.array([row[0] for row in rows], dtype="datetime64[D]")
    sessions, places = np.unique(days, return_inverse=True)
    column = {symbol: place for place, symbol in enumerate(symbols)}
    bars = np.full((len(COLUMNS), len(sessions), len(symbols)), np.nan)
    at = [column[row[1]] for row in rows]
    bars[:, places, at] = np.array([row[2:] for row in rows], dtype="float64").T
    return PricePanel(sessions, tuple(symbols), bars, source)


def bar_rows(
    panel: PricePanel, start: int = 0
) -> list[tuple[str, str, float, float, float, float, float]]:
    """Turn a panel's sessions, from a position on, back into rows."""
    values = panel.bars[:, start:].transpose(1, 2, 0).tolist()
    return [
        (str(session), symbol, *bar)
        for session, bars in zip(panel.sessions[start:], values, strict=True)
        for symbol, bar in zip(panel.symbols, bars, strict=True)
        if bar[3] == bar[3]  # NaN where there is no bar
    ]


def actions_of(rows: Iterable[tuple[Any, ...]]) -> Actions:
    """Sort rows ``(session, symbol, price, shares, cash)`` by session."""
    found: dict[dt.date, dict[str, CorporateAction]] = defaultdict(dict)
    for session, symbol, price, shares, cash in rows:
        day = dt.date.fromisoformat(session)
        found[day][symbol] = CorporateAction(price=price, shares=shares, cash=cash)
    return dict(found)


def restated(panel: PricePanel, actions: Actions) -> PricePanel:
    """Return a panel whose bars are all in the units of its last session."""
    due: dict[str, list[tuple[np.datetime64, CorporateAction]]] = defaultdict(list)
    for day in sorted(actions):
        for symbol, action in actions[day].items():
            due[symbol].append((np.datetime64(day, "D"), action))
    if not due:
        return panel
    bars = panel.bars.copy()
    for symbol, own in due.items():
        column = panel.symbols.index(symbol)
        bars[:, :, column] = in_last_units(panel.sessions, bars[:, :, column], own)
    return replace(panel, bars=bars)
