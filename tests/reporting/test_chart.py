"""The drawing: the same bytes in any process, and drawn whatever the account did."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from results import make_result

from bt_lstm_rotation.reporting.chart import equity_chart

SVG = "{http://www.w3.org/2000/svg}"


def account(equity, benchmark=np.nan) -> pd.DataFrame:
    sessions = pd.bdate_range("2019-01-02", periods=len(equity))
    return pd.DataFrame({"equity": equity, "benchmark": benchmark}, index=sessions)


def texts(drawing: str) -> list[str]:
    root = ET.fromstring(drawing)
    assert root.tag == f"{SVG}svg"
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def test_the_drawing_is_one_element_without_a_date_or_an_author():
    drawing = equity_chart(make_result().account)
    assert drawing.startswith("<svg")
    assert "metadata" not in drawing
    assert {"strategy", "benchmark", "drawdown"} <= set(texts(drawing))


def test_without_a_benchmark_there_is_no_line_for_it():
    assert "benchmark" not in texts(equity_chart(account([100.0, 110.0, 99.0])))


@pytest.mark.parametrize(
    "equity",
    [
        [100.0],
        [100.0, 100.0, 100.0],
        [1.0, 1.0000001],
        [1e-9, 1e9],
        [100.0, 1e12, 3.0],
    ],
)
def test_any_account_above_zero_is_drawn_on_a_logarithmic_scale(equity):
    shown = texts(equity_chart(account(equity)))
    assert "value (log scale)" in shown


@pytest.mark.parametrize("last", [0.0, -50.0])
def test_a_ruined_account_is_drawn_on_a_linear_scale(last):
    shown = texts(equity_chart(account([100.0, 120.0, last])))
    assert "value" in shown
    assert "value (log scale)" not in shown


def test_ticks_are_plain_numbers():
    shown = texts(equity_chart(account([100_000.0, 150_000.0, 200_000.0])))
    assert "120,000" in shown
    assert "200,000" in shown


def test_a_benchmark_that_begins_late_is_drawn_from_there():
    drawing = equity_chart(account([100.0, 110.0, 120.0], [np.nan, 100.0, 105.0]))
    assert "benchmark" in texts(drawing)


def test_the_users_settings_neither_change_the_drawing_nor_are_changed():
    expected = equity_chart(make_result().account)
    with mpl.rc_context(
        {"lines.linewidth": 9, "font.size": 30, "timezone": "US/Pacific"}
    ):
        before = dict(mpl.rcParams)
        assert equity_chart(make_result().account) == expected
        assert dict(mpl.rcParams) == before


def test_plotting_with_pandas_first_changes_nothing():
    expected = equity_chart(make_result().account)
    pd.plotting.register_matplotlib_converters()
    try:
        assert equity_chart(make_result().account) == expected
    finally:
        pd.plotting.deregister_matplotlib_converters()


def test_another_process_without_a_display_draws_the_same_bytes_and_no_pyplot():
    code = (
        "import sys; from results import make_result; "
        "from bt_lstm_rotation.reporting.chart import equity_chart; "
        "sys.stdout.write(equity_chart(make_result().account)); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    environment = {k: v for k, v in os.environ.items() if k != "DISPLAY"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        env=environment | {"PYTHONHASHSEED": "1", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == equity_chart(make_result().account)
