"""What docs/audit.md shows runs, as it is printed, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
GUIDE = (DOCS / "audit.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)


@pytest.mark.parametrize("number", [0, 1])
def test_its_scripts_find_what_they_are_about(number, capsys):
    scope = {"__name__": __name__}
    exec(compile(SCRIPTS[number], "script.py", "exec"), scope)
    assert scope["report"].outcome == "leak"
    assert "leak" in capsys.readouterr().out


def test_both_scripts_are_run_and_links_lead_somewhere():
    assert len(SCRIPTS) == 2
    for link in re.findall(r"\]\(([^)#:]+)\)", GUIDE):
        assert (DOCS / link).exists(), link
