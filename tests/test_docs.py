"""What the README shows runs, as it is printed."""

from __future__ import annotations

import re
from pathlib import Path

import backtrader as bt
import pytest

from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture(scope="module")
def frames():
    panel = SimulatedMarket(n_sessions=860, n_sectors=4).panel()
    names = {MARKET: "SPY"}
    return {names.get(name, name): panel.frame(name) for name in panel.symbols}


@pytest.mark.slow
def test_the_drop_in_trades(frames):
    scope = {"frames": frames}
    exec(SCRIPTS[0], scope)
    broker = scope["cerebro"].broker
    held = [feed._name for feed, position in broker.positions.items() if position.size]
    assert len(held) == 3
    assert "SPY" not in held


@pytest.mark.slow
def test_the_indicator_works_in_a_strategy_of_ones_own(frames):
    # Backtrader looks up the module of a strategy while it makes the class.
    scope = {"__name__": __name__}
    exec(SCRIPTS[1], scope)
    cerebro = bt.Cerebro()
    cerebro.adddata(bt.feeds.PandasData(dataname=frames["SPY"]))
    cerebro.addstrategy(scope["BuyWhatRises"])
    (strategy,) = cerebro.run()
    line = list(strategy.forecast.forecast.array)
    known = [value for value in line if value == value]
    assert len(known) > 50
    assert all(abs(value) < 1 for value in known)


def test_every_link_of_the_readme_leads_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) > 5
    for link in links:
        assert (ROOT / link).exists(), link


def test_every_target_the_readme_names_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`?make ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
