"""The walk when symbols come, go and pause, and when fits go wrong."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fakes import FakeSpec, days, random_panel, same_bytes, without

from bt_lstm_rotation.errors import FitsError
from bt_lstm_rotation.forecasting import BarHistory, WalkForward, walk_forward


def column(result, symbol):
    return result.values[:, result.symbols.index(symbol)]


def members(result):
    return [(str(fit.session), "".join(fit.symbols)) for fit in result.fits]


def facts_of(result):
    # NaN equals nothing: a fake has no drift, and clips no gradient.
    assert all(np.isnan([fit.drift, fit.clipped]).all() for fit in result.fits)
    return [replace(fit, seconds=0.0, drift=0.0, clipped=0.0) for fit in result.fits]


def test_a_late_listing_changes_nothing_for_the_others_until_it_is_seasoned():
    # L's 12th bar is row 50; the next period begins at row 62, 2019-03-29.
    panel = without(random_panel("ALB", 90), "L", slice(0, 39))
    with_it = walk_forward(panel, FakeSpec())
    alone = walk_forward(panel.select(tuple("AB")), FakeSpec())
    assert members(with_it) == [
        ("2019-01-31", "AB"),
        ("2019-02-28", "AB"),
        ("2019-03-29", "ABL"),
        ("2019-04-30", "ABL"),
    ]
    for symbol in "AB":
        assert same_bytes(column(with_it, symbol)[:62], column(alone, symbol)[:62])
        assert (column(with_it, symbol)[62:] != column(alone, symbol)[62:]).all()
    listed = column(with_it, "L")
    assert np.isnan(listed[:62]).all()
    assert not np.isnan(listed[62:]).any()


def test_sessions_of_a_late_listing_alone_do_not_move_the_calendar():
    # Row 41 is the first of its period, and only L, with too few bars, trades on it.
    panel = random_panel("ABL", 90)
    panel = without(without(panel, "A", [41]), "B", [41])
    panel = without(panel, "L", [row for row in range(90) if row not in (30, 41)])
    result = walk_forward(panel, FakeSpec())
    alone = walk_forward(panel.select(["A", "B"]), FakeSpec())
    assert members(result)[1] == ("2019-03-01", "AB")
    assert facts_of(result) == facts_of(alone)
    others = np.arange(90) != 41
    assert np.isnan(result.values[41]).all()
    assert same_bytes(result.values[others, :2], alone.values)


def test_a_delisted_symbol_is_out_of_forecasts_at_once_and_of_fits_soon():
    # D's last bar is row 50, 2019-03-13, 16 days before the fit of 2019-03-29.
    panel = without(random_panel("ABD", 90), "D", slice(51, 90))
    result = walk_forward(panel, FakeSpec())
    assert members(result)[1:] == [
        ("2019-02-28", "ABD"),
        ("2019-03-29", "AB"),
        ("2019-04-30", "AB"),
    ]
    assert not np.isnan(column(result, "D")[21:51]).any()
    assert np.isnan(column(result, "D")[51:]).all()
    assert not np.isnan(column(result, "A")[51:]).any()
    alone = walk_forward(panel.select(tuple("AB")), FakeSpec())
    assert same_bytes(column(result, "A")[62:], column(alone, "A")[62:])


@pytest.mark.parametrize(("last", "member"), [(55, True), (54, True), (53, False)])
def test_a_symbol_is_in_a_fit_while_its_last_bar_is_ten_days_old_at_most(last, member):
    # The fit is on Friday 2019-03-29, row 62; row 54 is Tuesday 19th, ten days before.
    panel = without(random_panel("ABD", 70), "D", slice(last + 1, 70))
    result = walk_forward(panel, FakeSpec())
    assert result.fits[-1].session == np.datetime64("2019-03-29")
    assert ("D" in result.fits[-1].symbols) == member


def spaced(panel, freq):
    dates = pd.date_range("2001-01-01", periods=len(panel.sessions), freq=freq)
    return replace(panel, sessions=dates.to_numpy().astype("M8[D]"))


@pytest.mark.parametrize("freq", ["W-FRI", "BME"])
@pytest.mark.parametrize(("absent", "member"), [(1, True), (2, True), (4, False)])
def test_weekly_and_monthly_bars_may_miss_two_and_stay_in_a_fit(freq, absent, member):
    # A fit every half a year; M's bars are missing up to the one of that session.
    spec, panel = FakeSpec(retrain=130), spaced(random_panel("ABM", 70), freq)
    fits = walk_forward(panel, spec).fits
    row = int(np.searchsorted(panel.sessions, fits[-1].session))
    holed = without(panel, "M", slice(row - absent + 1, row + 1))
    result = walk_forward(holed, FakeSpec(retrain=130))
    assert result.fits[-1].session == panel.sessions[row]
    assert ("M" in result.fits[-1].symbols) == member


@pytest.mark.parametrize("later", ["W-FRI", "D"])
def test_bars_after_a_fit_do_not_say_whether_a_symbol_had_stopped(later):
    # B's spacing after row 50 would allow for more, or less, than before it.
    spec, panel = FakeSpec(retrain=130), spaced(random_panel("AB", 71), "BME")
    holed = without(panel, "B", [48, 49, 50])
    after = pd.date_range(panel.sessions[50], periods=21, freq=later)[1:]
    sessions = np.r_[panel.sessions[:51], after.to_numpy().astype("M8[D]")]
    changed = replace(holed, sessions=np.unique(sessions)[:71])
    whole, other = (walk_forward(p, spec) for p in (holed, changed))
    assert same_bytes(whole.values[:51], other.values[:51])
    made = [f for f in facts_of(whole) if f.session <= panel.sessions[50]]
    assert made == facts_of(other)[: len(made)]
    assert len(made) > 5


def test_a_missing_day_is_no_forecast_and_shortens_nobodys_history():
    panel = without(random_panel("ABC", 70), "B", [30])
    spec = FakeSpec()
    result = walk_forward(panel, spec)
    assert np.isnan(result.values[30]).tolist() == [False, True, False]
    assert not np.isnan(result.values[31]).any()
    session, window = spec.seen[1]
    assert session == np.datetime64("2019-02-28")
    # B reaches a day further back.
    assert window.dates[1, 0] == window.dates[0, 0] - np.timedelta64(1, "D")


def test_a_month_start_on_which_a_member_pauses_is_fitted_with_its_earlier_bars():
    panel = without(random_panel("ABC", 70), "B", [41])
    result = walk_forward(panel, FakeSpec())
    assert members(result)[1] == ("2019-02-28", "ABC")
    assert np.isnan(column(result, "B")[41])


def test_a_month_start_without_any_bar_is_fitted_at_the_next_session():
    panel = random_panel("AB", 70)
    keep = np.arange(70) != 41
    panel = replace(panel, sessions=panel.sessions[keep], bars=panel.bars[:, keep])
    assert [fit.session for fit in walk_forward(panel, FakeSpec()).fits] == days(
        ["2019-01-31", "2019-03-01", "2019-03-29"]
    )


def test_too_few_members_for_a_comparison_keep_the_last_fit():
    panel = without(random_panel("AB", 90), "B", slice(45, 90))
    result = walk_forward(panel, FakeSpec(min_symbols=2))
    assert [fit.session for fit in result.fits] == days(["2019-01-31", "2019-02-28"])
    assert not np.isnan(column(result, "A")[21:]).any()


def test_a_fit_that_diverges_leaves_the_last_good_one_serving(caplog):
    panel = random_panel("ABC", 90)
    good = walk_forward(panel, FakeSpec())
    spec = FakeSpec(diverges_at=frozenset({"2019-02-28", "2019-03-29"}))
    with caplog.at_level(logging.WARNING):
        result = walk_forward(panel, spec)
    assert [fit.status for fit in result.fits] == [
        "ok",
        "the loss is not finite",
        "the loss is not finite",
        "ok",
    ]
    served = ["2019-01-31", "2019-01-31", "2019-01-31", "2019-04-30"]
    assert [fit.served_by for fit in result.fits] == days(served)
    assert result.fits[1].last_loss == np.inf
    assert "2019-02-28 was thrown away" in caplog.text
    assert "that of 2019-01-31 serves on" in caplog.text
    assert same_bytes(result.values[:41], good.values[:41])
    assert same_bytes(result.values[84:], good.values[84:])
    # In between it is the network of January, as if there had been no other.
    quarter = walk_forward(panel.rows(0, 62), FakeSpec(diverges_at=spec.diverges_at))
    assert same_bytes(result.values[:62], quarter.values)
    assert not np.isnan(result.values[21:]).any()


def test_without_any_good_fit_there_is_no_forecast_and_one_reason(caplog):
    panel = random_panel("AB", 60)
    spec = FakeSpec(diverges_at=frozenset({"2019-01-31", "2019-02-28"}))
    with pytest.raises(FitsError, match=r"all 2 fits .*: the loss is not finite"):
        walk_forward(panel, spec)
    walk = WalkForward(spec, BarHistory.from_panel(panel))
    assert np.isnan(walk.forecast(panel.sessions)).all()
    assert np.isnat([fit.served_by for fit in walk.fits_]).all()
    assert caplog.messages == []


def test_failures_before_the_first_good_fit_are_told_with_it(caplog):
    spec = FakeSpec(diverges_at=frozenset({"2019-01-31", "2019-02-28"}))
    walk_forward(random_panel("AB", 80), spec)
    assert caplog.messages == [
        f"the fit of {day} was thrown away: the loss is not finite; no fit serves on"
        for day in ("2019-01-31", "2019-02-28")
    ]


@pytest.mark.parametrize("start", ["2019-02-28", "2019-03-15", "2019-04-10"])
@pytest.mark.parametrize("diverge", [1, 2, 3])
def test_a_start_falls_back_on_the_same_fit_as_a_run_without(start, diverge):
    bad = ["2019-01-31", "2019-02-28", "2019-03-29"][3 - diverge :]
    spec = FakeSpec(diverges_at=frozenset(bad))
    panel = random_panel("ABC", 90)
    whole = walk_forward(panel, spec)
    begin = np.datetime64(start)
    late = walk_forward(panel, spec, start=begin)
    rows = panel.sessions >= begin
    assert same_bytes(late.values[rows], whole.values[rows])
    assert np.isnan(late.values[~rows]).all()
    sessions = [fit.session for fit in late.fits]
    assert sessions == sorted(set(sessions))
    served = {fit.session: fit.served_by for fit in whole.fits}
    for fit in late.fits:
        both = np.array([fit.served_by, served[fit.session]])
        assert np.isnat(both).all() or both[0] == both[1]
