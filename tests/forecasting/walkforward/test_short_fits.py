"""Fits that are too short for threads are made one after the other, unless asked."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field

import pytest
from fakes import FakeSpec, random_panel, same_bytes

from bt_lstm_rotation.forecasting import Training, Workers, walk_forward
from bt_lstm_rotation.forecasting.walkforward import workers

PANEL = random_panel("ABC", 160)


@dataclass(frozen=True, kw_only=True)
class Watched(FakeSpec):
    """A fake that knows in which threads its fits were made."""

    retrain: str = "weekly"
    threads: set[str] = field(default_factory=set, compare=False)

    def fit(self, window, session):
        self.threads.add(threading.current_thread().name)
        return super().fit(window, session)


def walked(seconds, **settings):
    """Walk with a clock on which each fit takes so long."""
    spec, ticks = Watched(), itertools.count()
    training = Training(clock=lambda: seconds * next(ticks), **settings)
    made = walk_forward(PANEL, spec, training=training)
    assert len(made.fits) > 20
    return made, spec.threads


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(workers, "available_cores", lambda: 2)


HERE = {threading.main_thread().name}


def test_by_default_threads_are_for_fits_that_take_long():
    short, threads = walked(0.001)
    assert threads == HERE
    long, threads = walked(1.0)
    assert threads > HERE  # the first one tells
    assert same_bytes(short.values, long.values)


def test_whoever_chooses_workers_has_them():
    _, threads = walked(0.001, workers=Workers(jobs=2))
    assert not threads & HERE


def test_who_announces_is_told_of_what_is_short_as_well():
    told = []
    _, threads = walked(0.001, announce=lambda *values: told.append(values))
    assert len(told) == 1
    assert threads == HERE
