"""Absurd bars are found beside their neighbours, and wild markets are let be."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from hand_made import panel_of
from real_bars import FOLDER, needs_real_bars

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.folder import load_folder
from bt_lstm_rotation.prices.neighbours import judged
from bt_lstm_rotation.prices.simulated import SimulatedMarket
from tests.prices.test_folder import TODAY

FIELDS = {"open": 0, "high": 1, "low": 2, "close": 3}


def days(n_bars: int) -> np.ndarray:
    return np.busday_offset("2015-01-05", np.arange(n_bars), "forward")


def walk(seed: int, n_bars: int = 400, deviation: float = 0.012, law=None):
    """A random walk's bars, (5, n_bars): open to volume."""
    rng = np.random.default_rng(seed)
    draw = rng.standard_normal if law is None else lambda size: law(rng, size)
    close = 50 * np.exp(np.cumsum(deviation * draw(n_bars)))
    opened = np.append(50, close[:-1]) * np.exp(deviation / 3 * draw(n_bars))
    top, bottom = np.maximum(opened, close), np.minimum(opened, close)
    volume = np.full(n_bars, 1e6)
    return np.stack([opened, top * 1.004, bottom * 0.996, close, volume])


def found(bars: np.ndarray) -> list[tuple[str, str, float]]:
    sessions = days(bars.shape[1])
    return [
        (f.rule, str(f.first), float(f"{f.size:.1g}"))
        for f in judged("XLK", sessions, bars)
    ]


@pytest.mark.parametrize("factor", [10.0, 2.0, 0.5, 0.1])
def test_a_bar_that_jumps_and_comes_back_is_named(factor):
    bars = walk(0)
    bars[:4, 200] *= factor
    assert found(bars) == [("reversed jump", str(days(400)[200]), factor)]


@pytest.mark.parametrize(
    "fields", [["high"], ["low"], ["open", "high"], ["close", "low"]]
)
def test_a_jump_of_single_fields_is_named(fields):
    bars = walk(1)
    for field in fields:
        bars[FIELDS[field], 100] *= 10.0 if "high" in fields else 0.1
    (one,) = judged("XLK", days(400), bars)
    assert one.rule == "reversed jump"
    assert all(field.title() in one.message for field in fields)


@pytest.mark.parametrize("factor", [100.0, 0.01])
@pytest.mark.parametrize("fields", [[0, 1, 2, 3], [1], [2]])
def test_what_no_market_does_is_refused(factor, fields):
    bars = walk(2)
    if len(fields) == 1:
        factor = 100.0 if fields == [1] else 0.01
    bars[fields, 300] *= factor
    with pytest.raises(DataError, match="no market goes 50-fold and back") as caught:
        judged("XLK", days(400), bars)
    assert (caught.value.symbol, caught.value.session) == ("XLK", str(days(400)[300]))


@pytest.mark.parametrize("ratio", [1.5, 2, 3, 4, 10, 20])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_split_that_was_not_applied_is_named(ratio, reverse):
    bars = walk(3)
    bars[:4, 250:] *= ratio if reverse else 1 / ratio
    (one,) = judged("XLK", days(400), bars)
    assert (one.rule, str(one.first)) == ("split not applied", str(days(400)[250]))
    assert one.size == pytest.approx(ratio if reverse else 1 / ratio, rel=0.05)


@pytest.mark.parametrize("factor", [100.0, 0.01, 1000.0])
@pytest.mark.parametrize("row", [1, 200, 399])
def test_pence_for_pounds_from_a_date_on_is_named(factor, row):
    bars = walk(4)
    bars[:4, row:] *= factor
    (one,) = judged("XLK", days(400), bars)
    assert (one.rule, str(one.first)) == ("scale change", str(days(400)[row]))


def test_a_month_in_pence_is_two_changes_of_scale():
    bars = walk(5)
    bars[:4, 100:121] *= 100
    rows = [str(days(400)[row]) for row in (100, 121)]
    assert [(rule, day) for rule, day, _ in found(bars)] == [
        ("scale change", rows[0]),
        ("scale change", rows[1]),
    ]


def test_a_move_that_is_no_splits_ratio_is_a_jump():
    bars = walk(6)
    bars[:4, 100:] *= 2.5
    assert [rule for rule, _, _ in found(bars)] == ["jump"]


def test_identical_bars_with_volume_are_named_and_a_halt_is_not():
    stale, halt, four = walk(7), walk(7), walk(7)
    stale[:4, 50:62] = stale[:4, [50]]
    (one,) = judged("XLK", days(400), stale)
    assert (one.rule, one.size) == ("identical bars", 12)
    assert (str(one.first), str(one.last)) == (str(days(400)[50]), str(days(400)[61]))
    halt[:4, 50:62], halt[4, 51:62] = halt[:4, [50]], 0.0
    assert judged("XLK", days(400), halt) == ()
    four[:4, 50:54] = four[:4, [50]]
    assert judged("XLK", days(400), four) == ()


def test_dates_a_day_early_or_late_are_named_and_all_seven_days_are_not():
    early = days(400) - np.timedelta64(1, "D")
    assert [f.rule for f in judged("XLK", early, walk(8))] == ["shifted week"]
    late = days(400) + np.timedelta64(1, "D")
    assert "a day late" in judged("XLK", late, walk(8))[0].message
    every_day = np.datetime64("2015-01-05") + np.arange(400)
    assert judged("BTC", every_day, walk(8)) == ()


@pytest.mark.parametrize("seed", range(4))
def test_wild_markets_are_let_be(seed):
    def fat(rng, size):
        return rng.standard_t(4, size) / np.sqrt(2.0)

    for deviation in (0.01, 0.03, 0.06):
        assert found(walk(seed, 3000, deviation)) == []
    assert found(walk(seed, 3000, 0.03, fat)) == []


def test_a_crash_that_stays_stops_nothing():
    bars = walk(9)
    bars[:4, 200:] *= 0.8
    assert found(bars) == []


def test_a_simulated_market_has_nothing_odd():
    for seed in range(2):
        panel = SimulatedMarket(seed=seed, n_sessions=2000, clustering=1.5).panel()
        for column, symbol in enumerate(panel.symbols):
            assert judged(symbol, panel.sessions, panel.bars[:, :, column]) == ()


def test_one_or_two_bars_have_no_neighbours_to_be_judged_by():
    assert judged("XLK", days(1), walk(0, 1)) == ()
    assert panel_of("2020-01-06", A=[10.0, 11.0]).findings == ()


@needs_real_bars
def test_the_sector_funds_of_twenty_years_have_nothing_odd(caplog):
    with caplog.at_level(logging.WARNING, logger="bt_lstm_rotation"):
        assert load_folder(FOLDER, today=TODAY).findings == ()
        assert load_folder(FOLDER, today=TODAY, adjust=False).findings == ()
    assert not caplog.records


FAULT = Path(FOLDER).with_name("vendor-fault")


@pytest.mark.skipif(not FAULT.is_dir(), reason="the real bars are not there")
def test_the_spin_off_that_was_counted_twice_is_named(caplog):
    (one,) = load_folder(FAULT, ["XLF"], today=TODAY).findings
    assert (one.symbol, one.rule, str(one.first)) == (
        "XLF",
        "false adjustment",
        "2016-09-19",
    )
    assert one.size == pytest.approx(1.30138, abs=1e-5)
    assert one.message in caplog.text
