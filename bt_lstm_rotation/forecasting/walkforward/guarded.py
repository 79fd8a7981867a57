"""A fit that cannot end a run: whatever goes wrong in it is its result.

A new network that cannot be made, for want of memory or for a fault in somebody's
forecaster, is thrown away with its problem in its record; the last good one serves on.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable

from bt_lstm_rotation.errors import RotationError
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.wording import in_words

__all__ = ["guarded_fit", "guarded_fit_within"]


def guarded_fit(fit: Callable[[], Fit]) -> Fit:
    """Make a fit; an error becomes its `problem`, and it has no model.

    Raises
    ------
    RotationError
        Bad settings or bad bars are for the user to mend, and not for the next fit.
    """
    try:
        return fit()
    except (RotationError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    # Of any kind: TensorFlow has errors of its own for a lack of memory, and somebody
    # else's forecaster may raise what it likes.
    except BaseException as error:
        trace = "".join(traceback.format_exception(error)).rstrip()
        return Fit(None, problem=in_words(error), trace=trace)


def guarded_fit_within(fit: Callable[[], Fit], seconds: float) -> Fit:
    """Make a fit as `guarded_fit` does, but wait no longer than so many seconds.

    A late fit has no model. A thread cannot be stopped: it goes on unwatched, and its
    result is lost.
    """
    results: list[Fit | RotationError] = []

    def work() -> None:
        try:
            results.append(guarded_fit(fit))
        except RotationError as error:
            results.append(error)

    # A daemon, so that a fit which never ends does not keep the process from ending.
    thread = threading.Thread(target=work, daemon=True, name="fit")
    thread.start()
    thread.join(seconds)
    if not results:
        return Fit(None, problem=f"it took longer than {seconds:g} s")
    if isinstance(results[0], RotationError):
        raise results[0]
    return results[0]
