"""A gradient worked out from moves of each input, for tests of the way back."""

from __future__ import annotations

import numpy as np

STEP = 1e-3


def check_gradient(function, inputs) -> None:
    """Assert that the gradient of a readout is what moves of its inputs make of it."""
    found = function.gradient(inputs)
    most = np.abs(found).max()
    for place in np.ndindex(inputs.shape):
        moved = np.stack([inputs] * 4)
        moved[:, *place] += STEP * np.array([-2.0, -1.0, 1.0, 2.0])
        # Of fourth order: what differs is of another kind than the function's own.
        far, near, nearer, farther = function.forecast(moved)
        slope = (far - 8 * near + 8 * nearer - farther) / (12 * STEP)
        assert abs(found[place] - slope) < 1e-6 * most
