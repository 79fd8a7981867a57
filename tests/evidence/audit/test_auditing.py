from __future__ import annotations

import backtrader as bt
import pytest
from fakes import random_panel
from planted_leaks import NextClose

from bt_lstm_rotation.evidence.audit import audit
from bt_lstm_rotation.feeds import add_feeds


def cerebro_of(strategy, panel=None, **params):
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, random_panel("A", 120) if panel is None else panel)
    cerebro.addstrategy(strategy, **params)
    return cerebro


def test_tomorrows_close_is_a_leak_that_is_named():
    report = audit(cerebro_of(NextClose), probes=4)
    assert report.outcome == "leak"
    finding = report.findings[0]
    assert finding.what == "buy of A"
    assert finding.ahead == 1
    assert "planted_leaks.py" in finding.place


@pytest.mark.parametrize("probes", [0, -1, 2.5, True])
def test_an_impossible_number_of_probes_is_refused(probes):
    with pytest.raises(ValueError, match="probes must be"):
        audit(cerebro_of(NextClose), probes=probes)
