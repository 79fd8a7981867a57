"""Fits that fail: the last good network serves on to an age, then all is held."""

from __future__ import annotations

import logging

import backtrader as bt
import pytest
from fakes import FakeSpec, date, random_panel
from hand_made import drop_in, fills
from modes import each_mode

from bt_lstm_rotation import SectorRotation, run_backtest
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.feeds import add_feeds

PANEL = random_panel("ABC", 150)  # from January to July
# The first fit is January's; February's to May's fail, and June's succeeds.
FAILED = ("2019-02-28", "2019-03-29", "2019-04-30", "2019-05-31")
OOM = FakeSpec(raises_at=dict.fromkeys(FAILED, MemoryError("no memory left")))


def rotate(panel=PANEL, **params):
    return drop_in(panel, SectorRotation, **({"spec": OOM, "top": 2} | params))


def traded_in(ran):
    return sorted({day[:7] for day, _, _, _ in fills(ran)})


def test_a_network_serves_on_for_so_many_failures_and_then_positions_are_held(caplog):
    with caplog.at_level(logging.WARNING):
        ran = rotate(max_age=2)
    # Decided at the last close of a month, filled in the next: April's, the third
    # failure in a row, finds two to be the limit.
    assert traded_in(ran) == ["2019-02", "2019-03", "2019-04", "2019-07"]
    outdated = [event for event in ran.rebalancer.events if event.kind == "outdated"]
    assert [(str(event.session), event.detail) for event in outdated] == [
        ("2019-04-30", "3 fits in a row have failed"),
        ("2019-05-31", "4 fits in a row have failed"),
    ]
    assert "MemoryError: no memory left" in caplog.text
    assert "3 fits in a row have failed" in caplog.text


def test_positions_that_are_held_are_not_touched():
    ran = rotate(max_age=0)
    assert traded_in(ran) == ["2019-02", "2019-07"]
    assert ran._pool.fits[0].served_by == PANEL.sessions[21]


def test_within_its_age_nothing_is_said():
    ran = rotate(max_age=4)
    assert traded_in(ran)[:6] == [f"2019-0{month}" for month in range(2, 8)]
    assert [e for e in ran.rebalancer.events if e.kind == "outdated"] == []


@each_mode
def test_every_mode_holds_on_the_same_days(modes):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    add_feeds(cerebro, PANEL)
    cerebro.addstrategy(SectorRotation, spec=OOM, top=2, max_age=1)
    (ran,) = cerebro.run()
    assert ran.rebalancer.events == rotate(max_age=1).rebalancer.events


def test_log_ledger_and_result_say_so():
    result = run_backtest(PANEL, params={"spec": OOM, "top": 2, "max_age": 2})
    fits = result.retrains.set_index("session")["status"]
    for day in FAILED:
        assert fits[day] == "MemoryError: no memory left"
    outdated = result.events[result.events["kind"] == "outdated"]
    assert [str(day) for day in outdated["session"]] == list(FAILED[2:])
    assert result.summary["training"] == {"fits": 6, "failed": 4, "outdated": 2}


@pytest.mark.parametrize("max_age", [-1, 1.5, None, "3", True])
def test_an_impossible_age_is_refused(max_age):
    with pytest.raises(SpecError, match="max_age must be a whole number of at least 0"):
        rotate(max_age=max_age)


def test_the_first_decision_has_a_date():
    assert date(PANEL.sessions[21]).isoformat() == "2019-01-31"
