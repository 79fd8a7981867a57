"""What a verdict writes into the ledger of trials, and what it reads there."""

from __future__ import annotations

import datetime as dt
import itertools
import math

import numpy as np
import pandas as pd
import pytest
from fakes import random_panel

from bt_lstm_rotation import MomentumSpec, SectorRotation, run_backtest
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.evidence.verdict import verdict
from bt_lstm_rotation.evidence.verdict.bookkeeping import Bookkeeping
from bt_lstm_rotation.evidence.verdict.runs import Run
from bt_lstm_rotation.trials import TrialLedger, usual_ledger

pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = random_panel("ABCDE", 300)
SPEC = MomentumSpec(lookback=20, skip=0, horizon=5)


def run_of(top, panel=PANEL, *, ledger=False) -> Run:
    params = {"spec": SPEC, "top": top, "rebalance": "weekly"}
    result = run_backtest(panel, SectorRotation, params, ledger=ledger)
    return Run(f"top {top}", SPEC.horizon, result)


@pytest.fixture(scope="module")
def runs():
    return [run_of(top) for top in (1, 2, 3)]


@pytest.fixture
def ledger(tmp_path):
    return TrialLedger(tmp_path / "trials.sqlite")


def books(ledger, run, panel=PANEL):
    made = Bookkeeping(ledger, SectorRotation)
    made.candidate(run, panel)
    return made


def test_a_first_candidate_is_one_trial_and_so_it_stays(ledger, runs):
    for _ in range(2):
        known = books(ledger, runs[0]).trials(runs[0])
        assert (known.number, known.effective) == (1, 1.0)
    assert [row.trial.kind for row in ledger.rows()] == ["verdict"]


def test_each_earlier_trial_counts_by_what_it_made_beyond_equal_weight(ledger, runs):
    for run in runs[1:]:
        books(ledger, run)
    known = books(ledger, runs[0]).trials(runs[0])
    # Worked out here, from the runs alone.
    table = pd.concat([run.returns - runs[0].equal_weight for run in runs], axis=1)
    ratios = table.mean() / table.std() * math.sqrt(runs[0].periods_a_year)
    assert sorted(known.sharpes) == pytest.approx(sorted(ratios), rel=1e-4)
    pairs = [table[a].corr(table[b]) for a, b in itertools.combinations(table, 2)]
    assert known.number == 3
    assert known.correlation == pytest.approx(np.mean(pairs), abs=1e-5)
    assert known.variance == pytest.approx(ratios.var(), rel=1e-3)


def test_backtests_of_the_same_bars_count_and_those_of_others_do_not(ledger, runs):
    run_of(2, ledger=ledger)
    run_of(3, ledger=ledger)
    run_of(2, PANEL.between(None, PANEL.sessions[-9].astype(object)), ledger=ledger)
    run_of(2, random_panel("ABCDE", 300, seed=9), ledger=ledger)
    assert books(ledger, runs[0]).trials(runs[0]).number == 4


def test_rivals_and_seeds_stand_beside_and_are_no_choice(ledger, runs):
    made = books(ledger, runs[0])
    made.beside("rival", [runs[1]], PANEL)
    made.beside("seed", [runs[2]], PANEL)
    assert made.trials(runs[0]).number == 1
    # Who then judges one of these has seen three.
    assert books(ledger, runs[1]).trials(runs[1]).number == 3
    kinds = [row.trial.kind for row in ledger.rows()]
    assert kinds == ["verdict", "rival", "seed", "verdict"]


def test_an_opening_is_known_for_ever_after(ledger):
    day = PANEL.sessions[-60].astype(object)
    held = run_of(2)
    assert Bookkeeping(ledger, SectorRotation).opening(held, PANEL, day) == 0
    assert Bookkeeping(ledger, SectorRotation).opening(held, PANEL, day) == 1
    # From a later day on it is a part of what was opened.
    later = day + dt.timedelta(days=20)
    assert Bookkeeping(ledger, SectorRotation).opening(held, PANEL, later) == 2
    (first, *_) = ledger.rows()
    assert (first.trial.kind, first.trial.first) == ("holdout", str(day))


def test_a_backtest_up_to_the_end_has_seen_what_is_held_out(ledger):
    day = PANEL.sessions[-60].astype(object)
    run_of(3, PANEL.between(None, day - dt.timedelta(days=1)), ledger=ledger)
    held = run_of(2)
    assert Bookkeeping(ledger, SectorRotation).opening(held, PANEL, day) == 0
    run_of(3, ledger=ledger)
    assert Bookkeeping(ledger, SectorRotation).opening(held, PANEL, day) == 2


def test_without_a_ledger_nothing_is_known(runs):
    made = books(None, runs[0])
    made.beside("rival", runs[1:], PANEL)
    assert made.trials(runs[0]) is None
    assert made.opening(runs[1], PANEL, dt.date(2020, 1, 1)) is None
    assert made.notes == []


def test_a_ledger_that_cannot_be_used_costs_notes_and_no_verdict(tmp_path, runs):
    bad = TrialLedger(tmp_path)
    made = books(bad, runs[0])
    made.beside("rival", runs[1:], PANEL)
    assert made.trials(runs[0]) is None
    assert made.opening(runs[1], PANEL, dt.date(2020, 1, 1)) is None
    written, unknown, openings = made.notes
    assert written.startswith("This verdict is not in the trial ledger: ")
    assert unknown.startswith("The trials made so far are not known: ")
    assert openings.startswith("Earlier openings are not known: ")


def test_a_verdict_counts_the_trials_by_itself(tmp_path):
    panel = random_panel("ABCDE", 420)
    given = {
        "params": {"spec": SPEC, "top": 2},
        "rivals": ["zero"],
        "holdout": panel.sessions[-80].astype(object),
    }
    found = verdict(panel, **given)
    assert found.figures["luck"]["trials"] == 1
    assert found.figures["holdout"]["openings_before"] == 0
    assert [row.trial.kind for row in usual_ledger().rows()] == [
        *("verdict", "rival", "holdout")
    ]
    run_backtest(panel, SectorRotation, {"spec": SPEC, "top": 1})
    again = verdict(panel, **given)
    assert again.figures["luck"]["trials"] == 2
    assert again.figures["holdout"]["openings_before"] == 2
    assert any("2 trials are known" in sentence for sentence in again.sentences)
    unknown = verdict(panel, ledger=False, **given)
    assert unknown.figures["luck"]["trials"] is None
    assert unknown.figures["holdout"]["openings_before"] is None
    with pytest.raises(SpecError, match="verdict: ledger must be a TrialLedger"):
        verdict(panel, ledger=None, **given)
