"""docs/inside-the-lstm.md: every equation stands beside a line that is there."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest

import bt_lstm_rotation
from bt_lstm_rotation.prices.simulated import WORLDS, SimulatedMarket

PACKAGE = Path(bt_lstm_rotation.__file__).parent
DOCS = PACKAGE.parent / "docs"
GUIDE = (DOCS / "inside-the-lstm.md").read_text(encoding="utf-8")

QUOTED = re.findall(r"\| `([\w/]+\.py)` \| `(.+?)` \|$", GUIDE, flags=re.MULTILINE)


@pytest.mark.parametrize(("file", "line"), QUOTED)
def test_each_line_that_is_quoted_is_there(file, line):
    text = (PACKAGE / file).read_text(encoding="utf-8")
    # A formatter may break a long line.
    assert "".join(line.split()) in "".join(text.split())


def test_no_equation_is_without_its_line():
    tables = re.findall(r"^\| Equation \| File \| Line \|$", GUIDE, flags=re.MULTILINE)
    assert len(tables) > 5
    parts = GUIDE.split("| Equation | File | Line |\n|---|---|---|\n")[1:]
    rows = [row for part in parts for row in part.split("\n\n")[0].splitlines()]
    assert len(rows) == len(QUOTED) > 25


@pytest.mark.slow
def test_the_script_runs_as_it_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = partial(SimulatedMarket, n_sessions=860, n_sectors=3)
    monkeypatch.setitem(WORLDS, "linear", small)
    (script,) = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    exec(compile(script, "script.py", "exec"), {"__name__": __name__})
    first, *others = capsys.readouterr().out.splitlines()
    mean, longest = map(float, first.removeprefix("forget gates:").split())
    # From 2 bars to half of 126: time constants of 1 / (1 - f).
    assert 1 / 63 < 1 - longest < 1 / 55
    assert 0.5 < mean < longest
    assert others[0].startswith("At the close of ")
    assert (tmp_path / "runs" / "s1.html").exists()


def test_the_five_parts_are_there_by_the_papers_names():
    for name in ("cell state", "hidden state", "input gate", "forget gate"):
        assert name in GUIDE
    for name in ("output gate", "constant error carousel", "conveyor belt"):
        assert name in GUIDE


def test_every_link_and_every_picture_leads_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", GUIDE)
    assert sum(link.endswith((".svg", ".png")) for link in links) >= 3
    for link in links:
        assert (DOCS / link).exists(), link


def test_pictures_are_small():
    for picture in (DOCS / "pictures").glob("inside-*"):
        assert picture.stat().st_size < 200_000
