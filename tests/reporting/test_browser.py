"""The page as people meet it: in a real browser, from disk, without a network."""

from __future__ import annotations

import io
from importlib.resources import files

import pytest
from browser import found_browser, visiting
from results import make_result

from bt_lstm_rotation import MomentumSpec, SectorRotation, run_backtest
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket
from bt_lstm_rotation.reporting import compare, write_run

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.skipif(found_browser() is None, reason="no Chromium is installed"),
    pytest.mark.xdist_group("browser"),
]

# On a phone, the narrowest that is common.
PHONE = 390


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser") / "run"
    panel = SimulatedMarket(n_sessions=1_000).panel()
    params = {"spec": MomentumSpec()}
    run_backtest(panel, SectorRotation, params, benchmark=MARKET, folder=folder)
    return folder


@pytest.fixture(scope="module")
def report(run):
    return run / "report.html"


@pytest.fixture(scope="module")
def comparison(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("comparison") / "comparison.html"
    other = write_run(make_result(), out.parent / "other")
    compare([run, other], out)
    return out


@pytest.fixture(params=["report", "comparison"])
def path(request):
    return request.getfixturevalue(request.param)


def test_it_opens_from_disk_asks_nobody_and_draws_everything(path):
    with visiting(path) as visit:
        assert visit.errors == []
        assert visit.requests == [path.as_uri()]
        charts = visit.page.locator(".chart")
        assert charts.count() >= 2
        marks = ".lines path, .points path, .fills path, .heatmaplayer image, .hm"
        for number in range(charts.count()):
            chart = charts.nth(number)
            assert chart.locator(marks).count() > 0, chart.get_attribute("aria-label")


def test_pointing_at_a_chart_shows_its_values(report):
    with visiting(report) as visit:
        chart = visit.page.locator(".chart").first
        chart.scroll_into_view_if_needed()
        chart.hover(position={"x": 500, "y": 200})
        chart.locator(".hoverlayer text").first.wait_for()
        shown = chart.locator(".hoverlayer").text_content()
        assert all(name in shown for name in ("Strategy", "Equal weight", MARKET))


def test_equity_is_read_on_either_scale(report):
    def ticks(page):
        return page.locator(".chart").first.locator(".ytick").all_text_contents()

    with visiting(report) as visit:
        button = visit.page.get_by_role("button", name="Logarithmic")
        before = ticks(visit.page)
        button.click()
        assert button.get_attribute("aria-pressed") == "false"
        visit.page.wait_for_timeout(200)
        assert ticks(visit.page) != before
        button.click()
        visit.page.wait_for_timeout(200)
        assert ticks(visit.page) == before
        assert visit.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, 1400])
def test_nothing_is_wider_than_the_screen(path, scheme, width):
    with visiting(path, width=width, scheme=scheme) as visit:
        inside = "() => document.documentElement.scrollWidth"
        assert visit.page.evaluate(inside) <= width
        ground = visit.page.evaluate(
            "() => getComputedStyle(document.body).backgroundColor"
        )
        assert (ground == "rgb(255, 255, 255)") is (scheme == "light")
        assert visit.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_people_who_see_or_hear_it_differently_can_read_it(path, scheme):
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    # The page's policy would not let the checker in.
    with visiting(path, scheme=scheme, bypass_csp=True) as visit:
        for folded in visit.page.locator("summary").all():
            folded.click()
        visit.page.evaluate(f"() => {{ {axe} }}")
        found = visit.page.evaluate("() => axe.run()")
        grave = [
            (fault["id"], [node["html"][:200] for node in fault["nodes"][:3]])
            for fault in found["violations"]
            if fault["impact"] in ("serious", "critical")
        ]
        assert grave == []
        assert len(found["passes"]) > 10


def test_it_prints_to_pages_that_can_be_read(report):
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")
    with visiting(report) as visit:
        printed = visit.page.pdf(format="A4")
    pages = pypdf.PdfReader(io.BytesIO(printed)).pages
    assert 4 <= len(pages) <= 20
    words = " ".join(" ".join(page.extract_text().split()) for page in pages)
    for heading in ("Performance", "Forecasts", "Book check", "What was run"):
        assert heading in words
    assert "Month by month" in words


def test_hostile_names_do_nothing(tmp_path):
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    panel = SimulatedMarket(n_sessions=700).panel()
    named = type(panel)(
        panel.sessions, (hostile, *panel.symbols[1:]), panel.bars, hostile
    )
    strategy = type(hostile, (SectorRotation,), {"__init__": SectorRotation.__init__})
    folder = tmp_path / "run"
    params = {"spec": MomentumSpec(), "top": 9}
    run_backtest(named, strategy, params, benchmark=MARKET, folder=folder)
    with visiting(folder / "report.html") as visit:
        assert visit.errors == []
        assert visit.requests == [(folder / "report.html").as_uri()]
        assert visit.page.locator("img").count() == 0
        assert hostile in visit.page.locator("h1").text_content()
        legends = visit.page.locator(".legendtext").all_text_contents()
        assert hostile in legends
