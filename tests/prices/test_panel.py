from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fakes import random_panel, without
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.panel import distinct_symbols

TODAY = dt.date(2020, 12, 31)
COLUMNS = ["Open", "High", "Low", "Close", "Volume"]
EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def flat(first: str, periods: int, price: float = 10.0) -> pd.DataFrame:
    """Bars of one price on consecutive business days, and a volume that counts up."""
    index = pd.bdate_range(first, periods=periods, unit="ns").rename(None)
    bars = pd.DataFrame(price, index=index, columns=COLUMNS)
    return bars.assign(Volume=np.arange(1.0, periods + 1))


def panel_of(**frames: pd.DataFrame) -> PricePanel:
    return PricePanel.from_frames(frames, today=TODAY)


def three_symbols() -> PricePanel:
    """Ten sessions: A on all, B listed on the third, C gone after the sixth."""
    return panel_of(
        A=flat("2020-01-06", 10, 10.0),
        B=flat("2020-01-08", 8, 20.0),
        C=flat("2020-01-06", 6, 30.0).drop(pd.Timestamp("2020-01-09")),
    )


@st.composite
def symbol_bars(draw) -> pd.DataFrame:
    days = draw(st.sets(st.integers(0, 30), min_size=1, max_size=8))
    # Numbers drawn one by one would take longer than all that is tested with them.
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # No price is 50 times another, which is a rule of its own.
    low, first, second, high = np.sort(rng.uniform(100.0, 4999.0, (4, len(days))), 0)
    volume = rng.integers(0, 10**12, len(days))
    rows = np.column_stack([first, high, low, second, volume])
    start = np.datetime64("2020-01-01", "ns")
    index = pd.DatetimeIndex([start + np.timedelta64(day, "D") for day in sorted(days)])
    return pd.DataFrame(rows, index=index.as_unit("ns"), columns=COLUMNS)


market = st.dictionaries(
    st.sampled_from(["XLK", "xlk", "^GSPC", "S&P 500", "β"]),
    symbol_bars(),
    min_size=1,
    max_size=4,
)


# From frames to a panel


@EXAMPLES
@given(market)
def test_frames_go_in_and_come_out_the_same(frames):
    panel = PricePanel.from_frames(frames, today=TODAY)
    assert panel.symbols == tuple(frames)
    for symbol, bars in frames.items():
        pd.testing.assert_frame_equal(panel.frame(symbol), bars, check_freq=False)


@EXAMPLES
@given(market)
def test_alignment_is_the_outer_join_of_pandas(frames):
    panel = PricePanel.from_frames(frames, today=TODAY)
    joined = pd.concat(frames, axis=1, sort=True)
    assert (panel.sessions == joined.index.to_numpy().astype("datetime64[D]")).all()
    for name in COLUMNS:
        np.testing.assert_array_equal(
            getattr(panel, name.lower()), joined.xs(name, axis=1, level=1).to_numpy()
        )
    np.testing.assert_array_equal(
        panel.traded, joined.xs("Close", axis=1, level=1).notna().to_numpy()
    )


def test_a_panel_states_its_shape_and_source():
    frames = {"A": flat("2020-01-06", 4)}
    panel = PricePanel.from_frames(frames, today=TODAY, source="by hand")
    assert len(panel) == 4
    assert panel.bars.shape == (5, 4, 1)
    assert panel.sessions.dtype == "datetime64[D]"
    assert panel.source == "by hand"
    assert panel_of(**frames).source == "memory"


def test_symbols_keep_the_order_of_the_mapping():
    frames = {"Z": flat("2020-01-06", 2), "A": flat("2020-01-06", 2)}
    assert panel_of(**frames).symbols == ("Z", "A")


def test_a_late_listing_and_an_early_end_are_no_error():
    panel = three_symbols()
    assert len(panel) == 10
    assert panel.traded[:, 1].tolist() == [False] * 2 + [True] * 8
    assert (
        panel.traded[:, 2].tolist() == [True] * 3 + [False] + [True] * 2 + [False] * 4
    )


def test_a_missing_day_is_never_filled():
    panel = three_symbols()
    absent = ~panel.traded
    assert absent.sum() == 2 + 5
    assert np.isnan(panel.bars[:, absent]).all()
    assert not np.isnan(panel.bars[:, panel.traded]).any()


def test_symbols_without_a_common_session_share_a_panel():
    panel = panel_of(A=flat("2020-01-06", 5), B=flat("2020-03-02", 5))
    assert panel.traded.sum(axis=1).tolist() == [1] * 10


def test_the_panel_keeps_its_bars_when_the_frame_changes():
    bars = flat("2020-01-06", 3)
    panel = panel_of(A=bars)
    bars.loc[:, :] = 99.0
    assert (panel.close == 10.0).all()


def test_sixty_symbols_of_different_length_line_up():
    prices = flat("2010-01-04", 500)
    frames = {f"S{k}": prices.iloc[k % 50 :] for k in range(60)}
    panel = PricePanel.from_frames(frames, today=TODAY)
    assert panel.bars.shape == (5, 500, 60)
    first = np.argmax(panel.traded, axis=0)
    assert first.tolist() == [k % 50 for k in range(60)]
    assert (panel.volume[-1] == 500.0).all()


# What is odd about the bars


def spiked(factor: float) -> pd.DataFrame:
    bars = flat("2020-01-06", 40)
    bars.iloc[20, :4] *= factor
    return bars


def test_what_is_odd_is_logged_and_kept_with_the_panel(caplog):
    panel = panel_of(A=flat("2020-01-06", 40), B=spiked(10.0))
    odd = [found for found in panel.findings if found.rule == "reversed jump"]
    (found,) = odd
    assert (found.symbol, found.first, found.last) == (
        "B",
        dt.date(2020, 2, 3),
        dt.date(2020, 2, 3),
    )
    assert found.size == pytest.approx(10.0)
    assert found.message in caplog.text


def test_what_was_left_out_of_the_bars_is_among_the_findings(caplog):
    days = pd.bdate_range("2020-01-06", periods=10)
    close = 10.0 + np.arange(10)
    frame = pd.DataFrame(dict.fromkeys(["Open", "High", "Low", "Close"], close), days)
    frame["High"] += 0.5
    frame["Volume"] = 100.0
    frame.iloc[2, 3] = -1.0
    frame.iloc[4, :4] = np.nan
    frame.iloc[6, 4] = np.nan
    panel = PricePanel.from_frames({"A": frame}, today=dt.date(2020, 2, 1))
    assert [(f.rule, str(f.first), f.size) for f in panel.findings] == [
        ("no prices", "2020-01-10", 1.0),
        ("invalid bars", "2020-01-08", 1.0),
        ("unknown volume", "2020-01-14", 1.0),
    ]
    logged = [record.getMessage() for record in caplog.records]
    assert logged == [f"{f.message}; see docs/bars.md" for f in panel.findings]


def test_findings_go_where_their_bars_go():
    panel = panel_of(A=spiked(0.1), B=spiked(10.0))

    def odd(part: PricePanel) -> list[str]:
        return [f.symbol for f in part.findings if f.rule == "reversed jump"]

    assert odd(panel) == ["A", "B"]
    assert odd(panel.select(["B"])) == ["B"]
    assert odd(panel.between(dt.date(2020, 2, 3), dt.date(2020, 2, 3))) == ["A", "B"]
    assert odd(panel.between(dt.date(2020, 2, 4))) == []
    assert odd(panel.between(end=dt.date(2020, 1, 31))) == []
    assert odd(panel.rows(3, 3)) == []


def test_findings_take_no_part_in_the_hash():
    panel = panel_of(A=spiked(10.0))
    assert panel.findings
    assert replace(panel, findings=()).content_hash == panel.content_hash


def test_a_price_that_no_market_reaches_is_refused_by_name():
    with pytest.raises(DataError) as caught:
        panel_of(A=flat("2020-01-06", 40), B=spiked(100.0))
    error = caught.value
    assert (error.symbol, error.session) == ("B", "2020-02-03")
    assert "100 times the bars before and after" in error.problem


def test_an_adjusted_close_that_is_passed_over_is_named(caplog):
    panel_of(A=flat("2020-01-06", 3).assign(**{"Adj. Close": 5.0, "Open Int": 1.0}))
    assert "A: Adj. Close is not applied" in caplog.text
    assert "Open Int" not in caplog.text


# What no panel can be made of


def test_no_frames_are_rejected():
    with pytest.raises(DataError, match="no symbols; at least one symbol is needed"):
        PricePanel.from_frames({}, today=TODAY)


def test_the_symbol_whose_bars_are_invalid_is_named():
    with pytest.raises(DataError) as caught:
        panel_of(A=flat("2020-01-06", 3), B=flat("2020-01-06", 3, price=-1.0))
    assert str(caught.value) == (
        "B 2020-01-06 Open: 3 of 3 bars invalid, the first by a price of zero or below"
        " (got -1.0); a price is a finite number above 0"
    )


def test_one_empty_symbol_among_valid_ones_is_rejected():
    with pytest.raises(DataError, match=r"^B: no data"):
        panel_of(A=flat("2020-01-06", 3), B=flat("2020-01-06", 0))


@pytest.mark.parametrize("name", ["", None, 7, ("A",)])
def test_a_symbol_that_is_not_a_name_is_rejected(name):
    with pytest.raises(DataError, match="not a name"):
        PricePanel.from_frames({name: flat("2020-01-06", 3)}, today=TODAY)


def test_a_frame_in_place_of_a_mapping_is_rejected():
    with pytest.raises(DataError, match="must be a pandas DataFrame"):
        PricePanel.from_frames(flat("2020-01-06", 3), today=TODAY)


@pytest.mark.parametrize("dtype", [None, object])
@pytest.mark.parametrize("zone", [None, "Asia/Tokyo", "UTC"])
def test_exchanges_in_different_zones_are_joined_by_local_date(zone, dtype):
    here = flat("2020-01-06", 3).tz_localize("America/New_York")
    there = flat("2020-01-06", 3).tz_localize(zone)
    there.index = pd.Index(list(there.index), dtype=dtype)
    panel = panel_of(A=here, B=there)
    assert [str(day) for day in panel.sessions] == [f"2020-01-0{d}" for d in (6, 7, 8)]
    assert panel.traded.all()


def test_one_time_zone_for_all_is_as_good_as_none():
    zoned = three_symbols()
    frames = {s: zoned.frame(s).tz_localize("Asia/Tokyo") for s in zoned.symbols}
    assert panel_of(**frames).content_hash == zoned.content_hash


@pytest.mark.parametrize("shape", [(5, 2, 3), (5, 3, 2), (4, 2, 2), (2, 2)])
def test_bars_that_do_not_fit_are_rejected(shape):
    sessions = np.array(["2020-01-06", "2020-01-07"], dtype="datetime64[D]")
    with pytest.raises(DataError, match=r"shape \(5, 2, 2\)") as caught:
        PricePanel(sessions, ("A", "B"), np.ones(shape))
    assert caught.value.value == shape


# The content hash


def hashes_without_one_bar_or_with_a_number_changed(panel: PricePanel) -> list[str]:
    hashes = []
    for place in map(tuple, np.argwhere(~np.isnan(panel.bars))):
        bars = panel.bars.copy()
        bars[place] = np.nextafter(bars[place], np.inf)
        hashes.append(replace(panel, bars=bars).content_hash)
    for row, column in np.argwhere(panel.traded):
        bars = panel.bars.copy()
        bars[:, row, column] = np.nan
        hashes.append(replace(panel, bars=bars).content_hash)
    return hashes


def test_any_number_that_changes_and_any_bar_that_goes_changes_the_hash():
    panel = three_symbols()
    hashes = hashes_without_one_bar_or_with_a_number_changed(panel)
    # A has 10 bars, B 8 and C 5, each of five numbers.
    assert len(hashes) == 23 * 5 + 23
    assert len({panel.content_hash, *hashes}) == len(hashes) + 1


@settings(EXAMPLES, max_examples=10)
@given(market)
def test_equal_frames_have_equal_hashes(frames):
    copies = {symbol: bars.copy(deep=True) for symbol, bars in frames.items()}
    first = PricePanel.from_frames(frames, today=TODAY)
    second = PricePanel.from_frames(copies, today=TODAY, source="elsewhere")
    assert first.content_hash == second.content_hash
    assert len(first.content_hash) == 64


@pytest.mark.parametrize(
    "change",
    [
        lambda bars: bars.astype("float32"),
        lambda bars: bars.astype("int64"),
        lambda bars: bars.astype("Int64"),
        lambda bars: bars.astype(str),
        lambda bars: bars.rename(columns=str.upper),
        lambda bars: bars[COLUMNS[::-1]],
        lambda bars: bars.assign(Dividends=1.0),
        lambda bars: bars.iloc[::-1],
        lambda bars: pd.concat([bars, bars]),
        lambda bars: bars.set_axis(bars.index.as_unit("us"), axis=0),
        lambda bars: bars.set_axis(bars.index.date, axis=0),
        lambda bars: bars.set_axis(bars.index + pd.Timedelta(hours=16), axis=0),
    ],
    ids=[
        "float32",
        "int64",
        "Int64",
        "text",
        "upper case",
        "column order",
        "more columns",
        "row order",
        "copies",
        "microseconds",
        "python dates",
        "time of day",
    ],
)
def test_the_form_of_a_frame_takes_no_part_in_the_hash(change):
    bars = flat("2020-01-06", 5)
    assert panel_of(A=change(bars)).content_hash == panel_of(A=bars).content_hash


def test_the_sign_of_zero_and_the_bits_of_nan_take_no_part_in_the_hash():
    panel = three_symbols()
    bars = panel.bars.copy()
    bars[4, 0, 0] = 0.0
    signed = bars.copy()
    signed[4, 0, 0] = -0.0
    signed[np.isnan(bars)] = -np.nan
    assert signed.tobytes() != bars.tobytes()
    one, other = replace(panel, bars=bars), replace(panel, bars=signed)
    assert one.content_hash == other.content_hash


def test_the_layout_in_memory_takes_no_part_in_the_hash():
    panel = three_symbols()
    fortran = replace(panel, bars=np.asfortranarray(panel.bars))
    window = replace(panel, bars=np.repeat(panel.bars, 2, axis=1)[:, ::2])
    assert fortran.content_hash == window.content_hash == panel.content_hash


def test_a_name_out_of_numpy_is_the_same_name():
    names = np.array(["A", "B"])
    frames = {name: flat("2020-01-06", 3) for name in names}
    panel = PricePanel.from_frames(frames, today=TODAY)
    bare = replace(panel, symbols=tuple(names))
    plain = panel_of(A=flat("2020-01-06", 3), B=flat("2020-01-06", 3))
    assert panel.content_hash == bare.content_hash == plain.content_hash


def test_names_dates_and_order_take_part_in_the_hash():
    bars = flat("2020-01-06", 3)
    panels = [
        panel_of(A=bars),
        panel_of(B=bars),
        panel_of(A=flat("2020-01-07", 3)),
        panel_of(A=bars, B=flat("2020-01-06", 3, 20.0)),
        panel_of(B=flat("2020-01-06", 3, 20.0), A=bars),
        panel_of(AB=bars, C=bars),
        panel_of(A=bars, BC=bars),
    ]
    assert len({panel.content_hash for panel in panels}) == len(panels)


# Parts of a panel


def test_rows_are_the_slice_by_position():
    panel = three_symbols()
    for start, stop in itertools.product(range(11), repeat=2):
        part = panel.rows(start, stop)
        assert (part.sessions == panel.sessions[start:stop]).all()
        np.testing.assert_array_equal(part.bars, panel.bars[:, start:stop])
        assert (part.symbols, part.source) == (panel.symbols, panel.source)


def test_a_window_is_a_view_and_not_a_copy():
    panel = three_symbols()
    window = panel.rows(2, 8).between(dt.date(2020, 1, 9))
    assert np.shares_memory(window.bars, panel.bars)
    assert np.shares_memory(window.sessions, panel.sessions)


def test_between_is_the_slice_of_pandas_by_label():
    panel = three_symbols()
    close = pd.DataFrame(panel.close, index=pd.DatetimeIndex(panel.sessions))
    days = [None, *pd.date_range("2020-01-03", "2020-01-20")]
    for first, last in itertools.product(days, repeat=2):
        start, end = (day and day.date() for day in (first, last))
        expected = close.loc[first:last]
        if expected.empty:
            with pytest.raises(DataError) as caught:
                panel.between(start, end)
            assert caught.value.valid == "sessions are 2020-01-06 to 2020-01-17"
        else:
            np.testing.assert_array_equal(panel.between(start, end).close, expected)


def test_the_range_without_a_session_is_shown():
    with pytest.raises(DataError) as caught:
        three_symbols().between(dt.date(2020, 1, 11), dt.date(2020, 1, 12))
    assert str(caught.value) == (
        "no session in the range asked for (got '2020-01-11 to 2020-01-12');"
        " sessions are 2020-01-06 to 2020-01-17"
    )


def test_a_panel_without_sessions_has_none_in_any_range():
    empty = three_symbols().rows(0, 0)
    with pytest.raises(DataError, match="sessions are none"):
        empty.between()


def test_select_keeps_the_symbols_and_their_own_sessions():
    panel = three_symbols()
    close = pd.DataFrame(panel.close, panel.sessions, panel.symbols)
    orders = [list(itertools.permutations("ABC", length)) for length in (1, 2, 3)]
    for symbols in itertools.chain(*orders):
        expected = close[list(symbols)].dropna(how="all")
        part = panel.select(symbols)
        assert part.symbols == symbols
        np.testing.assert_array_equal(part.close, expected)
        np.testing.assert_array_equal(part.sessions, expected.index.to_numpy())


def test_select_takes_any_iterable_once():
    assert three_symbols().select(name for name in ("C", "A")).symbols == ("C", "A")


def test_selecting_everything_changes_nothing():
    panel = three_symbols()
    assert panel.select(panel.symbols).content_hash == panel.content_hash


def test_an_unknown_symbol_is_answered_with_the_closest():
    panel = panel_of(XLK=flat("2020-01-06", 3), SPY=flat("2020-01-06", 3))
    for ask in (panel.frame, lambda name: panel.select([name])):
        with pytest.raises(DataError) as caught:
            ask("XLKK")
        assert str(caught.value) == (
            "unknown symbol (got 'XLKK'); did you mean 'XLK'? known: SPY, XLK"
        )


def test_a_frame_leaves_out_the_sessions_without_a_bar():
    frame = three_symbols().frame("C")
    assert len(frame) == 5
    assert pd.Timestamp("2020-01-09") not in frame.index
    assert frame.index.dtype == "datetime64[ns]"
    assert frame.columns.tolist() == COLUMNS


@pytest.mark.parametrize(
    ("symbols", "problem"),
    [
        ([], "no symbols"),
        ("XLK", "one name, not a list"),
        (["A", "A"], "A: named twice"),
        (["A", ""], "not a name"),
        (["A", ["B"]], "not a name"),
        ([None], "not a name"),
    ],
)
def test_symbols_that_cannot_be_asked_for_are_rejected(symbols, problem):
    with pytest.raises(DataError, match=problem):
        distinct_symbols(symbols)
    with pytest.raises(DataError, match=problem):
        three_symbols().select(symbols)


def test_frames_are_those_of_the_symbols_in_their_order():
    panel = without(random_panel("BA", 5), "A", [1])
    frames = panel.frames()
    assert list(frames) == ["B", "A"]
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, panel.frame(name))


def test_a_panel_is_shown_in_one_line():
    panel = random_panel("AB", 1_200, first="2019-01-02")
    panel = replace(panel, source="yahoo")
    # January 2 is a Wednesday; 1,200 weekdays are 240 weeks.
    expected = "PricePanel(2 symbols, 1,200 sessions, 2019-01-02 to 2023-08-08, yahoo)"
    assert repr(panel) == expected
    one = replace(random_panel("A", 1), source="a\nb\x1b[31m")
    shown = (
        "PricePanel(1 symbol, 1 session, 2019-01-02 to 2019-01-02, 'a\\nb\\x1b[31m')"
    )
    assert repr(one) == shown
    assert repr(panel.rows(0, 0)) == "PricePanel(2 symbols, 0 sessions, yahoo)"
