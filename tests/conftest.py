from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _nothing_is_kept_from_one_test_to_the_next(monkeypatch, tmp_path_factory):
    # Stored forecasts would spare the very training that a test is about.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
