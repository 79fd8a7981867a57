"""docs/importance.md: its script runs, and it names every column of the tables."""

from __future__ import annotations

import re
from pathlib import Path

from bt_lstm_rotation.reporting.importance_page import COLUMNS

GUIDE = Path(__file__).parents[3] / "docs" / "importance.md"
TEXT = GUIDE.read_text(encoding="utf-8")


def test_the_guides_script_runs_and_finds_what_is_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (script,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(script, "importance.md", "exec"), names)
    assert str(names["found"]) in capsys.readouterr().out
    for table in (names["found"].permuted, names["found"].refitted):
        assert table.loc["CONTEXT", "p"] < 0.01
    assert (tmp_path / "permuted.csv").exists()


def test_it_names_every_column_and_its_links_lead_somewhere():
    said = set(re.findall(r"`([\w.]+)`", TEXT))
    assert {*COLUMNS} - {"name"} <= said
    for link in re.findall(r"\]\((?!http)([^)#]+)", TEXT):
        assert (GUIDE.parent / link).exists(), link
