"""A report with what each input brings: the command's own figures, in every mode."""

from __future__ import annotations

import math
from dataclasses import replace

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import random_panel, without
from modes import each_mode

from bt_lstm_rotation import (
    ForecastSpec,
    LSTMForecast,
    RunReport,
    SectorRotation,
    run_backtest,
)
from bt_lstm_rotation.errors import OutputError, SpecError, StrategyError
from bt_lstm_rotation.evidence.importance import importance
from bt_lstm_rotation.forecasting import MomentumSpec, walk_forward
from bt_lstm_rotation.forecasting.beside import ContextRule, InputRule
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside
from bt_lstm_rotation.measures.skill import realised_returns, session_ic
from bt_lstm_rotation.reporting import read_run, render_again
from bt_lstm_rotation.reporting.importance_page import check_importance_place

pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

SPEC = ForecastSpec(lookback=12, train_size=60, horizon=3, units=4, steps=5, seed=3)
SECTORS, SERIES = random_panel("CAB", 150, seed=1), random_panel("V", 150, seed=51)
BOTH = random_panel("CABV", 150, seed=1)
PARAMS = {"spec": SPEC, "top": 2, "context": ("V",)}


def expected(panel, start, spec=SPEC, refits=False):
    """What the command measures, which walks forward by itself."""
    series = panel.select(["V"])
    return importance(
        panel.select([name for name in panel.symbols if name != "V"]),
        spec.reading(context=[ContextRule(name="V")]),
        beside=Beside(context=series),
        start=start,
        refits=refits,
        seed=spec.seed,
    )


def test_a_run_finds_what_the_command_finds_and_its_page_is_drawn_again(tmp_path):
    run = tmp_path / "run"
    result = run_backtest(BOTH, params=PARAMS, folder=run, importance=True)
    found = expected(BOTH, result.account.index[0].date())
    table = result.importance.drop(columns=["table", "members"]).set_index("name")
    pd.testing.assert_frame_equal(
        table, found.permuted, check_dtype=False, check_index_type=False
    )
    assert list(result.importance["table"].unique()) == ["permuted"]
    assert result.summary["importance"] == {
        "permutations": 5,
        "seed": 3,
        "sentences": list(found.sentences),
    }
    # The folder gives all of it back, and the same page.
    pd.testing.assert_frame_equal(read_run(run).importance, result.importance)
    page = (run / "report.html").read_bytes()
    for said in (found.sentences[1], "Networks as trained, shown values", "V"):
        assert said in page.decode()
    render_again(run)
    assert (run / "report.html").read_bytes() == page
    # The command's table of the same name is kept apart from the run's.
    with pytest.raises(OutputError, match="a run's own"):
        check_importance_place(run)


# The series begins late: without it there are more bars to train on.
LATE = without(BOTH, "V", slice(0, 20))


def test_a_run_that_retrains_finds_what_the_command_finds(tmp_path):
    run = tmp_path / "run"
    result = run_backtest(LATE, params=PARAMS, folder=run, importance="retrained")
    found = expected(LATE, result.account.index[0].date(), refits=True)
    rows = result.importance.set_index("name")
    for kind, measured in (("permuted", found.permuted), ("refitted", found.refitted)):
        table = rows[rows["table"] == kind].drop(columns=["table", "members"])
        pd.testing.assert_frame_equal(
            table, measured, check_dtype=False, check_index_type=False
        )
    # By a hand's own walk without the series, on all the bars that there then are.
    alone = walk_forward(LATE.select([*"ABC"]), SPEC).values
    came = realised_returns(LATE.select([*"ABC"]), SPEC.horizon)
    report = result.forecasts["session"].to_numpy().astype("datetime64[D]")
    reported = np.isin(LATE.sessions, report)
    without_it = session_ic(alone[reported], came[reported])
    row = rows[rows["table"] == "refitted"].loc["V"]
    assert row["ic_without"] == pytest.approx(np.nanmean(without_it))
    assert result.summary["importance"]["sentences"] == list(found.sentences)
    assert len(found.sentences) == 3
    pd.testing.assert_frame_equal(read_run(run).importance, result.importance)
    page = (run / "report.html").read_bytes()
    for said in (*found.sentences[1:], "Networks trained without it"):
        assert said in page.decode()
    assert "the command importance" not in page.decode()
    render_again(run)
    assert (run / "report.html").read_bytes() == page


def test_what_is_asked_for_is_one_of_three():
    for odd in ("permuted", 1, None, np.array([True, False])):
        with pytest.raises(SpecError, match="'retrained'"):
            run_backtest(BOTH, params=PARAMS, importance=odd)
        with pytest.raises(SpecError, match="'retrained'"):
            reported(Script, importance=odd)


def test_a_run_is_the_same_but_for_that_and_the_next_one_without_has_none(tmp_path):
    asked = run_backtest(BOTH, params=PARAMS, folder=tmp_path, importance=True)
    plain = run_backtest(BOTH, params=PARAMS, folder=tmp_path)
    assert "importance" not in plain.summary
    assert plain.importance.empty
    pd.testing.assert_frame_equal(asked.forecasts, plain.forecasts)
    pd.testing.assert_frame_equal(asked.orders, plain.orders)
    assert not (tmp_path / "importance.csv").exists()
    assert (tmp_path / "earlier-1" / "importance.csv").exists()
    assert "Networks as trained" not in (tmp_path / "report.html").read_text("utf-8")


class Script(bt.Strategy):
    """Anybody's, with a network over the feeds that are not a series."""

    def __init__(self):
        *feeds, series = self.datas
        LSTMForecast.pooled(feeds, spec=SPEC, context=[series])

    def next(self):
        pass


class Lines(Script):
    """One whose input is missing now and then, beside a feature of the benchmark."""

    def __init__(self):
        *feeds, series = self.datas
        rising = {feed: Rising(feed) for feed in feeds}
        spec = replace(SPEC, features=("relative_return", "residual_return"))
        LSTMForecast.pooled(
            feeds, spec=spec, inputs={"rising": rising}, benchmark=series
        )


class Rising(bt.Indicator):
    """The return after a rise; after a fall nothing is known."""

    lines = ("rising",)

    def __init__(self):
        self.addminperiod(2)

    def next(self):
        rate = self.data.close[0] / self.data.close[-1] - 1.0
        self.l.rising[0] = rate if rate > -0.02 else math.nan


def reported(strategy, feeds=(SECTORS, SERIES), importance=True, **modes):
    cerebro = bt.Cerebro(**modes)
    for panel in feeds:
        for name in panel.symbols:
            cerebro.adddata(bt.feeds.PandasData(dataname=panel.frame(name)), name=name)
    for each in strategy if isinstance(strategy, list) else [strategy]:
        cerebro.addstrategy(each)
    cerebro.addanalyzer(RunReport, importance=importance)
    ran, *_ = cerebro.run()
    return ran.analyzers.runreport.result()


@pytest.fixture(scope="module")
def once():
    return reported(Script).importance


@each_mode
def test_it_is_the_same_in_every_mode(once, modes):
    pd.testing.assert_frame_equal(reported(Script, **modes).importance, once)
    assert list(once["name"]) == [*SPEC.features, "V"]
    assert np.isfinite(once["drop"]).all()


LONG = (random_panel("CAB", 420, seed=1), random_panel("V", 420, seed=51))


def test_without_an_input_there_are_the_bars_on_which_it_was_missing():
    found = {
        mode: reported(Lines, LONG, "retrained", runonce=mode).importance
        for mode in (True, False)
    }
    pd.testing.assert_frame_equal(found[True], found[False])
    table = found[True][found[True]["table"] == "refitted"].set_index("name")
    assert list(table.index) == ["relative_return", "residual_return", "rising"]
    spec = replace(SPEC, features=("relative_return", "residual_return"))
    panel, market = LONG
    alone = walk_forward(panel, spec, beside=Beside(benchmark=market)).values
    closes = panel.close
    rates = np.full(closes.shape, np.nan)
    rates[1:] = closes[1:] / closes[:-1] - 1
    rates[rates <= -0.02] = np.nan
    read = spec.reading(inputs=[InputRule(name="rising", warmup=1)])
    with_it = walk_forward(
        panel, read, beside=Beside({"rising": rates}, benchmark=market)
    ).values
    came = realised_returns(panel, SPEC.horizon)
    both = np.isfinite(with_it) & np.isfinite(alone)
    assert np.isnan(with_it[np.isfinite(alone)]).any()
    for column, values in (("ic", with_it), ("ic_without", alone)):
        ic = session_ic(np.where(both, values, np.nan), came)
        assert table.loc["rising", column] == pytest.approx(np.nanmean(ic))


class Named(SectorRotation):
    """With inputs of names that anybody may give them."""

    def inputs(self):
        return {
            name: {feed: Rising(feed) for feed in self.sectors.values()}
            for name in ("my rising", "=1+1", "a,b", "<script>", "new\nline")
        }


def test_a_folder_gives_back_names_of_all_sorts(tmp_path):
    params = {"spec": SPEC, "top": 2}
    result = run_backtest(BOTH, Named, params=params, folder=tmp_path, importance=True)
    pd.testing.assert_frame_equal(read_run(tmp_path).importance, result.importance)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "my rising" in page
    assert "&lt;script&gt;</th>" in page


class Apart(Script):
    """A network a feed."""

    def __init__(self):
        alone = replace(SPEC, target="plain", features=("log_return",))
        for feed in self.datas:
            LSTMForecast(feed, spec=alone)


class Nothing(Script):
    def __init__(self):
        pass


class Second(Script):
    """Another one, with a network of its own."""


@pytest.mark.parametrize("strategies", [[Nothing, Script], [Script, Nothing]])
def test_whichever_strategy_of_an_account_forecasts_is_measured(strategies, once):
    pd.testing.assert_frame_equal(reported(strategies).importance, once)


def test_two_strategies_with_a_network_each_are_refused():
    with pytest.raises(StrategyError, match=r"one network.*got 2"):
        reported([Script, Second])


class Rule(Script):
    def __init__(self):
        LSTMForecast.pooled(self.datas, spec=MomentumSpec())


class Pair(Script):
    def __init__(self):
        LSTMForecast.pooled(self.datas[:2], spec=SPEC)


@pytest.mark.parametrize(
    ("strategy", "error", "said"),
    [
        (Nothing, StrategyError, "one network.*none"),
        (Apart, StrategyError, "one network.*4"),
        (Rule, SpecError, "other forecasters have no columns.*MomentumSpec"),
        (Pair, SpecError, "at least 3 symbols.*2"),
    ],
)
def test_what_has_nothing_to_permute_is_refused_before_it_begins(
    strategy, error, said, monkeypatch
):
    def trades(self):
        raise AssertionError("it has begun")

    monkeypatch.setattr(Script, "next", trades)
    with pytest.raises(error, match=said):
        reported(strategy)


def test_forecasts_of_which_none_has_matured_are_a_note_and_no_end_of_the_run():
    bars = BOTH.between(None, BOTH.sessions[SPEC.fit_bars + 20].astype(object))
    last = bars.sessions[-2].astype(object)
    result = run_backtest(bars, params=PARAMS, start=last, importance=True)
    assert result.importance.empty
    (note,) = [n for n in result.summary["notes"] if "could not be measured" in n]
    assert "no session has a correlation" in note
    assert "importance" not in result.summary


def test_a_run_that_is_stopped_while_inputs_are_measured_is_kept(tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(
        "bt_lstm_rotation.analyzers.importance.measured_in_run", stopped
    )
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_backtest(BOTH, params=PARAMS, folder=run, importance="retrained")
    kept = read_run(run)
    assert len(kept.orders) > 3
    assert kept.importance.empty
    assert "could not be measured: KeyboardInterrupt" in kept.summary["notes"][-1]
