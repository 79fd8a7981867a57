"""Returns of the runs that a sweep has kept."""

from __future__ import annotations

import pytest

from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.evidence.verdict.kept_sweep import sweep_returns
from bt_lstm_rotation.measures.distribution import session_returns
from bt_lstm_rotation.reporting import write_run
from tests.reporting.results import make_result


def test_each_run_is_a_column(tmp_path):
    result = make_result()
    for name in ("b", "a"):
        write_run(result, tmp_path / name)
    (tmp_path / "notes").mkdir()
    table = sweep_returns(tmp_path)
    assert list(table) == ["a", "b"]
    expected = session_returns(result.account["equity"], result.account["flows"])
    assert table["a"].tolist() == pytest.approx(expected.tolist(), nan_ok=True)


def test_a_folder_without_two_runs_is_refused(tmp_path):
    with pytest.raises(OutputError, match="holds 0 runs"):
        sweep_returns(tmp_path)
    with pytest.raises(OutputError, match="no runs can be read"):
        sweep_returns(tmp_path / "nowhere")
