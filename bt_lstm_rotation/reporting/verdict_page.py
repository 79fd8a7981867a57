"""A verdict's figures -> tables, a page, and the two files that it leaves."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from bt_lstm_rotation.disk import checked_file, disk_errors, write_together
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.reporting.figures import caveat, correlation, percent, ratio
from bt_lstm_rotation.reporting.files import SURROGATES
from bt_lstm_rotation.reporting.page import MARKS, page
from bt_lstm_rotation.reporting.page.blocks import Block, Chart, Section, Table, Words
from bt_lstm_rotation.reporting.page.plots import (
    BENCHMARK,
    DATES,
    STRATEGY,
    bars,
    layout,
    line,
    packed,
    stamps,
)
from bt_lstm_rotation.reporting.words_of_skill import beaten

__all__ = ["check_verdict_place", "verdict_page", "verdict_tables", "write_verdict"]

PAGE, DATA = "verdict.html", "verdict.json"
# By it the file is known as ours.
KIND: Final = "bt-lstm-rotation verdict"

_Figures = Mapping[str, Any]


def verdict_tables(figures: _Figures) -> list[Table]:
    """Return the tables of a verdict, as `Verdict.figures` has it."""
    found = [_forecasts(figures), _portfolios(figures), _luck(figures)]
    if figures["seeds"] is not None:
        found.append(_seeds(figures["seeds"]))
    return [*found, _stability(figures)]


def verdict_page(figures: _Figures) -> str:
    """Render a verdict; the same figures give the same text."""
    data = figures["data"]
    first, *others = figures["sentences"]
    blocks: list[Block] = [Words(first, "strong"), *map(Words, others)]
    if warning := caveat(data["source"]):
        blocks.append(Words(warning, "note"))
    forecasts, portfolios, luck, *rest = verdict_tables(figures)
    title = f"Verdict on {figures['candidate']['strategy']}"
    return page(
        title=f"{title}, {data['first_session']} to {data['last_session']}",
        heading=title,
        sections=[
            Section("", blocks),
            Section("Forecasts", [forecasts, *_over_time(figures)]),
            Section("Portfolio, net of costs", [portfolios, *_chance(figures)]),
            Section("Luck", [luck, *rest[:-1]]),
            Section("Stability", [rest[-1]]),
            Section("What was left out", list(map(Words, _left_out(figures)))),
        ],
        arrays={},
    )


def check_verdict_place(folder: Path) -> None:
    """Raise OutputError if a verdict could not be written there, before the work."""
    for name, marks in ((PAGE, MARKS), (DATA, (KIND.encode(),))):
        checked_file(folder / name, "the verdict", marks=marks)


def write_verdict(figures: _Figures, folder: Path) -> Path:
    """Write ``verdict.json`` and ``verdict.html``; return where the page is.

    Earlier ones of ours are replaced, together.

    Raises
    ------
    OutputError
        If they cannot be written, or something else is there under these names.
    """
    check_verdict_place(folder)
    text = json.dumps({"kind": KIND, **figures}, allow_nan=False, indent=2)
    problem = f"the verdict cannot be written to {folder}"
    with disk_errors(OutputError, problem, "choose a folder that can be written"):
        folder.mkdir(parents=True, exist_ok=True)
        write_together(
            {
                folder / DATA: f"{text}\n".encode("utf-8", SURROGATES),
                folder / PAGE: verdict_page(figures).encode("utf-8", SURROGATES),
            }
        )
    return folder / PAGE


def _forecasts(figures: _Figures) -> Table:
    rows = [
        [
            row["name"],
            _with_error(row["ic"], row["ic_error"]),
            _with_error(row["rank_ic"], row["rank_ic_error"]),
            percent(row["hit_ratio"]),
            correlation(row["mse_ratio"]),
            _beaten(row),
            {True: "yes", False: "no", None: "-"}[row["in_set"]],
        ]
        for row in figures["forecasts"]
    ]
    headings = ["", "IC", "Rank IC", "Hits", "Error ratio", "Against it", "In the set"]
    return Table(
        headings,
        rows,
        "lrrrrll",
        "Forecasts, each beside the candidate's",
        "IC and rank IC with their standard errors (equal-weighted cosines). Against "
        "it: whether the candidate's squared errors are smaller or larger (Diebold and "
        "Mariano, 5%). In the set: whether it may be the best (model confidence set, "
        "90%).",
    )


def _beaten(row: _Figures) -> str:
    if row["dm_p"] is None:
        return "-"
    if word := beaten(row):
        return f"{word}, p {2 * min(row['dm_p'], row['dm_p_rival']):.3f}"
    return f"no difference, p {2 * min(row['dm_p'], row['dm_p_rival']):.2f}"


def _portfolios(figures: _Figures) -> Table:
    rows = [
        [
            row["name"],
            percent(row["cagr"]),
            ratio(row["sharpe"]),
            percent(row["max_drawdown"]),
            ratio(row["turnover"]),
            _interval(row["growth_ahead"], percent),
            _interval(row["sharpe_ahead"], ratio),
        ]
        for row in figures["portfolios"]
    ]
    headings = ["", "Growth a year", "Sharpe", "Drawdown", "Turnover"]
    return Table(
        [*headings, "Candidate ahead by, a year", "Ahead by, Sharpe"],
        rows,
        "lrrrrrr",
        "Portfolios, net of costs",
        "Figures of each over its own sessions; how far the candidate is ahead is of "
        "the sessions that both have, with what 95% of resampled paths lie between "
        "(stationary bootstrap). Equal weight pays no costs.",
    )


def _luck(figures: _Figures) -> Table:
    luck, chance, costs = figures["luck"], figures["random"], figures["costs"]
    doubled = costs["doubled"] or {"sharpe": None}
    rows = [
        ["Sharpe ratio of the return over equal weight", ratio(luck["sharpe"])],
        ["Chance that it is above 0 (probabilistic)", percent(luck["psr"])],
        ["Trials known, and what they are worth", _trials(luck)],
        ["Chance that it is above the best by luck (deflated)", percent(luck["dsr"])],
        ["Random portfolios that it is above", percent((chance or {}).get("place"))],
        ["Reality check, p", correlation(luck["reality_check"])],
        ["Superior predictive ability, p", correlation(luck["spa"])],
        ["Probability of overfitting", _overfitting(luck)],
        ["Cost of trading", percent_of_percent(costs["cost_rate"])],
        ["Cost at which all gains are gone", percent_of_percent(costs["break_even"])],
        ["Sharpe ratio at twice the costs", ratio(doubled["sharpe"])],
    ]
    title = "How much of it luck could have made"
    return Table(["Figure", "Value"], rows, "lr", title)


def _seeds(band: _Figures) -> Table:
    rows = [
        [name, *(form(band[key][part]) for part in ("mean", "low", "high"))]
        for name, key, form in (("IC", "ic", correlation), ("Sharpe", "sharpe", ratio))
    ]
    return Table(
        ["", "Mean", "Least", "Most"], rows, "lrrr", f"Over {band['seeds']} seeds"
    )


def _stability(figures: _Figures) -> Table:
    rows = [
        [
            row["part"],
            f"{row['sessions']:,}",
            _with_error(row["ic"], row["ic_error"]),
            percent(row["ahead"]),
        ]
        for row in figures["stability"]
    ]
    return Table(
        ["", "Sessions", "IC", "Ahead of equal weight, a year"],
        rows,
        "lrrr",
        "By year, by volatility, and before and after",
        "Calm sessions are those below the median of equal weight's volatility over "
        "63 sessions, as each close knows it.",
    )


def _over_time(figures: _Figures) -> Iterator[Block]:
    sums = figures["ic"]["sum"]
    if len(sums) > 1:
        index = pd.DatetimeIndex(figures["ic"]["sessions"])
        yield Chart(
            "IC added up",
            "The sum of the sessions' coefficients: skill that lasts rises steadily, "
            "and chance wanders.",
            [line(stamps(index), sums, "sum of IC", STRATEGY)],
            layout(DATES, {"tickformat": ".0f"}, showlegend=False),
            height=260,
        )


def _chance(figures: _Figures) -> Iterator[Block]:
    chance = figures["random"]
    if chance is None or not chance["sharpes"] or chance["strategy"] is None:
        return
    counts, edges = np.histogram(chance["sharpes"], bins=40)
    middle = (edges[1:] + edges[:-1]) / 2
    own = chance["strategy"]
    marker = [own, own], [0, max(counts)]
    yield Chart(
        "Among portfolios that chose at random",
        f"Sharpe ratios of {chance['draws']:,} portfolios with the same days, turnover "
        f"and costs, and the candidate's, {own:.2f}.",
        [
            bars(packed(middle), counts, "random", BENCHMARK),
            line(packed(marker[0]), marker[1], "candidate", STRATEGY),
        ],
        layout({"title": {"text": "Sharpe"}}, {"tickformat": ".0f"}),
        height=260,
    )


def _left_out(figures: _Figures) -> list[str]:
    return list(figures["notes"]) or ["Nothing."]


def _with_error(value: float | None, error: float | None) -> str:
    if value is None:
        return "-"
    return f"{correlation(value)} ± {correlation(error)}"


def _interval(found: Any, form: Any) -> str:
    if found is None or found[0] is None:
        return "-"
    estimate, low, high = map(form, found)
    return f"{estimate} ({low} to {high})"


def _trials(luck: _Figures) -> str:
    if luck["trials"] is None:
        return "not known"
    return f"{luck['trials']:,}, {luck['effective_trials']:,.1f}"


def _overfitting(luck: _Figures) -> str:
    if luck["pbo"] is None:
        return "-"
    return f"{percent(luck['pbo'])} over {luck['pbo_of']:,}"


def percent_of_percent(value: float | None) -> str:
    """0.000712 -> ``0.071%``: costs are small."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:z.3%}"
