"""Whether a strategy sees the future: it runs in worlds that have another, or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import backtrader as bt

from bt_lstm_rotation.checks import check_call, check_flag, check_kind, check_whole
from bt_lstm_rotation.errors import LookaheadError, RotationError, SpecError
from bt_lstm_rotation.evidence.audit.circumstances import (
    look_at_cheats,
    look_at_dates,
    look_at_inputs,
    look_at_silence,
)
from bt_lstm_rotation.evidence.audit.control import MODES
from bt_lstm_rotation.evidence.audit.docket import Docket, label
from bt_lstm_rotation.evidence.audit.findings import AuditReport, Finding
from bt_lstm_rotation.evidence.audit.futures import look_at_session, look_blind
from bt_lstm_rotation.evidence.audit.runs import Runs
from bt_lstm_rotation.evidence.audit.scenes import Made, Recorded
from bt_lstm_rotation.evidence.audit.sessions import (
    Probe,
    all_sessions,
    choose,
    ordering_sessions,
)
from bt_lstm_rotation.evidence.audit.warmup import measure_warmup

__all__ = ["audit"]


def audit(
    cerebro: Any,
    *,
    frames: Mapping[str, Any] | None = None,
    probes: int | None = None,
    warmup: bool = True,
    progress: Callable[[str], None] | None = None,
    read_before: Sequence[str] = (),
    **modes: Any,
) -> AuditReport:
    """Look for what a strategy knows before its time.

    Parameters
    ----------
    cerebro : bt.Cerebro, or callable
        Set up and not run yet; it is copied, and left as it is. With `frames`, a
        function that takes such tables and returns a Cerebro: then what it works out of
        them before the run is looked at too.
    frames : mapping of str to DataFrame or Series, optional
        Tables whose rows have dates.
    probes : int, optional
        Sessions in which the future is cut off and altered; by default 24, and as few
        as 8 where there are many bars.
    warmup : bool
        Whether to measure which lines depend on where the history begins.
    progress : callable, optional
        Told what is being done.
    read_before : sequence of str
        Files and connections that its code has read already, in words.
    modes
        Arguments of ``cerebro.run``, such as ``runonce=False``.

    Raises
    ------
    StrategyError
        If the Cerebro has been run, optimises, has no feed or a live one, or cannot be
        copied.
    DataError
        If bars are not in the order of their dates, or a frame is no table.
    SpecError
        If an argument is impossible.
    RotationError
        If a strategy of this package's parts cannot run at all.

    See:
      - ``docs/audit.md``
    """
    if probes is not None:
        check_whole("audit", "probes", probes, least=1, most=10_000)
    check_flag("audit", "warmup", warmup)
    if progress is not None:
        check_call("audit", "progress", progress)
    if progress is not None:
        progress("running twice")
    if frames is None:
        scene: Made | Recorded = Recorded(cerebro)
    else:
        check_kind("audit", "frames", frames, Mapping, "a dict of name -> DataFrame")
        if isinstance(cerebro, bt.Cerebro):
            valid = "a function that takes the frames and returns a Cerebro"
            raise SpecError("audit", "cerebro", cerebro, valid)
        check_call("audit", "cerebro", cerebro)
        scene = Made(cerebro, frames)
    runs = Runs(scene, modes)
    runs.inputs[:0] = read_before
    return _audited(runs, probes, warmup, progress or (lambda _: None))


def _audited(
    runs: Runs,
    probes: int | None,
    warmup: bool,
    progress: Callable[[str], None],
) -> AuditReport:
    docket = Docket()
    runs = _comparable(runs, docket)
    chosen: list[Probe] = []
    usable = 0
    if runs.base.failure is None and _is_repeatable(runs, docket):
        look_at_dates(runs, docket)
        look_at_cheats(runs, docket)
        progress("hiding each bar until its session")
        look_blind(runs, docket)
        count = runs.usual_probes() if probes is None else probes
        chosen = choose(runs.base, runs.feeds, count, runs.tables)
        for probe in chosen:
            progress(f"session {label(probe.at)} ({probe.reason})")
            usable += look_at_session(runs, docket, probe)
        if not usable:
            docket.reasons.append("there is no session that a future could follow")
        look_at_silence(runs, docket)
        look_at_inputs(runs, docket)
    measured: tuple[Any, ...] = ()
    if warmup and runs.base.failure is None:
        progress("measuring the warm-up")
        measured = measure_warmup(runs.base, runs.run)
    ends = [] if docket.findings else docket.ends
    return AuditReport(
        name=runs.base.lines[0].name if runs.base.lines else "The strategy",
        findings=tuple(docket.findings.values()),
        reasons=tuple(docket.reasons),
        notes=tuple(dict.fromkeys([*docket.notes, *ends])),
        sessions=tuple(f"{label(probe.at)} ({probe.reason})" for probe in chosen),
        controls=tuple(dict.fromkeys(docket.controls)),
        coverage=_coverage(runs, chosen, usable),
        warmup=measured,
    )


def _comparable(runs: Runs, docket: Docket) -> Runs:
    """Return the runs to compare; in Backtrader's default mode if theirs says nothing.

    What reads a bar that is not loaded yet fails in the other modes, or waits for ever.
    """
    failure = runs.base.failure
    if failure is None and (runs.is_default_mode or _orders(runs)):
        return runs
    if failure is not None and isinstance(failure.error, LookaheadError):
        docket.add(
            Finding(
                kind="failure",
                what="the strategy",
                session=label(failure.at),
                said=failure.text,
                place=failure.place,
            )
        )
        return runs
    if failure is not None and isinstance(failure.error, RotationError):
        raise failure.error
    other = Runs(runs.scene, runs.modes | dict(MODES))
    says_more = other.base.failure is None and (failure is not None or _orders(other))
    if failure is not None:
        where = f" at {failure.place}" if failure.place else ""
        docket.reasons.append(f"it fails: {failure.text}{where}")
    elif says_more:
        docket.reasons.append("it orders nothing in this mode")
    if not says_more:
        return runs
    docket.notes.append(
        "it was looked at in Backtrader's default mode, which loads bars before the "
        "run: there it does more"
    )
    other.inputs[:0] = runs.inputs
    return other


def _orders(runs: Runs) -> bool:
    return any(act.kind in ("buy", "sell") for act in runs.base.acts)


def _is_repeatable(runs: Runs, docket: Docket) -> bool:
    apart = runs.again()
    if not apart:
        docket.controls.append("two runs agree")
        return True
    first = apart[0]
    docket.reasons.append(
        "two runs on the same bars differ, so it depends on something else (a clock, a "
        "generator without a seed, what an earlier run left behind): "
        f"{first.name}, session {label(first.at)}, {first.before} or {first.after}"
    )
    return False


def _coverage(runs: Runs, chosen: list[Probe], usable: int) -> str:
    sessions = all_sessions(runs.base)
    orders = ordering_sessions(runs.base, sessions)
    both = len({probe.at for probe in chosen}.intersection(orders))
    lines = sum(len(part.channels) for part in runs.base.lines)
    return (
        f"{usable:,} of {len(sessions):,} sessions, {both:,} of the {len(orders):,} in "
        f"which it ordered; {lines:,} lines, {len(runs.base.acts):,} orders and answers"
    )
