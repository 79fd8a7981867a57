"""Names of what is traded."""

from __future__ import annotations

from collections.abc import Iterable

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.wording import is_writable

__all__ = ["distinct_symbols"]


def distinct_symbols(symbols: Iterable[str]) -> tuple[str, ...]:
    """Return the symbols asked for: at least one, each a name, and none twice.

    They need not be tickers: a feed may be called anything. Raises DataError if they
    are none, a single string, not all text, empty or repeated, or no file can have one
    of them in it.
    """
    if isinstance(symbols, str):
        raise DataError("one name, not a list", value=symbols, valid=f"[{symbols!r}]")
    try:
        names = tuple(symbols)
    except TypeError:
        valid = "a list such as ['XLK']"
        raise DataError("not names", value=symbols, valid=valid) from None
    if not names:
        raise DataError("no symbols", valid="at least one symbol is needed")
    for number, name in enumerate(names):
        if not isinstance(name, str) or not name:
            raise DataError("not a name", value=name, valid="a text, not empty")
        if not is_writable(name):
            valid = "letters that UTF-8 has"
            raise DataError("a name that no file can hold", value=name, valid=valid)
        if name in names[:number]:
            raise DataError("named twice", symbol=name, valid="each symbol once")
    return tuple(str(name) for name in names)
