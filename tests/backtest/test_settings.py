"""--set: what becomes of each key and value, what is refused, and what is listed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields

import backtrader as bt
import pytest

from bt_lstm_rotation import ForecastSpec, MomentumSpec, SectorRotation
from bt_lstm_rotation.backtest.meanings import meanings
from bt_lstm_rotation.backtest.settings import known_settings, parse_settings
from bt_lstm_rotation.backtest.strategy_file import find_strategy, known_strategies
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting import FORECASTERS, EWMASpec, KalmanSpec, OracleSpec
from bt_lstm_rotation.forecasting.features import FEATURES
from bt_lstm_rotation.periodic import PeriodicRebalance


class Anybodys(bt.Strategy):
    params = (
        ("period", 20),
        ("label", "x"),
        ("spec", None),
        ("größe", 1),
        ("key", None),
    )


class Bare(bt.Strategy):
    pass


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("false", False),
        ("null", None),
        ('"5"', "5"),
        ("weekly", "weekly"),
        ("  weekly ", "weekly"),
        ("True", "True"),  # JSON knows true, and Python's word is a word
        ("", ""),
        ("a=b=c", "a=b=c"),
        ('["a", 2]', ("a", 2)),
        ("[]", ()),
        ('{"a": [1]}', {"a": [1]}),
        ("{broken", "{broken"),
        ("日本 ☂", "日本 ☂"),
        ("__import__('os')", "__import__('os')"),
        ("[" * 100_000, "[" * 100_000),
        ("9" * 5_000, "9" * 5_000),  # more digits than Python turns into a number
    ],
)
def test_a_value_is_json_or_else_text(text, value):
    got = parse_settings(Anybodys, [f"key={text}"])["key"]
    assert got == value
    assert type(got) is type(value)


def test_nothing_set_is_nothing_changed():
    assert parse_settings(SectorRotation, []) == {}


def test_parameters_of_the_strategy_are_taken_by_name():
    assert parse_settings(SectorRotation, ["top=2", "rebalance=weekly"]) == {
        "top": 2,
        "rebalance": "weekly",
    }
    assert parse_settings(Anybodys, ["größe=2", " period =3"]) == {
        "größe": 2,
        "period": 3,
    }


def test_fields_of_the_spec_are_taken_with_and_without_its_name():
    settings = ["horizon=5", "spec.units=8", "top=2", 'features=["log_return"]']
    assert parse_settings(SectorRotation, settings) == {
        "top": 2,
        "spec": ForecastSpec(horizon=5, units=8, features=("log_return",)),
    }


def test_what_is_not_set_stays_as_the_strategy_has_it():
    class Fast(SectorRotation):
        params = (("spec", MomentumSpec(lookback=10, skip=2)),)

    changed = parse_settings(Fast, ["skip=0"])["spec"]
    assert changed == MomentumSpec(lookback=10, skip=0)
    assert Fast.params.spec == MomentumSpec(lookback=10, skip=2)


def test_a_name_that_both_have_is_the_strategys_and_the_specs_with_its_name():
    class Both(SectorRotation):
        params = (("horizon", 1),)

    assert parse_settings(Both, ["horizon=7"]) == {"horizon": 7}
    both = parse_settings(Both, ["spec.horizon=7"])
    assert both == {"spec": ForecastSpec(horizon=7)}


def test_the_seed_goes_to_a_spec_that_has_one():
    assert parse_settings(SectorRotation, [], seed=7) == {"spec": ForecastSpec(seed=7)}

    class Momentum(SectorRotation):
        params = (("spec", MomentumSpec()),)

    assert parse_settings(Momentum, [], seed=7) == {}
    assert parse_settings(Anybodys, [], seed=7) == {}
    assert parse_settings(Bare, [], seed=7) == {}


def test_a_seed_that_is_set_goes_before_the_one_for_everything():
    changed = parse_settings(SectorRotation, ["seed=3"], seed=7)
    assert changed == {"spec": ForecastSpec(seed=3)}


@pytest.mark.parametrize("setting", ["top", "", "=", "=5", "  =5", "top:2"])
def test_a_setting_has_a_key_and_a_value(setting):
    with pytest.raises(SpecError, match="--set must be key=value, such as top=2"):
        parse_settings(SectorRotation, [setting])


@pytest.mark.parametrize(
    ("setting", "nearest"),
    [
        ("topp=2", "top"),
        ("horizn=2", "horizon"),
        ("spec.horizn=2", "horizon"),
        ("spec.top=2", "top"),  # top is the strategy's
        ("TOP=2", None),
        ("spec.=2", None),
        ("spec.spec.horizon=2", None),
        ("__class__=1", None),
        ("spec.__class__=1", None),
        ("_getkeys=1", None),
        ("☂=1", None),
        ("a" * 10_000 + "=1", None),
    ],
)
def test_an_unknown_key_is_answered_with_the_closest(setting, nearest):
    with pytest.raises(SpecError, match="--set must be a known key") as raised:
        parse_settings(SectorRotation, [setting])
    if nearest:
        assert f"did you mean '{nearest}'?" in str(raised.value)
    assert "known: " in str(raised.value)


@pytest.mark.parametrize("key", ["spec", "start", "training", "benchmark"])
def test_what_is_no_plain_value_or_has_its_own_option_is_not_set(key):
    with pytest.raises(SpecError, match="a known key") as raised:
        parse_settings(SectorRotation, [f"{key}=1"])
    assert f"{key}," not in raised.value.valid


@pytest.mark.parametrize(
    "settings",
    [["top=2", "top=3"], ["units=2", "spec.units=2"], ["top=2", " top =2"]],
)
def test_a_key_is_given_once(settings):
    with pytest.raises(SpecError, match="given once for each key"):
        parse_settings(SectorRotation, settings)


@pytest.mark.parametrize(
    "setting", ["horizon=0", "horizon=five", "units=1e3", "seed=NaN", "pooled=1"]
)
def test_an_impossible_value_of_the_spec_is_the_specs_to_refuse(setting):
    with pytest.raises(SpecError, match="ForecastSpec: "):
        parse_settings(SectorRotation, [setting])


@pytest.mark.parametrize("strategy", [Anybodys, Bare, PeriodicRebalance])
def test_a_strategy_without_a_spec_has_no_fields_of_one(strategy):
    with pytest.raises(SpecError, match="a known key"):
        parse_settings(strategy, ["horizon=5"])


def test_a_strategy_without_parameters_says_that_none_is_known():
    with pytest.raises(SpecError, match="none is known"):
        parse_settings(Bare, ["top=5"])


def test_a_spec_that_is_a_class_has_nothing_to_set():
    class Wrong(SectorRotation):
        params = (("spec", ForecastSpec),)

    with pytest.raises(SpecError, match="a known key"):
        parse_settings(Wrong, ["horizon=5"])


def test_anybodys_own_spec_is_set_like_ours():
    @dataclass(frozen=True)
    class Theirs:
        speed: int = 1

    class Own(SectorRotation):
        params = (("spec", Theirs()),)

    assert parse_settings(Own, ["speed=4"]) == {"spec": Theirs(4)}


def test_what_somebody_elses_strategy_calls_the_same_is_a_setting():
    class Own(bt.Strategy):
        params = (("start", 3), ("benchmark", 0.1), ("training", "slow"), ("spec", 7))

        def __init__(self):
            pass

    settings = ["start=4", "benchmark=0.2", "training=fast", "spec=8"]
    expected = {"start": 4, "benchmark": 0.2, "training": "fast", "spec": 8}
    assert parse_settings(Own, settings) == expected


OURS = [SectorRotation, PeriodicRebalance, *map(find_strategy, known_strategies())]


def keys(strategy) -> list[str]:
    return [setting.key for part in known_settings(strategy) for setting in part]


@pytest.mark.parametrize("strategy", OURS)
def test_every_key_of_ours_has_a_meaning(strategy):
    for setting in itertools.chain(*known_settings(strategy)):
        assert len(setting.meaning) > 10, setting
        assert setting.meaning.isprintable()


@pytest.mark.parametrize("spec", [ForecastSpec, MomentumSpec])
def test_every_field_of_a_forecaster_has_a_meaning(spec):
    assert {field.name for field in fields(spec)} <= set(meanings(spec))


def test_every_feature_there_is_is_named():
    _, of_spec = known_settings(SectorRotation)
    (meaning,) = [s.meaning for s in of_spec if s.key == "features"]
    for name in FEATURES:
        assert f'"{name}"' in meaning


@pytest.mark.parametrize("strategy", [*OURS, Anybodys, Bare])
def test_every_default_is_spelled_as_it_can_be_set(strategy):
    of_strategy, of_spec = known_settings(strategy)
    settings = [f"{key}={default}" for key, default, _ in (*of_strategy, *of_spec)]
    params = parse_settings(strategy, settings)
    defaults = dict(strategy.params._getitems())
    assert params == {name: defaults[name] for name in params}
    assert set(params) == {s.key for s in of_strategy} | (
        {"spec"} if of_spec else set()
    )


@pytest.mark.parametrize("strategy", [*OURS, Anybodys, Bare])
def test_all_keys_are_listed_and_no_other_is_taken(strategy):
    everything = dict(strategy.params._getitems())
    for key in set(everything) - set(keys(strategy)):
        with pytest.raises(SpecError, match="a known key"):
            parse_settings(strategy, [f"{key}=1"])


def test_a_field_of_the_name_of_a_parameter_is_listed_as_it_is_set():
    class Both(SectorRotation):
        """Mine.

        Params:
          - horizon: of my own
        """

        params = (("horizon", 1),)

    of_strategy, of_spec = known_settings(Both)
    assert ("horizon", "1", "Of my own") in of_strategy
    assert "horizon" not in [setting.key for setting in of_spec]
    assert ("spec.horizon", "21", "Bars ahead that are forecast") in of_spec


def test_somebody_elses_parameters_are_listed_with_or_without_a_meaning():
    assert known_settings(Bare) == ([], [])
    of_strategy, of_spec = known_settings(Anybodys)
    assert ("period", "20", "") in of_strategy
    assert ("größe", "1", "") in of_strategy
    assert of_spec == []


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        ("weekly", "weekly"),
        ("5", '"5"'),
        ("true", '"true"'),
        (" a", '" a"'),
        ("", '""'),
        (True, "true"),
        (None, "null"),
        (0.1, "0.1"),
        (("a", 2), '["a", 2]'),
        ("日本", "日本"),
        (("日本",), '["日本"]'),
        (bt.Strategy, repr(bt.Strategy)),
    ],
)
def test_how_a_default_is_spelled(value, spelled):
    class Own(bt.Strategy):
        params = (("key", value),)

    assert known_settings(Own)[0] == [("key", spelled, "")]


def test_a_forecaster_is_chosen_by_its_name_and_set_by_its_fields():
    settings = ["half_life=20", "forecaster=ewma", "top=2", "spec.horizon=5"]
    assert parse_settings(SectorRotation, settings) == {
        "spec": EWMASpec(half_life=20, horizon=5),
        "top": 2,
    }
    assert parse_settings(SectorRotation, [" forecaster = kalman "]) == {
        "spec": KalmanSpec()
    }


def test_the_seed_goes_to_a_forecaster_by_name_that_has_one():
    assert parse_settings(SectorRotation, ["forecaster=gru"], seed=7) == {
        "spec": ForecastSpec(cell="gru", seed=7)
    }
    assert parse_settings(SectorRotation, ["forecaster=oracle"], seed=7) == {
        "spec": OracleSpec(seed=7)
    }
    assert parse_settings(SectorRotation, ["forecaster=mean"], seed=7) == {
        "spec": FORECASTERS["mean"]
    }


def test_the_settings_of_another_forecaster_are_unknown():
    with pytest.raises(SpecError, match="--set must be a known key"):
        parse_settings(SectorRotation, ["forecaster=kalman", "units=3"])


@pytest.mark.parametrize(
    "name", ["kallman", "", "KALMAN", "spec", "__class__", "☂", "0"]
)
def test_an_unknown_forecaster_is_answered_with_what_there_is(name):
    with pytest.raises(SpecError, match="--forecaster must be the name of") as raised:
        parse_settings(SectorRotation, [f"forecaster={name}"])
    assert "known: arima, ewma, filters" in str(raised.value)
    assert ("did you mean 'kalman'" in str(raised.value)) == (name == "kallman")


def test_a_forecaster_is_named_once():
    with pytest.raises(SpecError, match="given once for each key"):
        parse_settings(SectorRotation, ["forecaster=mean", "forecaster=zero"])


@pytest.mark.parametrize("strategy", [Bare, PeriodicRebalance])
def test_a_strategy_without_a_spec_takes_no_forecaster(strategy):
    with pytest.raises(SpecError, match="--forecaster must be left out, as it has no"):
        parse_settings(strategy, ["forecaster=kalman"])
    with pytest.raises(SpecError, match="--forecaster must be left out"):
        known_settings(strategy, "kalman")


@pytest.mark.parametrize("value", [3, "fast", ForecastSpec, (1, 2)])
def test_somebody_elses_spec_that_is_no_forecasters_is_left_alone(value):
    class Own(bt.Strategy):
        params = (("spec", value),)

    with pytest.raises(SpecError, match="--forecaster must be left out"):
        parse_settings(Own, ["forecaster=kalman"])


def test_a_spec_of_none_takes_a_forecaster():
    assert parse_settings(Anybodys, ["forecaster=kalman", "period=3"]) == {
        "spec": KalmanSpec(),
        "period": 3,
    }


def test_a_parameter_of_that_name_is_the_strategys():
    class Own(bt.Strategy):
        params = (("forecaster", "none"), ("spec", None))

    assert parse_settings(Own, ["forecaster=kalman"]) == {"forecaster": "kalman"}


@pytest.mark.parametrize("name", FORECASTERS)
def test_every_setting_of_every_forecaster_is_told_and_can_be_set(name):
    _, of_spec = known_settings(SectorRotation, name)
    spec = FORECASTERS[name]
    own = [f.name for f in fields(spec) if not f.metadata.get("derived")]
    assert [setting.key for setting in of_spec] == own
    for setting in of_spec:
        assert len(setting.meaning) > 10, setting
        assert not setting.meaning.startswith("See"), setting
    settings = [f"{setting.key}={setting.default}" for setting in of_spec]
    named = parse_settings(SectorRotation, [f"forecaster={name}", *settings])
    assert named == {"spec": spec}
