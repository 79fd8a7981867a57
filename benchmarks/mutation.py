"""Do the tests notice when the code is wrong? Faults put in one by one, and counted.

    make mutation                                         # everything
    python benchmarks/mutation.py selection measures      # some rooms
    python benchmarks/mutation.py rebalancing/margin.py   # some modules

A mutant is a module with one fault: a ``<`` that is a ``<=``, a 1 that is a 2, a branch
taken the wrong way. It is killed if a test of its room fails, and survives if none
does. Those that no test could notice are listed, with the reason, in
``mutation_equivalents.toml``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from mutant_runs import reaches, survivors
from mutants import PACKAGE, mutants

ROOT = PACKAGE.parent
EQUIVALENTS = Path(__file__).with_name("mutation_equivalents.toml")

# Whole years of simulated markets: each would take minutes to watch.
SIMULATIONS = ("280_rebalances", "band_saves", "whatever_happens", "any_lot")

# Modules of each room -> what pytest is given for their mutants.
ROOMS = {
    "measures": (
        [
            f"measures/{name}.py"
            for name in ("annualisation", "drawdowns", "flows", "performance", "skill")
        ],
        ["tests/measures"],
    ),
    "selection": (
        [
            f"selection/{name}.py"
            for name in ("fixed_point", "ranking", "selection", "turnover", "weighting")
        ],
        ["tests/selection"],
    ),
    "forecasting": (
        [
            *(
                f"forecasting/features/{name}.py"
                for name in ("columns", "crosswise", "prices", "trailing", "volumes")
            ),
            "forecasting/window.py",
            "forecasting/walkforward/calendar.py",
        ],
        [
            "tests/forecasting/features",
            "tests/forecasting/test_window.py",
            "tests/forecasting/test_baselines.py",
            "tests/forecasting/walkforward/test_walk.py",
            "tests/forecasting/walkforward/test_walk_gaps.py",
            "tests/indicators/test_volatilities.py",
        ],
    ),
    "rebalancing": (
        [
            f"rebalancing/{name}.py"
            for name in (
                *("account", "delisting", "events", "execution", "funding", "holdings"),
                *("margin", "no_trade", "open_orders", "rebalancer", "round_trip"),
                *("rules", "schemes", "sharing", "target"),
            )
        ],
        ["tests/rebalancing", "-k", f"not ({' or '.join(SIMULATIONS)})"],
    ),
}


def main(wanted: Sequence[str]) -> int:
    """Print every survivor, and the share killed of each module."""
    known = tomllib.loads(EQUIVALENTS.read_text("utf-8"))["mutant"]
    equivalents = {(each["module"], each["was"], each["becomes"]) for each in known}
    rows = []
    for room, (modules, tests) in ROOMS.items():
        chosen = [m for m in modules if not wanted or room in wanted or m in wanted]
        reach = reaches(chosen, tests) if chosen else {}
        for module in chosen:
            faults = list(mutants(module))
            left = survivors(faults, reach[module], tests)
            real = [f for f in left if (module, f.was, f.becomes) not in equivalents]
            for fault in real:
                print(f"{module}:{fault.line}: {fault.was}\n    {fault.becomes}")
            equivalent = len(left) - len(real)
            rows.append((module, len(faults) - len(left), len(real), equivalent))
            print(_row(*rows[-1]), flush=True)
    print(
        "\n| Module | Killed | Survived | Equivalent | Share |\n|---|---|---|---|---|"
    )
    for row in rows:
        print(_row(*row))
    print(_row("all", *(sum(row[column] for row in rows) for column in (1, 2, 3))))
    return 0


def _row(module: str, killed: int, survived: int, equivalent: int) -> str:
    share = killed / max(killed + survived, 1)
    return f"| {module} | {killed} | {survived} | {equivalent} | {share:.1%} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wanted", nargs="*", metavar="ROOM|MODULE")
    asked = parser.parse_args().wanted
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    # A failing example is enough; a smaller one that fails too tells nothing more. And
    # no mutant is killed by a busy machine.
    settings.register_profile(
        "mutation",
        phases=[Phase.explicit, Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutation")
    with tempfile.TemporaryDirectory() as compiled:
        sys.pycache_prefix, sys.dont_write_bytecode = compiled, False
        sys.exit(main(asked))
