"""Tables of bars, some perhaps with an ``Adj Close`` -> a panel that says which."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping

import pandas as pd

from bt_lstm_rotation.prices.bars import ADJUSTED_CLOSE, adjusted_bars
from bt_lstm_rotation.prices.panel import PricePanel

__all__ = ["assembled"]

logger = logging.getLogger(__name__)


def assembled(
    tables: Mapping[str, pd.DataFrame], *, today: dt.date, adjust: bool, source: str
) -> PricePanel:
    """Apply ``Adj Close`` where a table has it, judge that, and align the symbols.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Symbol -> bars with the columns of :mod:`bt_lstm_rotation.prices.columns`, as
        `named` finds them; without ``Adj Close`` if it is not to be applied.
    adjust : bool
        Whether it was to be; a table without it is then named in a warning.
    source : str
        Where they come from; what was done is added to it.

    Raises
    ------
    DataError
        On whatever `PricePanel.from_frames` refuses.
    """
    plain = [name for name, table in tables.items() if ADJUSTED_CLOSE not in table]
    if adjust and plain:
        logger.warning(
            "no Adj Close for %s: prices are used as they are", ", ".join(plain)
        )
    frames, findings = {}, []
    for name, table in tables.items():
        frames[name] = table
        if ADJUSTED_CLOSE in table:
            frames[name], found = adjusted_bars(name, table)
            findings += found
    source = f"{source}, {_adjustment(adjust, len(plain), len(tables))}"
    return PricePanel.from_frames(frames, today=today, source=source, findings=findings)


def _adjustment(adjust: bool, plain: int, total: int) -> str:
    if not adjust:
        return "prices as they are"
    if plain:
        return f"prices as they are for {plain} of {total} symbols without Adj Close"
    return "adjusted by Adj Close"
