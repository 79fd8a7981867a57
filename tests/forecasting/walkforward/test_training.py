"""Ensembles, early stopping, recency, warm starts and the store, on tiny networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeModel, FakeSpec, random_panel, same_bytes, unchecked

from bt_lstm_rotation.errors import FitsError, SpecError
from bt_lstm_rotation.forecasting import (
    ForecastSpec,
    ForecastStore,
    Training,
    Workers,
    walk_forward,
)
from bt_lstm_rotation.forecasting.forecaster import Fit, Storable
from bt_lstm_rotation.forecasting.recurrent.backend import (
    Optimiser,
    Sequences,
    loss_and_gradient,
    train,
)
from bt_lstm_rotation.forecasting.recurrent.network import Network
from bt_lstm_rotation.forecasting.walkforward import task

TINY = ForecastSpec(lookback=10, horizon=3, train_size=40, units=4, steps=3)
ONE = Training(workers=Workers(jobs=1))


def statuses(result, field):
    return [getattr(fit, field) for fit in result.fits]


def test_an_ensemble_is_the_mean_of_its_members_and_its_first_is_the_single_network():
    panel = random_panel("ABC", 135)
    both = replace(TINY, members=2, steps=8, learning_rate=0.05)
    single = walk_forward(panel, replace(both, members=1), training=ONE)
    ensemble = walk_forward(panel, both, training=ONE)
    there = np.isfinite(single.values)
    assert there.any()
    assert (np.isfinite(ensemble.values) == there).all()
    # Two members lie as far from their mean as it lies from either.
    distance = np.abs(ensemble.values - single.values)[there]
    np.testing.assert_allclose(distance, ensemble.dispersion[there], rtol=1e-9)
    assert (ensemble.dispersion[there] > 0).all()
    assert (single.dispersion[there] == 0).all()


def test_recency_weighs_the_latest_bars_and_none_weighs_all_the_same():
    panel = random_panel("ABC", 135)
    forgetful = walk_forward(panel, replace(TINY, half_life=5.0), training=ONE)
    endless = walk_forward(panel, replace(TINY, half_life=1e12), training=ONE)
    even = walk_forward(panel, TINY, training=ONE)
    np.testing.assert_allclose(endless.values, even.values, rtol=1e-5)
    assert not np.isclose(forgetful.values, even.values, equal_nan=True).all()


def noise(seed: int, held_out: float) -> Sequences:
    rng = np.random.default_rng(seed)
    shape = (6, 8)
    held = np.zeros(shape, np.float32)
    held[:, 4:] = held_out
    return Sequences(
        inputs=rng.normal(size=(*shape, 2)).astype(np.float32),
        targets=rng.normal(size=shape).astype(np.float32),
        weights=1 - held,
        held_out=held,
    )


def test_training_stops_when_the_held_out_loss_no_longer_falls():
    # Targets of pure noise: what is learned of four sequences is wrong on the others.
    network = Network.seeded(np.random.default_rng(0), 2, 16, 1)
    data = noise(seed=1, held_out=1.0)
    patient = Optimiser(steps=200, learning_rate=0.05, clip_norm=1.0, patience=5)
    kept, losses = train(network, data, patient, (0, 0))
    assert 5 < len(losses) < 200

    def missed(at: Network) -> float:
        outputs = [at.run(data.inputs[: n + 1].transpose(1, 0, 2)) for n in range(6)]
        return float(((np.stack(outputs) - data.targets)[:, 4:] ** 2).mean())

    every = replace(patient, patience=None)
    walked = [
        missed(train(network, data, replace(every, steps=steps), (0, 0))[0])
        for steps in range(1, len(losses))
    ]
    best = min([missed(network), *walked])
    assert missed(kept) == pytest.approx(best, rel=1e-5)
    # After the best step came exactly as many worse ones as patience allows.
    assert len(losses) - 1 - [missed(network), *walked].index(best) == 5


def test_bars_whose_target_reaches_into_the_held_out_ones_are_left_out():
    spec = replace(TINY, validation=0.25)
    assert (spec.held_out, spec.trained) == (10, 40 - 10 - 3)
    panel = random_panel("ABC", 135)
    stopped = walk_forward(panel, spec, training=ONE)
    assert np.isfinite(stopped.values).any()
    assert set(statuses(stopped, "status")) == {"ok"}
    with pytest.raises(SpecError, match="validation must be smaller"):
        replace(TINY, validation=0.8)


def test_a_warm_start_is_named_and_changes_what_follows_the_first_fit():
    panel = random_panel("ABC", 135)
    cold = walk_forward(panel, TINY, training=ONE)
    warm = walk_forward(panel, replace(TINY, warm_start=True), training=ONE)
    origins = statuses(warm, "origin")
    assert origins == ["trained", *["warm start"] * (len(origins) - 1)]
    assert set(statuses(cold, "origin")) == {"trained"}
    second = np.searchsorted(panel.sessions, cold.fits[1].session)
    assert same_bytes(warm.values[:second], cold.values[:second])
    assert not np.isclose(warm.values[second:], cold.values[second:]).all()


@pytest.mark.parametrize(
    "spec",
    [
        TINY,
        replace(TINY, pooled=False, members=2, layers=2),
        replace(TINY, cell="gru", validation=0.2),
    ],
    ids=["pooled", "a network each", "gru"],
)
def test_a_second_run_trains_nothing_and_gives_the_same_bytes(spec, tmp_path):
    panel = random_panel("ABC", 135)
    without = walk_forward(panel, spec, training=ONE)
    store = ForecastStore(tmp_path)
    training = Training(store=store)
    first = walk_forward(panel, spec, training=training)
    second = walk_forward(panel, spec, training=training)
    assert set(statuses(first, "origin")) == {"trained"}
    assert set(statuses(second, "origin")) == {"stored"}
    for result in (first, second):
        assert same_bytes(result.values, without.values)
        assert same_bytes(result.dispersion, without.dispersion)
    assert statuses(second, "last_loss") == statuses(first, "last_loss")


def test_the_same_month_in_another_backtest_is_not_trained_again(tmp_path):
    panel = random_panel("ABC", 135)
    training = Training(store=ForecastStore(tmp_path))
    walk_forward(panel.rows(0, 110), TINY, training=training)
    later = walk_forward(panel, TINY, start=panel.sessions[80], training=training)
    assert statuses(later, "origin").count("trained") == 1


@pytest.mark.parametrize("setting", [{"seed": 1}, {"filters": False}])
def test_other_settings_are_trained_anew_in_a_store_that_is_full(setting, tmp_path):
    panel, other = random_panel("ABC", 135), replace(TINY, **setting)
    training = Training(store=ForecastStore(tmp_path))
    first = walk_forward(panel, TINY, training=training)
    second = walk_forward(panel, other, training=training)
    assert set(statuses(second, "origin")) == {"trained"}
    assert same_bytes(second.values, walk_forward(panel, other, training=ONE).values)
    assert not same_bytes(second.values, first.values)


def test_a_damaged_entry_is_noticed_and_made_again(tmp_path):
    panel = random_panel("ABC", 135)
    store = ForecastStore(tmp_path)
    first = walk_forward(panel, TINY, training=Training(store=store))
    entries = sorted(tmp_path.rglob("*.npz"))
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:-40])
    again = walk_forward(panel, TINY, training=Training(store=store))
    assert same_bytes(again.values, first.values)
    assert set(statuses(again, "origin")) == {"trained"}


def test_a_fit_that_fails_is_not_stored(tmp_path):
    panel = random_panel("AB", 135)
    store = ForecastStore(tmp_path)
    spec = unchecked(TINY, learning_rate=1e30, steps=4)
    with pytest.raises(FitsError, match="the loss is not finite"):
        walk_forward(panel, spec, training=Training(store=store))
    assert store.size()[0] == 0


def test_a_forecaster_that_cannot_be_kept_is_simply_fitted(tmp_path):
    panel = random_panel("ABC", 90)
    result = walk_forward(
        panel, FakeSpec(), training=Training(store=ForecastStore(tmp_path))
    )
    assert set(statuses(result, "origin")) == {"trained"}
    assert list(tmp_path.iterdir()) == []


class KeepableSpec(FakeSpec):
    """Of a forecaster that could be stored, were it a part of the package."""

    @property
    def spec(self):
        return FakeSpec(fit_bars=self.fit_bars)

    def to_arrays(self, fit):
        return {"fitted": np.frombuffer(fit.model.fitted, np.uint8)}

    def from_arrays(self, symbols, arrays):
        return Fit(FakeModel(symbols, arrays["fitted"].tobytes()))


def test_a_forecaster_defined_elsewhere_is_fitted_each_time(tmp_path):
    # What it does may change from run to run, and no key would notice.
    assert isinstance(KeepableSpec().forecaster(), Storable)
    panel = random_panel("ABC", 90)
    training = Training(store=ForecastStore(tmp_path))
    for _ in range(2):
        result = walk_forward(panel, KeepableSpec(), training=training)
        assert set(statuses(result, "origin")) == {"trained"}
    assert list(tmp_path.iterdir()) == []


def test_a_long_run_is_announced_once_after_its_first_fit():
    panel = random_panel("ABC", 200)
    said = []
    ticks = iter(np.arange(1000.0))
    training = Training(
        workers=Workers(jobs=1),
        announce=lambda *call: said.append(call),
        clock=lambda: float(next(ticks)),
    )
    result = walk_forward(panel, FakeSpec(retrain="weekly"), training=training)
    assert len(result.fits) >= 20
    assert said == [(len(result.fits), 1.0)]
    said.clear()
    walk_forward(panel.rows(0, 60), FakeSpec(), training=training)
    assert said == []


@pytest.mark.parametrize(
    "settings",
    [
        {"workers": 2},
        {"store": "folder"},
        {"progress": 1},
        {"announce": "loud"},
        {"served": "loud"},
    ],
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(SpecError, match="Training"):
        Training(**settings)


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_real_networks_are_the_same_bytes_with_any_number_of_threads(jobs):
    panel = random_panel("ABC", 135)
    spec = replace(TINY, retrain="weekly", members=2)
    one = walk_forward(panel, spec, training=ONE)
    many = walk_forward(panel, spec, training=Training(workers=Workers(jobs=jobs)))
    assert len(one.fits) > 10
    assert same_bytes(many.values, one.values)


def test_sequences_beyond_one_block_count_as_much_as_those_in_it():
    rng = np.random.default_rng(3)
    shape = (4, 600)  # more than two blocks
    data = Sequences(
        inputs=rng.normal(size=(*shape, 2)).astype(np.float32),
        targets=rng.normal(size=shape).astype(np.float32),
        weights=rng.uniform(size=shape).astype(np.float32),
    )
    network = Network.seeded(rng, 2, 3, 1)
    optimiser = Optimiser(steps=3, learning_rate=0.01, clip_norm=0.05)
    trained, losses = train(network, data, optimiser, (0, 0))
    # The same three steps of Adam from gradients of everything at once.
    arrays = [array.astype(np.float64) for array in network.keras_weights()]
    first = second = [np.zeros_like(array) for array in arrays]
    for step in range(1, 4):
        at = Network.from_keras([array.astype(np.float32) for array in arrays])
        loss, gradient = loss_and_gradient(at, data)
        assert losses[step - 1] == pytest.approx(loss, rel=1e-5)
        slopes = [slope.astype(np.float64) for slope in gradient.keras_weights()]
        norm = np.sqrt(sum((slope**2).sum() for slope in slopes))
        slopes = [slope * min(1.0, 0.05 / norm) for slope in slopes]
        first = [0.9 * m + 0.1 * g for m, g in zip(first, slopes, strict=True)]
        second = [0.999 * v + 0.001 * g**2 for v, g in zip(second, slopes, strict=True)]
        size = 0.01 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        moves = [m / (np.sqrt(v) + 1e-8) for m, v in zip(first, second, strict=True)]
        arrays = [a - size * move for a, move in zip(arrays, moves, strict=True)]
    for ours, theirs in zip(trained.keras_weights(), arrays, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


@pytest.mark.parametrize("what", ["processor", "onednn_is_on"])
def test_what_another_machine_has_made_is_made_again(tmp_path, monkeypatch, what):
    panel, spec = random_panel("AB", 135), replace(TINY, steps=0)
    training = Training(store=ForecastStore(tmp_path))

    def origins(answer):
        task._arithmetic.cache_clear()
        with monkeypatch.context() as patched:
            patched.setattr(task, what, lambda: answer)
            made = walk_forward(panel, spec, training=training)
        return {fit.origin for fit in made.fits}

    assert [origins("one"), origins("one")] == [{"trained"}, {"stored"}]
    assert origins("another") == {"trained"}
    task._arithmetic.cache_clear()
