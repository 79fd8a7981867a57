"""The guide of the ledger names what there is."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from bt_lstm_rotation.cli.commands import trials
from bt_lstm_rotation.trials import KINDS, default_file
from bt_lstm_rotation.trials.counting import LEAST, MOST
from bt_lstm_rotation.trials.packing import LEAST as LEAST_RETURNS
from bt_lstm_rotation.trials.packing import MARKS
from bt_lstm_rotation.trials.places import OFF, VARIABLE

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "trials.md").read_text(encoding="utf-8")


def test_every_kind_of_row_has_its_line_and_no_other():
    table = GUIDE[GUIDE.index("| `kind` |") : GUIDE.index("A run that fails")]
    cells = [row.split("|")[1] for row in table.splitlines()[2:] if row]
    named = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(named) == sorted(KINDS)


def test_every_command_it_shows_is_one():
    for line in re.findall(r"^    bt-lstm-rotation trials(.*)$", GUIDE, re.MULTILINE):
        words = line.split("  ")[0].split()
        parser = argparse.ArgumentParser()
        trials.add_arguments(parser)
        assert callable(parser.parse_args(words).act)


def test_what_it_says_of_numbers_and_names_is_so():
    for told in (
        *(f"`{VARIABLE}=FILE`", f"`{VARIABLE}={OFF}`", f"`{default_file().name}`"),
        *(f"the {MARKS} smallest", f"fewer than {LEAST_RETURNS} returns"),
        *(f"{LEAST} at least", f"more than {MOST} trials"),
    ):
        assert told in GUIDE, told
