"""A fit that there is no memory for is not begun, and says what would need less."""

from __future__ import annotations

import threading

import pytest
from fakes import random_panel

from bt_lstm_rotation.errors import FitsError
from bt_lstm_rotation.forecasting import (
    ForecastSpec,
    Training,
    Workers,
    walk_forward,
)
from bt_lstm_rotation.forecasting.recurrent import backend, memory

TINY = ForecastSpec(lookback=5, train_size=40, horizon=2, units=3, steps=1)
HUGE = ForecastSpec(
    lookback=5,
    train_size=40,
    horizon=2,
    units=1024,
    layers=20,
    initial_weights="random",
)
ONE = Training(workers=Workers(jobs=1))


@pytest.fixture
def left(monkeypatch):
    """Say how much memory there is."""

    def left(count):
        monkeypatch.setattr(memory, "memory_left", lambda: count)

    def forget():
        memory.lack_of_memory.cache_clear()
        memory._left_at_first.cache_clear()

    forget()
    yield left
    forget()


@pytest.mark.parametrize(
    ("spec", "n_symbols", "least", "most"),
    [
        # Megabytes that were measured, give or take half.
        (ForecastSpec(initial_weights="random"), 9, 7, 20),
        (ForecastSpec(initial_weights="random", units=256), 9, 50, 120),
        (ForecastSpec(initial_weights="random", units=256, layers=4), 9, 200, 450),
        (ForecastSpec(initial_weights="random", units=256), 50, 250, 500),
        (ForecastSpec(initial_weights="random", units=128, cell="gru"), 9, 40, 90),
        (
            ForecastSpec(initial_weights="random", units=512, members=4, dropout=0.2),
            9,
            150,
            350,
        ),
    ],
)
def test_the_estimate_is_near_to_what_was_measured(spec, n_symbols, least, most):
    assert least <= memory.needed(spec, n_symbols) / 1e6 <= most


def test_what_there_is_no_memory_for_is_not_begun(left, monkeypatch):
    def begun(*_):
        raise AssertionError("TensorFlow was asked")

    left(2 * 10**9)
    monkeypatch.setattr(backend, "train", begun)
    monkeypatch.setattr(backend, "prepare", begun)
    with pytest.raises(FitsError) as lack:
        walk_forward(random_panel("ABC", 110), HUGE, training=ONE)
    said = str(lack.value)
    assert said.startswith("no forecast was made: all 3 fits of ForecastSpec failed: ")
    # 163.7 million weights of 4 bytes, eight times and once more; the rest is small.
    assert "MemoryError: it needs about 6.0 GB, and 2.0 GB are left: fewer" in said
    assert "units (1,024), layers (20)" in said


@pytest.mark.parametrize("there", [None, 10**12])
def test_where_there_is_enough_or_nobody_knows_it_is_begun(left, there):
    left(there)
    fits = walk_forward(random_panel("ABC", 110), TINY, training=ONE).fits
    assert {fit.status for fit in fits} == {"ok"}


def test_fits_side_by_side_wait_for_each_others_memory(left):
    left(memory.needed(TINY, 3) * 3 // 2)
    inside, most = [], []

    def fit():
        with memory.room_for(TINY, 3):
            inside.append(1)
            most.append(len(inside))
            threading.Event().wait(0.02)
            inside.pop()

    threads = [threading.Thread(target=fit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert most == [1, 1, 1, 1]
