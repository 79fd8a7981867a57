"""What a vendor's prices say of the recorded ones: splits, dividends, corrections."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.paper.arrival import arrived
from bt_lstm_rotation.paper.bars import restated
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.corporate_actions import SPLITS

DAYS = np.arange("2024-01-01", "2024-06-01", dtype="datetime64[D]")
DAYS = DAYS[np.is_busday(DAYS)]
USUAL = (2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0, 1.5, 1.25, 0.5, 0.25, 0.1, 0.05, 1 / 15)


def walk(price, days, seed, decimals):
    """Return prices of some days, in cents or with many decimals."""
    rng = np.random.default_rng(seed)
    close = price * np.exp(rng.normal(0.0, 0.012, days).cumsum())
    opened = close * np.exp(rng.normal(0.0, 0.004, days))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0.0, 0.003, days)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0.0, 0.003, days)))
    prices = np.array([opened, high, low, close])
    return prices, np.round(prices, decimals)


def panel(prices, volume=1e6):
    bars = np.vstack([prices, np.full((1, prices.shape[1]), volume)])
    return PricePanel(DAYS[: prices.shape[1]], ("A",), bars[:, :, None])


def found(known, offered, *, accepted=(), late=False):
    """Let the session after the known ones arrive."""
    due = [day.astype(object) for day in offered.sessions[len(known) :]]
    return arrived(known, offered, due, overdue=lambda day: late, accepted=accepted)


def seen(true, before, factor, decimals):
    """Return what a vendor shows of prices whose past it has multiplied."""
    new = true.copy()
    new[:, :before] *= factor
    return np.round(new, decimals)


@st.composite
def markets(draw, least=3.0):
    days = draw(st.integers(30, 90))
    decimals = draw(st.sampled_from([2, 4, 9]))
    price = draw(st.floats(least, 3000.0))
    seed = draw(st.integers(0, 2**32 - 1))
    true, old = walk(price, days + 1, seed, decimals)
    return days, decimals, true, panel(old[:, :days])


@given(markets(), st.sampled_from(USUAL))
@settings(max_examples=150, deadline=None)
def test_a_split_is_told_to_its_very_ratio_however_prices_are_rounded(market, ratio):
    days, decimals, true, known = market
    factor = 1.0 / ratio
    assume(true.min() * min(factor, 1.0) > 1.0)  # whose cents are a part in a hundred
    now = true * np.where(np.arange(days + 1) < days, 1.0, factor)
    (arrival,) = found(known, panel(seen(now, days, factor, decimals))).ready
    action = arrival.actions["A"]
    assert action.shares == pytest.approx(ratio, rel=1e-12)
    assert action.price == pytest.approx(factor, rel=1e-12)
    assert action.cash == 0.0
    assert arrival.notes == ()


@given(markets(least=10.0), st.floats(0.85, 0.998))
@settings(max_examples=150, deadline=None)
def test_a_dividend_is_told_as_well_as_prices_are_rounded(market, factor):
    days, decimals, true, known = market
    now = true * np.where(np.arange(days + 1) < days, 1.0, factor)
    offered = panel(seen(now, days, factor, decimals))
    (arrival,) = found(known, offered).ready
    action = arrival.actions["A"]
    rounded = 10.0**-decimals / true.min()
    assert action.shares == 1.0
    assert action.price == pytest.approx(factor, rel=1e-9 + rounded)
    last = float(known.close[-1, 0])
    assert action.cash == pytest.approx((1 - action.price) * last)
    # And the next evening, in new units, there is nothing more to say.
    day = arrival.session
    recorded = PricePanel(
        DAYS[: days + 1],
        ("A",),
        np.concatenate([known.bars, offered.bars[:, days:]], axis=1),
    )
    after = restated(recorded, {day: {"A": action}})
    longer = np.concatenate([now, now[:, -1:]], axis=1)
    (again,) = found(after, panel(seen(longer, days, factor, decimals))).ready
    assert again.actions == {}
    assert again.notes == ()


@given(markets(least=20.0), st.sampled_from([2.0, 3.0, 10.0]), st.floats(0.92, 0.99))
@settings(max_examples=60, deadline=None)
def test_a_split_with_a_dividend_is_told_as_both(market, ratio, rest):
    days, decimals, true, known = market
    factor = rest / ratio
    now = true * np.where(np.arange(days + 1) < days, 1.0, factor)
    (arrival,) = found(known, panel(seen(now, days, factor, decimals))).ready
    action = arrival.actions["A"]
    assert action.shares == ratio
    last = known.close[-1, 0]
    # Thirty bars that are rounded tell ten times as well as one.
    rounded = 10.0**-decimals / (true.min() * factor) / 10 * last
    assert action.cash == pytest.approx((1 - rest) * last, rel=2e-2, abs=rounded)


@given(
    markets(least=5.0),
    st.sampled_from([1.0, 0.5, 0.995]),
    st.integers(1, 9),
    st.floats(0.9, 1.1).filter(lambda by: abs(by - 1.0) > 0.01),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=150, deadline=None)
def test_a_few_corrected_bars_are_noted_and_move_no_factor(
    market, factor, count, by, seed
):
    days, decimals, true, known = market
    now = true * np.where(np.arange(days + 1) < days, 1.0, factor)
    new = seen(now, days, factor, decimals)
    plain = found(known, panel(new)).ready[0].actions
    first = max(0, days - 60)
    at = np.random.default_rng(seed).choice(np.arange(first, days), count, False)
    new[:, at] *= by
    (arrival,) = found(known, panel(new)).ready
    assert arrival.actions.keys() == plain.keys()
    for symbol, action in arrival.actions.items():
        rounded = 10.0**-decimals / (true.min() * factor)
        assert action.price == pytest.approx(plain[symbol].price, rel=1e-9 + rounded)
    (note,) = arrival.notes
    span = (
        f"{DAYS[at.min()]}" if count == 1 else f"{DAYS[at.min()]} to {DAYS[at.max()]}"
    )
    bars = "1 bar" if count == 1 else f"{count} bars"
    assert (note.kind, note.detail) == ("revised", f"{bars}, {span}: not followed")


@given(markets(least=0.5), st.sampled_from([2, 3, 4]))
@settings(max_examples=80, deadline=None)
def test_other_rounding_is_no_change(market, decimals):
    _, _, true, known = market
    (arrival,) = found(known, panel(np.round(true, decimals))).ready
    assert arrival.actions == {}


@given(markets(), st.floats(0.1, 0.4), st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_noise_is_no_action_and_is_waited_for(market, size, seed):
    days, _, true, known = market
    noise = np.random.default_rng(seed).uniform(1 - size, 1 + size, days + 1)
    noise[-1] = 1.0
    offered = panel(true * noise)
    waiting = found(known, offered)
    assert waiting.ready == ()
    assert "by no one factor" in waiting.waiting
    assert "paper step --accept SYMBOL" in waiting.waiting
    # Believed all the same, it changes no share and pays nothing.
    (arrival,) = found(known, offered, accepted=["A"]).ready
    assert arrival.actions == {}


def test_every_split_is_its_own_ratio():
    true, old = walk(400.0, 61, 5, 9)
    for split in map(float, SPLITS):
        now = true * np.where(np.arange(61) < 60, 1.0, split)
        (arrival,) = found(panel(old[:, :60]), panel(seen(now, 60, split, 9))).ready
        assert arrival.actions["A"].price == split


def test_a_part_that_was_spun_off_has_to_be_accepted():
    true, old = walk(80.0, 61, 5, 2)
    known = panel(old[:, :60])
    now = true * np.where(np.arange(61) < 60, 1.0, 0.52)
    offered = panel(seen(now, 60, 0.52, 4))
    waiting = found(known, offered)
    assert waiting.ready == ()
    assert "neither a split nor a dividend" in waiting.waiting
    (arrival,) = found(known, offered, accepted=["A"]).ready
    action = arrival.actions["A"]
    assert (action.price, action.shares) == (pytest.approx(0.52, rel=1e-4), 1.0)
    assert action.cash == pytest.approx(0.48 * known.close[-1, 0], rel=1e-3)
    # A new unit of money is no payment, and is not booked as one.
    other = panel(seen(now, 60, 150.0, 4))
    refused = found(known, other, accepted=["A"])
    assert refused.ready == ()
    assert "neither a split nor a dividend" in refused.waiting


def test_a_share_of_a_hundredth_of_a_cent_is_compared_too():
    true, old = walk(0.0001, 61, 5, 12)
    known = panel(old[:, :60])
    (same,) = found(known, panel(old)).ready
    assert same.actions == {}
    noise = np.random.default_rng(1).uniform(0.7, 1.3, 61)
    assert found(known, panel(true * noise)).ready == ()
    now = true * np.where(np.arange(61) < 60, 1.0, 0.001)
    assert found(known, panel(seen(now, 60, 1.0, 12))).ready == ()  # doubted


@pytest.mark.parametrize("days", [1, 2, 5])
def test_a_share_that_was_just_listed_splits_as_well(days):
    true, old = walk(50.0, days + 1, 2, 2)
    now = true * np.where(np.arange(days + 1) < days, 1.0, 0.5)
    (arrival,) = found(panel(old[:, :days]), panel(seen(now, days, 0.5, 2))).ready
    assert arrival.actions["A"].shares == 2.0


def test_days_of_which_nothing_is_believed_are_said_to_be_left_out():
    _, old = walk(50.0, 62, 2, 2)
    known, new = panel(old[:, :60]), old.copy()
    new[:, 60] *= 100.0
    offered = panel(new)
    waiting = found(known, offered)
    assert waiting.ready == ()
    assert "0 of 1 symbols" in waiting.waiting
    (arrival,) = found(known, offered, late=True).ready
    assert arrival.session == dt.date(2024, 3, 26)
    ((kind, _, detail),) = ((n.kind, n.symbol, n.detail) for n in arrival.notes)
    assert kind == "missing"
    assert detail.startswith("2024-03-25 is doubted: ")
