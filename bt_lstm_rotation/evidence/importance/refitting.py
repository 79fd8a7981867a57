"""Forecasts of networks that were trained without something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import FitsError, SpecError
from bt_lstm_rotation.evidence.importance.comparing import Compared
from bt_lstm_rotation.evidence.importance.groups import Group, spec_without
from bt_lstm_rotation.forecasting import ForecastSpec

__all__ = ["refitted"]


def refitted(
    base: Compared,
    groups: Sequence[Group],
    spec: ForecastSpec,
    forecast: Callable[[str, ForecastSpec], NDArray[np.float64]],
) -> Iterator[dict[str, Any]]:
    """Give a row a group: forecasts of networks that were trained without it.

    Parameters
    ----------
    base : Compared
        Those of the network that reads all of it, whose settings are `spec`.
    groups : sequence of Group
    spec : ForecastSpec
    forecast : callable
        A group's name and a spec -> forecasts in the shape of ``base.base``, NaN for
        none; it may raise FitsError.
    """
    for group in groups:
        try:
            left, note = spec_without(spec, group)
            values = forecast(group.name, left)
        except (SpecError, FitsError) as error:  # such as no feature left
            values, note = np.full(base.base.shape, np.nan), str(error)
        yield {**base.row(group, values[np.newaxis]), "note": note}
