"""What only a process of its own can show: imports, and bytes that travel."""

from __future__ import annotations

import subprocess
import sys

import pytest

FIT = """
import numpy as np
from bt_lstm_rotation.forecasting.recurrent import backend
from bt_lstm_rotation.forecasting.recurrent.network import Network

for repeat in range({repeats}):
    rng = np.random.default_rng(0)
    network = Network.seeded(rng, 2, 5, 2)
    data = backend.Sequences(
        inputs=rng.normal(size=(8, 6, 2)).astype(np.float32),
        targets=rng.normal(size=(8, 6)).astype(np.float32),
        weights=np.ones((8, 6), dtype=np.float32),
    )
    optimiser = backend.Optimiser(6, 0.02, 1.0, 0.2)
    trained, losses = backend.train(network, data, optimiser, (3, 7))
    if repeat + 1 < {repeats}:  # fits in between, of another shape and seed
        backend.train(Network.seeded(rng, 2, 3, 1), data, optimiser, (1, repeat))
print(b"".join(a.tobytes() for a in trained.keras_weights()).hex(), losses.tobytes())
"""


def output(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(
    "modules",
    [
        "bt_lstm_rotation",
        "bt_lstm_rotation.forecasting, "
        "bt_lstm_rotation.forecasting.recurrent.forecaster, "
        "bt_lstm_rotation.forecasting.recurrent.backend, bt_lstm_rotation.periods",
        "bt_lstm_rotation.indicators, bt_lstm_rotation.feeds",
    ],
)
def test_importing_the_package_does_not_import_tensorflow(modules):
    heavy = ("tensorflow", "keras", "torch")
    code = f"import {modules}, sys; print([m for m in {heavy!r} if m in sys.modules])"
    assert output(code) == "[]\n"


def test_forecasting_does_not_import_backtrader():
    code = (
        "import bt_lstm_rotation.forecasting.recurrent.forecaster;"
        "import bt_lstm_rotation.prices.validity;"
        "import sys; print('backtrader' in sys.modules)"
    )
    assert output(code) == "False\n"


@pytest.mark.slow
def test_a_fit_has_the_same_bytes_in_a_fresh_process_and_after_other_fits():
    fresh = output(FIT.format(repeats=1))
    assert len(fresh) > 1000
    assert output(FIT.format(repeats=3)) == fresh
