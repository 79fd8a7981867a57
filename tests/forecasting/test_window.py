"""BarHistory against pandas, growing bar by bar and all at once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from fakes import days, random_panel, without
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.forecasting import BarHistory
from bt_lstm_rotation.prices.corporate_actions import CorporateAction

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True, database=None)
FIELDS = ["Open", "High", "Low", "Close", "Volume"]


@st.composite
def gappy_panels(draw):
    n_sessions = draw(st.integers(2, 90))
    panel = random_panel("ZAM", n_sessions, seed=draw(st.integers(0, 9)))
    for symbol in "ZM":
        rows = draw(st.sets(st.integers(0, n_sessions - 1), max_size=n_sessions - 1))
        panel = without(panel, symbol, sorted(rows & set(range(len(panel)))))
    return panel


def grown(panel) -> BarHistory:
    history = BarHistory(panel.symbols)
    for row, session in enumerate(panel.sessions):
        for column, symbol in enumerate(panel.symbols):
            if panel.traded[row, column]:
                bar = panel.bars[:, [row], column]
                history.extend(symbol, np.array([session]), bar)
    return history


@EXAMPLES
@given(panel=gappy_panels(), n_bars=st.integers(1, 6))
def test_windows_counts_and_ages_are_those_of_the_frames(panel, n_bars):
    day = np.timedelta64(1, "D")
    for history in (BarHistory.from_panel(panel), grown(panel)):
        assert history.symbols == ("A", "M", "Z")
        assert (history.sessions() == panel.sessions).all()
        counts, ages = history.counts(panel.sessions), history.age(panel.sessions)
        for column, symbol in enumerate(history.symbols):
            frame = panel.frame(symbol)
            dates = frame.index.to_numpy("M8[D]")
            bars = frame[FIELDS].to_numpy()
            for row, session in enumerate(panel.sessions):
                past = dates[dates <= session]
                assert counts[row, column] == len(past)
                age = (session - past[-1]) // day if len(past) else 36_525
                assert ages[row, column] == age
                gaps = np.diff(past)[-21:] // day
                assert history.gaps(symbol, session).tolist() == gaps.tolist()
                if len(past) < n_bars:
                    continue
                window = history.window([symbol], panel.sessions[[row]], n_bars)
                assert (window.dates[0, 0] == past[-n_bars:]).all()
                last = bars[: len(past)][-n_bars:]
                assert (window.bars[:, 0, 0] == last.T).all()


def test_a_window_of_many_sessions_stacks_those_of_each():
    panel = without(random_panel("AB", 40), "B", [7, 8, 20])
    history = BarHistory.from_panel(panel)
    window = history.window(["A", "B"], panel.sessions[10:30], 5)
    assert window.bars.shape == (5, 20, 2, 5)
    assert window.dates.shape == (20, 2, 5)
    assert window.n_bars == 5
    assert (window.dates <= panel.sessions[10:30, None, None]).all()
    for row in range(20):
        alone = history.window(["A", "B"], panel.sessions[[10 + row]], 5)
        assert (window.bars[:, [row]] == alone.bars).all()
        assert (window.dates[[row]] == alone.dates).all()


def test_a_window_is_a_thing_of_its_own_that_shows_its_symbols_only():
    panel = random_panel("AB", 5)
    history = BarHistory.from_panel(panel)
    window, twin = (history.window("AB", panel.sessions, 1) for _ in range(2))
    assert repr(window) == "Window(symbols=('A', 'B'))"
    assert window != twin
    assert len({window, twin}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        window.bars = twin.bars


def test_what_was_answered_does_not_change_when_bars_are_added():
    panel = random_panel("A", 200)
    history = BarHistory.from_panel(panel.rows(0, 60))
    early = history.window(["A"], panel.sessions[[59]], 10)
    before = early.bars.copy()
    history.extend("A", panel.sessions[60:], panel.bars[:, 60:, 0])
    assert (early.bars == before).all()
    assert (history.window(["A"], panel.sessions[[59]], 10).bars == before).all()


def test_a_bar_of_the_same_session_replaces_the_last_one():
    panel = random_panel("A", 70)
    history = BarHistory.from_panel(panel.rows(0, 64))
    later = panel.bars[:, 63:, 0] * 2.0
    history.extend("A", panel.sessions[63:], later)
    window = history.window(["A"], panel.sessions[[69]], 8)
    assert (window.dates[0, 0] == panel.sessions[62:]).all()
    assert (window.bars[:, 0, 0, 1:] == later).all()
    assert (window.bars[:, 0, 0, 0] == panel.bars[:, 62, 0]).all()
    assert history.counts(panel.sessions[[69]]).tolist() == [[70]]


def test_the_caller_keeps_its_own_arrays():
    panel = random_panel("A", 5)
    bars, sessions = panel.bars[:, :, 0].copy(), panel.sessions.copy()
    history = BarHistory("A")
    history.extend("A", sessions, bars)
    bars[:], sessions[:] = 0.0, np.datetime64("1990-01-01")
    window = history.window(["A"], panel.sessions[[4]], 5)
    assert (window.bars[:, 0, 0] == panel.bars[:, :, 0]).all()


def test_a_bar_before_the_last_is_refused_by_name_and_date():
    panel = random_panel("AB", 10)
    history = BarHistory.from_panel(panel)
    with pytest.raises(DataError, match=r"B 2019-01-03.*after 2019-01-15") as info:
        history.extend("B", panel.sessions[[1]], panel.bars[:, [1], 1])
    assert (info.value.symbol, info.value.session) == ("B", "2019-01-03")
    assert history.counts(panel.sessions[[-1]]).tolist() == [[10, 10]]


def test_bars_that_begin_before_the_last_are_refused_wherever_they_end():
    panel = random_panel("A", 10)
    history = BarHistory.from_panel(panel.rows(0, 5))
    dates = [str(session) for session in panel.sessions]
    with pytest.raises(DataError, match=f"A {dates[2]}.*is after {dates[4]}"):
        history.extend("A", panel.sessions[[2, 7]], panel.bars[:, [2, 7], 0])
    assert history.counts(panel.sessions[[-1]]).tolist() == [[5]]


def test_the_first_bar_out_of_order_is_named_with_the_one_before_it():
    panel = random_panel("A", 7)
    order = [0, 1, 4, 2, 6, 5, 3]
    dates = [str(session) for session in panel.sessions]
    with pytest.raises(DataError, match=f"A {dates[2]}.*is after {dates[4]}"):
        BarHistory("A").extend("A", panel.sessions[order], panel.bars[:, order, 0])


@pytest.mark.parametrize("order", [[0, 2, 1], [0, 1, 1], [2, 1, 0]])
def test_bars_that_are_not_ascending_among_themselves_are_refused(order):
    panel = random_panel("A", 3)
    history = BarHistory("A")
    with pytest.raises(DataError, match=r"^A 2019-01-0"):
        history.extend("A", panel.sessions[order], panel.bars[:, order, 0])
    assert history.counts(panel.sessions[[-1]]).tolist() == [[0]]


def test_no_bars_at_all_are_no_sessions_and_a_century_of_age():
    history = BarHistory(["B", "A", "B"])
    assert history.symbols == ("A", "B")
    assert len(history.sessions()) == 0
    history.extend("A", np.array([], "M8[D]"), np.empty((5, 0)))
    today = np.array(days(["2020-01-01"]))
    assert history.counts(today).tolist() == [[0, 0]]
    assert history.age(today).tolist() == [[36_525, 36_525]]


def test_extra_rows_travel_with_their_bars():
    sessions, rng = random_panel("A", 30).sessions, np.random.default_rng(0)
    history = BarHistory("BA", extra=("rsi", "VIX"))
    given_bars = {symbol: rng.uniform(1, 2, size=(7, 30)) for symbol in "AB"}
    for symbol, bars in given_bars.items():
        bars[5, 3] = np.nan  # an input may be missing
        history.extend(symbol, sessions, bars)
    window = history.window("AB", sessions[[9, 19]], 8)
    assert window.extra == ("rsi", "VIX")
    for row, name in ((5, "rsi"), (6, "VIX")):
        found = window.row(name)
        assert found.shape == (2, 2, 8)
        for column, symbol in enumerate("AB"):
            past = given_bars[symbol][row]
            np.testing.assert_array_equal(found[0, column], past[2:10])
            np.testing.assert_array_equal(found[1, column], past[12:20])
    with pytest.raises(ValueError, match="not in tuple"):
        window.row("another")


def test_a_split_restates_prices_and_no_extra_row():
    sessions = random_panel("A", 4).sessions
    history = BarHistory("A", extra=("rsi",))
    history.extend("A", sessions, np.full((6, 4), 8.0))
    half = CorporateAction(price=0.5, shares=2.0, cash=0.0)
    history.restate("A", half, sessions[2])
    window = history.window("A", sessions[[3]], 4)
    assert window.close[0, 0].tolist() == [4.0, 4.0, 8.0, 8.0]
    assert window.row("rsi")[0, 0].tolist() == [8.0] * 4
