"""A window in pieces, and put together again."""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.forecasting.filters.pieces import Pieces


@pytest.mark.parametrize("length", [1, 3, 7, 20, 21, 1_000])
def test_each_bar_has_at_least_so_many_before_it_and_its_place(length):
    values = 1.0 + np.arange(42.0).reshape(2, 21)
    pieces = Pieces.of(values, values, length)
    np.testing.assert_array_equal(pieces.joined(pieces.returns), values)
    # Of running sums, a bar has those of all bars up to it that its piece reaches.
    sums = pieces.joined(np.cumsum(pieces.returns > 0, axis=0).astype(float))
    number = 1.0 + np.arange(21)
    for row in sums:
        assert (row >= np.minimum(number, length)).all()
        assert (row <= np.minimum(number, 2 * length)).all()
