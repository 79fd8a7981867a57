"""A summary that somebody has edited is refused in a line, whatever stands in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from results import make_result

from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.reporting import read_run, render_again, write_run
from bt_lstm_rotation.reporting.summary_kinds import KNOWN, NEEDED, check_summary

ODD = ("x", 1.5, True, [], {}, [1], None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_run(make_result(5), tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture(scope="module")
def summary(whole):
    return json.loads((whole / "summary.json").read_text())


def with_part(summary, path, value):
    """Return a summary with another value at a path."""
    *parts, name = path
    if not parts:
        return summary | {name: value}
    inside = summary[parts[0]] or {}
    return summary | {parts[0]: inside | {name: value}}


def without_part(summary, path):
    *parts, name = path
    inside = summary[parts[0]] if parts else summary
    rest = {key: value for key, value in inside.items() if key != name}
    return summary | {parts[0]: rest} if parts else rest


@pytest.mark.parametrize("path", [*NEEDED, *KNOWN], ids=".".join)
def test_a_part_of_another_kind_is_named_with_what_it_is_to_be(summary, path):
    kind, types = {**NEEDED, **KNOWN}[path]
    for odd in ODD:
        if isinstance(odd, bool) and bool in types:
            continue
        if isinstance(odd, types) and not isinstance(odd, bool):
            continue
        with pytest.raises(ValueError, match=rf"{'.'.join(path)} is .* to be {kind}"):
            check_summary(with_part(summary, path, odd))


@pytest.mark.parametrize("path", NEEDED, ids=".".join)
def test_a_part_that_is_missing_is_named(summary, path):
    there = with_part(summary, path, summary.get(path[0]) if len(path) == 1 else None)
    check_summary(summary)
    with pytest.raises(ValueError, match=f"summary.json has no {'.'.join(path)}"):
        check_summary(without_part(there, path))


@pytest.mark.parametrize("finding", [1, "A", {}, {"symbol": "A"}])
def test_a_finding_has_a_message(summary, finding):
    changed = with_part(summary, ("data", "findings"), [finding])
    with pytest.raises(ValueError, match="one without a message"):
        check_summary(changed)


def test_a_run_whose_summary_is_edited_is_refused_in_a_line(whole, summary, tmp_path):
    run = Path(shutil.copytree(whole, tmp_path / "run"))
    page = (run / "report.html").read_bytes()
    changed = with_part(summary, ("metrics", "sharpe"), "very good")
    (run / "summary.json").write_text(json.dumps(changed))
    said = "metrics.sharpe is 'very good', and is to be a number or null"
    for reading in (read_run, render_again):
        with pytest.raises(OutputError, match=said):
            reading(run)
    assert (run / "report.html").read_bytes() == page
