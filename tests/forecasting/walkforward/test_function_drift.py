"""How far a fit moves the forecasts for the same bars, and who is told."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeSpec, random_panel

from bt_lstm_rotation.cli import main
from bt_lstm_rotation.cli.commands import backtest
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting import (
    BarHistory,
    ForecastSpec,
    MomentumSpec,
    Training,
    walk_forward,
)
from bt_lstm_rotation.forecasting.recurrent.part import Part
from bt_lstm_rotation.forecasting.walkforward.drift import DRIFT_LIMIT, drift
from bt_lstm_rotation.forecasting.window import Window

SPEC = ForecastSpec(units=6, lookback=10, horizon=3, train_size=40)
ALONE = replace(SPEC, target="plain", features=("log_return",))


def fitted(spec, panel, session=-1):
    history = BarHistory.from_panel(panel)
    stack = history.window(history.symbols, panel.sessions[[session]], spec.fit_bars)
    window = Window(stack.symbols, stack.dates[0], stack.bars[:, 0])
    return spec.forecaster().fit(window, panel.sessions[session]).model, window


def scaled(model, factor):
    """The model with a head so many times as large."""
    parts = tuple(
        Part(
            tuple(
                replace(n, head=n.head * np.float32(factor), offset=n.offset * factor)
                for n in part.networks
            ),
            replace(part.scaler, target_mean=0.0, level=0.0),
        )
        for part in model.parts
    )
    return replace(model, parts=parts)


@pytest.mark.parametrize(
    ("spec", "symbols"),
    [(SPEC, "ABC"), (replace(SPEC, pooled=False), "AB"), (ALONE, "A")],
)
@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 2.0, -1.0])
def test_a_head_that_is_scaled_moves_by_as_much(spec, symbols, factor):
    model, window = fitted(spec, random_panel(symbols, 90))
    model = scaled(model, 1.0)
    assert drift(model, scaled(model, factor), window) == pytest.approx(
        abs(factor - 1) / math.sqrt((1 + factor**2) / 2), abs=1e-5
    )


def test_a_level_that_all_symbols_share_is_no_drift():
    model, window = fitted(SPEC, random_panel("ABC", 90))
    (part,) = model.parts
    raised = replace(
        model, parts=(replace(part, scaler=replace(part.scaler, level=9.0)),)
    )
    assert drift(model, raised, window) < 1e-9


def test_unrelated_networks_are_about_the_root_of_two_apart():
    found = []
    for seed in range(30):
        model, window = fitted(SPEC, random_panel("ABCDEFGHI", 90, seed=seed))
        (part,) = model.parts
        pair = []
        for number in (0, 1):
            head = np.random.default_rng([seed, number]).normal(size=6)
            (network,) = part.networks
            network = replace(network, head=head.astype(np.float32))
            pair.append(replace(model, parts=(Part((network,), part.scaler),)))
        found.append(drift(*pair, window))
    assert np.sqrt(np.mean(np.square(found))) > 0.8
    assert np.median(found) == pytest.approx(math.sqrt(2), rel=0.35)


def test_symbols_that_only_one_network_knows_do_not_count():
    panel = random_panel("ABC", 90)
    early, _ = fitted(SPEC, panel.select(["A", "B"]), -20)
    late, window = fitted(SPEC, panel)
    assert math.isfinite(drift(early, late, window))
    other, _ = fitted(SPEC, random_panel("XY", 90))
    assert math.isnan(drift(other, late, window))


def test_one_that_said_nothing_has_nothing_in_common_with_one_that_does():
    model, window = fitted(SPEC, random_panel("ABC", 90))
    silent = scaled(model, 0.0)
    assert drift(silent, silent, window) == 0.0
    assert drift(silent, model, window) == pytest.approx(math.sqrt(2))
    assert drift(model, silent, window) == pytest.approx(math.sqrt(2))


def test_rules_have_none_and_neither_has_the_first_fit():
    panel = random_panel("ABC", 240)
    assert math.isnan(drift(None, None, None))
    for spec in (FakeSpec(), MomentumSpec(lookback=20, skip=2)):
        assert all(math.isnan(fit.drift) for fit in walk_forward(panel, spec).fits)
    first, *others = walk_forward(panel, SPEC).fits
    assert math.isnan(first.drift)
    assert len(others) > 2
    assert all(fit.drift > 0 for fit in others)


def warnings(caplog, limit):
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        fits = walk_forward(
            random_panel("ABC", 240), SPEC, training=Training(drift_limit=limit)
        ).fits
    return fits, [r.getMessage() for r in caplog.records if "moved" in r.getMessage()]


def test_one_line_warns_of_all_fits_above_the_limit_and_names_the_worst(caplog):
    fits, none = warnings(caplog, None)
    assert none == []
    moved = sorted((fit.drift, fit.session) for fit in fits[1:])
    limit = (moved[-3][0] + moved[-2][0]) / 2
    _, (line,) = warnings(caplog, limit)
    most, session = moved[-1]
    assert f"fit of {session}" in line
    assert f"{100 * most:.0f}%" in line
    assert "1 other fits" in line
    _, none = warnings(caplog, moved[-1][0] * 1.01)
    assert none == []


@pytest.mark.parametrize("limit", [0, -1.0, math.nan, "1", True])
def test_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(SpecError, match="drift_limit"):
        Training(drift_limit=limit)


def test_the_commands_default_is_that_of_training(monkeypatch, tmp_path, capsys):
    assert backtest.DRIFT_LIMIT == DRIFT_LIMIT == Training().drift_limit
    monkeypatch.chdir(tmp_path)
    assert main(["--drift-limit", "-1", "--no-ledger"]) == 2
    assert "drift_limit must be" in capsys.readouterr().err


def test_a_limit_changes_no_forecast():
    panel = random_panel("ABC", 240)
    first, second = (
        walk_forward(panel, SPEC, training=Training(drift_limit=limit)).values
        for limit in (None, 1e-9)
    )
    assert first.tobytes() == second.tobytes()
