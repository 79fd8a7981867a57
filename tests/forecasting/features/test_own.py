"""A user's own features: made, named, known by their code, and sent to workers."""

from __future__ import annotations

import pickle
import sys
import types
from dataclasses import asdict, fields, replace

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from fakes import random_panel, same_bytes
from own_features import write_features

from bt_lstm_rotation import ForecastSpec, feature
from bt_lstm_rotation.analyzers.settings import described_spec
from bt_lstm_rotation.errors import FeatureError, SpecError
from bt_lstm_rotation.forecasting import ForecastStore, Training, Workers, walk_forward
from bt_lstm_rotation.forecasting.baselines import TreeSpec
from bt_lstm_rotation.forecasting.features import compute, own
from bt_lstm_rotation.forecasting.features.identity import identity
from bt_lstm_rotation.forecasting.store.content_key import content_key, settings_key
from bt_lstm_rotation.forecasting.walkforward.parcel import carry_out, pack, unpack
from bt_lstm_rotation.user_code import run_file

PANEL = random_panel("ABC", 120)
TINY = {"units": 4, "lookback": 10, "horizon": 3, "train_size": 40}


@pytest.fixture(autouse=True)
def _none_is_left(monkeypatch):
    monkeypatch.setattr(own, "_own", {})
    modules = set(sys.modules)
    yield
    for name in set(sys.modules) - modules:
        if name.startswith(("bt_lstm_rotation_strategy_", "own_")):
            del sys.modules[name]


def made(source, name="gap", module="cell", filename="<cell>", **names):
    """Run source as a cell of a notebook does, and return what it calls `name`."""
    scope = {"__name__": module, "np": np, "feature": feature, **names}
    exec(compile(source, filename, "exec"), scope)
    return scope[name]


GAP = """
@feature(warmup=1, odd=True)
def gap(window):
    close = np.log(window.close)
    return np.log(window.bars[0]) - np.concatenate(
        [close[..., :1], close[..., :-1]], axis=-1)
"""


def code_of(each):
    return ForecastSpec(features=(each, "log_return")).own_features[0].code


def test_it_is_a_name_like_those_that_are_built_in():
    gap = made(GAP)
    by_name = ForecastSpec(features=("relative_return", "gap"), **TINY)
    itself = ForecastSpec(features=["relative_return", gap], **TINY)
    assert by_name == itself
    assert hash(by_name) == hash(itself)
    assert by_name.features == itself.features == ("relative_return", "gap")
    assert (gap.name, gap.warmup, gap.odd, gap.cross_sectional) == (
        "gap",
        1,
        True,
        False,
    )
    (only,) = by_name.own_features
    assert len(only.code) == 64
    assert [each.name for each in by_name.feature_columns] == ["relative_return", "gap"]
    values = walk_forward(PANEL, by_name).values
    assert np.isfinite(values).any()
    assert not same_bytes(
        values,
        walk_forward(PANEL, replace(by_name, features=("relative_return",))).values,
    )


def test_a_tree_reads_it_too():
    spec = TreeSpec(features=(made(GAP), "relative_return"))
    assert spec.features == ("gap", "relative_return")
    assert spec.forecast_bars == spec.lookback + 1
    assert [each.name for each in spec.own_features] == ["gap"]


def test_it_can_be_called_by_hand():
    gap, row = made(GAP), PANEL.bars[:, -40:].transpose(0, 2, 1)
    window = types.SimpleNamespace(close=row[3], bars=row)
    assert gap(window).shape == (3, 40)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"warmup": -1}, "warmup must be a whole number of at least 0"),
        ({"warmup": 1.5}, "warmup must be a whole"),
        ({"warmup": True}, "warmup must be a whole"),
        ({"warmup": 10**9}, "at most 100,000"),
        ({"warmup": 1, "odd": 1}, "odd must be True or False"),
        ({"warmup": 1, "cross_sectional": "yes"}, "cross_sectional must be True"),
        ({"warmup": 1, "needs_benchmark": None}, "needs_benchmark must be True"),
    ],
)
def test_an_impossible_argument_is_refused(arguments, words):
    with pytest.raises(SpecError, match=words):
        feature(**arguments)


@pytest.mark.parametrize("what", [3, None, "gap", np.log, len, dict])
def test_what_is_no_function_is_no_feature(what):
    with pytest.raises(SpecError, match="a plain function"):
        feature(warmup=1)(what)


def test_a_function_without_a_name_is_no_feature():
    with pytest.raises(SpecError, match="made by def"):
        feature(warmup=1)(lambda window: window.close)


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(SpecError, match="this is built in"):
        made(GAP.replace("gap", "rank"), "rank")
    made(GAP, module="one")
    with pytest.raises(SpecError, match="module 'one' has made a feature"):
        made(GAP, module="two")


def test_a_module_that_is_run_again_replaces_its_own_and_not_a_specs():
    made(GAP)
    before = ForecastSpec(features=("relative_return", "gap"), **TINY)
    made(GAP.replace("return np.log", "return 2 * np.log"))
    after = ForecastSpec(features=("relative_return", "gap"), **TINY)
    assert before != after
    assert replace(before, seed=0) == before
    assert before.own_features[0].values is not after.own_features[0].values


def test_an_unknown_name_is_answered_with_the_closest_of_all():
    made(GAP.replace("gap", "squeeze"), "squeeze")
    with pytest.raises(SpecError, match="did you mean 'squeeze'"):
        ForecastSpec(features=("relative_return", "sqeeze"))


KEEPERS = {
    "as it was": (GAP, {}),
    "another text": (GAP.replace("return np", "return 2 * np"), {}),
    "another constant": (GAP.replace("warmup=1", "warmup=2"), {}),
}


def test_another_text_or_flag_is_another_key_and_a_line_more_is_none():
    keys, codes = set(), set()
    for source, _ in KEEPERS.values():
        spec = ForecastSpec(features=("relative_return", made(source)))
        keys.add(content_key("fit", spec))
        codes.add(settings_key("model", spec))
    assert len(keys) == len(codes) == 3
    assert code_of(made(GAP)) == code_of(made("\n\n" + GAP, filename="<another>"))


READS = """
SCALE = {value}
def helper(x):
    return SCALE * x
@feature(warmup=0)
def gap(window, offset={default}):
    return helper(window.close) + offset
"""


def test_what_a_helper_reads_and_a_default_are_part_of_it():
    codes = {
        code_of(made(READS.format(value=value, default=default)))
        for value in ("1.0", "2.0", "1", "True", "[1.0]", "{'a': 1}", "np.ones(2)")
        for default in ("0.0", "'a'", "(1, 2)")
    }
    assert len(codes) == 21
    again = READS.format(value="2.0", default="0.0")
    assert code_of(made(again)) == code_of(made(again))


def test_a_value_that_is_changed_afterwards_is_another_feature():
    gap = made(READS.format(value="1.0", default="0.0"))
    before = code_of(gap)
    gap.values.__globals__["SCALE"] = 3.0
    assert code_of(gap) != before


def closing_over(value):
    @feature(warmup=0)
    def closed(window):
        return window.close * value

    return closed


def test_a_closure_is_part_of_it_if_it_is_plain():
    assert code_of(closing_over(2.0)) == code_of(closing_over(2.0))
    assert len({code_of(closing_over(value)) for value in (2.0, 3.0, 2, (2.0,))}) == 4


@pytest.mark.parametrize(
    "value",
    [pd.Series([1.0]), object(), open, iter(()), np.ma.array([1.0]), {1: object()}],
)
def test_a_closure_over_something_else_is_refused_with_what_to_do(value):
    if value is open:
        value = np.array([object()])
    with pytest.raises(FeatureError, match="feature 'closed' reads 'value'") as caught:
        ForecastSpec(features=("log_return", closing_over(value)))
    assert "given as context, dated by its publication" in str(caught.value)


def test_a_helper_that_remembers_is_its_function():
    source = """
import functools
@functools.lru_cache
def scale(n): return {factor} * n
@feature(warmup=0)
def gap(window):
    return window.close * scale(4)
"""
    codes = {code_of(made(source.format(factor=factor))) for factor in (1, 1, 2)}
    assert len(codes) == 2


def test_it_may_read_those_that_are_built_in():
    source = """
from bt_lstm_rotation.forecasting.features import FEATURES, deviation
@feature(warmup=252, cross_sectional=True, needs_benchmark=True)
def gap(window):
    return deviation(FEATURES["beta"](window), window.dates)
"""
    assert len(code_of(made(source))) == 64


def test_functions_that_call_each_other_have_an_identity():
    source = """
def even(n): return n == 0 or odd(n - 1)
def odd(n): return n != 0 and even(n - 1)
@feature(warmup=0)
def gap(window):
    return window.close * even(4)
"""
    assert len(code_of(made(source))) == 64


def test_one_feature_may_read_another():
    source = (
        GAP
        + """
@feature(warmup=1)
def size(window):
    return abs(gap(window))
"""
    )
    assert code_of(made(source, "size")) != code_of(
        made(source.replace("return np", "return 2 * np"), "size")
    )


def test_its_file_and_what_that_imports_are_part_of_it(tmp_path):
    codes = []
    for factor, scale in ((1.0, 1.0), (2.0, 1.0), (1.0, 2.0), (1.0, 1.0)):
        module = run_file(write_features(tmp_path, factor, scale))
        codes.append(code_of(module.squeeze))
    assert len(set(codes)) == 3
    assert codes[0] == codes[-1]
    other = run_file(write_features(tmp_path / "another"))
    assert code_of(other.squeeze) == codes[0]


def test_a_key_without_features_of_ones_own_is_what_it_was():
    assert content_key("fit", ForecastSpec()) == content_key("fit", ForecastSpec())
    kept = {field.name for field in fields(ForecastSpec)} - {
        *("own_features", "inputs", "context")  # which came with it
    }
    # As the specs of paper accounts were hashed before there was such a field.
    from bt_lstm_rotation.forecasting.store import content_key as module

    kind = f"{ForecastSpec.__module__}.{ForecastSpec.__qualname__}".encode()
    pieces = [
        kind,
        *(module._digest((n, getattr(ForecastSpec(), n))) for n in sorted(kept)),
    ]
    import hashlib

    spelled = hashlib.sha256()
    for piece in pieces:
        spelled.update(len(piece).to_bytes(8, "big"))
        spelled.update(piece)
    assert module._digest(ForecastSpec()) == spelled.digest()


def test_a_summary_names_it_with_its_hash():
    plain = described_spec(ForecastSpec())
    assert "own_features" not in plain
    spec = ForecastSpec(features=("relative_return", made(GAP)))
    told = described_spec(spec)
    assert told["own_features"] == {"gap": spec.own_features[0].code}
    assert asdict(spec)["features"] == told["features"] == ("relative_return", "gap")


def test_what_a_leaking_feature_is_told_comes_before_any_fit():
    leaks = made(GAP.replace("close[..., :-1]", "close[..., 2:], close[..., -1:]"))
    spec = ForecastSpec(features=("relative_return", leaks), **TINY)
    with pytest.raises(FeatureError, match="feature 'gap' looks 1 bar ahead"):
        walk_forward(PANEL, spec)


def test_a_proof_is_made_once_in_a_process(monkeypatch):
    spec = ForecastSpec(features=("relative_return", made(GAP)), **TINY)
    walk_forward(PANEL, spec)
    monkeypatch.setattr("bt_lstm_rotation.forecasting.features.proof.PROBES", (None,))
    walk_forward(PANEL, spec)


def test_it_is_sent_to_workers_by_its_file_and_stored(tmp_path):
    module = run_file(write_features(tmp_path))
    spec = ForecastSpec(features=("relative_return", "squeeze"), **TINY)
    store = ForecastStore(tmp_path / "store")
    parcel = pack(len, (spec,))
    # A module that another test has made may have a name that is part of this one's.
    assert module.__name__ in [file.module for file in parcel.files]
    threads, processes = (
        walk_forward(PANEL, spec, training=Training(workers=workers, store=kept))
        for workers, kept in (
            (Workers(jobs=1), store),
            (Workers(jobs=2, backend="processes"), None),
        )
    )
    assert same_bytes(threads.values, processes.values)
    again = walk_forward(PANEL, spec, training=Training(store=store))
    assert {fit.origin for fit in again.fits} == {"stored"}
    run_file(write_features(tmp_path, scale=2.0))
    changed = ForecastSpec(features=("relative_return", "squeeze"), **TINY)
    other = walk_forward(PANEL, changed, training=Training(store=store))
    assert {fit.origin for fit in other.fits} == {"trained"}


def test_a_pickle_names_the_feature_in_its_module(tmp_path):
    module = run_file(write_features(tmp_path))
    spec = ForecastSpec(features=("relative_return", module.squeeze))
    copy = pickle.loads(pickle.dumps(spec))
    assert copy == spec
    assert copy.own_features[0].values is module.squeeze.values
    assert pickle.loads(pickle.dumps(module.squeeze)).values is module.squeeze.values


def test_one_of_a_notebook_is_sent_whole():
    spec = ForecastSpec(features=("relative_return", made(GAP, module="__main__")))
    (copy,) = unpack(carry_out(pack(tuple, [spec])))
    assert copy == spec
    own._own.clear()  # as in a worker, which has not run the cell
    again = replace(cloudpickle.loads(cloudpickle.dumps(spec)), seed=1)
    assert again.own_features == spec.own_features
    window = types.SimpleNamespace(bars=PANEL.bars.transpose(0, 2, 1), extra=())
    window.close = window.bars[3]
    assert compute(again.own_features, window).shape == (3, 119, 1)


def test_a_worker_in_which_it_reads_something_else_is_told(tmp_path):
    module = run_file(write_features(tmp_path))
    spec = ForecastSpec(features=("relative_return", "squeeze"))
    content = pickle.dumps(spec)
    module.SCALE = 5.0
    with pytest.raises(FeatureError, match="is not what the run began with"):
        pickle.loads(content)


def test_an_identity_is_of_plain_code():
    assert len(identity("f", lambda window: window.close)) == 64
