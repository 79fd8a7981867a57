"""Kill a paper account again and again: its journal is that of one that nobody killed.

    python benchmarks/paper_kills.py [--bars FOLDER] [--kills 200] [--sessions 504]

Each step of the account runs in a process of its own, which is killed (SIGKILL) at one
of the places where it writes, chosen by a seed; then the step is done again, and may be
killed again. In the end the journal has to have the hash of one that was never killed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from bt_lstm_rotation import load_prices
from bt_lstm_rotation.paper import Configuration, PaperSession
from bt_lstm_rotation.prices import PricePanel


class Source:
    """A panel's bars, up to the session asked for."""

    def __init__(self, panel: PricePanel) -> None:
        self.panel = panel

    def __call__(
        self, wanted: Configuration, last: dt.date, since: dt.date | None = None
    ) -> PricePanel:
        """Give them."""
        return self.panel.between(None, last)


class Writes:
    """Counts the places where an account writes, and ends the process at one.

    That is the place of a number, or the first of a name, which is left in a file.
    """

    def __init__(self, fatal: int | str | None = None, told: Path | None = None):
        self.fatal = fatal
        self.told = told
        self.seen: list[str] = []

    def __call__(self, label: str) -> None:
        """Count a place, or end here."""
        if self.fatal in (len(self.seen), label):
            if self.told is not None:
                self.told.write_text(label)
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen.append(label)


def account(
    root: Path, panel: PricePanel, day: dt.date, writes: Writes
) -> PaperSession:
    """Find the account on a day."""
    return PaperSession(
        "killed", root=root, today=day, source=Source(panel), boundary=writes
    )


def in_child(work: Callable[..., None], *arguments: Any) -> bool:
    """Do some work in a forked process; say whether it came to its end."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            work(*arguments)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a step failed by itself")
    return os.WIFEXITED(status)


def begin(root: Path, panel: PricePanel, day: dt.date, wanted: Configuration) -> None:
    """Start the account."""
    account(root, panel, day, Writes()).start(wanted)


def step(root: Path, panel: PricePanel, day: dt.date, fatal: int | str | None) -> None:
    """Do a step, perhaps a fatal one."""
    account(root, panel, day, Writes(fatal, root / "place.txt")).step()


def places_of_a_step(
    panel: PricePanel, wanted: Configuration, days: list[dt.date]
) -> tuple[list[str], int]:
    """Return every place where steps of a session write, and the fewest of one."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        begin(root, panel, days[0], wanted)
        steps = []
        for day in days:
            steps.append(Writes())
            account(root, panel, day, steps[-1]).step()
    seen = [writes.seen for writes in steps[1:]]
    every = list(dict.fromkeys(label for labels in seen for label in labels))
    return every, min(map(len, seen))


def main() -> None:
    """Kill, go on, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", help="folder of bars (default: the simulated market)")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--sessions", type=int, default=504)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    if options.bars:
        panel = load_prices(f"folder:{options.bars}")
        names = [name for name in panel.symbols if name.startswith("XL")]
        panel = panel.select([*names, "SPY"]).between(dt.date(2004, 1, 2), None)
        benchmark = "SPY"
    else:
        panel, benchmark = load_prices("simulated"), "MARKET"
    wanted = Configuration(
        data="simulated",
        symbols=tuple(name for name in panel.symbols if name != benchmark),
        benchmark=benchmark,
        strategy="momentum_12_1",
        calendar="bars",
    )
    days = panel.sessions.tolist()[1000 : 1001 + options.sessions]
    # A month, so that there are sessions with orders among them.
    places, fewest = places_of_a_step(panel, wanted, days[:25])
    # The first kills are at every place once, of a step of one session. Then steps end
    # where months do, so that the next ones have orders to fill, and in between.
    unseen = places[: options.kills]
    rest = days[1:]
    singles, rest = rest[: len(unseen)], rest[len(unseen) :]
    ends = {a for a, b in pairwise(rest) if a.month != b.month} | {rest[-1]}
    others = [day for day in rest if day not in ends]
    # Some to spare, for steps that have nothing of what they should be killed at.
    more = options.kills + 30 - len(singles) - len(ends)
    ends |= set(chance.sample(others, min(len(others), max(0, more))))
    at: list[str] = []
    killed = pending = 0
    with tempfile.TemporaryDirectory() as folder:
        safe, hard = Path(folder, "safe"), Path(folder, "hard")
        for root in (safe, hard):
            in_child(begin, root, panel, days[0], wanted)
            in_child(step, root, panel, days[0], None)
        before = days[0]
        for day in [*singles, *sorted(ends)]:
            place: int | str | None = None
            if unseen:
                place = unseen[0]
            elif killed < options.kills:
                place = chance.randrange(
                    fewest * sum(before < other <= day for other in days)
                )
            before = day
            in_child(step, safe, panel, day, None)
            waiting = bool(account(hard, panel, day, Writes()).tickets())
            if in_child(step, hard, panel, day, place):
                continue
            killed += 1
            pending += waiting
            at.append((hard / "place.txt").read_text())
            unseen = [label for label in unseen if label != at[-1]]
            in_child(step, hard, panel, day, None)
        one, other = (
            account(root, panel, days[-1], Writes()).record() for root in (safe, hard)
        )
        same = one.transactions == other.transactions
        differences = sum(one.tables[name] != other.tables[name] for name in one.tables)
        differences += not same
    print(f"{killed} kills in {len(days):,} sessions, {pending} with orders pending")
    known = len({*places, *at})
    print(f"at {len(set(at))} of {known} places where an account writes:")
    for label, count in Counter(at).most_common():
        print(f"  {count:4} {label}")
    print(f"{differences} differences from an account that nobody killed")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
