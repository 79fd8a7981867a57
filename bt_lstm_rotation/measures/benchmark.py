"""What a benchmark would have made of the same capital, and how far it is known."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bt_lstm_rotation.measures.flows import with_flows
from bt_lstm_rotation.measures.performance import performance

__all__ = ["Benchmark"]

logger = logging.getLogger(__name__)

# A week of sessions: holidays of one exchange alone are shorter.
LONGEST_HOLIDAY = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Benchmark:
    """A symbol that is bought with all of the account's capital, and held.

    Parameters
    ----------
    name : str
    close : Series
        Its closes, indexed by its own sessions.
    account : DataFrame
        ``equity`` in currency, indexed by session.
    flows : Series
        What was paid into the account, in currency, with its sessions.
    traded : bool
        Whether the strategy traded it.
    """

    name: str
    close: pd.Series[Any]
    account: pd.DataFrame
    flows: pd.Series[Any]
    traded: bool

    @property
    def worth(self) -> pd.Series[Any]:
        """Currency a session without flows; NaN beyond its first and last bar.

        It begins with what the account is worth then. A session on which the benchmark
        alone did not trade keeps its last value.
        """
        sessions = self.account.index
        close = self.close.reindex(sessions, method="ffill")
        close = close.where(sessions <= self.close.index[-1])
        first = close.first_valid_index()
        if first is None:
            return close
        worth: pd.Series[Any] = self.account["equity"][first] * close / close[first]
        return worth

    @property
    def curve(self) -> pd.Series[Any]:
        """Currency a session, with the account's flows."""
        known = self.worth.dropna()
        flows = self.flows[known.index]
        if flows.any():
            known = with_flows(known, flows)
        return known.reindex(self.account.index)

    def measured(self, periods_a_year: float | None) -> dict[str, Any]:
        """Measure it over its own sessions, for ``summary.json``."""
        known = self.worth.dropna()
        missing = self._missing()
        return {
            **performance(
                known, traded_value=0.0, costs=0.0, periods_a_year=periods_a_year
            ),
            "last_session": str(known.index[-1].date()),
            "sessions_without_bar": int(missing.sum()),
            "traded": self.traded,
        }

    def notes(self) -> Iterator[str]:
        """Give what a reader of its figures has to know; the graver is logged too."""
        known, sessions = self.worth.dropna(), self.account.index
        if late := int((sessions < known.index[0]).sum()):
            yield _logged(
                f"The benchmark {self.name} begins on {known.index[0]:%Y-%m-%d}, "
                f"{_sessions(late)} after the account: its figures are those from "
                "there."
            )
        if left := int((sessions > known.index[-1]).sum()):
            yield _logged(
                f"The benchmark {self.name} ends on {known.index[-1]:%Y-%m-%d}, "
                f"{_sessions(left)} before the account: its figures are those up to "
                "there."
            )
        missing = self._missing()
        if missing.any():
            longest = int(missing.groupby((~missing).cumsum()).sum().max())
            note = (
                f"The benchmark {self.name} has no bar on {int(missing.sum()):,} of "
                f"{len(known):,} sessions, up to {longest:,} in a row, and keeps its "
                "last value there."
            )
            yield _logged(note) if longest > LONGEST_HOLIDAY else note
        if self.traded:
            yield _logged(
                f"The strategy traded its benchmark {self.name}, which has a column in "
                "weights.csv: it is compared with something that it held."
            )

    def _missing(self) -> pd.Series[Any]:
        known = self.worth.dropna().index
        return pd.Series(~known.isin(self.close.index), index=known)


def _sessions(number: int) -> str:
    return f"{number:,} session{'' if number == 1 else 's'}"


def _logged(note: str) -> str:
    logger.warning("%s", note)
    return note
