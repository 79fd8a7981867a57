"""One run of a candidate and its rivals over the same walk forward -> a verdict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.backtest.broker import Broker
from bt_lstm_rotation.backtest.run import run_backtest
from bt_lstm_rotation.checks import check_date, check_kind, check_whole
from bt_lstm_rotation.errors import (
    DataError,
    FitsError,
    HistoryError,
    SpecError,
    StrategyError,
)
from bt_lstm_rotation.evidence.verdict.assembly import Parts, assembled
from bt_lstm_rotation.evidence.verdict.bookkeeping import Bookkeeping
from bt_lstm_rotation.evidence.verdict.rivals import Rivals, find_rivals
from bt_lstm_rotation.evidence.verdict.runs import Run
from bt_lstm_rotation.evidence.verdict.trials import HoldoutBook, Trials
from bt_lstm_rotation.evidence.verdict.verdict import Verdict
from bt_lstm_rotation.forecasting import Training, first_forecast
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.strategy import SectorRotation
from bt_lstm_rotation.trials import TrialLedger, ledger_of

__all__ = ["verdict"]

LEAST_SEEDS = 5


def verdict(
    panel: PricePanel,
    strategy: Any = SectorRotation,
    params: Mapping[str, Any] | None = None,
    *,
    benchmark: str | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    broker: Broker | None = None,
    sizer: Any = None,
    periods_a_year: float | None = None,
    rivals: Sequence[str] | None = None,
    seeds: int = LEAST_SEEDS,
    around: dt.date | None = None,
    holdout: dt.date | None = None,
    holdouts: HoldoutBook | None = None,
    trials: Trials | None = None,
    ledger: TrialLedger | bool = True,
    sweep: pd.DataFrame | None = None,
    draws: int = 1_000,
    seed: int = 0,
    training: Training | None = None,
    announce: Callable[[str], None] | None = None,
) -> Verdict:
    """Say what the evidence for a strategy's forecasts supports.

    Parameters
    ----------
    panel, strategy, params, benchmark, start, end
        As `bt_lstm_rotation.run_backtest` takes them, and so are `broker`, `sizer`,
        `periods_a_year` and `training`; the strategy has a parameter
        ``spec``, which is the candidate.
    rivals : sequence of str, optional
        Names of `bt_lstm_rotation.evidence.verdict.rivals.RIVALS`; by default all but
        arima, which takes longer than all others together. One whose extra is missing
        is left out and named.
    seeds : int
        Over how many seeds of the candidate the band goes: 0 for none, or 5 to 100. A
        candidate without a seed has none.
    around : date, optional
        Before and from which stability is measured apart.
    holdout : date, optional
        Sessions from it on take part in nothing but one test of the candidate.
    holdouts : HoldoutBook, optional
        Where that opening is written down; by default in the ledger.
    trials : Trials, optional
        How many trials were made on these data; by default what the ledger knows.
    ledger : TrialLedger or bool
        Where candidate, rivals and seeds are written down (docs/trials.md); True is the
        usual ledger. With False, and without `trials`, it is not known how many trials
        there were.
    sweep : DataFrame, optional
        Returns of the configurations that the candidate was chosen from, for the
        probability of overfitting.
    draws : int
        Random portfolios, and draws of each bootstrap: 1,000 to 100,000.
    seed : int
        Of these draws.
    announce : callable, optional
        Told the name of what is run next.

    Raises
    ------
    StrategyError
        If the strategy has no forecaster to be judged.
    DataError, HistoryError, SpecError, FitsError
        As `run_backtest`, for the candidate; or if an argument here is impossible.
    """
    check_whole("verdict", "draws", draws, least=1_000, most=100_000)
    check_whole("verdict", "seeds", seeds, least=0, most=100)
    if 0 < seeds < LEAST_SEEDS:
        raise SpecError("verdict", "seeds", seeds, f"0, or {LEAST_SEEDS} to 100")
    check_whole("verdict", "seed", seed, least=0)
    for name, day in (("around", around), ("holdout", holdout)):
        check_date("verdict", name, day)
    check_kind("verdict", "trials", trials, Trials | None, "Trials(...), or None")
    kind, valid = pd.DataFrame | None, "a DataFrame of returns, or None"
    check_kind("verdict", "sweep", sweep, kind, valid)
    book = ledger_of("verdict", ledger)
    check_kind("verdict", "panel", panel, PricePanel, "a PricePanel")
    whole = panel.between(None, end)
    given = dict(params or {})
    spec = _candidate(strategy, given)
    found = find_rivals(spec, rivals)
    bench = _Bench(
        panel=whole if holdout is None else _before(whole, holdout),
        strategy=strategy,
        params={name: value for name, value in given.items() if name != "spec"},
        benchmark=benchmark,
        start=start,
        broker=Broker() if broker is None else broker,
        more={"sizer": sizer, "periods_a_year": periods_a_year, "training": training},
        tell=announce or (lambda _: None),
    )
    name = type(spec).__name__
    candidate = bench.run(name, spec)
    books = Bookkeeping(book, strategy)
    books.candidate(candidate, bench.panel)
    parts = Parts(
        candidate=candidate,
        rivals=_rivals(bench, found),
        left_out=found.left_out,
        doubled=bench.doubled(name, spec),
        seeds=[candidate, *_seeds(bench, spec, seeds)],
        held_out=None,
        notes=books.notes,
    )
    books.beside("rival", list(parts.rivals.values()), bench.panel)
    books.beside("seed", parts.seeds[1:], bench.panel)
    if holdout is not None:
        held_out = bench.opened(whole, name, spec, holdout)
        last = whole.sessions[-1].astype(object)
        before = books.opening(held_out, whole, holdout)
        if holdouts is not None:
            before = holdouts.opened(whole.content_hash, holdout, last)
        parts = replace(parts, held_out=held_out, openings=before)
    return assembled(
        parts,
        around=around,
        holdout=holdout,
        trials=books.trials(candidate) if trials is None else trials,
        sweep=sweep,
        draws=draws,
        seed=seed,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Bench:
    """What all runs of a verdict share."""

    panel: PricePanel
    strategy: Any
    params: dict[str, Any]
    benchmark: str | None
    start: dt.date | None
    broker: Broker
    more: dict[str, Any]
    tell: Callable[[str], None]

    def run(self, name: str, spec: Any) -> Run:
        """Run the strategy with a forecaster, from when it has a forecast on."""
        self.tell(name)
        result = run_backtest(
            self.panel,
            self.strategy,
            {**self.params, "spec": spec},
            benchmark=self.benchmark,
            start=self._start(spec),
            broker=self.broker,
            ledger=False,  # the verdict says itself what each run is
            **self.more,
        )
        return Run(name, int(spec.horizon), result)

    def doubled(self, name: str, spec: Any) -> Run | None:
        """Run it with twice the costs, if these are shares."""
        broker = self.broker
        if not isinstance(broker.commission, float | int):
            return None
        twice = replace(
            broker,
            commission=min(0.5, 2 * broker.commission),
            slippage=min(0.5, 2 * broker.slippage),
        )
        return replace(self, broker=twice).run(f"{name} at twice the costs", spec)

    def opened(self, whole: PricePanel, name: str, spec: Any, holdout: dt.date) -> Run:
        """Run it on what was held out."""
        return replace(self, panel=whole, start=holdout).run(f"{name} held out", spec)

    def _start(self, spec: Any) -> dt.date | None:
        """Return the start asked for, or the later one that a forecast allows."""
        if self.start is None:
            return None
        names = [name for name in self.panel.symbols if name != self.benchmark]
        sectors = self.panel.select(names)
        first = first_forecast(sectors, spec)
        after = sectors.sessions[np.searchsorted(sectors.sessions, first) + 1 :]
        if not len(after):
            return self.start
        earliest: dt.date = after[0].astype(object)
        return max(self.start, earliest)


def _candidate(strategy: Any, params: Mapping[str, Any]) -> Any:
    known = getattr(strategy, "params", None)
    spec = params.get("spec", getattr(known, "spec", None))
    if not isinstance(spec, Spec) or isinstance(spec, type):
        name = getattr(strategy, "__name__", strategy)
        raise StrategyError(
            f"{name} has no forecaster to be judged: a verdict needs a strategy with a "
            "parameter spec, such as SectorRotation or lstm_top3_monthly"
        )
    return spec


def _before(panel: PricePanel, holdout: dt.date) -> PricePanel:
    if not (panel.sessions >= np.datetime64(holdout, "D")).any():
        raise DataError(
            "nothing is held out",
            value=str(holdout),
            valid=f"the last session is {panel.sessions[-1]}",
        )
    return panel.between(None, holdout - dt.timedelta(days=1))


def _rivals(bench: _Bench, rivals: Rivals) -> dict[str, Run]:
    runs = {}
    for name, spec in rivals.specs.items():
        try:
            runs[name] = bench.run(name, spec)
        except (HistoryError, SpecError, FitsError) as error:
            rivals.left_out[name] = str(error)
    return runs


def _seeds(bench: _Bench, spec: Any, seeds: int) -> list[Run]:
    known = {field.name for field in fields(spec)} if is_dataclass(spec) else set()
    if "seed" not in known:
        return []
    others = [spec.seed + step for step in range(1, seeds)]
    return [
        bench.run(f"{type(spec).__name__} of seed {seed}", replace(spec, seed=seed))
        for seed in others
    ]
