"""One forecast, opened: the backtest's own, and nothing from after it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from fakes import random_panel, shocked, without

import bt_lstm_rotation
from bt_lstm_rotation import ForecastSpec, MomentumSpec, Training, explain
from bt_lstm_rotation.cli import main
from bt_lstm_rotation.errors import DataError, OutputError, SpecError
from bt_lstm_rotation.explaining import Explanation
from bt_lstm_rotation.forecasting import ForecastStore, walk_forward
from bt_lstm_rotation.forecasting.recurrent import forecaster

SPEC = ForecastSpec(units=6, lookback=12, horizon=3, train_size=60)
PLAIN = Training()
PANEL = random_panel("ABC", 150, seed=5)
DAY = PANEL.sessions[-7]


def made(spec=SPEC, panel=PANEL, day=DAY, symbol="B", **more) -> Explanation:
    more = {"training": PLAIN} | more
    return explain(panel, symbol, day.astype(object), spec=spec, **more)


WAYS = {
    "default": {},
    "gru": {"cell": "gru"},
    "rnn": {"cell": "rnn"},
    "two layers": {"layers": 2},
    "one each": {"pooled": False},
    "members": {"members": 2},
    "not mirrored": {"mirrored": False},
    "volatility": {"features": ("relative_return", "volatility", "volume")},
    "plain": {"target": "plain", "features": ("log_return",)},
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@each_way
def test_it_explains_the_forecast_that_a_backtest_makes(way):
    spec = replace(SPEC, **way)
    walked = walk_forward(PANEL, spec)
    found = made(spec)
    row = list(PANEL.sessions).index(DAY)
    assert found.forecast == pytest.approx(walked.values[row, 1], abs=1e-6)
    assert found.session == DAY.astype(object)
    (served_by,) = {f.served_by for f in walked.fits if f.session <= DAY} & {
        max(f.session for f in walked.fits if f.session <= DAY)
    }
    assert found.fitted_at == served_by.astype(object)
    assert abs(found.attribution.gap) < 1e-4 * abs(found.forecast) + 1e-12
    assert next(iter(found.cells)) == spec.cell
    assert set(found.cells) == {"lstm", "gru", "rnn"}
    assert all(0 < view.half_life <= 12 for view in found.cells.values())
    assert all(len(values) == 12 for values in found.responses.values())
    assert found.dates[-1] == DAY
    assert f"B on {found.session}, explained" in found.page()


@each_way
def test_bars_of_the_future_change_nothing(way):
    spec = replace(SPEC, **way)
    row = list(PANEL.sessions).index(DAY)
    changed = made(spec, shocked(PANEL, row))
    assert changed.page() == made(spec).page()
    cut = PANEL.between(None, DAY.astype(object))
    assert made(spec, cut).page() == changed.page()


def test_past_bars_had_an_outcome_by_the_time_of_the_fit():
    found = made()
    days = list(PANEL.sessions)
    fitted = days.index(np.datetime64(found.fitted_at))
    closes = {name: PANEL.close[:, i] for i, name in enumerate(PANEL.symbols)}
    assert len(found.situations) == 12
    for one in found.situations:
        at = days.index(np.datetime64(one.session))
        assert at + SPEC.horizon <= fitted
        returns = {n: c[at + 3] / c[at] - 1 for n, c in closes.items()}
        expected = returns[one.symbol] - np.mean(list(returns.values()))
        assert one.followed == pytest.approx(expected)
    distances = [one.distance for one in found.situations]
    assert distances == sorted(distances)


def test_units_are_laid_out_by_time_constant():
    found = made()
    forget = found.gates["forget_gate"].mean(axis=0)
    assert (np.diff(forget) >= 0).all()
    assert found.gates["cell"].shape == (12, 6)
    assert np.allclose(found.memories.bars, 1 / (1 - np.sort(forget)), rtol=1e-5)
    # The default takes no step: what it started with is what it has.
    assert np.allclose(found.memories_at_start.bars, found.memories.bars)
    assert not found.memories_at_start.weights.any()
    assert found.memories.weights.any()


@pytest.mark.slow
def test_steps_move_the_time_constants():
    found = made(replace(SPEC, steps=5, learning_rate=0.05))
    assert not np.allclose(found.memories_at_start.bars, found.memories.bars, rtol=1e-3)


def test_what_a_backtest_has_kept_is_not_trained_again(tmp_path, monkeypatch):
    training = Training(store=ForecastStore(tmp_path))
    walk_forward(PANEL, SPEC, training=training)
    fits = []
    plain = forecaster.RecurrentForecaster.fit

    def fit(self, window, session):
        fits.append(self.spec.cell)
        return plain(self, window, session)

    monkeypatch.setattr(forecaster.RecurrentForecaster, "fit", fit)
    first = made(training=training)
    assert fits == ["gru", "rnn"]  # for comparison
    again = made(training=training)
    assert fits == ["gru", "rnn"]
    assert again.page() == first.page()


@pytest.mark.slow
def test_a_warm_start_goes_through_all_fits_before():
    spec = replace(SPEC, warm_start=True, steps=2)
    walked = walk_forward(PANEL, spec)
    row = list(PANEL.sessions).index(DAY)
    assert made(spec).forecast == pytest.approx(walked.values[row, 1], abs=1e-6)


def test_the_last_session_and_the_default_network_are_the_default():
    panel = random_panel("ABC", 860, seed=1)
    found = explain(panel, "A", training=PLAIN)
    assert found.session == panel.sessions[-1].astype(object)
    assert len(found.dates) == 126
    assert found.gates["cell"].shape == (126, 32)


def test_a_benchmark_is_none_of_the_sectors():
    with_market = random_panel("ABCM", 150, seed=5)
    found = made(panel=with_market, benchmark="M")
    assert found.page() == made(panel=with_market.select(list("ABC"))).page()


def refused(error, match, **arguments):
    with pytest.raises(error, match=match):
        made(**arguments)


def test_what_cannot_be_explained_is_refused_with_what_can():
    refused(DataError, "'B'", symbol="BB")
    refused(DataError, "the nearest is on", day=np.datetime64("2019-01-05"))
    refused(DataError, "the first is possible on 2019-", day=PANEL.sessions[20])
    refused(SpecError, "ForecastSpec", spec=MomentumSpec())
    refused(SpecError, "PricePanel", panel=None)
    refused(SpecError, "symbol", symbol=3)
    with pytest.raises(SpecError, match="session"):
        explain(PANEL, "A", "2019-03-01", spec=SPEC)
    gone = without(PANEL, "B", slice(-7, None))
    refused(DataError, f"the nearest is on {PANEL.sessions[-8]}", panel=gone)
    young = without(PANEL, "B", slice(0, 100))
    refused(DataError, "not among those that the fit", panel=young)


def test_a_page_holds_all_it_needs_and_obeys_nothing_of_the_bars():
    panel = random_panel(["A", "<script>B", "C&"], 150, seed=5)
    text = made(panel=panel, symbol="<script>B").page()
    assert "<script>B" not in text
    bare = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r'(src|href)="(?!data:)', bare)
    assert "NaN" not in bare


def test_it_says_what_it_does_not_show():
    assert "not that it was right" in str(made())
    assert str(made()).count("\n") == 4


def test_a_page_is_written_and_nothing_of_anybody_else_is_replaced(tmp_path):
    found = made()
    file = found.write(tmp_path / "new" / "page.html")
    before = file.read_bytes()
    assert found.write(file).read_bytes() == before
    other = tmp_path / "mine.html"
    other.write_text("mine")
    with pytest.raises(OutputError, match="no file of ours"):
        found.write(other)
    assert other.read_text() == "mine"


SMALL = ["lookback=12", "horizon=3", "train_size=60", "units=4"]
KNOWN = [word for one in SMALL for word in ("--set", one)]


def command(*more):
    return main(["explain", "--symbol", "S2", *KNOWN, *more])


def test_the_command_writes_a_page_and_says_what_is_on_it(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert command("--session", "2001-03-30") == 0
    said = capsys.readouterr().out
    assert "At the close of 2001-03-30" in said
    assert "simulated market" in said
    assert "Page explain-S2-2001-03-30.html" in said
    assert b"explained" in (tmp_path / "explain-S2-2001-03-30.html").read_bytes()
    assert (
        command("--session", "2001-03-30", "--out", "gru.html", "--set", "cell=gru")
        == 0
    )
    assert "the GRU fitted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--session", "2001-03-31"], "the nearest is on 2001-03-30"),
        (["--set", "cell=lstn"], "cell"),
        (["--set", "forecaster=momentum_12_1"], "train_size"),
        (["--set", "top=2"], "a setting of the network"),
        (["--session", "1999-01-01"], "1999-01-01"),
    ],
)
def test_a_mistake_is_one_line(more, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command(*more) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_name_is_at_the_top_of_the_package():
    assert bt_lstm_rotation.explain is explain
