"""What a world keeps, and how it alters what comes after."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_lstm_rotation.evidence.audit.rows import TAIL, WHOLE, Rows, World
from bt_lstm_rotation.evidence.audit.tables import dates_of_rows, table_in_world
from bt_lstm_rotation.periods import EPOCH

NAMES = ("close", "low", "high", "open", "volume", "openinterest", "datetime", "score")


def bars(count=100, seed=0):
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, count)))
    opened = close * np.exp(rng.normal(0, 0.01, count))
    high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    at = np.arange(float(EPOCH + 7_000), EPOCH + 7_000 + count)
    score = rng.normal(size=count)
    zero, volume = np.zeros(count), rng.integers(1, 9_000, count).astype(float)
    values = np.stack([close, low, high, opened, volume, zero, at, score], axis=1)
    return Rows(NAMES, values, at)


@given(
    known=st.integers(0, 100),
    seed=st.none() | st.integers(0, 9),
    mirrored=st.booleans(),
    share=st.floats(0, 1),
)
def test_what_is_known_stays_and_what_comes_is_another_valid_bar(
    known, seed, mirrored, share
):
    rows, since = bars(), int(share * min(known, 40))
    world = World(rows.at[0] + known, seed, mirrored, since=rows.at[since])
    kept = rows.in_world(world, 3)
    first = np.searchsorted(rows.at, kept.at[0])
    assert first == since
    true = rows.values[first : first + len(kept)]
    past = kept.at <= world.known
    assert np.array_equal(kept.values[past], true[past])
    future, was = kept.values[~past], true[~past]
    assert len(future) <= TAIL
    if known > since and world.is_cut:
        assert len(future) == 0
    close, low, high, opened, volume, interest, at, _ = future.T
    assert np.array_equal(at, was[:, 6])
    assert (low > 0).all()
    assert (np.minimum(opened, close) >= low).all()
    assert (np.maximum(opened, close) <= high).all()
    assert (volume == np.round(volume)).all()
    assert (interest == 0).all()
    # At least five per cent up or down, in each of the two prices.
    for new, column in ((close, 0), (opened, 3)):
        assert (np.abs(np.log(new / was[:, column])) >= 0.05 - 1e-12).all()


def test_mirrored_worlds_move_the_other_way_and_feeds_apart():
    rows = bars()
    known = float(rows.at[50])
    up, down, other = (
        rows.in_world(world, stream).values[51:, 0] / rows.values[51:83, 0]
        for world, stream in (
            (World(known, 1), 0),
            (World(known, 1, mirrored=True), 0),
            (World(known, 1), 1),
        )
    )
    assert np.allclose(up * down, 1.0)
    assert (np.sign(np.log(up)) != np.sign(np.log(other))).any()


def test_the_next_open_may_be_known():
    rows = bars()
    known, opened = float(rows.at[50]), float(rows.at[51])
    kept = rows.in_world(World(known, 1, opened=opened), 0)
    assert kept.values[51, 3] == rows.values[51, 3]
    assert kept.values[51, 0] != rows.values[51, 0]
    assert kept.values[52, 3] != rows.values[52, 3]


def test_a_feed_that_has_not_begun_keeps_its_place():
    rows = bars()
    kept = rows.in_world(World(float(rows.at[0]) - 5.0), 0)
    assert len(kept) == TAIL
    assert (kept.values[:, 0] != rows.values[:TAIL, 0]).all()


DAYS = pd.date_range("2020-01-01", periods=60)


@pytest.mark.parametrize(
    "table",
    [
        pd.Series(np.arange(1.0, 61.0), DAYS, name="x"),
        pd.DataFrame({"x": np.arange(1.0, 61.0), "text": "a"}, DAYS),
        pd.DataFrame({"x": np.arange(1, 61), "day": DAYS}),
        pd.DataFrame({"x": np.arange(1.0, 61.0)}, DAYS.tz_localize("UTC")),
        pd.DataFrame({"x": np.arange(1.0, 61.0)}, DAYS.to_period("D")),
    ],
)
def test_a_table_is_cut_off_and_altered_by_its_dates(table):
    at = dates_of_rows(table)
    cut = table_in_world(table, World(float(at[20])), 0)
    assert type(cut) is type(table)
    assert len(cut) == 21
    altered = table_in_world(table, World(float(at[20]), 1), 0)
    assert len(altered) == 21 + TAIL
    was, new = (t if t.ndim == 1 else t["x"] for t in (table, altered))
    assert list(new.iloc[:21]) == list(was.iloc[:21])
    changed = new.iloc[21:].to_numpy() != was.iloc[21 : 21 + TAIL].to_numpy()
    assert changed.mean() > 0.8
    assert table_in_world(table, WHOLE, 0).equals(table)


def test_a_table_without_dates_is_the_same_in_every_world():
    table = pd.DataFrame({"x": [1.0, 2.0]})
    assert dates_of_rows(table) is None
    assert table_in_world(table, World(0.0), 0).equals(table)
