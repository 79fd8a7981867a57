"""What looks ahead is refused by its name, and what does not is not."""

from __future__ import annotations

import re

import numpy as np
import pytest
from leaking import CLEAN, LEAKS, by_series, exponential_average

from bt_lstm_rotation.errors import FeatureError
from bt_lstm_rotation.forecasting.features import FEATURES, Feature, controls
from bt_lstm_rotation.forecasting.features.probes import PROBES
from bt_lstm_rotation.forecasting.features.proof import prove
from bt_lstm_rotation.forecasting.features.scene import made_scene
from bt_lstm_rotation.forecasting.features.subject import Subject


def refused(values, warmup=0, **flags):
    with pytest.raises(FeatureError) as caught:
        prove(Feature(values, warmup, name=values.__name__, **flags))
    error = caught.value
    assert error.name == values.__name__
    assert f"feature {values.__name__!r}" in str(error)
    return error


@pytest.mark.parametrize("leak", LEAKS, ids=lambda f: f.__name__)
def test_a_leak_is_refused_by_its_name_the_session_and_how_far_it_looks(leak):
    ahead, words = LEAKS[leak]
    cross_sectional = leak.__name__ == "of_all_on_a_column"
    warmup = 10 if leak.__name__ == "centred_average" else 1
    if leak.__name__ == "centred_average":
        # Its last five are not finite: it cannot be otherwise, and is told so first.
        def leak(window, average=leak):
            return np.nan_to_num(average(window))

        leak.__name__ = "centred_average"
    error = refused(leak, warmup, cross_sectional=cross_sectional)
    assert words in str(error)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", error.session)
    if ahead is not None:
        assert error.ahead == ahead


def test_a_leak_at_month_ends_is_shown_at_one():
    error = refused(next(f for f in LEAKS if f.__name__ == "only_at_month_ends"), 1)
    day = np.datetime64(error.session)
    later = made_scene(421).window.dates
    following = later[later > day].min()
    assert following.astype("datetime64[M]") > day.astype("datetime64[M]")


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_that_is_built_in_is_proved(name):
    prove(FEATURES[name])


@pytest.mark.parametrize("values", CLEAN, ids=lambda f: f.__name__)
def test_a_clean_feature_is_not_refused(values):
    prove(Feature(values, CLEAN[values], name=values.__name__))


@pytest.mark.parametrize("warmup", [0, 5, 9, 13])
def test_a_window_that_is_longer_than_the_warmup_is_measured(warmup):
    def average(window):
        return by_series(window, lambda c: c.rolling(15, min_periods=1).mean() / c)

    error = refused(average, warmup)
    assert error.needed == 14
    assert "warmup=14" in str(error)
    prove(Feature(average, 14, name="average"))


def test_values_that_come_later_than_the_warmup_are_a_warmup_that_is_too_short():
    def change(window):
        return by_series(window, lambda c: np.log(c).diff(30))

    assert refused(change, 29).needed == 30
    prove(Feature(change, 30, name="change"))


def test_the_tail_of_a_recursive_feature_is_measured():
    error = refused(exponential_average, 10)
    # A price counts for (9/11)**n of what it did: to 1e-9 after about 103 bars, and
    # less or more as prices differ.
    assert 85 < error.needed < 125
    prove(Feature(exponential_average, error.needed + 15, name="longer"))


def test_what_never_forgets_is_told_so():
    error = refused(lambda w: np.cumsum(w.volume, axis=-1))
    assert "2,500 bars ago or more" in str(error)
    assert error.needed >= 2_500


def test_symbols_compared_by_column_are_told_to_be_compared_by_date():
    def share(window):
        return window.close / window.close.sum(axis=-2, keepdims=True)

    assert "declare cross_sectional=True" in str(refused(share))
    assert "compared by date" in str(refused(share, cross_sectional=True))


def test_a_feature_that_fails_says_with_what():
    error = refused(lambda w: w.row("vix"))
    assert "raises ValueError" in str(error)
    assert "on a window of (4, 420)" in str(error)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (lambda w: w.close.tolist(), "returns list"),
        (lambda w: w.close.astype(object), "returns ndarray of object"),
        (lambda w: w.close.astype(complex), "returns ndarray of complex128"),
        (lambda w: np.ma.array(w.close), "returns MaskedArray"),
        (lambda w: w.close[..., 1:], "shape (4, 419)"),
        (lambda w: w.close[0], "shape (420,)"),
        (lambda w: None, "returns NoneType"),
        (lambda w: np.where(w.close > 60, np.inf, 1.0), "is inf"),
        (lambda w: np.random.default_rng().normal(size=w.close.shape), "again"),
    ],
)
def test_what_is_no_column_is_refused_in_words_of_its_own(values, words):
    assert words in str(refused(values))


def test_what_is_not_finite_after_its_time_is_shown_with_the_session():
    def now_and_then(window):
        return np.where(window.close > window.bars[0], np.nan, 1.0)

    error = refused(now_and_then)
    assert "is nan" in str(error)
    assert error.session is not None


def test_each_probe_has_a_control_and_refuses_it_alone():
    covered = set()
    for feature, probe, reason in controls.planted():
        with pytest.raises(FeatureError) as caught:
            probe(Subject(feature))
        assert reason in str(caught.value)
        covered.add(probe)
        if reason in ("other sessions", "begin", "28 years"):
            for other in set(PROBES) - {probe}:
                other(Subject(feature))
    assert covered == set(PROBES)


def test_a_probe_that_refuses_nothing_is_a_fault_of_ours(monkeypatch):
    blind = (*controls._PLANTED[:1], (np.log, lambda subject: None, "nothing"))
    monkeypatch.setattr(controls, "_PLANTED", blind)
    controls.check_probes.cache_clear()
    try:
        with pytest.raises(RuntimeError, match="does not refuse its control log"):
            controls.check_probes()
    finally:
        controls.check_probes.cache_clear()


def test_the_bars_are_valid_and_have_what_leaks_hide_in():
    for holes in (False, True):
        scene = made_scene(900, holes=holes)
        window = scene.window
        opened, high, low, close, volume, market = window.bars
        assert (low > 0).all()
        assert (low <= np.minimum(opened, close)).all()
        assert (high >= np.maximum(opened, close)).all()
        assert (np.stack([volume, market]) > 0).all()
        assert (np.diff(window.dates) > np.timedelta64(0, "D")).all()
        assert np.is_busday(window.dates).all()
        aligned = (window.dates == window.dates[:1]).all()
        assert aligned != holes
        assert all((future != window.bars).all() for future in scene.futures)
        cuts = np.array(scene.cuts(100, 48))
        days = np.unique(window.dates)
        following = days[np.searchsorted(days, cuts, side="right")]
        months = cuts.astype("datetime64[M]") < following.astype("datetime64[M]")
        years = cuts.astype("datetime64[Y]") < following.astype("datetime64[Y]")
        assert months.sum() >= 24
        assert years.sum() >= 2
        changed = np.abs(np.diff(np.log(close)))
        assert (changed > 0.05).any()


def test_a_scrambled_future_leaves_the_past_and_nothing_else():
    scene = made_scene(300, holes=True)
    session = scene.cuts(50, 8)[3]
    window, other = scene.window, scene.scrambled(session)
    past = window.dates <= session
    assert (other.dates[past] == window.dates[past]).all()
    assert (other.bars[:, past] == window.bars[:, past]).all()
    assert (other.bars[:, ~past] != window.bars[:, ~past]).all()
    assert (np.diff(other.dates) > np.timedelta64(0, "D")).all()
    assert (other.dates[~past] != window.dates[~past]).any()
