"""What the terminal shows, and what it does not when it is not a terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from results import METRICS, make_result, without_benchmark, without_forecasts
from rich.console import Console

from bt_lstm_rotation.reporting import print_summary


def printed(result, folder: Path = Path("runs/one"), width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_summary(result, folder, console)
    return console.file.getvalue()


def line(text: str, label: str) -> list[str]:
    (found,) = [row for row in text.splitlines() if label in row]
    return found.replace("│", " ").split()


def test_figures_stand_beside_the_benchmarks():
    text = printed(make_result())
    assert line(text, "Total return") == ["Total", "return", "23.4%", "19.9%"]
    assert line(text, "Sharpe") == ["Sharpe", "0.77", "0.77"]
    assert line(text, "Costs") == ["Costs", "1,234.57", "1,234.57"]
    assert "SPY" in text
    assert "SectorRotation, 2018-12-31 to 2021-04-16" in text


def test_skill_orders_and_the_place_of_the_report_follow():
    text = printed(make_result())
    assert "IC 0.051, Rank IC 0.063, Hit ratio 54.3%, Error ratio 0.988" in text
    assert "2 submitted, 1 completed, 1 rejected, 0 canceled" in text
    assert str(Path("runs/one/report.html")) in text


def test_what_is_not_defined_is_a_dash():
    result = make_result()
    nothing = result.summary | {"metrics": dict.fromkeys(METRICS)}
    assert line(printed(replace(result, summary=nothing)), "Sharpe")[1] == "-"


def test_without_a_benchmark_there_is_one_column():
    text = printed(without_benchmark())
    assert line(text, "Total return") == ["Total", "return", "23.4%"]
    assert "None" not in text


def test_without_forecasts_there_is_no_line_for_them():
    assert "Forecasts" not in printed(without_forecasts())


def test_a_long_path_is_not_broken():
    folder = Path("/".join(["a_rather_long_folder"] * 12))
    assert str(folder / "report.html") in printed(make_result(), folder, width=40)


@pytest.mark.parametrize("name", ["[red]up[/red]", "[/]", "a[b]"])
def test_a_name_is_no_markup(name):
    result = make_result()
    data = result.summary["data"] | {"benchmark": name}
    strategy = {"name": name, "params": {}}
    summary = result.summary | {"data": data, "strategy": strategy}
    text = printed(replace(result, summary=summary), Path(name))
    assert text.count(name) == 3


def test_an_escape_sequence_in_a_name_does_not_reach_the_terminal():
    result = make_result()
    data = result.summary["data"] | {"benchmark": "\x1b[2J"}
    text = printed(replace(result, summary=result.summary | {"data": data}))
    assert "\x1b" not in text
    assert "x1b[2J" in text


def test_notes_and_suspicious_bars_are_said():
    result = make_result()
    data = result.summary["data"] | {"findings": [{"symbol": "XLE"}] * 2}
    notes = ["The benchmark SPY ends on 2019-03-01.", "red \x1b[31m"]
    changed = result.summary | {"notes": notes, "data": data}
    text = printed(replace(result, summary=changed))
    assert "Note: The benchmark SPY ends on 2019-03-01." in text
    assert "Note: 2 things were odd about the bars" in text
    assert "\x1b" not in text
    one = changed | {"data": data | {"findings": [{"symbol": "XLE"}]}}
    assert "Note: 1 thing was odd about the bars" in printed(
        replace(result, summary=one)
    )
