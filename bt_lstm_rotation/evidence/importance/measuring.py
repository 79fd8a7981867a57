"""What the forecasts of a network lose without each thing that it reads.

Two questions, two tables. *Permuted*: what do the networks of the walk forward, as they
were trained, lose when something is replaced at forecast time by what is not its own
[1]_ [2]_? *Refitted*: what does the walk forward lose when its networks are trained
without it? Where two things say the same, a network shares their weight among them: the
first table then gives each a part, and the second nothing to either, since the other
stands in for it [3]_. Named groups hold what belongs together.

Both are of the information coefficient, session by session, so that what is common to
both forecasts cancels; the error is that of a mean over overlapping returns
(`bt_lstm_rotation.measures.inference.mean_test`).

References
----------
.. [1] L. Breiman (2001), Random forests, Machine Learning 45, section 10.
.. [2] A. Fisher, C. Rudin and F. Dominici (2019), All models are wrong, but many are
   useful, Journal of Machine Learning Research 20(177), on the reliance of a model.
.. [3] C. Strobl, A.-L. Boulesteix, T. Kneib, T. Augustin and A. Zeileis (2008),
   Conditional variable importance for random forests, BMC Bioinformatics 9:307.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bt_lstm_rotation.checks import check_date, check_flag, check_kind, check_whole
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.evidence.importance.bench import Bench
from bt_lstm_rotation.evidence.importance.findings import Importance, found
from bt_lstm_rotation.evidence.importance.groups import groups_of
from bt_lstm_rotation.evidence.importance.permuting import Draw
from bt_lstm_rotation.forecasting import ForecastSpec, Training
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside
from bt_lstm_rotation.prices import PricePanel

__all__ = ["importance"]


def importance(
    panel: PricePanel,
    spec: ForecastSpec,
    *,
    beside: Beside | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    permutations: int = 5,
    refits: bool = True,
    seed: int = 0,
    training: Training | None = None,
    announce: Callable[[str], None] | None = None,
) -> Importance:
    """Measure what each feature, input and series of context brings to a forecast.

    Parameters
    ----------
    panel, spec, beside
        As `bt_lstm_rotation.forecasting.walk_forward` takes them: the panel without the
        benchmark.
    groups : mapping of str to list of str, optional
        Names of what is also taken away together.
    start, end : date, optional
        First session that counts, and last one there is.
    permutations : int
        How many, 1 to 1,000; what is lost is the mean over them.
    refits : bool
        Whether networks are also trained without each group, which costs one walk
        forward a group.
    seed : int
        Of the permutations.
    training : Training, optional
        How fits are made.
    announce : callable, optional
        Told what is done next.

    Raises
    ------
    SpecError
        If an argument is impossible, or the spec is that of another forecaster than a
        recurrent network, whose columns cannot be permuted.
    DataError, HistoryError, FitsError
        As `walk_forward`, or if no session has three forecasts that have matured.
    """
    if not isinstance(spec, ForecastSpec):
        valid = (
            "a ForecastSpec(...), as permuting needs a network's columns; what another "
            "forecaster brings shows beside its rivals in a verdict"
        )
        raise SpecError("importance", "spec", type(spec).__name__, valid)
    for name, value, kind, valid in (
        ("panel", panel, PricePanel, "a PricePanel"),
        ("beside", beside, Beside | None, "a Beside(...), or None"),
        ("training", training, Training | None, "Training(...), or None"),
    ):
        check_kind("importance", name, value, kind, valid)
    for name, day in (("start", start), ("end", end)):
        check_date("importance", name, day)
    check_whole("importance", "permutations", permutations, least=1, most=1_000)
    check_whole("importance", "seed", seed, least=0)
    check_flag("importance", "refits", refits)
    if announce is not None and not callable(announce):
        raise SpecError("importance", "announce", announce, "callable, or None")
    bench = Bench(
        panel=panel.between(None, end),
        spec=spec,
        beside=_up_to(beside or Beside(), panel, end),
        start=None if start is None else np.datetime64(start, "D"),
        training=training or Training(),
        tell=announce or (lambda _: None),
    )
    wanted = groups_of(spec, groups)
    base, served = bench.served()
    apart = spec.forecast_bars + spec.horizon
    draws = [Draw(seed, number, apart) for number in range(permutations)]
    bench.tell("permuted")
    permuted = list(base.permuted(wanted, served, draws))
    refitted = list(bench.refitted(wanted, base)) if refits else []
    return found(bench, base, permuted, refitted, (permutations, seed))


def _up_to(beside: Beside, panel: PricePanel, end: dt.date | None) -> Beside:
    """Return inputs up to the last session; context may go further."""
    if end is None:
        return beside
    stop = len(panel.between(None, end))
    inputs = {name: np.asarray(each)[:stop] for name, each in beside.inputs.items()}
    return replace(beside, inputs=inputs)
