"""quantstats' tear sheet of a run, made in a process of its own.

quantstats keeps what it has prepared of a series under a hash of its values, and
changes the settings of matplotlib for the whole process. So this process never
imports it: the module runs itself, reads a request as JSON from the standard input, and
writes a page.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from bt_lstm_rotation.disk import (
    checked_file,
    disk_errors,
    resolved,
    write_atomically,
)
from bt_lstm_rotation.errors import MissingExtraError, OutputError
from bt_lstm_rotation.reporting.exports import for_quantstats
from bt_lstm_rotation.reporting.files import OWN_FILES
from bt_lstm_rotation.result import BacktestResult

__all__ = ["check_tear_sheet", "write_tear_sheet"]

WHAT: Final = "the tear sheet"

# By which quantstats says that a page is its own.
MARKS: Final = (b"QuantStats",)

# quantstats puts names into its page and its drawings as they are, and matplotlib takes
# some of them for formulas.
NOT_IN_TITLES: Final = re.compile(r"[^\w .,:()+-]")


def check_tear_sheet(file: Path, folder: Path, *, bars: Path | None = None) -> None:
    """Refuse, before a run, what could only fail after it.

    Parameters
    ----------
    file : Path
        Where the tear sheet is to go.
    folder : Path
        Where the run's own files go.
    bars : Path, optional
        The folder that the bars come from.

    Raises
    ------
    MissingExtraError
        If quantstats is not installed.
    OutputError
        If the file cannot be written, or would take the place of the run's own or of
        one that is no tear sheet.
    """
    _require_quantstats()
    with disk_errors(OutputError, f"{WHAT} cannot be written to {file}"):
        target, run = resolved(file), resolved(folder)
    if target == run or target in run.parents:
        raise OutputError(f"{file} is where the run's folder goes; choose another file")
    if target.parent == run and target.name in OWN_FILES:
        raise OutputError(f"{file} is one of the run's own files; choose another name")
    checked_file(file, WHAT, marks=MARKS, bars=bars)


def write_tear_sheet(result: BacktestResult, file: Path) -> Path:
    """Write quantstats' tear sheet of a run against its benchmark, as one HTML file.

    An earlier one that is there is replaced, in one move. It takes some seconds.

    Raises
    ------
    MissingExtraError
        If quantstats is not installed.
    OutputError
        If the run has no return, quantstats fails, or the file cannot be written.
    """
    _require_quantstats()
    place = checked_file(file, WHAT, marks=MARKS)
    request = _request(result)
    if not request["returns"]:
        raise OutputError("a tear sheet needs a run of at least two sessions")
    with tempfile.TemporaryDirectory(prefix="tear-sheet-") as temporary:
        made = Path(temporary, "sheet.html")
        ran = subprocess.run(  # noqa: S603
            [sys.executable, "-P", "-m", __name__, made],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            env=os.environ
            | {
                # Modules are found where this process finds them.
                "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
                "PYTHONWARNINGS": "ignore",
                "PYTHONIOENCODING": "utf-8",
                "MPLBACKEND": "Agg",
            },
        )
        if ran.returncode or not made.is_file():
            *_, last = ["no reason was given", *ran.stderr.strip().splitlines()]
            raise OutputError(f"quantstats could not make a tear sheet ({last})")
        page = made.read_bytes()
    with disk_errors(
        OutputError,
        f"{WHAT} cannot be written to {file}",
        "choose a file that can be written",
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, page)
    return file


def _require_quantstats() -> None:
    found = find_spec("quantstats")
    # A folder of that name, such as one for tear sheets, has no origin.
    if found is None or found.origin is None:
        raise MissingExtraError("a quantstats tear sheet", "quantstats")


def _request(result: BacktestResult) -> dict[str, Any]:
    """Lay out as plain values what the other process needs."""
    series = for_quantstats(result)
    returns, benchmark = series["returns"], series["benchmark"]
    strategy = _title((result.summary.get("strategy") or {}).get("name"), "Strategy")
    compared = _title(None if benchmark is None else benchmark.name, "Benchmark")
    periods = (result.summary.get("metrics") or {}).get("periods_a_year")
    return {
        "sessions": [f"{session:%Y-%m-%d}" for session in returns.index],
        "returns": returns.tolist(),
        "benchmark": None if benchmark is None else benchmark.tolist(),
        "title": strategy,
        "benchmark_title": f"{compared} (benchmark)"
        if compared == strategy
        else compared,
        "periods_a_year": max(round(periods or 252), 1),
    }


def _title(name: object, otherwise: str) -> str:
    return NOT_IN_TITLES.sub("?", str(name))[:60] if name else otherwise


def _make(request: dict[str, Any], file: Path) -> None:
    """Let quantstats make its page; in a process that does nothing else."""
    import pandas as pd
    from quantstats import reports

    # It says once a letter that it would have liked another font.
    logging.disable(logging.ERROR)
    sessions = pd.DatetimeIndex(request["sessions"]).as_unit("ns")
    benchmark = request["benchmark"]
    reports.html(
        pd.Series(request["returns"], index=sessions, dtype="float64"),
        None
        if benchmark is None
        else pd.Series(benchmark, index=sessions, dtype="float64"),
        title=request["title"],
        strategy_title=request["title"],
        benchmark_title=request["benchmark_title"],
        periods_per_year=request["periods_a_year"],
        # Otherwise sessions in cash, before the first trade, are cut away.
        match_dates=False,
        output=str(file),
    )
    page = file.read_text("utf-8")
    # Its icon would be fetched from the internet each time that the page is opened.
    page = re.sub(r'<link rel="shortcut icon"[^>]*>', "", page)
    file.write_text(page, "utf-8")


if __name__ == "__main__":
    _make(json.load(sys.stdin), Path(sys.argv[1]))
