"""What each input brings, drawn: nothing hides behind anything else."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from bt_lstm_rotation.reporting.page.importance import (
    importance_chart,
    importance_table,
)


def row(name, drop, error=0.01, p=0.2):
    return {
        "name": name,
        "kind": "feature",
        "members": [name],
        "ic": 0.1,
        "ic_without": 0.05,
        "drop": drop,
        "error": error,
        "p": p,
        "sessions": 1_200,
        "note": "",
    }


ROWS = [row("relative_return", 0.05, p=1e-30), row("volume", None, None, None)]


def unpacked(values):
    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])


def test_both_tables_stand_beside_each_other_in_rows_of_their_own_names():
    (chart,) = importance_chart({"permuted": ROWS, "refitted": ROWS})
    places = [unpacked(trace["y"]) for trace in chart.traces]
    ticks = chart.layout["yaxis"]
    assert ticks["ticktext"] == ["relative_return", "volume"]
    for values in places:
        np.testing.assert_array_equal(np.round(values), ticks["tickvals"])
    # As far apart as marks are high, at least, of rows of 32 pixels.
    assert (places[1] - places[0]) * 32 == pytest.approx(9, abs=1)
    first, second = (trace["error_x"]["color"] for trace in chart.traces)
    assert first != second
    assert chart.traces[0]["text"] == ticks["ticktext"]


def test_a_table_alone_stands_in_the_middle_of_its_rows():
    (chart,) = importance_chart({"permuted": ROWS, "refitted": []})
    (trace,) = chart.traces
    np.testing.assert_array_equal(unpacked(trace["y"]), [0, 1])
    assert not chart.layout["showlegend"]
    assert importance_chart({"permuted": ROWS[1:]}) == []


def test_a_chance_that_is_not_0_is_not_written_as_0():
    table = importance_table("permuted", ROWS)
    chances = [cells[table.headings.index("p")] for cells in table.rows]
    assert chances == ["<0.0001", "-"]
    # On a phone there is room for what is lost.
    assert table.headings.index("Lost") == 1
