"""The command line: exit codes, one clear line a mistake, the files it leaves."""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import backtrader as bt
import pytest
from fakes import random_panel

from bt_lstm_rotation import Broker, ForecastSpec, MomentumSpec, __version__, cli
from bt_lstm_rotation.backtest.strategy_file import known_strategies
from bt_lstm_rotation.cli import commands
from bt_lstm_rotation.cli.commands import COMMANDS
from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.prices.simulated import WORLDS

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

CHECKOUT = Path(__file__).parents[2]
FILES = {
    *("summary.json", "equity.csv", "weights.csv", "positions.csv", "orders.csv"),
    *("forecasts.csv", "retrains.csv", "events.csv", "bars.npz", "report.html"),
}
QUICK = (
    *("--strategy", "momentum_12_1", "--set", "lookback=5"),
    *("--set", "skip=0", "--set", "horizon=2"),
)


@pytest.fixture
def bars(tmp_path):
    """Arguments for a folder of three sectors and SPY, from 2019-01-02 on."""
    folder = tmp_path / "bars"
    folder.mkdir()
    symbols = ("SPY", "XLE", "XLK", "XLV")
    panel = random_panel(symbols, 160)
    for symbol in symbols:
        frame = panel.frame(symbol)
        frame["Adj Close"] = frame["Close"]
        frame.to_csv(folder / f"{symbol}.csv", index_label="Date")
    return ("--data", f"folder:{folder}", "--benchmark", "SPY")


@pytest.fixture
def said(capsys):
    """Run a command that has to fail; return its one line."""

    def said(*arguments: object) -> str:
        try:
            code: object = cli.main([str(argument) for argument in arguments])
        except SystemExit as stopped:
            code = stopped.code
        out, err = capsys.readouterr()
        assert code == 2
        assert out == ""
        assert err.startswith("error: ")
        assert err.index("\n") == len(err) - 1
        return err.removeprefix("error: ").rstrip("\n")

    return said


@pytest.fixture
def handed_over(monkeypatch, said):
    """Run a command; return what it hands to `run_backtest`."""

    def handed_over(*arguments: str) -> dict:
        calls = []

        def instead(*args, **kwargs):
            calls.append((args, kwargs))
            raise StrategyError("that is enough")

        monkeypatch.setattr("bt_lstm_rotation.backtest.run_backtest", instead)
        assert said(*arguments) == "that is enough"
        (((panel, strategy, params), rest),) = calls
        return {"panel": panel, "strategy": strategy, "params": params} | rest

    return handed_over


def write(path: Path, next_: str) -> Path:
    """Write a strategy whose `next` does that; it stands in line 5."""
    head = "import sys\nimport backtrader as bt\nclass Mine(bt.Strategy):\n"
    path.write_text(f"{head}    def next(self):\n        {next_}\n", encoding="utf-8")
    return path


def run_command(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        check=False,
    )


def test_the_main_command_leaves_all_its_files(bars, tmp_path):
    out = tmp_path / "out"
    script = CHECKOUT / "run_backtest.py"
    done = run_command(script, *bars, *QUICK, "--out", out, cwd=tmp_path)
    assert done.returncode == 0
    # Figures go to the standard output alone, and nothing but figures.
    assert {line[:6] for line in done.stderr.splitlines()} <= {"Note: ", "Next: "}
    assert not {"Note: ", "Next: "} & {line[:6] for line in done.stdout.splitlines()}
    assert {file.name for file in out.iterdir()} == FILES
    assert str(out / "report.html") in done.stdout
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["data"]["symbols"] == ["XLE", "XLK", "XLV"]
    assert summary["orders"]["completed"] > 0
    with (out / "equity.csv").open(encoding="utf-8", newline="") as file:
        equity = list(csv.DictReader(file))
    assert set(equity[0]) == {"session", "equity", "benchmark"}
    assert float(equity[0]["equity"]) == float(equity[0]["benchmark"]) == 100_000


def test_help_comes_at_once_and_imports_nothing_heavy(tmp_path):
    script = CHECKOUT / "run_backtest.py"
    done = run_command("-X", "importtime", script, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "--strategy NAME" in done.stdout
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "bt_lstm_rotation.cli" in imported
    heavy = {"numpy", "pandas", "backtrader", "tensorflow", "rich", "yfinance"}
    assert not heavy & imported


def test_help_names_every_strategy_there_is(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name in known_strategies():
        assert name in text


def test_help_lists_every_command_and_each_has_help_of_its_own(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--help"])
    listed = capsys.readouterr().out
    room = Path(commands.__file__).parent
    files = {file.stem for file in room.glob("[a-z]*.py")}
    files |= {file.parent.name for file in room.glob("[a-z]*/__init__.py")}
    assert files == set(COMMANDS)
    for name, command in COMMANDS.items():
        assert f"    {name} " in listed
        assert " ".join(command.SUMMARY.split()) in " ".join(listed.split())
        with pytest.raises(SystemExit, match="0"):
            cli.main([name, "--help"])
        assert command.DESCRIPTION in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_says_the_default_of_every_option(command):
    parser = argparse.ArgumentParser()
    COMMANDS[command or "backtest"].add_arguments(parser)
    parsers = [parser]
    for one in parsers:
        for option in one._actions[1:]:
            if isinstance(option, argparse._SubParsersAction):
                parsers += option.choices.values()
                continue
            said = "required" if option.required else "default: "
            assert f"({said}" in option.help, option.option_strings
    assert len(parsers) == {"paper": 13, "trials": 6}.get(command, 1)


@pytest.mark.parametrize("command", [[], ["backtest"], ["sweep"]])
def test_help_says_where_settings_are_listed(capsys, command):
    with pytest.raises(SystemExit, match="0"):
        cli.main([*command, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "the command settings lists them all" in text


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_every_command_is_called_alike_by_every_name_of_the_program(
    command, monkeypatch, capsys
):
    helps = []
    for program in ("bt-lstm-rotation", "run_backtest.py", "/x/y/__main__.py"):
        monkeypatch.setattr(sys, "argv", [program, *command, "--help"])
        with pytest.raises(SystemExit, match="0"):
            cli.main()
        helps.append(capsys.readouterr().out)
    names = ("bt-lstm-rotation", "run_backtest.py", "python -m bt_lstm_rotation")
    for text, name in zip(helps, names, strict=True):
        assert text.startswith(" ".join(["usage:", name, *command]))
    words = [
        "".join(text.replace(name, "").split())
        for text, name in zip(helps, names, strict=True)
    ]
    assert words[0] == words[1] == words[2]


def test_the_backtest_has_a_name_too(bars, tmp_path):
    for number, command in enumerate(([], ["backtest"])):
        out = tmp_path / str(number)
        assert cli.main([*command, *bars, *QUICK, "--out", str(out)]) == 0
    first, second = (tmp_path / name / "orders.csv" for name in "01")
    assert first.read_bytes() == second.read_bytes()


def test_the_package_can_be_run_as_a_module(tmp_path):
    done = run_command("-m", "bt_lstm_rotation", "store", "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: python -m bt_lstm_rotation store")


def test_version_is_the_packages(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out.strip() == __version__


def test_a_small_lstm_goes_all_the_way(bars, tmp_path):
    small = ("lookback=5", "train_size=40", "horizon=2", "units=3", "steps=2", "top=1")
    settings = [part for setting in small for part in ("--set", setting)]
    out = tmp_path / "out"
    assert cli.main([*bars, *settings, "--seed", "3", "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["spec"]["forecaster"] == "ForecastSpec"
    assert (summary["spec"]["seed"], summary["spec"]["units"]) == (3, 3)
    with (out / "retrains.csv").open(encoding="utf-8", newline="") as file:
        fits = list(csv.DictReader(file))
    assert len(fits) == summary["timing"]["fits"] > 3
    assert {fit["status"] for fit in fits} == {"ok"}
    assert all(float(fit["last_loss"]) > 0 for fit in fits)


def test_without_out_the_folder_is_named_after_the_strategy_and_the_time(
    bars, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert cli.main([*bars, *QUICK]) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"Momentum121-\d{8}-\d{6}", folder.name)
    assert {file.name for file in folder.iterdir()} == FILES


def test_what_is_typed_is_what_is_run(bars, handed_over):
    given = handed_over(
        *(*bars, "--symbols", "XLV, XLE", "--start", "2019-03-01"),
        *("--end", "2019-05-31", "--cash", "5e3", "--commission", "0.001"),
        *("--slippage", "0", "--seed", "9", "--set", "top=1", "--set", "horizon=5"),
        *("--unadjusted", "--periods-a-year", "365"),
    )
    assert given["panel"].source.endswith("prices as they are")
    assert given["periods_a_year"] == 365
    assert given["panel"].symbols == ("XLV", "XLE", "SPY")
    assert given["benchmark"] == "SPY"
    assert given["start"] == dt.date(2019, 3, 1)
    assert given["end"] == dt.date(2019, 5, 31)
    assert given["broker"] == Broker(cash=5_000, commission=0.001, slippage=0)
    assert given["strategy"].__name__ == "LSTMTop3Monthly"
    spec = ForecastSpec(lookback=126, train_size=756, horizon=5, seed=9)
    assert given["params"] == {"top": 1, "spec": spec}


def test_by_default_it_is_the_simulated_market_of_seed_0(handed_over):
    given = handed_over("--strategy", "momentum_12_1")
    assert given["panel"].source.startswith("simulated(seed=0,")
    assert "seed=7" in handed_over("--seed", "7")["panel"].source
    assert given["benchmark"] == "MARKET"
    assert (given["start"], given["end"], given["params"]) == (None, None, {})
    assert given["broker"] == Broker()
    assert given["strategy"].params.spec == MomentumSpec()


def test_a_simulated_world_is_chosen_by_its_name(handed_over):
    words = ("--data", "simulated:regimes", "--strategy", "momentum_12_1")
    given = handed_over(*words, "--seed", "3")
    assert given["panel"].source == "simulated:regimes(seed=3, signal=1)"
    assert given["benchmark"] == "MARKET"


def test_the_help_lists_every_simulated_world(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert f"simulated:WORLD ({', '.join(WORLDS)})" in told


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--data", "simulated:rgimes"], "no data source or folder 'simulated:rgimes'"),
        (["--nope"], "unrecognized arguments: --nope (--help lists what there is)"),
        (
            ["a\nb"],
            "no command 'a\\nb'; known: audit, backtest, compare, explain, ",
        ),
        (["sweeep"], "no command 'sweeep'; did you mean 'sweep'?"),
        (["--data", "yahoo", "sweep", "--grid", "top=2", "--out", "t.csv"], "the comm"),
        (["--data", "yahoo", "nope"], "argument COMMAND: invalid choice: 'nope'"),
        (["store", "--data", "yahoo"], "unrecognized arguments: --data yahoo"),
        (["--start", "2020-13-01"], "argument --start: a date such as 2010-01-04"),
        (["--cash", "abc"], "argument --cash: invalid float value: 'abc'"),
        (["--cash", "-5"], "Broker: cash must be a number from 0.01 to 1e+15"),
        (["--seed", "1.5"], "argument --seed: invalid int value: '1.5'"),
        (["--seed", "-1"], "ForecastSpec: seed must be a whole number"),
        (["--symbols", "XLE,,XLK"], "argument --symbols: names with commas"),
        (["--symbols", ""], "argument --symbols: names with commas"),
        (["--symbols", "S1,S1"], "S1: named twice; each symbol once"),
        (["--data", "yaho"], "no data source or folder 'yaho'; did you mean 'yahoo'?"),
        (["--data", "folder:gone"], "gone cannot be read as a folder of bars"),
        (["--symbols", "S77"], "unknown symbol (got 'S77'); did you mean 'S"),
        (["--benchmark", "SPY"], "unknown symbol (got 'SPY')"),
        (["--strategy", "lstm_top4"], "no strategy 'lstm_top4'; did you mean 'lstm_"),
        (["--strategy", "gone.py"], "no strategy file 'gone.py'"),
        (["--set", "top"], "LSTMTop3Monthly: --set must be key=value, such as top=2"),
        (["--set", "topp=2"], "LSTMTop3Monthly: --set must be a known key (did you"),
        (["--set", "horizon=0"], "ForecastSpec: horizon must be a whole number"),
        (["--stake", "0"], "stake must be a finite number above 0 (got 0.0)"),
        (["--stake", "-1"], "stake must be a finite number above 0 (got -1.0)"),
        (["--stake", "nan"], "stake must be a finite number above 0 (got nan)"),
        (["--sizer", "0"], "sizer must be a share of the cash, above 0 and at most 1"),
        (["--sizer", "-0.2"], "sizer must be a share of the cash, above 0 and at mo"),
        (["--sizer", "nan"], "sizer must be a share of the cash, above 0 and at most"),
        (["--sizer", "20"], "sizer must be a share of the cash, above 0 and at most 1"),
        (
            ["--stake", "1", "--sizer", "0.2"],
            "argument --sizer: not allowed with argum",
        ),
        (["--stake", "100"], "LSTMTop3Monthly sizes its own orders, by target weights"),
        (["--sizer", "0.2"], "LSTMTop3Monthly sizes its own orders, by target weights"),
    ],
)
def test_a_mistake_costs_one_line(said, arguments, line):
    assert line in said(*arguments)


@pytest.mark.parametrize(
    ("typed", "sizer"),
    [
        ((), None),
        (("--stake", "100"), (bt.sizers.FixedSize, {"stake": 100})),
        (("--sizer", "0.2"), (bt.sizers.PercentSizer, {"percents": 20})),
    ],
)
def test_how_much_a_plain_buy_is_for_is_handed_over(
    bars, handed_over, tmp_path, typed, sizer
):
    strategy = write(tmp_path / "mine.py", "self.buy()")
    given = handed_over(*bars, "--strategy", str(strategy), *typed)
    assert given["sizer"] == sizer


def test_a_start_after_the_end_costs_one_line(said, bars):
    days = ("--start", "2019-05-02", "--end", "2019-05-01")
    assert "the start is after the last session" in said(*bars, *QUICK, *days)


def test_a_start_without_history_names_the_earliest(said, bars):
    line = said(*bars, *QUICK, "--start", "2019-01-04")
    assert line.endswith("the earliest possible start is 2019-02-01")


def test_bars_that_are_not_valid_cost_one_line(said, bars, tmp_path):
    file = tmp_path / "bars" / "XLE.csv"
    text = file.read_text(encoding="utf-8")
    negative = re.sub(r"^(\d{4}-\d\d-\d\d,)", r"\1-", text, flags=re.MULTILINE)
    file.write_text(negative, encoding="utf-8")
    line = said(*bars, *QUICK)
    assert line.startswith("XLE ")
    assert " Open: " in line
    assert "bars invalid, the first by a price of zero or below (got -" in line


def test_a_folder_without_bars_costs_one_line(said, tmp_path):
    assert "no bars in" in said("--data", f"folder:{tmp_path}")


def test_an_out_that_is_a_file_is_refused_before_anything_is_run(said, tmp_path):
    file = tmp_path / "file"
    file.write_text("kept", encoding="utf-8")
    assert f"--out: a folder is needed (got a file, '{file}')" in said("--out", file)
    assert file.read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize(
    ("next_", "fault"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("self.data.close.get(ago=0, size='x')", "TypeError: "),  # raised in backtrader
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
        ("sys.exit()", "SystemExit"),
    ],
)
def test_a_users_strategy_that_fails_is_named_with_the_line(
    said, bars, tmp_path, next_, fault
):
    file = write(tmp_path / "mine.py", next_)
    line = said(*bars, "--strategy", file, "--out", tmp_path / "out")
    assert line.startswith(f"{file}:5: {fault}".rstrip())
    assert not (tmp_path / "out").exists()


def test_a_copy_of_ours_is_the_users_own(said, bars, tmp_path):
    copy = tmp_path / "equal_weight.py"
    shutil.copy(known_strategies()["equal_weight"], copy)
    text = copy.read_text(encoding="utf-8")
    copy.write_text(text.replace("return equal", "return un"), encoding="utf-8")
    line = said(*bars, "--strategy", copy)
    assert re.search(r"equal_weight\.py:\d+: NameError: name 'un_weights'", line)


def test_a_fault_of_ours_is_not_made_to_look_like_the_users(monkeypatch, bars):
    def fault(*args, **kwargs):
        raise ValueError("ours")

    monkeypatch.setattr("bt_lstm_rotation.backtest.run_backtest", fault)
    with pytest.raises(ValueError, match="ours"):
        cli.main([*bars, *QUICK])


def test_ctrl_c_stops_without_a_traceback(monkeypatch, bars, capsys):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("bt_lstm_rotation.backtest.run_backtest", stop)
    assert cli.main([*bars, *QUICK]) == 130
    assert capsys.readouterr() == ("", "stopped\n")
