"""A misspelled option is answered with the one that was meant, in every command."""

from __future__ import annotations

import pytest

from bt_lstm_rotation import cli
from bt_lstm_rotation.cli.commands import COMMANDS


def refused(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        cli.main([*words])
    assert stop.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1
    return told.err


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["--importence"], "--importance"),
        (["--importence", "retrained"], "--importance"),
        (["--benchmrk=SPY"], "--benchmark"),
        (["-benchmrk", "SPY"], "--benchmark"),
        (["backtest", "--quite"], "--quiet"),
        (["explain", "--symbl", "S1"], "--symbol"),
        (["explain", "--symbol", "S1", "--sesion", "2019-01-02"], "--session"),
        (["importance", "--permutation", "3", "--groop", "a=b"], "--group"),
        (["sweep", "--gird", "top=2", "--out", "t.csv"], "--grid"),
        (["paper", "start", "first", "--comission", "0"], "--commission"),
        (["--quite", "--sead", "3"], "--quiet and --seed"),
    ],
    ids=" ".join,
)
def test_the_option_that_was_meant_is_named(words, meant, capsys):
    assert f"; did you mean {meant}? (--help" in refused(capsys, *words)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_does_so(command, capsys):
    word = "--halp"
    line = refused(capsys, command, word)
    if command != "paper":  # which asks for an action first
        assert f"unrecognized arguments: {word}" in line or "are required" in line
    assert "did you mean --help?" in line


@pytest.mark.parametrize(
    "words",
    [
        ["--nothing-of-the-kind"],
        ["--cash", "-5e", "--seed", "1"],
        ["--seed", "1.5", "--bench", "SPY"],  # the beginning of --benchmark
        ["explain"],
        ["settings", "top"],
        ["sweep", "--out", "t.csv", "--grid", "top=2", "--", "--quite"],
    ],
    ids=" ".join,
)
def test_nothing_is_guessed_where_nothing_is_close(words, capsys):
    assert "did you mean" not in refused(capsys, *words)


def test_a_command_that_comes_too_late_is_no_misspelled_option(capsys):
    late = ["--data", "yahoo", "sweep", "--grid", "top=2", "--out", "t.csv"]
    line = refused(capsys, *late)
    assert "the command comes first" in line
    assert "did you mean" not in line
