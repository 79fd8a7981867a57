"""The runs that a sweep has kept -> a return a session of each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bt_lstm_rotation.disk import disk_errors
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.measures.distribution import session_returns
from bt_lstm_rotation.reporting import read_run

__all__ = ["sweep_returns"]


def sweep_returns(folder: Path) -> pd.DataFrame:
    """Return decimal returns, one column a run, on the sessions that all have.

    Parameters
    ----------
    folder : Path
        Whose folders each hold a run, as ``sweep --keep`` leaves them.

    Raises
    ------
    OutputError
        If there are fewer than two runs, or one is not whole.
    """
    with disk_errors(OutputError, f"no runs can be read from {folder}"):
        places = sorted(
            place
            for place in folder.iterdir()
            if place.is_dir() and (place / "summary.json").exists()
        )
    if len(places) < 2:
        raise OutputError(
            f"{folder} holds {len(places)} runs; name a folder that sweep --keep has "
            "filled with two or more"
        )
    runs = {place.name: read_run(place).account for place in places}
    columns = {
        name: session_returns(account["equity"], account["flows"])
        for name, account in runs.items()
    }
    return pd.concat(columns, axis=1, join="inner")
