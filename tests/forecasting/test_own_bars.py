"""What tells windows from others is what is in them, and nothing around them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from fakes import random_panel, without

from bt_lstm_rotation.forecasting import BarHistory
from bt_lstm_rotation.prices.corporate_actions import CorporateAction

N_BARS = 70
PANEL = without(random_panel("AB", 260), "B", [3, 140, 200, 201])
EXTRA = np.random.default_rng(8).normal(size=(2, 260, 2))


def history(first=0, last=260, bars=None, *, one_by_one=False) -> BarHistory:
    """Bars of the panel with two extra rows, in one go or in many."""
    made = BarHistory("AB", ("rsi", "gap"))
    whole = np.concatenate([PANEL.bars, EXTRA]) if bars is None else bars
    for column, symbol in enumerate("AB"):
        rows = np.flatnonzero(PANEL.traded[:, column])
        rows = rows[(rows >= first) & (rows < last)]
        for some in np.split(rows, len(rows)) if one_by_one else [rows]:
            made.extend(symbol, PANEL.sessions[some], whole[:, some, column])
            if one_by_one and len(some) and some[0] % 7 == 0 and some[0] >= N_BARS + 5:
                # What was asked before there was more must not be remembered wrongly.
                made.content([symbol], PANEL.sessions[some], N_BARS)
    return made


def content(made, last=250, n_sessions=1, n_bars=N_BARS, symbols="AB"):
    sessions = PANEL.sessions[last - n_sessions + 1 : last + 1]
    return made.content(list(symbols), sessions, n_bars)


@pytest.mark.parametrize("n_sessions", [1, 20])
@pytest.mark.parametrize("last", [199, 202, 249, 255])
def test_it_depends_on_the_window_alone(last, n_sessions):
    wanted = content(history(), last, n_sessions)
    first = last - n_sessions - N_BARS - 4
    for other in (
        history(last=last + 1),
        history(first=first),
        history(first=first + 1, last=last + 1),
        history(one_by_one=True),
        history(first=first, last=last + 2, one_by_one=True),
    ):
        assert content(other, last, n_sessions) == wanted


@pytest.mark.parametrize("n_sessions", [1, 20])
def test_each_value_of_the_window_is_in_it_and_no_other_one(n_sessions):
    whole = np.concatenate([PANEL.bars, EXTRA])
    wanted = content(history(), n_sessions=n_sessions)
    seen = {wanted}
    sessions = PANEL.sessions[251 - n_sessions : 251]
    inside = [
        set(history().window([symbol], sessions, N_BARS).dates.ravel().tolist())
        for symbol in "AB"
    ]
    rows = {*range(250 - n_sessions - N_BARS - 6, 260), 0}
    for row, column in itertools.product(rows, (0, 1)):
        if not PANEL.traded[row, column]:
            continue
        value = (row + column) % 7  # of a bar's seven, each in its turn
        other = whole.copy()
        other[value, row, column] = np.nextafter(other[value, row, column], np.inf)
        changed = content(history(bars=other), n_sessions=n_sessions)
        if PANEL.sessions[row].astype(object) in inside[column]:
            assert changed not in seen
            seen.add(changed)
        else:
            assert changed == wanted
    assert len(seen) > 2 * N_BARS


def test_dates_symbols_lengths_and_sessions_are_in_it():
    made = history()
    later = BarHistory("AB", ("rsi", "gap"))
    for column, symbol in enumerate("AB"):
        rows = np.flatnonzero(PANEL.traded[:, column])
        shifted = PANEL.sessions[rows].copy()
        # A Friday in the window becomes a Saturday.
        friday = np.flatnonzero(np.diff(shifted).astype(int) == 3)
        shifted[friday[friday < 240][-1]] += np.timedelta64(1, "D")
        whole = np.concatenate([PANEL.bars, EXTRA])[:, rows, column]
        later.extend(symbol, shifted, whole)
    plain = BarHistory("AB")
    for column, symbol in enumerate("AB"):
        rows = np.flatnonzero(PANEL.traded[:, column])
        plain.extend(symbol, PANEL.sessions[rows], PANEL.bars[:, rows, column])
    sparse = made.content(["A", "B"], PANEL.sessions[[240, 250]], N_BARS)
    found = [
        content(made),
        content(later),
        content(plain),
        content(made, symbols="A"),
        content(made, symbols="B"),
        content(made, n_bars=N_BARS - 1),
        content(made, n_bars=N_BARS + 1),
        content(made, last=249),
        content(made, n_sessions=2),
        content(made, n_sessions=11),
        sparse,
    ]
    assert len(set(found)) == len(found)


def test_a_bar_that_is_replaced_or_restated_is_told_anew():
    whole = np.concatenate([PANEL.bars, EXTRA])
    made = history(last=251)
    before = content(made)
    made.extend("A", PANEL.sessions[[250]], whole[:, [250], 0] * 1.5)
    other = whole.copy()
    other[:, 250, 0] *= 1.5
    assert content(made) == content(history(bars=other)) != before

    made = history(last=251)
    content(made)
    made.restate(
        "A", CorporateAction(price=0.5, shares=2.0, cash=0.0), PANEL.sessions[230]
    )
    window = made.window(["A", "B"], PANEL.sessions[[250]], N_BARS)
    again = BarHistory("AB", ("rsi", "gap"))
    for row, symbol in enumerate("AB"):
        again.extend(symbol, window.dates[0, row], window.bars[:, 0, row])
    assert content(made) == content(again) != before


def test_an_excerpt_is_the_window_that_would_be_made():
    made = history()
    asked = ["A", "B"], PANEL.sessions[230:250], N_BARS
    excerpt, window = made.excerpt(*asked), made.window(*asked)
    assert (excerpt.window.bars == window.bars).all()
    assert (excerpt.window.dates == window.dates).all()
    assert excerpt.window.extra == window.extra == ("rsi", "gap")
    assert excerpt.content == made.content(*asked)
