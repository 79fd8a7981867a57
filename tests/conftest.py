from __future__ import annotations

import pytest

from bt_lstm_rotation.forecasting.features import own


@pytest.fixture(scope="session", autouse=True)
def _no_fixture_writes_where_the_user_keeps_things(tmp_path_factory):
    # One of a whole module is made before what is set for a single test.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        patch.delenv("BT_LSTM_ROTATION_LEDGER", raising=False)
        yield


@pytest.fixture(autouse=True)
def _nothing_is_kept_from_one_test_to_the_next(monkeypatch, tmp_path_factory):
    # Stored forecasts would spare the very training that a test is about.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    # Nor may a trial of a test be counted among the user's.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
    # Nor be known by name what another test has made a feature of.
    monkeypatch.setattr(own, "_own", dict(own._own))


@pytest.fixture(scope="session")
def _yfinance_keeps_its_files_apart(tmp_path_factory):
    # It keeps time zones and cookies in one database for all processes; and takes a
    # folder only before its first use in a process.
    import yfinance

    yfinance.set_tz_cache_location(str(tmp_path_factory.mktemp("yfinance")))
