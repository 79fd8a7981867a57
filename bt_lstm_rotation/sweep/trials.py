"""One combination of settings -> one row, wherever it is run."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from bt_lstm_rotation.analyzers.settings import folder_name
from bt_lstm_rotation.backtest.broker import Broker
from bt_lstm_rotation.backtest.run import run_backtest
from bt_lstm_rotation.backtest.settings import parse_settings
from bt_lstm_rotation.backtest.sizing import described as sizer_described
from bt_lstm_rotation.backtest.strategy_file import (
    code_of,
    find_strategy,
    strategy_errors,
)
from bt_lstm_rotation.errors import (
    FeatureError,
    FitsError,
    ForecastError,
    HistoryError,
    SpecError,
    StrategyError,
)
from bt_lstm_rotation.forecasting import ForecastStore, Training, Workers
from bt_lstm_rotation.forecasting.features import load_features
from bt_lstm_rotation.forecasting.store.content_key import (
    content_key,
    package_hash,
)
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.reporting import check_folder
from bt_lstm_rotation.result import BacktestResult
from bt_lstm_rotation.sweep.grid import LONGEST, spelled
from bt_lstm_rotation.trials import TrialRecord, code_of_classes, recorded, trial_of
from bt_lstm_rotation.user_code import code_hash

__all__ = ["MEASURES", "OK", "Trial", "Trials"]

# Column -> where it stands in a result's summary.
MEASURES = {
    # Without a given start it depends on the settings, and what follows on it.
    "first_decision": ("data", "first_decision"),
    **{
        name: ("metrics", name)
        for name in (
            *("total_return", "cagr", "annual_volatility", "sharpe", "sortino"),
            *("max_drawdown", "calmar", "turnover", "costs", "periods_a_year"),
        )
    },
    "benchmark_total_return": ("benchmark", "total_return"),
    **{n: ("forecast", n) for n in ("ic", "rank_ic", "hit_ratio", "mse_ratio")},
    **{
        f"orders_{name}": ("orders", name)
        for name in ("submitted", "completed", "rejected", "canceled")
    },
}

# What is one trial's own matter, and its row's status.
FAILURES = (
    *(SpecError, FeatureError, HistoryError, StrategyError, ForecastError, FitsError),
)

# The status of a trial that has a result.
OK = "ok"


class Trial(NamedTuple):
    """One combination of settings.

    `key` is 16 hexadecimal digits, a hash of all that its row depends on; `texts` are
    the settings -> their values, as ``--set`` takes them.
    """

    key: str
    texts: dict[str, str]

    @property
    def settings(self) -> list[str]:
        """Each as ``key=value``."""
        return [f"{name}={text}" for name, text in self.texts.items()]


class Done(NamedTuple):
    """A trial that was run.

    The row is the key, the settings, what `MEASURES` names, and `OK` or why there is
    nothing to measure; `record` is for the ledger.
    """

    key: str
    row: list[str]
    record: TrialRecord | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Trials:
    """All that the trials of a sweep have in common; it travels to where they are run.

    Fields are those of `run_sweep`. `strategy` can be found from any folder, `code` is
    its `code_of`, `workers` says how the fits within a trial are spread, `counted`
    whether each makes a record for the ledger, and `features` is a file of a user's
    own features, with its `code_hash`.
    """

    panel: PricePanel
    benchmark: str | None
    start: dt.date | None
    broker: Broker
    strategy: str
    code: str
    seed: int | None
    store: ForecastStore | None
    workers: Workers
    periods_a_year: float | None = None
    sizer: Any = None
    folder: Path | None = None
    counted: bool = False
    features: str | None = None
    features_code: str = ""

    def trial(self, values: Mapping[str, Any]) -> Trial:
        """Name a combination; it is known by all that its row depends on."""
        texts = {name: spelled(name, value) for name, value in values.items()}
        bars = (self.panel.content_hash, self.benchmark, str(self.start))
        how = (
            *(package_hash(), self.code, self.seed, _broker_key(self.broker)),
            None if self.periods_a_year is None else float(self.periods_a_year),
            _sizer_key(self.sizer),
        )
        settings = tuple(texts.items())
        own = self._own_features(Trial("", texts))
        return Trial(content_key("trial", bars, how, settings, own)[:16], texts)

    def check_settings(self, trial: Trial) -> None:
        """Raise SpecError if a setting does not exist; values are not judged."""
        try:
            self._params(trial)
        except FeatureError:
            pass  # it is a value that is judged here
        except SpecError as error:
            if error.field in ("--set", "--forecaster"):
                valid = error.valid
                raise SpecError(error.owner, "grid", error.value, valid) from None

    def check_folders(self, trials: Iterable[Trial]) -> None:
        """Raise OutputError if the whole run of one could not be kept."""
        if self.folder is not None:
            for trial in trials:
                check_folder(self._folder_of(trial))

    def run_all(self, trials: Sequence[Trial], workers: Workers) -> Iterator[Done]:
        """Run trials, as `run` does each, and give their rows as they get ready.

        With a store, the first trial of each spec is run before the others, which find
        its networks there.
        """
        first: dict[str, Trial] = {}
        if self.store is not None:
            for trial in trials:
                first.setdefault(self._spec_of(trial), trial)
        ahead = {trial.key for trial in first.values()}
        others = [trial for trial in trials if trial.key not in ahead]
        for wave in (list(first.values()), others):
            if len(wave) == 1:  # the workers have nothing else to do than its fits
                yield replace(self, workers=workers).run(wave[0])
            elif wave:
                yield from workers.map(self.run, wave, ordered=False)

    def run(self, trial: Trial) -> Done:
        """Run a trial, wherever this is; whoever asked for it counts it."""
        strategy = self._loaded()
        measures, status, record = [""] * len(MEASURES), OK, None
        try:
            with strategy_errors(strategy):
                result = run_backtest(
                    self.panel,
                    strategy,
                    self._params(trial),
                    benchmark=self.benchmark,
                    start=self.start,
                    broker=self.broker,
                    sizer=self.sizer,
                    training=Training(workers=self.workers, store=self.store),
                    periods_a_year=self.periods_a_year,
                    folder=None if self.folder is None else self._folder_of(trial),
                    ledger=False,
                )
            if self.counted:
                record = recorded(functools.partial(self._record, result, strategy))
            measures = [_cell(result.summary, *place) for place in MEASURES.values()]
        except FAILURES as error:
            if _lacks_memory(error):
                raise  # another machine, or another day, has more
            status = str(error)
        row = [trial.key, *trial.texts.values(), *measures, _line(status)]
        return Done(trial.key, row, record)

    def _record(self, result: BacktestResult, strategy: Any) -> TrialRecord:
        code = code_of_classes([strategy])
        return trial_of(result, self.panel, "sweep", code=code)

    def _folder_of(self, trial: Trial) -> Path:
        return Path(self.folder or "") / folder_name([*trial.settings, trial.key])

    def _params(self, trial: Trial) -> dict[str, Any]:
        strategy = self._loaded()
        return parse_settings(strategy, trial.settings, seed=self.seed)

    def _loaded(self) -> Any:
        if self.features is not None:
            _run_features(self.features, self.features_code)
        return _loaded(self.strategy, self.code)

    def _own_features(self, trial: Trial) -> tuple[tuple[str, str], ...]:
        """Name the user's own features of a trial, each with the hash of its code."""
        try:
            spec = self._params(trial).get("spec")
        except (SpecError, FeatureError):
            return ()  # its row will say so
        own = getattr(spec, "own_features", ())
        return tuple((feature.name, feature.code) for feature in own)

    def _spec_of(self, trial: Trial) -> str:
        try:
            return repr(self._params(trial).get("spec"))
        except (SpecError, FeatureError):
            return trial.key  # it will train nothing


def _broker_key(broker: Broker) -> tuple[str, str]:
    """Name a broker's settings, and the code of a commission scheme of the user's."""
    scheme = type(broker.commission)
    code = "" if scheme.__module__ == "builtins" else code_of(scheme)
    return json.dumps(broker.described(), default=str), code


def _sizer_key(sizer: Any) -> tuple[str, str] | None:
    """Name a sizer with all of its parameters, and its code."""
    if sizer is None:
        return None
    kind = sizer[0] if isinstance(sizer, tuple) else sizer
    return json.dumps(sizer_described(sizer), default=str), code_of(kind)


@functools.cache
def _loaded(text: str, code: str) -> Any:
    """Load a strategy once in a process, if it is the one that is meant."""
    strategy = find_strategy(text)
    if code_of(strategy) != code:
        raise StrategyError(
            f"the file of strategy {text!r} is not the one the sweep began with: "
            "changed since, or another one on this machine"
        )
    return strategy


@functools.cache
def _run_features(file: str, code: str) -> None:
    """Run a file of features once in a process, if it is the one that is meant."""
    load_features(file)
    if code_hash(Path(file)) != code:
        raise StrategyError(
            f"the features in {file!r} are not those that the sweep began with: "
            "changed since, or another file on this machine"
        )


def _lacks_memory(error: Exception) -> bool:
    """Whether fits have failed for a reason that is the machine's, not the trial's."""
    kinds = {reason.partition(":")[0] for reason in getattr(error, "reasons", ())}
    return bool(kinds & {"MemoryError", "ResourceExhaustedError"})


def _line(text: str) -> str:
    """Make one line of a message, which may be of any length and hold anything."""
    line = " ".join(text.split())
    if len(line) > LONGEST:
        line = f"{line[: LONGEST - 3]}..."
    # Half of a surrogate pair, as a name may have it, fits into no file.
    return line.encode("utf-8", errors="backslashreplace").decode("utf-8")


def _cell(summary: Mapping[str, Any], part: str, name: str) -> str:
    value = (summary[part] or {}).get(name)
    return "" if value is None else str(value)
