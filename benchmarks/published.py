"""Published results on the nine funds, replayed from their bars and judged.

    python benchmarks/published.py FOLDER [table] [rules] [net] [honest]

FOLDER is that of `study.py`. The parts, all by default: `table`, the study of 2019 as
it was published, which takes no network; `rules`, rules of others by closes at ends of
months, without dividends and costs, as they were reported; `net`, the same rules with
dividends, commission 0.0005 and slippage 0.0002; `honest`, the study of 2019 with
forecasts that know nothing of their future, which trains 54 networks of three layers.
"""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation import PricePanel, run_backtest
from bt_lstm_rotation.backtest.strategy_file import find_strategy
from bt_lstm_rotation.prices.folder import load_folder
from bt_lstm_rotation.prices.source import SPDR_SECTORS
from bt_lstm_rotation.user_code import run_file

Array = NDArray[np.float64]

LEAK = Path(__file__).parents[1] / "tests/evidence/audit/study_as_published.py"
SHUFFLES = 20_000
# What was reported, by which settings, in which sessions.
RULES: dict[str, tuple[str, dict[str, Any], dt.date, dt.date]] = {
    "rank 4 of last month": (
        *("one_rank", {}, dt.date(2000, 1, 3), dt.date(2017, 12, 29)),
    ),
    "the same, since": (*("one_rank", {}, dt.date(2018, 1, 2), dt.date(2019, 6, 28)),),
    "six-month winner": (
        "one_rank",
        {"rank": 1, "period": 126},
        *(dt.date(1999, 8, 2), dt.date(2019, 6, 28)),
    ),
    "above the average": (
        *("above_average", {}, dt.date(2010, 1, 4), dt.date(2016, 12, 30)),
    ),
}
PERIODS = ("50", "100", "150", "200", "250")


def table(panel: PricePanel, closes: pd.DataFrame) -> None:
    """Print what the study's forecasts were, and its account as it was reported."""
    study = run_file(LEAK)
    days = panel.sessions[1:]
    kept = days >= np.datetime64("1999-07-01")
    days = days[kept]
    n_train = int(np.searchsorted(days, np.datetime64("2019-01-01")))
    months = days[n_train:].astype("datetime64[M]")
    forecasts = {}
    for column, name in enumerate(SPDR_SECTORS):
        close = panel.close[:, column]
        returns = 100 * (close[1:] / close[:-1] - 1)[kept]
        made = study.as_published(returns, n_train)
        forecasts[name] = study.compounded(made, months)
    by_month = pd.DataFrame(forecasts).loc[list(study.TABLE)]
    print("\nThe study's forecasts, per cent, from the returns they are of:")
    print(by_month.round(3).to_string())
    moves = by_month_end(closes)
    equity = own = 100_000.0
    print("\n         reported  by the rows it took  by its own picks  best forecasts")
    for month, (reported, *halves) in study.TABLE.items():
        names = [name for name, _ in halves]
        taken = [study.MOVED_BY.get(name, name) for name in names]
        equity *= 1 + moves.loc[month, taken].mean()
        own *= 1 + moves.loc[month, names].mean()
        best = ", ".join(by_month.loc[month].nlargest(2).index)
        print(f"{month}  {reported:9,d}  {equity:19,.2f}  {own:16,.2f}  {best}")


def rules(closes: pd.DataFrame) -> None:
    """Print published rules as they were reported, and how good luck would be."""
    moves = by_month_end(closes)
    ranks = moves.shift(1).rank(axis=1, ascending=False, method="first")
    span = slice("2000-01", "2017-12")
    print("\nThe fund of one rank last month, 2000 to 2017, and equal weight:")
    equal = moves.mean(axis=1)
    for rank in range(1, 10):
        made = of_rank(moves, ranks, rank).loc[span]
        ahead = t_of((made - equal.loc[span]).to_numpy())
        print(f"  rank {rank}: {spelled(made)}, t of the difference {ahead:+.2f}")
    print(f"  equal : {spelled(equal.loc[span])}")
    alone, best = by_chance(moves.loc[span], ranks.loc[span], rank=4)
    print(f"  as far ahead by chance: rank 4 {alone:.4f}, the best of nine {best:.4f}")
    fresh = slice("2018-01", None)
    made, since = of_rank(moves, ranks, 4).loc[fresh], equal.loc[fresh]
    ahead = t_of((made - since).to_numpy())
    print(f"Since: {spelled(made)}, t of the difference {ahead:+.2f}")
    print(f"equal: {spelled(since)}")
    past = (1 + moves).rolling(6).apply(np.prod, raw=True).shift(1)
    winner = of_rank(moves, past.rank(axis=1, ascending=False, method="first"), 1)
    span = slice("1999-08", None)
    winner, equal = winner.loc[span], equal.loc[span]
    ahead = t_of((winner - equal).to_numpy())
    print("\nThe winner of six months, from August 1999 on, and equal weight:")
    print(f"  {spelled(winner)}, t of the difference {ahead:+.2f}")
    print(f"  {spelled(equal)}")
    print("\nAbove the average, 2010 to 2016, decided by the month:")
    for period in PERIODS:
        print(f"  {period:>3} sessions: {above(closes, int(period))}")
    held = closes.pct_change().mean(axis=1).loc["2010":"2016"]
    print(f"  equal weight: {daily(held)}")


def net(panel: PricePanel) -> None:
    """Print what the rules make with dividends and costs, by the package itself."""
    print("\nNet of costs, dividends included:")
    for label, (name, params, start, end) in RULES.items():
        span = {"benchmark": "SPY", "start": start, "end": end}
        for kind, given in ((name, params), ("equal_weight", {})):
            result = run_backtest(panel, find_strategy(kind), given, **span)
            print(f"  {label if kind == name else '  equal weight':22s}", end=" ")
            print(measured(result.summary["metrics"]), flush=True)


def measured(figures: dict[str, float]) -> str:
    """Put a run's figures into words."""
    return (
        f"{figures['cagr']:.2%} a year, volatility {figures['annual_volatility']:.1%}, "
        f"Sharpe {figures['sharpe']:.2f}, drawdown {figures['max_drawdown']:.1%}, "
        f"costs {figures['costs']:,.0f}"
    )


def honest(panel: PricePanel) -> None:
    """Print what the study comes to where no forecast knows its future."""
    result = run_backtest(
        panel,
        find_strategy("study_2019"),
        benchmark="SPY",
        start=dt.date(2019, 1, 2),
        end=dt.date(2019, 6, 28),
    )
    print(f"\nHonestly: {result.account['equity'].iloc[-1]:,.2f}")
    print({name: result.summary["forecast"][name] for name in ("ic", "rank_ic")})


def by_month_end(closes: pd.DataFrame) -> pd.DataFrame:
    """Return each month's return, by "YYYY-MM"."""
    months = closes.index.strftime("%Y-%m")
    moves: pd.DataFrame = closes.groupby(months).last().pct_change()
    return moves.loc[:"2019-06"]


def of_rank(moves: pd.DataFrame, ranks: pd.DataFrame, rank: int) -> pd.Series:
    """Return the monthly return of the one fund of that rank."""
    return moves.where(ranks == rank).sum(axis=1, min_count=1)


def by_chance(
    moves: pd.DataFrame, ranks: pd.DataFrame, rank: int
) -> tuple[float, float]:
    """How often shuffled ranks are as far ahead of equal weight, alone and the best.

    Which fund has which rank is drawn anew for every month; what counts is the t of the
    difference to equal weight.
    """
    ahead = moves.sub(moves.mean(axis=1), axis=0).to_numpy()
    ordered = np.take_along_axis(ahead, np.argsort(ranks.to_numpy(), axis=1), axis=1)
    seen = t_of(ordered)[rank - 1]
    rng = np.random.default_rng(0)
    alone = best = 0
    for _ in range(SHUFFLES // 500):
        drawn = rng.permuted(np.broadcast_to(ahead, (500, *ahead.shape)), axis=2)
        of_ranks = t_of(np.moveaxis(drawn, 1, 0))
        alone += int((of_ranks[:, rank - 1] >= seen).sum())
        best += int((of_ranks.max(axis=1) >= seen).sum())
    return alone / SHUFFLES, best / SHUFFLES


def t_of(ahead: Array) -> Any:
    """Return mean over standard error, along the first axis."""
    return ahead.mean(axis=0) / ahead.std(axis=0, ddof=1) * np.sqrt(len(ahead))


def above(closes: pd.DataFrame, period: int) -> str:
    """Return what a ninth in each fund above its average makes, the rest in cash."""
    ratio = closes / closes.rolling(period).mean() > 1
    months = closes.index.strftime("%Y-%m")
    last = closes.index.to_series().groupby(months).last()
    held = ratio.loc[last].astype(float).reindex(closes.index).ffill().shift(1)
    made = (held * closes.pct_change()).sum(axis=1) / len(closes.columns)
    return daily(made.loc["2010":"2016"])


def daily(returns: pd.Series) -> str:
    """Put daily returns into words."""
    equity = (1 + returns).cumprod()
    a_year = equity.iloc[-1] ** (252 / len(equity)) - 1
    sharpe = returns.mean() / returns.std() * np.sqrt(252)
    fall = (1 - equity / equity.cummax()).max()
    return f"{a_year:.2%} a year, Sharpe {sharpe:.2f}, drawdown {fall:.1%}"


def spelled(returns: pd.Series) -> str:
    """Put monthly returns into words."""
    a_year = (1 + returns).prod() ** (12 / len(returns)) - 1
    volatility = returns.std() * np.sqrt(12)
    return (
        f"{a_year:.2%} a year, volatility {volatility:.1%}, "
        f"{returns.mean():.2%} a month"
    )


def main() -> None:
    """Print the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    names = ("table", "rules", "net", "honest")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(names))
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(names):
        parser.error(f"no part {min(unknown)!r}; there are {', '.join(names)}")
    parts = arguments.parts or names
    given = {"today": dt.date.today()}
    panel = load_folder(arguments.folder, [*SPDR_SECTORS, "SPY"], **given)
    plain = load_folder(arguments.folder, SPDR_SECTORS, adjust=False, **given)
    sessions = pd.DatetimeIndex(plain.sessions)
    closes = pd.DataFrame(plain.close, sessions, plain.symbols)
    if "table" in parts:
        table(panel, closes)
    if "rules" in parts:
        rules(closes)
    if "net" in parts:
        net(panel)
    if "honest" in parts:
        honest(panel)


if __name__ == "__main__":
    main()
