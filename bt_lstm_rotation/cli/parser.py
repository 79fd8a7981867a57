"""The parser of every command, whose errors are one line that helps."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import Any, NoReturn

from bt_lstm_rotation.cli.options import BAD_USAGE
from bt_lstm_rotation.escaping import error_line

__all__ = ["Parser"]

# What begins like an option, and is no number below 0.
OPTION = re.compile(r"--?[^-\d.\s]\S*")


class Parser(argparse.ArgumentParser):
    """A parser that keeps line breaks in its epilog, and whose errors are one line.

    A misspelled option is answered with the one that is closest. It is also behind
    other errors: that one is missing, or that its value is no command.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **settings,
        )
        self._given: list[str] = []

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse; what is not known is refused here, where the options are."""
        self._given = list(args or ())
        found, left = super().parse_known_args(args, namespace)
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        self._given = []
        return found, left

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, and what was meant, if that can be guessed."""
        line = error_line(message)
        if meant := " and ".join(dict.fromkeys(self._meant())):
            line += f"; did you mean {meant}?"
        self.exit(BAD_USAGE, f"error: {line} (--help lists what there is)\n")

    def _meant(self) -> Iterator[str]:
        """Give the option that is closest to each that there is not."""
        known = {name.lstrip("-"): name for name in self._option_string_actions}
        for word in takewhile(lambda word: word != "--", self._given):
            name = word.partition("=")[0].lstrip("-")
            # The beginning of an option is one.
            is_known = any(one.startswith(name) for one in known)
            if OPTION.fullmatch(word) and not is_known:
                yield from (known[one] for one in get_close_matches(name, known, n=1))
