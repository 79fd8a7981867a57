"""The proof that a feature is a function of the bars up to its own, and of no more.

Before a user's own feature is used, it is computed again on simulated bars: with
another future, without a future, without the distant past, alone and in company, twice,
and 28 years later, when the calendar is the same. Where its values change, it is
refused, with its name, the session, and how far ahead it looked. The bars are
`scene`'s, never the user's, so that the answer depends on the feature alone.

Anything that makes a column of a window can be held to it: it is handed in as a
`Feature`.
"""

from __future__ import annotations

from bt_lstm_rotation.forecasting.features.column import Feature
from bt_lstm_rotation.forecasting.features.controls import check_probes
from bt_lstm_rotation.forecasting.features.probes import PROBES
from bt_lstm_rotation.forecasting.features.subject import Subject

__all__ = ["prove"]

# What has been proved in this process, and with which rows beside its bars.
_proved: set[tuple[Feature, tuple[str, ...]]] = set()


def prove(feature: Feature, extra: tuple[str, ...] = ("benchmark",)) -> None:
    """Prove that a feature is causal and all else that a forecast takes for granted.

    What has been proved once in a process is not proved again, as long as its name,
    flags and code are the same; without the identity of its code it always is.

    Parameters
    ----------
    feature : Feature
    extra : tuple of str
        Names of the extra rows that its windows have.

    Raises
    ------
    FeatureError
        If it looks ahead, depends on chance, on its company, on where its bars begin or
        on something besides them, changes what it is shown, or returns something else
        than a finite number for each bar after its warm-up.
    """
    if feature.code and (feature, extra) in _proved:
        return
    check_probes()
    subject = Subject(feature, extra)
    for probe in PROBES:
        probe(subject)
    _proved.add((feature, extra))
