"""The main job on real bars: books that balance, orders that fill, no later bar."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from real_bars import FOLDER, needs_real_bars, real_panel

from bt_lstm_rotation import ForecastSpec, cli, run_backtest
from bt_lstm_rotation.forecasting import walk_forward
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.source import SPDR_SECTORS

pytestmark = [needs_real_bars, pytest.mark.slow]

# Small and quick, but a real network on real windows.
SPEC = ForecastSpec(lookback=20, train_size=252, units=8, steps=5)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command of the README leaves, with the spec above for speed."""
    folder = tmp_path_factory.mktemp("run") / "out"
    code = cli.main(
        [
            *("--data", f"folder:{FOLDER}", "--symbols", ",".join(SPDR_SECTORS)),
            *("--benchmark", "SPY", "--start", "2004-01-02", "--end", "2019-06-28"),
            *("--set", "lookback=20", "--set", "train_size=252"),
            *("--set", "units=8", "--set", "steps=5", "--out", str(folder)),
        ]
    )
    assert code == 0
    return folder


def test_no_order_is_rejected_and_every_file_is_there(run_folder):
    summary = json.loads((run_folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["orders"]["rejected"] == 0
    assert summary["orders"]["completed"] == summary["orders"]["submitted"] > 500
    assert {file.name for file in run_folder.iterdir()} >= {
        *("summary.json", "equity.csv", "weights.csv", "orders.csv"),
        *("forecasts.csv", "retrains.csv", "report.html"),
    }


def test_equity_is_cash_plus_positions_to_the_cent_on_every_session(run_folder):
    panel = real_panel("SPY")
    closes = {
        str(s): dict(zip(panel.symbols, row, strict=True))
        for s, row in zip(panel.sessions, panel.close, strict=True)
    }
    fills = defaultdict(list)
    for order in rows(run_folder, "orders.csv"):
        fills[order["executed"]].append(order)
    cash, shares = 100_000.0, defaultdict(float)
    sessions = rows(run_folder, "equity.csv")
    for row in sessions:
        for order in fills.pop(row["session"], []):
            size = float(order["filled"]) * (1 if order["side"] == "buy" else -1)
            cash -= size * float(order["price"]) + float(order["commission"])
            shares[order["symbol"]] += size
        held = sum(n * closes[row["session"]][s] for s, n in shares.items())
        assert cash >= 0
        assert float(row["equity"]) == pytest.approx(cash + held, abs=0.005)
    assert not fills
    assert (sessions[0]["session"], sessions[-1]["session"]) == (
        "2003-12-31",
        "2019-06-28",
    )


def test_retrains_end_where_they_are_made_and_serve_what_follows(run_folder):
    fits = rows(run_folder, "retrains.csv")
    assert len(fits) == 187  # the closes that begin 2004-01 to 2019-07
    for fit in fits:
        assert fit["last_target"] == fit["session"] == fit["served_by"]
        assert fit["status"] == "ok"
    forecasts = rows(run_folder, "forecasts.csv")
    assert len(forecasts) == 9 * len(rows(run_folder, "equity.csv"))
    assert min(row["session"] for row in forecasts) == fits[0]["session"]


def changed_after(panel: PricePanel, row: int, rng: np.random.Generator) -> PricePanel:
    bars = panel.bars.copy()
    shape = bars[:, row + 1 :].shape[1:]
    bars[:4, row + 1 :] *= rng.uniform(0.2, 5.0, shape)
    bars[4, row + 1 :] *= rng.uniform(0.2, 5.0, shape)
    return PricePanel(panel.sessions, panel.symbols, bars)


def test_changing_every_bar_after_a_session_moves_nothing_up_to_it():
    panel = real_panel().rows(0, 1500)
    rng = np.random.default_rng(2019)
    before = walk_forward(panel, SPEC).values
    assert np.isfinite(before).any()
    for row in rng.choice(np.arange(300, 1499), size=20, replace=False):
        after = walk_forward(changed_after(panel, row, rng), SPEC).values
        assert after[: row + 1].tobytes() == before[: row + 1].tobytes()
        assert after[row + 1 :].tobytes() != before[row + 1 :].tobytes()


def test_starting_later_or_ending_earlier_leaves_every_common_forecast_identical():
    panel = real_panel("SPY")

    def forecasts(start: int, end: int) -> dict[tuple[str, str], str]:
        result = run_backtest(
            panel,
            params={"spec": SPEC},
            benchmark="SPY",
            start=dt.date(start, 1, 2),
            end=dt.date(end, 6, 28),
        )
        frame = result.forecasts
        keys = zip(frame["session"].astype(str), frame["symbol"], strict=True)
        return dict(zip(keys, map(float.hex, frame["forecast"]), strict=True))

    whole, later, shorter = (
        forecasts(2008, 2013),
        forecasts(2010, 2013),
        forecasts(2008, 2011),
    )
    assert later
    assert shorter
    assert later.items() <= whole.items()
    assert shorter.items() <= whole.items()


def test_the_study_is_compared_with_the_index_from_the_close_before_it():
    result = run_backtest(
        real_panel("GSPC"),
        params={"spec": SPEC, "top": 2},
        benchmark="GSPC",
        start=dt.date(2019, 1, 2),
        end=dt.date(2019, 6, 28),
    )
    benchmark = result.account["benchmark"]
    assert str(benchmark.index[0].date()) == "2018-12-31"
    # The published study's own figure for the S&P 500.
    assert round(benchmark.iloc[-1], 2) == 117_348.86
