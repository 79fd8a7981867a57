"""The whole report of a run on whose way shares split and pay dividends."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fakes import random_panel
from scripted import Forecasts, Scripted, day, in_old_units, run

from bt_lstm_rotation import RunReport
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.measures.contribution import contributions
from bt_lstm_rotation.measures.trades import round_trips
from bt_lstm_rotation.prices.corporate_actions import CorporateAction, classified
from bt_lstm_rotation.reporting import exports, read_run, write_run
from bt_lstm_rotation.reporting.page.book import book_section

WHOLE = random_panel("ABCD", 80, first="2020-01-01")
COLUMNS = ["session", "symbol", "price", "shares", "cash", "size_before", "size_after"]


def actions_of(panel):
    """Splits and dividends that take nothing from the closes of a panel."""
    planned = {
        20: {"A": 0.5, "B": 0.993},
        35: {"A": 3.0, "C": 0.25, "D": 0.991},
        50: {"B": 0.4975, "C": 0.98},
        51: {"D": 0.5},
    }
    actions = {}
    for number, factors in planned.items():
        actions[number] = {}
        for name, factor in factors.items():
            # The close before, in the units in which it was seen.
            later = [
                named[name]
                for n, named in planned.items()
                if n > number - 1 and name in named
            ]
            last = panel.close[number - 1, panel.symbols.index(name)] / np.prod(later)
            actions[number][name] = classified(factor, last)
    return actions


ACTIONS = actions_of(WHOLE)
SEEN = in_old_units(WHOLE, ACTIONS)


class Trades(Scripted):
    """Orders at random, long and short, that now and then wait."""

    params = (("seed", 0),)

    def __init__(self):
        super().__init__()
        self.random = np.random.default_rng(self.p.seed)

    def next(self):
        super().next()
        for feed in self.datas:
            if self.random.random() < 0.25:
                side = self.buy if self.random.random() < 0.5 else self.sell
                how = {}
                if self.random.random() < 0.3:
                    near = self.random.normal(1.0, 0.01)
                    how = {
                        "exectype": self.random.choice([2, 3]),
                        "price": feed.close[0] * near,
                    }
                side(feed, size=int(self.random.integers(1, 40)), **how)


def reported(panel=SEEN, actions=ACTIONS, *, strategy=Trades, **how):
    settings = {"benchmark": "D", **how.pop("report", {})}
    ran = run(
        panel.frames(),
        None,
        actions,
        strategy=strategy,
        analyzers=[(RunReport, settings)],
        broker=lambda broker: (
            broker.setcommission(0.001),
            broker.set_slippage_perc(0.0005),
        ),
        mode={"runonce": False},
        **how,
    )
    return ran.analyzers.RunReport.result()


@pytest.mark.parametrize("seed", range(3))
def test_the_books_agree(seed):
    result = reported(seed=seed)
    assert len(result.actions) == 8
    assert (result.actions["size_before"] != 0).sum() > 5
    section = book_section(result)
    assert section.blocks[0].text.startswith("8 of 8 checks hold")
    assert not result.account["flows"].any()
    account, orders = result.account, result.orders
    brought = contributions(
        account, result.positions, orders, result.bars, result.actions
    )
    assert brought["rest"].abs().max() < 1e-8
    trips = round_trips(orders, result.bars, result.actions)
    gain = account["equity"].iloc[-1] - account["equity"].iloc[0]
    assert trips["gain"].sum() == pytest.approx(gain)
    assert brought.sum().sum() == pytest.approx(gain)


def test_without_the_actions_they_do_not():
    result = reported(seed=1)
    bare = book_section(type(result)(**{**vars(result), "actions": pd.DataFrame()}))
    assert bare.blocks[0].text.startswith("6 of 7 checks hold")


def test_actions_by_hand():
    class Holds(Scripted):
        def __init__(self):
            super().__init__()

        def next(self):
            super().next()
            if len(self) == 1:
                for feed in self.datas[:2]:
                    self.buy(feed, size=15)

    third, paid = CorporateAction(3.0, 1 / 3, 0.0), classified(0.99, 40.0)
    actions = {2: {"A": third}, 5: {"A": paid, "B": third}}
    frames = random_panel("AB", 10, first="2020-01-01")
    result = reported(
        in_old_units(frames, actions),
        actions,
        strategy=Holds,
        report={"benchmark": None, "since": day(3)},
    )
    # What happened before the report begins is in its first row.
    assert result.actions.to_dict("list") == {
        "session": [pd.Timestamp(day(5))] * 2,
        "symbol": ["A", "B"],
        "price": [0.99, 3.0],
        "shares": [1.0, 1 / 3],
        "cash": [pytest.approx(5 * 0.4), 0.0],
        "size_before": [5.0, 15.0],
        "size_after": [5.0, 5.0],
    }


def test_what_forecasts_and_the_benchmark_came_to_is_that_of_restated_bars(tmp_path):
    found = reported(strategy=Forecasts, report={"folder": tmp_path / "run"})
    expected = reported(WHOLE, None, strategy=Forecasts)
    pd.testing.assert_frame_equal(
        found.forecasts, expected.forecasts, rtol=1e-9, atol=1e-12
    )
    for part in ("forecast", "benchmark"):
        assert found.summary[part] == {
            name: pytest.approx(value, rel=1e-9) if type(value) is float else value
            for name, value in expected.summary[part].items()
        }
    assert found.account["benchmark"].to_numpy() == pytest.approx(
        expected.account["benchmark"].to_numpy()
    )
    prices, other = (exports.factor_prices(one) for one in (found, expected))
    pd.testing.assert_frame_equal(prices, other, rtol=1e-12)
    # What each session was seen in stays as it was.
    assert found.bars["Close"].to_numpy().tobytes() == SEEN.close.tobytes()
    assert found.summary["data"]["findings"] == []


def test_a_panel_that_is_given_is_taken_as_it_was_seen():
    shown = reported(seed=2)
    given = reported(seed=2, report={"panel": SEEN})
    for name in ("account", "actions", "bars", "positions"):
        pd.testing.assert_frame_equal(getattr(given, name), getattr(shown, name))


def test_actions_are_written_and_read_back_where_there_are_any(tmp_path):
    result = reported(seed=1)
    folder = write_run(result, tmp_path / "run")
    read = read_run(folder)
    pd.testing.assert_frame_equal(
        read.actions, result.actions, check_dtype=False, check_index_type=False
    )
    assert list(read.actions.columns) == COLUMNS
    write_run(read, tmp_path / "again")
    for file in folder.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()
    page = (folder / "report.html").read_text("utf-8")
    assert "Splits and dividends, the latest first" in page
    assert "Splits and dividends keep what is held" in page


def test_without_actions_there_is_no_such_file_nor_that_of_an_earlier_run(tmp_path):
    folder = tmp_path / "run"
    with_actions = write_run(reported(seed=1), folder)
    assert (folder / "actions.csv").exists()
    kept = (folder / "actions.csv").read_bytes()
    write_run(reported(WHOLE, None, seed=1), folder)
    assert with_actions == folder
    assert not (folder / "actions.csv").exists()
    assert (folder / "earlier-1" / "actions.csv").read_bytes() == kept
    assert read_run(folder).actions.empty
    assert len(read_run(folder / "earlier-1").actions) == 8
    page = (folder / "report.html").read_text("utf-8")
    assert "Splits and dividends" not in page


def test_somebody_elses_file_of_that_name_is_left_alone(tmp_path):
    (tmp_path / "actions.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"something else than a run, such as act"):
        write_run(reported(WHOLE, None, seed=1), tmp_path)
    assert (tmp_path / "actions.csv").read_text() == "mine"
