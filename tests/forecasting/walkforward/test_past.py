"""A walk that goes on from what an earlier run has made gives the same bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeSpec, random_panel, same_bytes

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting import (
    BarHistory,
    ForecastSpec,
    Past,
    Training,
    WalkForward,
)

SPEC = ForecastSpec(
    units=3, lookback=5, horizon=3, train_size=30, steps=2, retrain="weekly"
)


class Memory:
    """A journal that forgets everything after a session."""

    def __init__(self):
        self.weights = {}
        self.made = []
        self.remembered = None

    def past(self, spec, symbols):
        return self.remembered

    def keep(self, spec, symbols, session, arrays):
        self.made.append(session)
        self.weights[session] = arrays


def walked(panel, spec, journal):
    """Walk the whole panel; return forecasts and fits without their times."""
    walk = WalkForward(
        spec, BarHistory.from_panel(panel), training=Training(journal=journal)
    )
    values = walk.forecast(panel.sessions)
    return values, [replace(fit, seconds=0.0, origin="") for fit in walk.fits_]


def remember(journal, panel, values, fits, cut):
    """Let a journal know what was made by the session of a row."""
    until = panel.sessions[cut]
    kept = panel.sessions <= until
    journal.remembered = Past(
        until=until,
        sessions=panel.sessions[kept],
        values=values[:, kept],
        fits=tuple(fit for fit in fits if fit.session <= until),
        weights={s: w for s, w in journal.weights.items() if s <= until},
    )
    journal.made = []


@pytest.mark.parametrize("settings", [{}, {"warm_start": True}, {"members": 2}])
def test_a_walk_goes_on_where_it_was_cut_with_the_networks_it_had(settings):
    panel = random_panel("ABC", 100)
    spec = replace(SPEC, **settings)
    journal = Memory()
    values, fits = walked(panel, spec, journal)
    assert len(fits) > 6
    firsts = [int(np.searchsorted(panel.sessions, fit.session)) for fit in fits[:3]]
    for cut in (5, firsts[0] - 1, *firsts, firsts[1] - 1, 60, 79):
        remember(journal, panel, values, fits, cut)
        again, fits_again = walked(panel, spec, journal)
        assert same_bytes(again, values)
        assert repr(fits_again) == repr(fits)
        assert all(session > panel.sessions[cut] for session in journal.made)


def test_weights_that_were_recorded_are_used_as_they_are():
    """Another processor may have rounded otherwise: its network is the true one."""
    panel = random_panel("ABC", 80)
    journal = Memory()
    values, fits = walked(panel, SPEC, journal)
    cut = int(np.searchsorted(panel.sessions, fits[3].session)) + 1
    for session, arrays in journal.weights.items():
        journal.weights[session] = {
            name: part + 1e-3 if name != "losses" and part.dtype.kind == "f" else part
            for name, part in arrays.items()
        }
    remember(journal, panel, values, fits, cut)
    again, _ = walked(panel, SPEC, journal)
    assert same_bytes(again[:, : cut + 1], values[:, : cut + 1])
    until_next_fit = int(np.searchsorted(panel.sessions, fits[4].session))
    by_changed = slice(cut + 1, until_next_fit)
    assert cut + 1 < until_next_fit
    assert not same_bytes(again[:, by_changed], values[:, by_changed])
    assert same_bytes(again[:, until_next_fit:], values[:, until_next_fit:])


def test_a_fit_that_cannot_be_kept_is_made_again_and_its_forecasts_are_not():
    panel = random_panel("ABC", 80)
    journal = Memory()
    spec = FakeSpec(fit_bars=12)
    expected, fits = walked(panel, spec, journal)
    assert len(fits) > 2
    assert not journal.made
    for cut in (30, 50, 60, 79):
        remember(journal, panel, expected, fits, cut)
        values, fits_again = walked(panel, spec, journal)
        assert same_bytes(values, expected)
        assert repr(fits_again) == repr(fits)
    remember(journal, panel, expected * 0.0, fits, 60)
    values, _ = walked(panel, spec, journal)
    assert not np.nan_to_num(values[:, :61]).any()
    assert same_bytes(values[:, 61:], expected[:, 61:])


def test_a_journal_has_to_be_one():
    with pytest.raises(SpecError, match="journal must be a FitJournal"):
        Training(journal={})
