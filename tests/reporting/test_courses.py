"""How trainings went, on the page and in the files."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.reporting.page.blocks import Chart, Words
from bt_lstm_rotation.reporting.page.courses import course_blocks, drift_blocks
from bt_lstm_rotation.reporting.page.training import training_section

SESSIONS = pd.to_datetime(["2019-01-02", "2019-02-01", "2019-03-01"])


def retrains(**columns):
    plain = {
        "session": SESSIONS,
        "drift": [math.nan, 0.5, 0.25],
        "clipped": [0.0, 0.5, 1.0],
        "losses": [(1.0, 0.9), (1.0,), (1.0, 0.8)],
        "held_out_losses": [(), (), ()],
        "gradient_norms": [(2.0, 1.0), (3.0,), (4.0, 3.0)],
    }
    return pd.DataFrame(plain | columns)


def test_the_line_on_drift_has_the_median_and_the_most():
    words, chart = drift_blocks(retrains())
    assert isinstance(words, Words)
    assert "38% of their spread" in words.text  # of 25% and 50%
    assert "50%, on 2019-02-01" in words.text
    assert isinstance(chart, Chart)


@pytest.mark.parametrize(
    "columns",
    [{"drift": [math.nan] * 3}, {"drift": [math.inf, math.nan, math.inf]}],
)
def test_without_a_drift_there_is_no_line(columns):
    assert drift_blocks(retrains(**columns)) == []


def titles(blocks):
    return [block.title for block in blocks]


def test_a_course_is_shown_by_fit_and_step():
    shown = course_blocks(retrains())
    assert titles(shown) == ["Training loss by step", "Gradient", "Clipped steps"]
    held = retrains(held_out_losses=[(1.0, 1.1), (1.2,), (math.inf, 1.0)])
    assert "Held-out loss by step" in titles(course_blocks(held))


def test_fits_without_steps_have_no_course_and_earlier_runs_neither():
    assert course_blocks(retrains(gradient_norms=[(), (), ()])) == []
    old = retrains().drop(
        columns=["drift", "clipped", "losses", "held_out_losses", "gradient_norms"]
    )
    assert drift_blocks(old) == course_blocks(old) == []


def test_trainings_that_diverged_are_drawn_too():
    wild = retrains(
        losses=[(1.0, math.inf), (math.nan,), (1.0, math.nan)],
        gradient_norms=[(math.inf, math.nan), (1.0,), (2.0, math.inf)],
    )
    assert len(course_blocks(wild)) == 3


def test_ten_thousand_steps_are_cut_short_and_one_row_is_enough():
    long = (
        retrains()
        .head(1)
        .assign(
            losses=[tuple(np.linspace(1, 0, 10_000))],
            gradient_norms=[tuple(np.ones(10_000))],
        )
    )
    (loss, *_) = course_blocks(long)
    (trace,) = loss.traces
    assert trace["z"]["shape"] == "200, 1"


def test_the_section_on_training_has_all_of_it():
    whole = retrains().assign(
        first_bar=SESSIONS,
        last_target=SESSIONS,
        symbols=[("A",)] * 3,
        n_bars=9,
        first_loss=1.0,
        last_loss=0.9,
        seconds=1.0,
        origin="trained",
        status="ok",
        served_by=SESSIONS,
    )
    section = training_section(whole)
    charts = [block.title for block in section.blocks if isinstance(block, Chart)]
    assert charts[:2] == ["Loss", "Drift"]
    assert replace(section) == section
