"""What counts against a candidate, and how alike trials are."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pandas as pd
import pytest
from made import DAYS, MARKS, bars, returns, trial

from bt_lstm_rotation.trials import TrialLedger
from bt_lstm_rotation.trials.counting import (
    known_trials,
    looks_at,
    mean_correlation,
    returns_of,
)
from bt_lstm_rotation.trials.packing import (
    MARKS as MOST_MARKS,
)
from bt_lstm_rotation.trials.packing import (
    WIDTH,
    bar_marks,
    pack_returns,
    share_marks,
    unpack_returns,
)

ELSEWHERE = {"data": "e" * 64, "marks": bar_marks(DAYS, bars(seed=5))}


@pytest.fixture
def ledger(tmp_path):
    return TrialLedger(tmp_path / "trials.sqlite")


def keys(found):
    return [one.key for one in found]


def test_the_candidate_counts_itself_in_an_empty_ledger(ledger):
    assert keys(known_trials(ledger, trial(1))) == ["key-1"]


def test_each_trial_on_these_bars_counts_once(ledger):
    ledger.add(
        [
            *(trial(at) for at in (1, 2, 3)),
            trial(2, kind="sweep"),
            trial(3, kind="paper"),
            trial(4, kind="imported", returns=None),
            trial(5, kind="holdout"),
            trial(6, **ELSEWHERE),
        ]
    )
    found = known_trials(ledger, trial(2))
    assert keys(found) == ["key-2", "key-1", "key-3", "key-4"]
    assert [one.returns is None for one in found] == [False, False, False, True]


def test_bars_are_known_again_with_more_sessions_or_fewer_symbols(ledger):
    closes = bars(n_symbols=9)
    longer = bar_marks(DAYS, closes)
    shorter = bar_marks(DAYS[100:600], closes[100:600, [3]])
    # A dividend is worked into prices of the past, to as many digits as vendors give.
    restated = np.round(closes * 0.98231, 3)
    assert share_marks(longer, shorter)
    assert share_marks(longer, bar_marks(DAYS, restated))
    assert not share_marks(longer, bar_marks(DAYS, bars(seed=1, n_symbols=9)))
    ledger.add([trial(1, data="a" * 64, marks=shorter)])
    candidate = trial(2, data="b" * 64, marks=longer)
    assert keys(known_trials(ledger, candidate)) == ["key-2", "key-1"]


def test_marks_are_few_and_constants_or_short_series_have_none():
    many = bar_marks(DAYS, bars(n_symbols=60))
    assert len(many) == MOST_MARKS * WIDTH
    assert share_marks(many, bar_marks(DAYS, bars(n_symbols=60)[:, :30]))
    assert bar_marks(DAYS, np.full((len(DAYS), 3), 7.0)) == b""
    assert bar_marks(DAYS[:5], bars()[:5]) == b""
    assert bar_marks(DAYS, np.full((len(DAYS), 3), np.nan)) == b""
    assert bar_marks(DAYS[:0], np.empty((0, 0))) == b""
    assert not share_marks(b"", b"")
    assert share_marks(MARKS, MARKS)


def test_sessions_that_do_not_overlap_do_not_count(ledger):
    ledger.add([trial(1, first="2004-01-01", last="2005-06-30")])
    later = trial(2, first="2005-07-01", last="2006-12-29")
    assert keys(known_trials(ledger, later)) == ["key-2"]
    touching = dataclasses.replace(later, first="2005-06-30")
    assert keys(known_trials(ledger, touching)) == ["key-2", "key-1"]


def test_rivals_count_against_others_than_whom_they_stood_beside(ledger):
    rival = trial(2, kind="rival", beside="configuration-1")
    ledger.add([trial(1, kind="verdict"), rival])
    assert keys(known_trials(ledger, trial(1))) == ["key-1"]
    # Who is chosen after he was seen as a rival was one of two.
    assert keys(known_trials(ledger, trial(2))) == ["key-2", "key-1"]
    assert keys(known_trials(ledger, trial(3))) == ["key-3", "key-1", "key-2"]


def test_each_look_at_what_was_held_out_is_counted(ledger):
    opened = trial(1, kind="holdout", first="2006-01-02")
    assert looks_at(ledger, opened) == 0
    ledger.add([trial(2, last="2005-12-30"), trial(3, **ELSEWHERE)])
    assert looks_at(ledger, opened) == 0
    ledger.add([trial(4)])  # a backtest up to the end
    assert looks_at(ledger, opened) == 1
    ledger.add([opened])
    ledger.add([opened])
    assert looks_at(ledger, opened) == 3


def test_the_mean_correlation_is_that_of_pandas():
    common = returns(100)
    made = {str(at): returns(at) + at * common for at in range(6)}
    made["4"] = made["4"].iloc[200:]
    made["5"] = made["5"].iloc[:400]
    table = pd.DataFrame(made).corr(min_periods=63).to_numpy()
    wanted = table[np.triu_indices(6, 1)].mean()
    assert mean_correlation(made, 6) == pytest.approx(wanted, rel=1e-10)


def test_pairs_of_which_nothing_is_known_are_independent():
    same = {"a": returns(1), "b": returns(1), "c": returns(1)}
    assert mean_correlation(same, 3) == pytest.approx(1.0)
    # 3 of the 10 pairs of five have a correlation of 1.
    assert mean_correlation(same, 5) == pytest.approx(0.3)
    assert mean_correlation({"a": returns(1)}, 2) == 0.0
    assert mean_correlation({}, 0) == 0.0
    apart = {"a": returns(1).iloc[:300], "b": returns(1).iloc[300:]}
    assert mean_correlation(apart, 2) == 0.0
    short = {"a": returns(1).iloc[:62], "b": returns(1).iloc[:62]}
    assert mean_correlation(short, 2) == 0.0
    flat = {"a": returns(1) * 0 + 1e-3, "b": returns(1), "c": returns(1) * np.nan}
    assert mean_correlation(flat, 3) == 0.0


def test_of_very_many_trials_the_correlation_is_that_of_some():
    common = returns(0).iloc[:100]
    made = {str(at): common + returns(at).iloc[:100] for at in range(1, 700)}
    assert mean_correlation(made, 699) == pytest.approx(0.5, abs=0.05)


def test_returns_are_packed_and_unpacked():
    series = returns(3)
    series.iloc[[4, 9]] = [np.nan, 1e300]
    packed = pack_returns(series)
    assert len(packed) < 4 * len(series) + 500
    found = unpack_returns(packed)
    assert list(found.index) == list(series.index)
    assert np.isnan(found.iloc[4])
    assert np.isinf(found.iloc[9])
    # Half a unit in the last of 24 binary digits.
    others = np.isfinite(found.to_numpy())
    apart = np.abs(found.to_numpy() / series.to_numpy() - 1)[others]
    assert apart.max() <= 2**-24
    assert len(unpack_returns(pack_returns(series.iloc[:0]))) == 0


def test_damaged_returns_are_refused_and_reserve_no_memory():
    packed = pack_returns(returns(3))
    whole = hashlib.sha256(packed).digest()
    for bad in (
        *(b"", packed[:7], packed[:-1], packed + b"\0", b"\xff" * 40, whole),
        packed[:8] + b"\0" * 10 + packed[18:],
        (10**9).to_bytes(4, "little") + packed[4:],
    ):
        with pytest.raises(ValueError, match=r"its (returns|sessions)"):
            unpack_returns(bad)


def test_returns_of_a_session_twice_count_once():
    twice = pd.concat([returns(1), returns(1)])
    found = returns_of([trial(1, returns=pack_returns(twice)), trial(2, returns=None)])
    assert len(found["key-1"]) == len(DAYS)
