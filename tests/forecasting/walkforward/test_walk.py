"""The walk with a fake forecaster: who is fitted when, on what, and what it serves."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from fakes import FakeSpec, days, random_panel, same_bytes, shocked, without
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError, HistoryError, SpecError
from bt_lstm_rotation.forecasting import (
    BarHistory,
    Training,
    WalkForward,
    Workers,
    first_forecast,
    walk_forward,
)

EXAMPLES = settings(max_examples=25, deadline=None, derandomize=True, database=None)
# Weekdays from 2019-01-02: the last ones of their months are in the next ones'.
MONTH_STARTS = ["2019-01-31", "2019-02-28", "2019-03-29", "2019-04-30"]


def in_blocks(panel, spec, cuts, start=None):
    """Grow the history block by block and ask for each block as it comes."""
    history = BarHistory(panel.symbols)
    walk = WalkForward(spec, history, start=start)
    edges = [0, *sorted(cuts), len(panel)]
    values = []
    for first, stop in pairwise(edges):
        for column, symbol in enumerate(panel.symbols):
            rows = first + np.flatnonzero(panel.traded[first:stop, column])
            history.extend(symbol, panel.sessions[rows], panel.bars[:, rows, column])
        values.append(walk.forecast(panel.sessions[first:stop])[0])
    order = [history.symbols.index(symbol) for symbol in panel.symbols]
    return np.concatenate(values)[:, order], walk.fits_


def facts(fits):
    """Fit records without the time they took."""
    return [repr(replace(fit, seconds=0.0)) for fit in fits]


def test_a_fit_is_made_when_the_calendar_says_and_the_history_allows():
    panel = random_panel("ABC", 90)
    result = walk_forward(panel, FakeSpec(fit_bars=12))
    assert [fit.session for fit in result.fits] == days(MONTH_STARTS)
    # 21 sessions lie before 2019-01-31, so 22 bars are there and 23 are not.
    result = walk_forward(panel, FakeSpec(fit_bars=23))
    assert [fit.session for fit in result.fits] == days(MONTH_STARTS[1:])


@pytest.mark.parametrize("drop", [1, 2, 9])
def test_retrain_dates_do_not_hang_on_the_first_bar(drop):
    panel = random_panel("ABC", 90)
    for retrain in ("weekly", "monthly", "quarterly", 7):
        spec = FakeSpec(fit_bars=5, retrain=retrain)
        whole = {fit.session for fit in walk_forward(panel, spec).fits}
        later = {f.session for f in walk_forward(panel.rows(drop, 90), spec).fits}
        begun = {session for session in whole if session > panel.sessions[drop + 5]}
        assert begun <= later <= whole


def test_the_period_in_which_history_suffices_waits_for_the_next():
    panel = random_panel("A", 90)
    # The 22nd bar is 2019-01-31 itself, but whether January ended is not known there.
    result = walk_forward(panel, FakeSpec(fit_bars=22))
    assert result.fits[0].session == np.datetime64("2019-02-28")


def test_as_many_bars_as_a_fit_needs_are_enough():
    # The 21st bar is 2019-01-30, the last of its period: the next one begins in sight.
    spec = FakeSpec(fit_bars=21)
    panel = random_panel("A", 60)
    assert walk_forward(panel, spec).fits[0].session == np.datetime64("2019-01-31")
    # B has its 12th bar on 2019-01-31, and C its 11th.
    panel = without(random_panel("ABC", 60), "B", slice(0, 10))
    panel = without(panel, "C", slice(0, 11))
    spec = FakeSpec(fit_bars=12)
    walk_forward(panel, spec)
    assert [window.symbols for _, window in spec.seen] == [("A", "B"), tuple("ABC")]


def test_there_is_no_forecast_before_the_first_fit_and_one_from_then_on():
    panel = random_panel("ABC", 60)
    result = walk_forward(panel, FakeSpec())
    first = int(np.flatnonzero(panel.sessions == np.datetime64("2019-01-31"))[0])
    assert np.isnan(result.values[:first]).all()
    assert not np.isnan(result.values[first:]).any()
    assert first_forecast(panel, FakeSpec()) == panel.sessions[first]


def test_a_fit_is_shown_each_members_own_last_bars_and_none_after_its_session():
    panel = without(random_panel("BAC", 90), "B", [25, 26, 60])
    spec = FakeSpec(fit_bars=15)
    result = walk_forward(panel, spec)
    assert len(spec.seen) == len(result.fits) == 4
    for (session, window), fit in zip(spec.seen, result.fits, strict=True):
        assert window.symbols == fit.symbols == ("A", "B", "C")
        assert window.dates.shape == (3, 15)
        for row, symbol in enumerate(window.symbols):
            past = panel.frame(symbol).loc[: str(session)].iloc[-15:]
            assert (window.dates[row] == past.index.to_numpy("M8[D]")).all()
            assert (window.bars[:, row] == past.to_numpy().T).all()
        assert (fit.session, fit.n_bars) == (session, 15)
        assert (fit.first_bar, fit.last_target) == (window.dates.min(), session)
        assert (fit.first_loss, fit.last_loss, fit.status) == (1.0, 0.5, "ok")
        assert fit.served_by == session
        assert fit.seconds >= 0.0


@EXAMPLES
@given(cuts=st.sets(st.integers(1, 89)), gaps=st.booleans())
def test_blocks_of_any_size_give_the_bytes_of_one(cuts, gaps):
    panel = random_panel("CAB", 90)
    if gaps:
        panel = without(without(panel, "A", [30, 41]), "B", slice(0, 35))
    spec = FakeSpec(diverges_at=frozenset({"2019-02-28"}))
    whole = walk_forward(panel, spec)
    values, fits = in_blocks(panel, spec, cuts)
    assert same_bytes(values, whole.values)
    assert facts(fits) == facts(whole.fits)


@EXAMPLES
@given(cuts=st.sets(st.integers(1, 89)), row=st.integers(0, 89))
def test_blocks_of_any_size_take_a_start_alike(cuts, row):
    panel = random_panel("AB", 90)
    spec = FakeSpec(diverges_at=frozenset({"2019-01-31", "2019-03-29"}))
    start = panel.sessions[row]
    whole = walk_forward(panel, spec, start=start)
    values, fits = in_blocks(panel, spec, cuts, start)
    assert same_bytes(values, whole.values)
    assert facts(fits) == facts(whole.fits)


def test_one_session_at_a_time_gives_the_bytes_of_all_at_once():
    panel = without(random_panel("ABCD", 90), "D", slice(70, 90))
    whole = walk_forward(panel, FakeSpec())
    values, fits = in_blocks(panel, FakeSpec(), range(1, 90))
    assert same_bytes(values, whole.values)
    assert facts(fits) == facts(whole.fits)


def test_symbols_may_come_in_any_order():
    panel = random_panel("DBAC", 60)
    whole = walk_forward(panel, FakeSpec())
    other = walk_forward(panel.select(tuple("CADB")), FakeSpec())
    assert (whole.symbols, other.symbols) == (tuple("DBAC"), tuple("CADB"))
    for symbol in "ABCD":
        first = whole.values[:, whole.symbols.index(symbol)]
        assert same_bytes(first, other.values[:, other.symbols.index(symbol)])


@EXAMPLES
@given(row=st.integers(0, 89))
def test_a_start_changes_no_forecast_and_spares_the_fits_before_it(row):
    panel = random_panel("ABC", 90)
    whole = walk_forward(panel, FakeSpec())
    start = panel.sessions[row]
    late = walk_forward(panel, FakeSpec(), start=start)
    assert np.isnan(late.values[:row]).all()
    assert same_bytes(late.values[row:], whole.values[row:])
    ends = [*(fit.session for fit in whole.fits[1:]), np.datetime64("2100-01-01")]
    needed = [f for f, end in zip(whole.fits, ends, strict=True) if end > start]
    assert facts(late.fits) == facts(needed)


@EXAMPLES
@given(row=st.integers(0, 88), seed=st.integers(1, 99))
def test_nothing_up_to_a_session_moves_when_every_later_bar_does(row, seed):
    panel = without(random_panel("ABC", 90), "B", [5, 33, 50])
    row = min(row, len(panel) - 2)
    before = walk_forward(panel, FakeSpec())
    after = walk_forward(shocked(panel, row, seed=seed), FakeSpec())
    past = slice(0, row + 1)
    assert same_bytes(before.values[past], after.values[past])
    made = [fit for fit in before.fits if fit.session <= panel.sessions[row]]
    assert facts(after.fits)[: len(made)] == facts(made)
    assert not same_bytes(before.values, after.values)


def test_an_earlier_end_changes_no_forecast():
    panel = random_panel("ABC", 90)
    whole = walk_forward(panel, FakeSpec())
    for stop in (23, 42, 61, 89):
        part = walk_forward(panel.rows(0, stop), FakeSpec())
        assert same_bytes(part.values, whole.values[:stop])


def test_a_later_first_bar_changes_no_forecast_that_there_is():
    panel = random_panel("ABC", 90)
    whole = walk_forward(panel, FakeSpec())
    for drop in (1, 10, 30):
        part = walk_forward(panel.rows(drop, 90), FakeSpec())
        there = ~np.isnan(part.values)
        assert there.sum() > 50
        assert part.values[there].tobytes() == whole.values[drop:][there].tobytes()


def test_too_little_history_says_how_much_is_needed_and_there():
    with pytest.raises(HistoryError, match=r"31 sessions.*there are 12") as info:
        walk_forward(random_panel("AB", 12), FakeSpec(fit_bars=30))
    assert (info.value.needed, info.value.available) == (31, 12)
    with pytest.raises(HistoryError, match="first session of a period") as info:
        first_forecast(random_panel("AB", 40), FakeSpec(retrain="quarterly"))
    assert info.value.available == 40 < info.value.needed


def test_a_comparison_waits_for_the_second_longest_history():
    panel = without(random_panel("ABC", 40), "A", slice(0, 38))
    panel = without(panel, "B", slice(0, 33))
    with pytest.raises(HistoryError) as info:
        first_forecast(panel, FakeSpec(min_symbols=2))
    assert info.value.available == 7
    # A symbol that needs no other waits for the longest, and two that do for both.
    with pytest.raises(HistoryError) as info:
        first_forecast(panel, FakeSpec(fit_bars=41))
    assert info.value.available == 40
    with pytest.raises(HistoryError):
        first_forecast(random_panel("AB", 12), FakeSpec(fit_bars=30, min_symbols=2))
    few = r"number of symbols must be at least 2.*target='plain'.*\(got 1\)"
    with pytest.raises(SpecError, match=few):
        first_forecast(random_panel("A", 90), FakeSpec(min_symbols=2))


def test_progress_counts_the_fits_done_and_planned():
    calls = []
    panel = random_panel("AB", 90)
    training = Training(progress=lambda *call: calls.append(call))
    walk_forward(panel, FakeSpec(), training=training)
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_fits_are_taken_to_their_end():
    # Dropped after the last fit, workers that have just made it warn of that.
    ended = []

    class Watched(Training):
        def make(self, tasks, planned):
            yield from super().make(tasks, planned)
            ended.append(planned)

    panel = random_panel("AB", 90)
    walk = WalkForward(FakeSpec(), BarHistory.from_panel(panel), training=Watched())
    walk.forecast(panel.sessions[:60])  # into the second of four periods
    walk.forecast(panel.sessions[60:])
    assert ended == [2, 2]


def test_the_clock_is_the_one_given():
    ticks = iter(np.arange(100.0))
    panel = random_panel("AB", 60)
    one_by_one = Workers(jobs=1)
    training = Training(workers=one_by_one, clock=lambda: float(next(ticks)))
    history = BarHistory.from_panel(panel)
    walk = WalkForward(FakeSpec(), history, training=training)
    walk.forecast(panel.sessions)
    assert [fit.seconds for fit in walk.fits_] == [1.0, 1.0]


def test_an_empty_panel_is_too_little_history():
    panel = random_panel("AB", 5).rows(0, 0)
    with pytest.raises(HistoryError) as info:
        walk_forward(panel, FakeSpec())
    assert (info.value.needed, info.value.available) == (13, 0)
    assert isinstance(info.value, DataError)
