"""The fits of a walk so far: their records, and what is said of those that failed.

One that fails among good ones is told by itself. Where none has been good yet, that is
left to the end: if all have failed, the reason is told once, and the run has no result.
"""

from __future__ import annotations

import logging
import math
import re
from pathlib import Path

import numpy as np

from bt_lstm_rotation.errors import FitsError
from bt_lstm_rotation.forecasting.walkforward.records import FitRecord
from bt_lstm_rotation.forecasting.walkforward.task import Fitted

__all__ = ["Outcomes"]

logger = logging.getLogger(__name__)


class Outcomes:
    """What came of each fit; `owner` is whose fits they are, for messages.

    A fit whose drift is above `drift_limit` is warned of, unless that is None.

    Attributes
    ----------
    fits : list of FitRecord
        Oldest first.
    """

    def __init__(self, owner: str, drift_limit: float | None = None) -> None:
        self.fits: list[FitRecord] = []
        self._owner = owner
        self._untold: list[tuple[FitRecord, str]] = []
        self._told: set[str] = set()
        self._notes: list[tuple[np.datetime64, str]] = []
        self._limit = math.inf if drift_limit is None else drift_limit
        self._moved: list[FitRecord] = []

    def add(
        self, fitted: Fitted, served_by: np.datetime64, moved: float = math.nan
    ) -> None:
        """Record a fit, and which one serves from its session on; NaT if none does.

        `moved` is its drift.
        """
        window, fit = fitted.window, fitted.fit
        record = FitRecord(
            session=fitted.session,
            first_bar=window.dates.min(),
            last_target=window.dates.max(),
            symbols=window.symbols,
            n_bars=window.n_bars,
            first_loss=fit.losses[0] if fit.losses else float("nan"),
            last_loss=fit.losses[-1] if fit.losses else float("nan"),
            seconds=fitted.seconds,
            origin=fitted.origin,
            status=fit.problem or "ok",
            served_by=served_by,
            drift=moved,
            clipped=float(fit.clipped),
            losses=fit.losses,
            held_out_losses=fit.held_out_losses,
            gradient_norms=fit.gradient_norms,
        )
        self.fits.append(record)
        if moved > self._limit:
            self._moved.append(record)
        if fit.model is None:
            self._untold.append((record, fit.trace))
        elif fit.note:
            self._notes.append((fitted.session, fit.note))

    def tell(self, *, live: bool) -> None:
        """Log notes, and the failures that were not told yet if it is time for that.

        While no fit has been good, only a new reason is told, and only `live`, where
        sessions come one by one and the end may be far.
        """
        if self._notes:  # in one line, however many there are
            session, note = self._notes[0]
            others = len(self._notes) - 1
            more = f"; and {others:,} later fits with a note" if others else ""
            logger.warning("%s, fit of %s: %s%s", self._owner, session, note, more)
            self._notes.clear()
        self._tell_of_drift()
        if any(record.status == "ok" for record in self.fits):
            for record, trace in self._untold:
                self._log(record, trace)
            self._untold.clear()
        elif live:
            for record, trace in self._untold:
                if record.status not in self._told:
                    self._log(record, trace)

    def _tell_of_drift(self) -> None:
        if not self._moved:
            return
        most = max(self._moved, key=lambda record: record.drift)
        others = len(self._moved) - 1
        logger.warning(
            "%s, fit of %s: forecasts for the same bars have moved by %.0f%% of their "
            "spread%s (drift_limit is %g)",
            self._owner,
            most.session,
            100 * most.drift,
            f", and {others:,} other fits by too much" if others else "",
            self._limit,
        )
        self._moved.clear()

    def overdue(self, session: np.datetime64) -> int:
        """Count the fits up to a session that have failed since the last good one."""
        failed = 0
        for fit in reversed(self.fits):
            if fit.session > session:
                continue
            if fit.status == "ok":
                break
            failed += 1
        return failed

    def all_failed(self) -> FitsError | None:
        """Return the error of a run whose every fit has failed; None if one has not."""
        reasons = list(dict.fromkeys(fit.status for fit in self.fits))
        if not reasons or "ok" in reasons:
            return None
        place = _place(self._untold[0][1]) if self._untold else ""
        return FitsError(self._owner, len(self.fits), reasons, place)

    def _log(self, record: FitRecord, trace: str) -> None:
        serving = record.served_by
        logger.warning(
            "the fit of %s was thrown away: %s; %s serves on%s",
            record.session,
            record.status,
            "no fit" if np.isnat(serving) else f"that of {serving}",
            f"\n{trace}" if trace and record.status not in self._told else "",
        )
        self._told.add(record.status)


def _place(trace: str) -> str:
    """Say at which line of somebody's own file it went wrong, if it came by there."""
    frames = re.findall(r'File "(.+?)", line (\d+)', trace)
    own = [
        f", at {file}:{line}"
        for file, line in frames
        if not {"site-packages", "bt_lstm_rotation"} & set(Path(file).parts)
    ]
    return own[-1] if own else ""
