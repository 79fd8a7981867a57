"""One page, well formed, that loads nothing, runs only its own and hides nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from results import (
    METRICS,
    events,
    make_result,
    orders,
    retrains,
    without_benchmark,
    without_forecasts,
)

from bt_lstm_rotation.reporting import render
from bt_lstm_rotation.reporting.page import plotly_script

VOID = {"meta", "link", "br", "hr", "img"}
HOSTILE = "<script>alert('x')</script>"


class Page(HTMLParser):
    """Checks that elements are closed in the order they were opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text += data + " "
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data

    def row(self, label: str) -> list[str]:
        (found,) = [row for row in self.rows if row[:1] == [label]]
        return found

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def account_of(sessions, equity, benchmark):
    columns = {"equity": equity, "cash": 0.0, "benchmark": benchmark, "flows": 0.0}
    return pd.DataFrame(columns, index=sessions)


def drawings(html):
    """Return what a page draws, by the name of its place."""
    text = html.partition('id="charts">')[2].partition("</script>")[0]
    return json.loads(text)["charts"]


def unpacked(array):
    return np.frombuffer(base64.b64decode(array["bdata"]), dtype=f"<{array['dtype']}")


def test_the_page_is_well_formed_and_says_what_was_run():
    page = Page(render(make_result()))
    assert page.tags.count("html") == page.tags.count("h1") == 1
    assert (
        "Traded 2 symbols from 2018-12-31 to 2021-04-16 and turned 100,000.00 into "
        in page.words
    )
    assert "compared with SPY." in page.words


def test_every_figure_stands_beside_the_benchmarks():
    page = Page(render(make_result()))
    assert page.row("Total return")[1:3] == ["23.4%", "19.9%"]
    assert page.row("Deepest drawdown")[1:3] == ["-8.8%", "-8.8%"]
    assert page.row("Sharpe")[1:3] == ["0.77", "0.77"]
    assert page.row("Costs")[1] == "1,234.57"
    assert {len(page.row(figure)) for figure in ("Sharpe", "Costs")} == {5}


def test_what_is_not_defined_is_a_dash():
    result = make_result()
    metrics = dict.fromkeys(METRICS)
    page = Page(render(replace(result, summary=result.summary | {"metrics": metrics})))
    assert page.row("Sharpe")[1] == "-"
    assert page.row("Costs")[1] == "-"


def test_forecast_skill_comes_with_a_sentence_on_what_it_means():
    page = Page(render(make_result()))
    assert page.row("IC")[1] == "0.051"
    assert page.row("Rank IC")[1] == "0.063"
    assert page.row("Hit ratio")[1] == "54.3%"
    assert page.row("Error ratio")[1] == "0.988"
    assert page.row("Sessions")[1] == "1,234"
    assert "A correlation (IC) of 0 is guessing" in page.words


def test_an_ensemble_is_asked_whether_it_knows_when_it_is_wrong():
    forecasts = pd.concat([make_result().forecasts] * 5)
    ensemble = forecasts.assign(
        session=pd.bdate_range("2018-12-31", periods=20), realised=0.01, dispersion=0.02
    )
    asked = "Error by dispersion"
    assert asked in Page(render(make_result(forecasts=ensemble))).words
    assert asked not in Page(render(make_result())).words


def test_years_are_those_of_the_account():
    sessions = pd.to_datetime(["2018-12-31", "2019-12-31", "2020-06-30"])
    account = account_of(sessions, [100.0, 110.0, 99.0], [50.0, 60.0, 60.0])
    page = Page(render(make_result(account=account)))
    assert page.row("2019")[:3] == ["2019", "10.0%", "20.0%"]
    assert page.row("2020")[:3] == ["2020", "-10.0%", "0.0%"]
    assert not [row for row in page.rows if row[:1] == ["2018"]]


def test_the_last_holdings_are_ranked_and_what_is_not_held_is_left_out():
    weights = pd.DataFrame(
        [[0.9, 0.0, 0.0, 0.1], [0.25, 0.0, 0.5, 0.25]],
        columns=["XLE", "XLF", "XLK", "cash"],
        index=pd.bdate_range("2019-01-02", periods=2),
    )
    page = Page(render(make_result(sessions=2, weights=weights)))
    held = page.words.partition("Held at the last close")[2].partition("Orders")[0]
    assert held.split() == ["XLK", "50.0%", "XLE", "25.0%", "cash", "25.0%"]


def test_orders_their_costs_and_what_kept_them_from_filling_are_told():
    page = Page(render(make_result()))
    assert "2 submitted, 1 completed, 1 rejected, 0 canceled." in page.words
    assert "Commission 8.25, slippage 3.50." in page.words
    rows = [row[1:6] for row in page.rows]
    assert rows.count(["2018-12-31", "XLE", "buy", "480", "Margin"]) == 2
    assert "1 retry." in page.words


def test_fits_that_were_thrown_away_are_listed():
    page = Page(render(make_result()))
    assert "2 fits in 3.8 seconds." in page.words
    assert ["2019-01-31", "the loss diverged", "2018-12-31"] in page.rows
    valid = Page(render(make_result(retrains=retrains(status="ok"))))
    assert "None was thrown away." in valid.words


def test_a_thrown_away_fit_without_a_predecessor_is_served_by_none():
    table = retrains().assign(served_by=np.datetime64("NaT", "D"))
    page = Page(render(make_result(retrains=table)))
    assert ["2019-01-31", "the loss diverged", "-"] in page.rows


def test_a_list_that_is_cut_says_how_much_is_left_out():
    page = Page(render(make_result(events=events(count=1041))))
    assert "1,041 retry." in page.words
    assert "1,001 more are in events.csv." in page.words
    assert len(page.rows) < 200


def test_data_and_spec_are_shown_as_they_are():
    page = Page(render(make_result()))
    assert page.row("content hash")[1] == "ab" * 32
    assert page.row("symbols")[1] == "XLE, XLK"
    assert page.row("horizon")[1] == "2"
    assert page.row("params top")[1] == "2"
    assert page.row("commission")[1] == "0.0005"
    assert ["cash", "100,000"] in page.rows


def test_a_run_without_a_benchmark_has_no_column_for_it():
    page = Page(render(without_benchmark()))
    assert len(page.row("Total return")) == 4
    assert "compared with" not in page.words
    assert "None" not in page.words.replace("None was", "")


def test_sections_about_forecasts_are_left_out_where_there_are_none():
    page = Page(render(without_forecasts()))
    for words in ("Forecasts", "Rank IC", "Training"):
        assert words in Page(render(make_result())).words
        assert words not in page.words
    assert "Every rebalance went smoothly" in page.words
    assert "Orders that were not filled" not in page.words


@pytest.mark.parametrize("sessions", [1, 2])
def test_a_run_of_hardly_a_session_has_a_page(sessions):
    assert "Held at the last close" in Page(render(make_result(sessions))).words


def test_a_run_that_lost_everything_says_so_and_draws_what_there_is():
    sessions = pd.bdate_range("2019-01-01", periods=30, name="session")
    worth = [100.0 - 5 * day for day in range(30)]  # and owes 45 at the end
    account = account_of(sessions, worth, [50.0 + day for day in range(30)])
    html = render(make_result(account=account))
    page = Page(html)
    assert "turned 100.00 into -45.00" in page.words
    assert "it is no evidence of skill" not in page.words  # there are no returns
    assert "type" not in drawings(html)["chart-1"]["layout"]["yaxis"]  # no logarithm
    assert "Drawdown" in page.words


def test_a_run_of_ten_sessions_leaves_out_what_they_cannot_show():
    page = Page(render(make_result(10)))
    assert "Month by month" in page.words
    assert "Quantiles of a session" not in page.words  # of nine returns
    assert "Over 126 sessions" not in page.words


def test_a_run_of_one_symbol_ranks_nothing():
    result = make_result()
    data = result.summary["data"] | {"symbols": ["XLE"]}
    alone = replace(
        result,
        weights=result.weights[["XLE", "cash"]],
        positions=result.positions[["XLE", "cash"]],
        forecasts=result.forecasts[result.forecasts["symbol"] == "XLE"],
        summary=result.summary | {"data": data},
    )
    page = Page(render(alone))
    assert "Traded 1 symbol from" in page.words
    assert "Rank IC by month" not in page.words


def test_hostile_names_are_shown_and_not_obeyed():
    result = make_result(
        orders=orders(symbol=HOSTILE),
        events=events(symbol=HOSTILE),
        retrains=retrains(status=HOSTILE),
    )
    summary = result.summary | {
        "strategy": {"name": HOSTILE, "params": {HOSTILE: HOSTILE}},
        "data": result.summary["data"] | {"symbols": [HOSTILE], "benchmark": HOSTILE},
        "orders": {HOSTILE: 1},
        "versions": {"{{ 7 * 7 }}": '" onload="alert(1)'},
    }
    weights = result.weights.set_axis([HOSTILE, "$\\bad$", "cash"], axis=1)
    html = render(replace(result, summary=summary, weights=weights))
    page = Page(html)
    assert page.tags.count("script") == 3
    assert html.replace(plotly_script(), "").count("<script") == 3
    assert page.text.count(HOSTILE) >= 10
    assert "{{ 7 * 7 }}" in page.text
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_the_page_loads_nothing_and_runs_nothing_but_its_own():
    html = render(make_result())
    page = Page(html)
    assert not {"iframe", "object", "embed", "img", "base"} & set(page.tags)
    for name, value in page.attributes:
        if name in ("src", "href", "xlink:href", "action", "data"):
            assert value.startswith(("#", "data:"))
    own = html.replace(plotly_script(), "")
    assert not re.search(r"url\((?!#)", own)
    assert "@import" not in own
    assert not re.search(r"https?:", own)
    assert "default-src 'none'" in html
    assert "unsafe-inline" not in html.partition("script-src")[2].partition('"')[0]


def test_only_scripts_whose_hash_is_in_the_policy_may_run():
    html = render(make_result())
    policy = html.partition("script-src ")[2].partition('"')[0].split()
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    hashes = [hashlib.sha256(script.encode()).digest() for script in scripts]
    assert policy == [f"'sha256-{base64.b64encode(h).decode()}'" for h in hashes]
    assert len(policy) == 2


def test_the_same_result_gives_the_same_page():
    assert render(make_result()) == render(make_result())


def test_a_simulated_market_is_called_one():
    result = make_result()
    real = result.summary["data"] | {"source": "folder prices"}
    warning = "says nothing about what real markets give"
    assert result.summary["data"]["source"].startswith("simulated")
    assert warning in render(result)
    empty = result.summary["data"] | {"source": "simulated(seed=0, signal=0)"}
    without_signal = render(replace(result, summary=result.summary | {"data": empty}))
    assert "with nothing to find in it" in without_signal
    assert warning not in without_signal
    on_real_bars = replace(result, summary=result.summary | {"data": real})
    assert warning not in render(on_real_bars)


def summary_with(result, part, **changes):
    return result.summary | {part: result.summary[part] | changes}


@pytest.mark.parametrize(
    ("periods", "label"), [(252.0, "√252"), (12.0, "√12"), (26.089, "√26.09")]
)
def test_labels_name_the_number_that_annualises(periods, label):
    result = make_result()
    summary = summary_with(result, "metrics", periods_a_year=periods)
    page = Page(render(replace(result, summary=summary)))
    assert page.row("Sharpe")[-1] == f"mean return over its deviation, times {label}"
    assert page.row("Volatility a year")[-1].endswith(f"times {label}")
    assert page.row("Sessions a year")[1] == label[1:]


def test_labels_without_a_number_are_words():
    result = make_result()
    summary = summary_with(result, "metrics", periods_a_year=None)
    page = Page(render(replace(result, summary=summary)))
    assert page.row("Sharpe")[-1].endswith("times √sessions a year")
    assert page.row("Sessions a year")[1] == "-"


def test_notes_stand_below_the_figures():
    result = make_result()
    note = f"The benchmark {HOSTILE} ends on 2019-03-01."
    html = render(replace(result, summary=result.summary | {"notes": [note]}))
    words = Page(html).words
    assert note in Page(html).text
    assert words.index("ends on 2019-03-01") < words.index("Year by year")


def test_suspicious_bars_are_listed():
    result = make_result()
    found = [{"symbol": HOSTILE, "message": f"{HOSTILE} 2019-01-02: a jump"}] * 50
    summary = summary_with(result, "data", findings=found)
    page = Page(render(replace(result, summary=summary)))
    assert page.rows.count([f"{HOSTILE} 2019-01-02: a jump"]) == 40
    assert "10 more are in summary.json." in page.words
    assert "Bars that look wrong" not in render(result)


def test_years_and_chart_leave_out_what_was_paid_in():
    sessions = pd.to_datetime(["2018-12-31", "2019-12-31", "2020-06-30"])
    account = account_of(sessions, [100.0, 210.0, 189.0], [50.0, 150.0, 150.0])
    paid = render(make_result(account=account.assign(flows=[0.0, 100.0, 0.0])))
    page = Page(paid)
    assert page.row("2019")[:3] == ["2019", "10.0%", "0.0%"]
    assert page.row("2020")[:3] == ["2020", "-10.0%", "0.0%"]
    same = account_of(sessions, [100.0, 110.0, 99.0], [50.0, 50.0, 50.0])
    pages = (paid, render(make_result(account=same)))
    first, second = (drawings(html)["chart-1"]["traces"][-1]["y"] for html in pages)
    assert unpacked(first) == pytest.approx(unpacked(second))


def test_a_benchmark_that_ends_has_a_year_up_to_there_and_a_line_up_to_there():
    sessions = pd.to_datetime(["2018-12-31", "2019-06-28", "2019-12-31", "2020-06-30"])
    worth, benchmark = [100.0, 100.0, 110.0, 99.0], [50.0, 60.0, np.nan, np.nan]
    account = account_of(sessions, worth, benchmark)
    page = Page(render(make_result(account=account)))
    assert page.row("2019")[:3] == ["2019", "10.0%", "20.0%"]
    assert page.row("2020")[:3] == ["2020", "-10.0%", "-"]
