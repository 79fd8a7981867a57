"""A whole selection, by hand and by its properties."""

from __future__ import annotations

import dataclasses
import math
import pickle
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.selection import Selection, equal_weights, select_top

FIVE = {"A": 0.05, "B": 0.03, "C": 0.01, "D": -0.02, "E": -0.04}


def weights(forecasts=FIVE, *, cash_buffer=0.25, **rules):
    given_ = {
        name: rules.pop(name)
        for name in ("held", "volatilities", "costs")
        if name in rules
    }
    return Selection(**rules).weights(forecasts, cash_buffer=cash_buffer, **given_)


def test_by_default_the_best_three_have_equal_weights():
    assert Selection().weights(FIVE, cash_buffer=0.02) == equal_weights(
        select_top(FIVE, 3), cash_buffer=0.02
    )


def test_a_quantile_takes_the_place_of_top():
    assert weights(top=1, quantile=0.4) == {"A": 0.375, "B": 0.375}
    assert weights(top=5, quantile=0.01) == {"A": 0.75}


def test_a_forecast_below_the_threshold_leaves_its_slot_in_cash():
    # Three slots of 0.25; C's 1% is below 2%, and its quarter is not given to others.
    assert weights(top=3, threshold=0.02) == {"A": 0.25, "B": 0.25, "C": 0.0}
    assert weights(top=3, threshold=0.03) == {"A": 0.25, "B": 0.25, "C": 0.0}
    assert weights(top=3, threshold=0.5) == {"A": 0.0, "B": 0.0, "C": 0.0}


def test_a_missing_forecast_leaves_no_slot():
    few = {"A": 0.05, "B": 0.03, "C": math.nan}
    assert weights(few, top=3, threshold=0.02) == {"A": 0.375, "B": 0.375}


def test_survivors_of_a_threshold_are_weighed_among_themselves():
    # Two of three slots of 0.25 are shared out as 5 to 3.
    chosen = weights(top=3, threshold=0.02, weighting="forecast")
    assert chosen == pytest.approx({"A": 0.3125, "B": 0.1875, "C": 0.0})


def test_a_round_trip_is_each_symbols_own_hurdle():
    costs = {"A": 0.06, "B": 0.03, "C": 0.0}
    chosen = weights(top=3, threshold="round_trip", costs=costs)
    assert chosen == {"A": 0.0, "B": 0.25, "C": 0.25}


@pytest.mark.parametrize("costs", [{}, {"B": 0.01}, {"A": math.nan}])
def test_a_round_trip_without_a_cost_names_the_symbol(costs):
    with pytest.raises(DataError, match="A: no cost of a round trip"):
        weights(top=1, threshold="round_trip", costs=costs)


def test_what_is_held_is_kept_within_the_rank_buffer():
    assert weights(top=2, rank_buffer=1, held={"C": 0.7}) == {"A": 0.375, "C": 0.375}
    assert weights(top=2, rank_buffer=1, held={"D": 0.7}) == {"A": 0.375, "B": 0.375}
    # A short position is not held by the long side, nor is a share of nothing.
    assert weights(top=2, rank_buffer=1, held={"C": 0.0}) == {"A": 0.375, "B": 0.375}
    assert weights(top=2, rank_buffer=1, held={"C": -0.7}) == {"A": 0.375, "B": 0.375}


def test_what_is_held_is_not_kept_where_no_buffer_is_asked_for():
    assert weights(top=2, held={"C": 0.7}) == {"A": 0.375, "B": 0.375}


def test_the_worst_are_held_short_with_the_other_half():
    assert weights(top=2, shorts=1) == {"A": 0.1875, "B": 0.1875, "E": -0.375}
    assert weights(top=1, shorts=2) == {"A": 0.375, "E": -0.1875, "D": -0.1875}


def test_rules_for_shorts_are_those_for_longs_mirrored():
    rules = {
        "weighting": "forecast",
        "threshold": 0.005,
        "rank_buffer": 2,
        "cap": 0.3,
    }
    held = {"C": 0.2, "D": -0.3, "B": 0.01}
    mirrored = weights(
        {symbol: -forecast for symbol, forecast in FIVE.items()},
        held={symbol: -share for symbol, share in held.items()},
        top=2,
        shorts=2,
        **rules,
    )
    expected = weights(held=held, top=2, shorts=2, **rules)
    # B and C are kept long; so D is kept short, and E is the worst.
    assert set(expected) == {"B", "C", "D", "E"}
    assert mirrored == {symbol: -share for symbol, share in expected.items()}


def test_in_a_small_universe_longs_take_theirs_first():
    two = {"A": 0.02, "B": 0.01}
    assert weights(two, top=1, shorts=3) == {"A": 0.375, "B": -0.375}
    # Nobody is left to be short, and that half stays in cash.
    assert weights(two, top=2, shorts=3) == {"A": 0.1875, "B": 0.1875}


def test_equal_forecasts_go_by_name_on_both_sides():
    same = dict.fromkeys("DCBA", 0.01)
    assert weights(same, top=1, shorts=1) == {"A": 0.375, "B": -0.375}


def test_a_short_that_is_forecast_to_rise_gets_nothing_in_proportion():
    rising = {"A": 0.05, "B": 0.03, "C": 0.01}
    assert weights(rising, top=1, shorts=1, weighting="forecast") == {
        "A": 0.375,
        "C": 0.0,
    }


def test_volatility_weighs_both_sides():
    volatilities = {"A": 0.01, "B": 0.03, "D": 0.02, "E": 0.02}
    chosen = weights(
        top=2, shorts=2, weighting="inverse_volatility", volatilities=volatilities
    )
    assert chosen == pytest.approx(
        {"A": 0.28125, "B": 0.09375, "D": -0.1875, "E": -0.1875}
    )


def test_a_turnover_limit_keeps_a_part_of_what_is_to_be_sold():
    # To sell E and buy A is a turnover of 1.5; half of it is a half of the way.
    limited = weights(top=1, max_turnover=0.75, held={"E": 0.75})
    assert limited == {"A": 0.375, "E": 0.375}
    assert weights(top=1, held={"E": 0.75}) == {"A": 0.75}


def test_without_a_forecast_there_is_nothing_to_go_by():
    for none in ({}, {"A": math.nan, "B": math.inf}):
        assert weights(none, held={"A": 0.5}, max_turnover=0.1, shorts=2) == {}


def test_it_says_what_it_goes_by():
    assert not Selection(threshold=0.01).needs_costs
    assert Selection(threshold="round_trip").needs_costs
    assert not Selection(weighting="forecast").needs_volatilities
    assert Selection(weighting="inverse_volatility").needs_volatilities


def test_it_is_a_value():
    selection = Selection(top=2, threshold="round_trip", cap=0.4)
    assert pickle.loads(pickle.dumps(selection)) == selection
    assert hash(dataclasses.replace(selection)) == hash(selection)
    with pytest.raises(dataclasses.FrozenInstanceError):
        selection.top = 3
    with pytest.raises(TypeError):
        Selection(3)


def test_what_is_divided_is_rounded_down_once_and_by_whole_numbers():
    # With these buffers float64 would round a product up, and a share to one unit more.
    many = {symbol: 0.05 - 0.01 * row for row, symbol in enumerate("ABCDEFGHIJ")}
    buffer = 0.26228696955604147
    shorts = weights(many, top=7, shorts=3, cash_buffer=buffer)
    assert shorts["J"] == -(int((1 - buffer) * 2**53) // 6) / 2**53
    buffer = 0.27315823534143696
    longs = weights(many, top=7, threshold=0.02, cash_buffer=buffer)
    assert [symbol for symbol, share in longs.items() if share] == list("ABCD")
    assert longs["A"] == int((1 - buffer) * 2**53) // 7 / 2**53


def test_all_of_equity_is_possible():
    assert weights(quantile=1, cap=1, max_turnover=2, cash_buffer=0.0) == pytest.approx(
        dict.fromkeys(FIVE, 0.2)
    )


names = st.text("ABCDEFGHIJ", min_size=1, max_size=2)
forecasts = st.dictionaries(names, st.floats(-0.2, 0.2) | st.floats(), max_size=12)
shares = st.dictionaries(names, st.floats(-1, 1), max_size=8)
positive = st.floats(0) | st.just(math.nan)
symbols = st.dictionaries(names, positive, max_size=12)
buffers = st.floats(0, 1, exclude_max=True)
fractions = st.none() | st.floats(0, 1, exclude_min=True)
selections = st.builds(
    Selection,
    top=st.integers(1, 8),
    quantile=fractions,
    weighting=st.sampled_from(["equal", "forecast", "inverse_volatility"]),
    cap=fractions,
    threshold=st.none() | st.floats(-0.1, 0.1),
    rank_buffer=st.integers(0, 4),
    shorts=st.integers(0, 4),
    max_turnover=st.none(),
)


@settings(derandomize=True, deadline=None)
@given(selections, forecasts, symbols, shares, buffers, st.randoms())
def test_whatever_the_rules_the_buffer_and_the_cap_hold_in_any_order(
    selection, forecast, volatilities, held, buffer, random
):
    def shuffled(mapping):
        return {key: mapping[key] for key in random.sample(list(mapping), len(mapping))}

    chosen = selection.weights(
        forecast, cash_buffer=buffer, held=held, volatilities=volatilities
    )
    again = selection.weights(
        shuffled(forecast),
        cash_buffer=buffer,
        held=shuffled(held),
        volatilities=shuffled(volatilities),
    )
    assert list(again.items()) == list(chosen.items())
    total = sum(map(abs, map(Fraction, chosen.values())))
    assert total <= Fraction(1 - buffer)
    assert float(total) == math.fsum(map(abs, chosen.values()))
    most = 1 if selection.cap is None else selection.cap
    assert all(abs(share) <= most for share in chosen.values())
    finite = {s: value for s, value in forecast.items() if math.isfinite(value)}
    assert chosen.keys() <= finite.keys()
    if not selection.shorts:
        assert all(share >= 0 for share in chosen.values())
    for share in (1, -1):
        side = [s for s in chosen if chosen[s] * share > 0]
        half = Fraction(1 - buffer) / (2 if selection.shorts else 1)
        assert sum(abs(Fraction(chosen[s])) for s in side) <= half
        if selection.threshold is not None:
            assert all(share * finite[s] >= selection.threshold for s in side)


@settings(derandomize=True, deadline=None)
@given(
    selections,
    forecasts,
    symbols,
    shares,
    st.floats(0, 0.9),
    st.floats(0, 2, exclude_min=True),
)
def test_a_turnover_limit_holds_unless_the_buffer_wins(
    selection, forecast, volatilities, held, buffer, limit
):
    selection = dataclasses.replace(selection, max_turnover=limit)
    new = selection.weights(
        forecast, cash_buffer=buffer, held=held, volatilities=volatilities
    )
    total = sum(map(abs, map(Fraction, new.values())))
    rounding = (len(new) + 1) * Fraction(1, 2**53)
    assert total <= Fraction(1 - buffer)
    if new and total < Fraction(1 - buffer) - rounding:
        turnover = sum(
            abs(Fraction(new.get(s, 0.0)) - Fraction(held.get(s, 0.0)))
            for s in new.keys() | held.keys()
        )
        assert turnover <= Fraction(limit) + rounding


@settings(derandomize=True, deadline=None)
@given(selections, forecasts, symbols, shares, buffers)
def test_rules_that_bind_nothing_change_nothing(
    selection, forecast, volatilities, held, buffer
):
    def chosen(**changes):
        return dataclasses.replace(selection, **changes).weights(
            forecast, cash_buffer=buffer, held=held, volatilities=volatilities
        )

    assert chosen(cap=1) == chosen(cap=None)
    assert chosen(threshold=-1.7e308) == chosen(threshold=None)
    assert chosen(quantile=1) == chosen(quantile=None, top=10**9)


@settings(derandomize=True, deadline=None)
@given(selections, st.floats(-0.2, 0.2), buffers)
def test_forecasts_that_are_all_the_same_go_by_name(selection, forecast, buffer):
    same = dict.fromkeys("HGFEDCBA", forecast)
    plain = dataclasses.replace(selection, quantile=None, shorts=0)
    chosen = plain.weights(same, cash_buffer=buffer)
    assert list(chosen) == list("ABCDEFGH"[: plain.top])
    assert len(set(chosen.values())) == 1


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"top": 0}, "top must be a whole number of at least 1"),
        ({"top": 0.2}, "top must be a whole number"),
        ({"top": True}, "top must be a whole number"),
        ({"quantile": 0}, "quantile must be a number above 0 and at most 1, or None"),
        ({"quantile": 2}, "quantile must be"),
        ({"quantile": True}, "quantile must be"),
        ({"quantile": math.nan}, "quantile must be"),
        ({"weighting": "forecasts"}, "did you mean 'forecast'"),
        ({"weighting": None}, "weighting must be a known name"),
        ({"cap": 0}, "cap must be a number above 0 and at most 1, or None"),
        ({"cap": "30%"}, "cap must be"),
        ({"threshold": math.nan}, "threshold must be a finite decimal return"),
        ({"threshold": -math.inf}, "threshold must be"),
        ({"threshold": "roundtrip"}, "threshold must be .* 'round_trip', or None"),
        ({"threshold": [0.1]}, "threshold must be"),
        ({"threshold": True}, "threshold must be"),
        ({"rank_buffer": -1}, "rank_buffer must be a whole number of at least 0"),
        ({"rank_buffer": 0.5}, "rank_buffer must be"),
        ({"shorts": -1}, "shorts must be a whole number of at least 0"),
        ({"shorts": None}, "shorts must be"),
        ({"max_turnover": 0}, "max_turnover must be a number above 0 and at most 2"),
        ({"max_turnover": 2.5}, "max_turnover must be"),
    ],
)
def test_an_impossible_rule_is_named_with_what_would_be_possible(rules, message):
    with pytest.raises(SpecError, match=message) as caught:
        Selection(**rules)
    assert caught.value.owner == "Selection"
    assert caught.value.field == next(iter(rules))


@pytest.mark.parametrize("buffer", [-0.01, 1, math.nan, "2%", None, False])
def test_an_impossible_cash_buffer_is_refused(buffer):
    with pytest.raises(SpecError, match="cash_buffer must be a number from 0 up"):
        weights(cash_buffer=buffer)


@pytest.mark.parametrize("forecast", ["0.1", None, [0.1], 1j, True])
def test_a_forecast_that_is_not_a_number_is_named(forecast):
    with pytest.raises(DataError, match="XLK: a forecast that is not a number"):
        weights({"A": 0.1, "XLK": forecast})
    with pytest.raises(DataError, match="XLK: a held share that is not"):
        weights(held={"XLK": math.nan})
    with pytest.raises(DataError, match="no mapping"):
        weights(None)
