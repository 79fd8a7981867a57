"""What a recurrent network reads: features of bars, inputs beside them, and context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_flag
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting.beside import ContextRule, InputRule
from bt_lstm_rotation.forecasting.features import (
    Feature,
    check_features,
    features_of,
    mirror,
    warmup,
)

__all__ = ["OWNER", "ReadingSettings"]

# The name under which users know them.
OWNER = "ForecastSpec"


@dataclass(frozen=True, kw_only=True)
class ReadingSettings:
    """The part of `RecurrentSettings` that says what is read; it has the parameters."""

    features: tuple[str, ...] = ("relative_return", "volume")
    mirrored: bool = True
    own_features: tuple[Feature, ...] = field(
        default=(), repr=False, metadata={"derived": True}
    )
    inputs: tuple[InputRule, ...] = field(default=(), metadata={"derived": True})
    context: tuple[ContextRule, ...] = field(default=(), metadata={"derived": True})

    def _check_reading(self) -> None:
        check_flag(OWNER, "mirrored", self.mirrored)
        given = self.own_features
        if not isinstance(given, tuple) or not all(
            isinstance(feature, Feature) for feature in given
        ):
            raise SpecError(OWNER, "own_features", given, "a tuple of Feature(...)")
        features, own = check_features(OWNER, self.features, given)
        object.__setattr__(self, "features", features)
        object.__setattr__(self, "own_features", own)
        for name, kind in (("inputs", InputRule), ("context", ContextRule)):
            rules = getattr(self, name)
            if not isinstance(rules, tuple) or not all(
                isinstance(rule, kind) for rule in rules
            ):
                raise SpecError(OWNER, name, rules, f"a tuple of {kind.__name__}(...)")
        names = [*features, *self.extra]
        twice = [name for name in self.extra if names.count(name) > 1]
        if twice:
            valid = "a name of its own, beside those of features, inputs and context"
            raise SpecError(OWNER, "inputs and context", twice[0], valid)
        if self.mirrored and (self.signs > 0).all():
            valid = f"False, as none of the features {features} changes its sign"
            raise SpecError(OWNER, "mirrored", True, valid)

    def reading(
        self, inputs: Sequence[InputRule] = (), context: Sequence[ContextRule] = ()
    ) -> Self:
        """Return the spec of a network that also reads rows beside the bars."""
        return replace(self, inputs=tuple(inputs), context=tuple(context))

    @property
    def feature_columns(self) -> tuple[Feature, ...]:
        """The features that the network reads, in order."""
        return features_of(self.features, self.own_features)

    @property
    def extra(self) -> tuple[str, ...]:
        """Names of the rows that are read beside the bars, in their order."""
        given = [rule.name for rule in self.inputs]
        return *given, *(rule.name for rule in self.context)

    @property
    def signs(self) -> NDArray[np.float64]:
        """Signs of what is read of each bar that exchange rises and falls.

        (n_columns,): of the features, the inputs, and whether inputs were missing.
        """
        given = [-1.0 if rule.odd else 1.0 for rule in self.inputs]
        absent = [1.0 for rule in self.inputs if rule.missing == "zero"]
        return np.concatenate([mirror(self.feature_columns), given, absent])

    @property
    def skipped(self) -> int:
        """Bars at the beginning of a window that features reach back."""
        # A return of a series that is context reaches back one.
        return max(warmup(self.feature_columns), int(bool(self.context)))
