"""docs/evidence.md: its script runs, and it names all that a verdict holds."""

from __future__ import annotations

import re
from pathlib import Path

GUIDE = Path(__file__).parents[3] / "docs" / "evidence.md"


def test_the_guides_script_runs_and_the_guide_names_every_figure(capsys):
    text = GUIDE.read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(script, "evidence.md", "exec"), names)
    shown = capsys.readouterr().out
    figures = names["found"].figures
    assert shown.strip() == "\n".join(figures["sentences"])
    said = set(re.findall(r"`([\w.]+)`", text))
    for key in figures:
        assert key in said, key
    for key in ("psr", "dsr", "reality_check", "spa", "pbo"):
        assert f"luck.{key}" in said or key in said, key
    for key in (*figures["claim"], *figures["forecasts"][0]):
        if key not in ("p_below", "sessions", "years", "power", "name"):
            assert key in said or f"claim.{key}" in said or f"forecasts.{key}" in said


def test_its_links_lead_somewhere():
    text = GUIDE.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (GUIDE.parent / link).exists(), link
