"""Claims in words: what is said, and what is never said alone."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from rich.console import Console

from bt_lstm_rotation import MomentumSpec, run_backtest
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket
from bt_lstm_rotation.reporting import print_summary, read_run, render, write_run
from bt_lstm_rotation.reporting.words_of_skill import (
    claim_sentences,
    portfolio_sentences,
    rival_sentences,
    run_sentences,
    trial_sentences,
)
from tests.reporting.results import without_forecasts

CLAIM = {
    "ic": 0.02,
    "t": 0.7,
    "years": 10.0,
    "size": 0.025,
    "detectable": 0.08,
    "years_needed": 160.0,
}


def said(outcome, **changes):
    return list(claim_sentences(outcome, CLAIM | changes))


def test_no_evidence_is_followed_by_what_could_have_been_shown_and_by_when():
    assert said("none") == [
        "No evidence of skill: the forecasts' mean correlation with what came (IC) was "
        "0.020 over 10.0 years, which is within what chance makes (two-sided test of "
        "5%, t = 0.7).",
        "The smallest skill that these data could have shown is an IC of 0.080: one of "
        "that size would be found in four of five such histories, a smaller one less "
        "often.",
        "If the IC is what was measured, it would take about 160 years to show it.",
    ]


@pytest.mark.parametrize("outcome", ["skill", "none", "opposite"])
def test_the_smallest_skill_stands_beside_every_outcome(outcome):
    assert "an IC of 0.080" in said(outcome)[1]


def test_no_skill_above_what_there_is_stands_beside_a_short_history():
    few = "So few forecasts could hardly have shown any skill, however large."
    assert said("none", detectable=1.91)[1] == few
    assert "an IC of 1.000" in said("none", detectable=1.0)[1]


@pytest.mark.parametrize("needed", [math.inf, None])
def test_no_years_show_what_is_not_there(needed):
    last = said("none", ic=-0.01, years_needed=needed)[-1]
    assert last == "An IC of 0 or less is no skill, however long it is measured."


def test_thousands_of_years_are_not_counted():
    assert "more than 1,000 years" in said("none", years_needed=123_456.0)[-1]


def test_skill_and_its_opposite():
    assert said("skill")[0].startswith("Evidence of skill")
    assert len(said("skill")) == 2
    assert said("opposite", ic=-0.1)[0].startswith("The forecasts were the wrong way")


def test_what_was_not_tested_is_no_verdict():
    nothing = dict.fromkeys(CLAIM)
    (sentence,) = claim_sentences("untested", nothing)
    assert sentence.startswith("Not assessed")


def test_the_tests_own_size_is_said():
    assert "two-sided test of 0.5%" in said("none", size=0.0025)[0]


def test_portfolios_in_words():
    rows = [
        {"name": "mine", "growth_ahead": None},
        {"name": "equal weight", "growth_ahead": [-0.01, -0.03, 0.02]},
    ]
    first, second = portfolio_sentences(rows, {"place": 0.4, "draws": 1_000})
    assert "1.0% a year behind equal weight (-3.0% to 2.0%" in first
    assert "within what chance makes" in first
    assert "above that of 40.0% of 1,000 portfolios" in second
    rows[1]["growth_ahead"] = [0.02, 0.01, 0.03]
    (only,) = portfolio_sentences(rows, None)
    assert "more than chance usually makes" in only
    assert list(portfolio_sentences([], {"place": None, "draws": 0})) == []


def test_rivals_and_seeds_in_words():
    def row(name, dm_p, dm_p_rival):
        return {"name": name, "dm_p": dm_p, "dm_p_rival": dm_p_rival}

    rows = [row("mine", None, None), row("zero", 0.01, 0.99), row("kalman", 0.98, 0.02)]
    rows += [row("mean", 0.5, 0.5), row("ewma", None, None)]
    band = {"seeds": 5, "ic": {"low": 0.01, "high": 0.03}}
    first, second = rival_sentences(
        rows, {**band, "sharpe": {"low": 0.5, "high": 0.75}}
    )
    assert first == (
        "Its squared errors are smaller than those of zero; larger than those of "
        "kalman; not told apart from those of mean, ewma (5% each)."
    )
    assert "from 0.010 to 0.030" in second
    assert "from 0.50 to 0.75" in second
    assert list(rival_sentences(rows[:1], None)) == []


def test_trials_that_are_not_known_are_said_to_be():
    nothing = dict.fromkeys(("trials", "effective_trials", "dsr"))
    assert "is not known" in next(trial_sentences(nothing))
    known = {"trials": 12, "effective_trials": 6.5, "dsr": 0.31}
    first, second = trial_sentences(known)
    assert first.startswith("12 trials are known of these bars, worth 6.5 independent")
    assert "31.0% (deflated Sharpe ratio)" in second
    one = {"trials": 1, "effective_trials": 1.0, "dsr": np.float64(0.5)}
    assert next(trial_sentences(one)).startswith("1 trial is known")


@pytest.fixture(scope="module")
def run():
    panel = SimulatedMarket(signal=0.0, n_sessions=800, seed=3).panel()
    spec = MomentumSpec(lookback=63, skip=0)
    return run_backtest(panel, params={"spec": spec}, benchmark=MARKET)


def test_a_report_opens_with_what_its_own_forecasts_show(run, tmp_path):
    sentences = list(run_sentences(run))
    assert sentences[0].startswith("No evidence of skill")
    assert f"{run.summary['forecast']['ic']:.3f}" in sentences[0]
    assert "smallest skill" in sentences[1]
    assert "its rivals were not run" in sentences[-1]
    text = render(run)
    places = [text.index(s.replace("'", "&#39;")) for s in sentences]
    assert places == sorted(places)
    assert places[-1] < text.index("<h2>")
    # It is a function of the run's own files.
    again = read_run(write_run(run, tmp_path / "run"))
    assert list(run_sentences(again)) == sentences


def test_the_terminal_says_it_too(run):
    printed = io.StringIO()
    print_summary(run, console=Console(file=printed, width=200))
    shown = [line for line in printed.getvalue().splitlines() if "Verdict  " in line]
    assert shown == [f"Verdict    {sentence}" for sentence in run_sentences(run)]


def test_of_a_run_without_forecasts_nothing_is_said():
    assert list(run_sentences(without_forecasts())) == []
