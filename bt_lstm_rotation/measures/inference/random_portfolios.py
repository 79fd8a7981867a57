"""What chance makes of the same trading: portfolios of sectors drawn at random.

Each draw trades on the strategy's own dates. Where the strategy exchanges m of its N
sectors, the draw gives up m of its own at random and takes m others at random, all with
equal weights and as much of its worth invested as the strategy had. Dates, names held,
turnover in names and costs are then the strategy's, and all that is left is which names
[1]_. The strategy goes through the same arithmetic, so that like is compared with like.

References
----------
.. [1] P. Burns, "Random portfolios for evaluating trading strategies", working paper,
   2006, https://www.burns-stat.com/pages/Working/randport.pdf.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_range, check_whole
from bt_lstm_rotation.errors import DataError

__all__ = ["RandomPortfolios", "random_portfolios", "traded"]

_Floats = NDArray[np.float64]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class RandomPortfolios:
    """Sharpe ratios of one session: the strategy's, and those of the draws.

    Parameters
    ----------
    strategy : float
    draws : (n_draws,) float64
    turnover : float
        What the strategy traded at a rebalance on average, over its worth.
    """

    strategy: float
    draws: _Floats = field(repr=False)
    turnover: float

    @property
    def place(self) -> float:
        """The share of draws that the strategy is above, ties counting half."""
        if math.isnan(self.strategy):
            return math.nan
        above = (self.draws < self.strategy).mean()
        return float(above + (self.draws == self.strategy).mean() / 2)

    @property
    def p_value(self) -> float:
        """The chance of a draw as good as the strategy: (1 + as good) / (1 + draws)."""
        if math.isnan(self.strategy):
            return math.nan
        as_good = int((self.draws >= self.strategy).sum())
        return (1 + as_good) / (1 + len(self.draws))


def random_portfolios(
    close: _Floats,
    bought: _Floats,
    held: _Flags,
    invested: _Floats,
    rows: NDArray[np.int64],
    *,
    cost: float,
    draws: int = 1_000,
    seed: int = 0,
) -> RandomPortfolios:
    """Trade at random what a strategy traded by its forecasts.

    Parameters
    ----------
    close : (n_sessions, n_symbols) float64
        Currency; NaN before a symbol's first bar. Later holes keep the last price.
    bought : (n_rebalances, n_symbols) float64
        Prices at which each rebalance could trade, such as the opens; NaN where a
        symbol could not be.
    held : (n_rebalances, n_symbols) bool
        What the strategy held after each.
    invested : (n_rebalances,) float64
        The share of its worth in sectors then, 0 to 2; the rest is cash without
        interest.
    rows : (n_rebalances,) int64
        Ascending, the session of each.
    cost : float
        Commission and slippage, over what is traded, 0 to 0.5.
    draws : int
        100 to 100,000.
    seed : int

    Raises
    ------
    DataError
        If shapes do not fit, or there is no rebalance.
    SpecError
        If a setting is out of range.
    """
    check_range("random_portfolios", "cost", cost, 0, 0.5)
    check_whole("random_portfolios", "draws", draws, least=100, most=100_000)
    close, bought = np.asarray(close, "float64"), np.asarray(bought, "float64")
    held, rows = np.asarray(held, bool), np.asarray(rows, "int64")
    invested = np.clip(np.asarray(invested, "float64"), 0.0, 2.0)
    count = len(rows)
    fits = close.ndim == 2 and held.shape == bought.shape == (count, close.shape[-1])
    if not (fits and invested.shape == (count,) and count and rows[0] >= 0):
        raise DataError(
            "rebalances that do not fit the prices",
            value=(close.shape, bought.shape, held.shape, invested.shape, rows.shape),
            valid="(n_sessions, n_symbols), twice (n_rebalances, n_symbols), and two "
            "of (n_rebalances,)",
        )
    if (np.diff(rows) < 1).any() or rows[-1] >= len(close):
        raise DataError("rows that do not ascend within the sessions", field="rows")
    prices = _carried(close)
    bought = np.where(np.isfinite(bought) & (bought > 0), bought, np.nan)
    chosen = np.concatenate(
        [held[:, None], _drawn(held, ~np.isnan(bought), draws, seed)], axis=1
    )
    growth, turnover = traded(prices, bought, chosen, invested, rows, cost)
    returns = growth[:, 1:] / growth[:, :-1] - 1
    mean, deviation = returns.mean(axis=1), returns.std(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        sharpe = np.where(deviation > 0, mean / deviation, np.nan)
    known = sharpe[1:][np.isfinite(sharpe[1:])]
    return RandomPortfolios(float(sharpe[0]), known, float(turnover[0]))


def _drawn(held: _Flags, tradable: _Flags, draws: int, seed: int) -> _Flags:
    """Draw as many kept and new names, (n_rebalances, draws, n_symbols)."""
    rng = np.random.default_rng(seed)
    before = np.zeros((draws, held.shape[1]), dtype=bool)
    own = np.zeros(held.shape[1], dtype=bool)
    found = np.empty((len(held), draws, held.shape[1]), dtype=bool)
    for step, (now, can) in enumerate(zip(held, tradable, strict=True)):
        kept, total = int((now & own).sum()), int(now.sum())
        order = rng.random(before.shape)
        # Of the names held, `kept` of those that can be traded come first; then the
        # others, until there are enough.
        stays = _first(np.where(before & can, order, np.inf), kept)
        rest = np.where(
            can & ~before, order, np.where(before & ~stays, 1 + order, np.inf)
        )
        rest = np.where(can, rest, np.inf)
        missing = total - stays.sum(axis=1)
        before = stays | _first(np.where(stays, np.inf, rest), missing)
        found[step], own = before, now
    return found


def _first(order: _Floats, count: Any) -> _Flags:
    """Mark the `count` smallest finite values of each row."""
    rank = order.argsort(axis=1).argsort(axis=1)
    marked: _Flags = (rank < np.reshape(count, (-1, 1))) & np.isfinite(order)
    return marked


def _carried(close: _Floats) -> _Floats:
    place = np.where(np.isnan(close), 0, np.arange(len(close))[:, None])
    last = np.maximum.accumulate(place, axis=0)
    return np.take_along_axis(close, last, axis=0)


def traded(
    prices: _Floats,
    bought: _Floats,
    chosen: _Flags,
    invested: _Floats,
    rows: NDArray[np.int64],
    cost: float,
) -> tuple[_Floats, _Floats]:
    """Trade several portfolios of equal weights side by side.

    Parameters
    ----------
    prices : (n_sessions, n_symbols) float64
        Closes without holes after a symbol's first.
    chosen : (n_rebalances, n_portfolios, n_symbols) bool
    bought, invested, rows, cost
        As `random_portfolios` takes them.

    Returns
    -------
    worth : (n_portfolios, n_closes) float64
        1 at the close before the first rebalance, and then at each.
    turnover : (n_portfolios,) float64
        What is traded at a rebalance on average, over worth.

    Notes
    -----
    Costs are paid out of worth: what is traded is the distance between the values held
    before, at the prices that are traded at, and those wanted.
    """
    number = chosen.shape[1]
    cash = np.ones(number)
    units = np.zeros((number, prices.shape[1]))
    curve = np.ones((number, len(prices) - rows[0] + 1))
    turnover = np.zeros(number)
    ends = [*rows[1:], len(prices)]
    for step, (begin, end) in enumerate(zip(rows, ends, strict=True)):
        at = np.where(np.isnan(bought[step]), prices[begin], bought[step])
        values = units * np.nan_to_num(at)
        worth = cash + values.sum(axis=1)
        names = chosen[step].sum(axis=1, keepdims=True)
        share = invested[step] * chosen[step] / np.maximum(names, 1)
        wanted = share * worth[:, None]
        moved = np.abs(wanted - values).sum(axis=1)
        worth = worth - cost * moved
        turnover += moved / np.maximum(worth, 1e-300)
        wanted = share * worth[:, None]
        cash = worth - wanted.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            units = np.where(chosen[step], wanted / at, 0.0)
        path = np.nan_to_num(prices[begin:end]) @ units.T
        curve[:, begin - rows[0] + 1 : end - rows[0] + 1] = path.T + cash[:, None]
    return curve, turnover / len(rows)
