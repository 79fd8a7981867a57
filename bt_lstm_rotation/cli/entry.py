"""One parser for all commands, and what every command ends with."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from bt_lstm_rotation._version import __version__
from bt_lstm_rotation.cli.commands import COMMANDS, backtest
from bt_lstm_rotation.cli.options import BAD_USAGE, HELD
from bt_lstm_rotation.cli.parser import Parser
from bt_lstm_rotation.cli.signals import Terminated, ended_by_signals, lacking_threads
from bt_lstm_rotation.cli.streams import OneLine, Stream, guarded_output, print_error
from bt_lstm_rotation.errors import HeldError, RotationError, closest
from bt_lstm_rotation.machine import what_is_lacking

__all__ = ["main"]

DONE, STOPPED = 0, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names; a backtest, if it names none.

    Returns 0 done, 2 bad usage or bad data, 130 stopped by Ctrl-C, 143 by SIGTERM; of
    paper trading also 4, bars are missing still, and 5, another process is at work; of
    an audit 3, a leak, and 6, not assessed. A fault of ours raises, which Python turns
    into a traceback and exit code 1.
    """
    with guarded_output() as output:
        try:
            code = _ended(list(sys.argv[1:] if argv is None else argv))
        except SystemExit:  # of --help, of bad usage
            if _is_printed(output):
                raise
            raise SystemExit(BAD_USAGE) from None
        return code if _is_printed(output) else code or BAD_USAGE


def _is_printed(output: Stream) -> bool:
    """Whether all could be printed; otherwise, why not, in one line."""
    output.flush()
    # A reader that goes when it has seen enough is no failure.
    if output.failure is None or isinstance(output.failure, BrokenPipeError):
        return True
    reason = output.failure.strerror or output.failure
    print_error(f"not all could be printed ({reason}){output.kept}")
    return False


def _ended(argv: list[str]) -> int:
    arguments = _parsed(argv)
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine("%(levelname)s: %(message)s"))
    quiet = getattr(arguments, "quiet", False)
    level = logging.ERROR if quiet else logging.WARNING
    logging.basicConfig(level=level, handlers=[handler])
    lacking: list[str] = []
    try:
        with ended_by_signals(), lacking_threads(lacking):
            code: int | None = arguments.run(arguments)
    except HeldError as error:
        print_error(str(error))
        return HELD
    except RotationError as error:
        print_error(str(error))
        return BAD_USAGE
    except (MemoryError, RuntimeError, ImportError, OSError) as error:
        lack = what_is_lacking(error)
        if not lack:
            raise
        print_error(lack)
        return BAD_USAGE
    except KeyboardInterrupt as stop:
        if lacking:
            print_error(lacking[0])
            return BAD_USAGE
        print("stopped", file=sys.stderr)  # noqa: T201
        return stop.code if isinstance(stop, Terminated) else STOPPED
    return DONE if code is None else code


def _parsed(given: list[str]) -> argparse.Namespace:
    parser = _parser()
    first = given[0] if given else ""
    if first and not first.startswith("-") and first not in COMMANDS:
        parser.error(f"no command {first!r}; {closest(first, COMMANDS)}")
    arguments = parser.parse_args(given)
    # Options before it would be those of a backtest, and be lost without a word.
    if arguments.command not in (None, first):
        parser.error(f"the command comes first: {arguments.command} --option ...")
    return arguments


def _parser() -> argparse.ArgumentParser:
    program = Path(sys.argv[0]).name
    parser = Parser(
        prog="python -m bt_lstm_rotation" if program == "__main__.py" else program,
        description="Backtest a sector rotation with Backtrader and write a report.",
        epilog=backtest.EPILOG,
    )
    parser.add_argument("--version", action="version", version=__version__)
    backtest.add_arguments(parser)
    parser.set_defaults(run=backtest.run)
    commands = parser.add_subparsers(
        title="commands",
        description="each has its own options; see COMMAND --help",
        dest="command",
        metavar="COMMAND",
    )
    for name, command in COMMANDS.items():
        its_parser = commands.add_parser(
            name,
            help=command.SUMMARY,
            description=command.DESCRIPTION,
            epilog=command.EPILOG,
        )
        command.add_arguments(its_parser)
        its_parser.set_defaults(run=command.run)
    return parser
