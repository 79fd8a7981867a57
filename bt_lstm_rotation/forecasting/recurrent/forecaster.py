"""A recurrent network as a forecaster: scale, cut into sequences, train, forecast.

Everything learned from data, the scaler included, is learned inside the window of the
fit. Every bar of a sequence has a target, the return over the horizon that follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting.features import deviation, forward_return
from bt_lstm_rotation.forecasting.features.scaling import scale_of, unless_constant
from bt_lstm_rotation.forecasting.forecaster import Fit, Model
from bt_lstm_rotation.forecasting.recurrent import backend
from bt_lstm_rotation.forecasting.recurrent.columns import (
    context_columns,
    own_columns,
)
from bt_lstm_rotation.forecasting.recurrent.context import ContextBranch
from bt_lstm_rotation.forecasting.recurrent.course import (
    curves_from_arrays,
    curves_to_arrays,
    joined,
)
from bt_lstm_rotation.forecasting.recurrent.filtered import FilterBranch
from bt_lstm_rotation.forecasting.recurrent.head import (
    jointly_solved,
    solved_head,
    solved_heads,
)
from bt_lstm_rotation.forecasting.recurrent.memory import lack_of_memory, room_for
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.recurrent.network import Network
from bt_lstm_rotation.forecasting.recurrent.optimisation import Course
from bt_lstm_rotation.forecasting.recurrent.part import Part, Scaler, read_by_head
from bt_lstm_rotation.forecasting.recurrent.series import Series
from bt_lstm_rotation.forecasting.recurrent.settings import RecurrentSettings
from bt_lstm_rotation.forecasting.recurrent.start import with_memory
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import EPOCH

__all__ = ["RecurrentForecaster"]

Array = NDArray[np.float64]

# Beside the numbers of members: the branches over context draw from streams of theirs.
CONTEXT: Final = 1_000


@dataclass(frozen=True)
class RecurrentForecaster:
    """Trains what `RecurrentSettings` describe, from the weights of `warm` if given."""

    spec: RecurrentSettings
    warm: RecurrentModel | None = None

    def prepare(self) -> None:
        """Import TensorFlow, and trace the function that fits, if steps are taken."""
        if not self.spec.step_count or lack_of_memory(self.spec, 1):
            return  # no fit will come to that
        backend.prepare(self.spec.cell, self.spec.layers, self._optimiser())

    def starting_from(self, model: Model) -> RecurrentForecaster:
        """Return a forecaster that begins at the weights of a model of its own."""
        warm = model if isinstance(model, RecurrentModel) else None
        return replace(self, warm=warm)

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        """Train on a window of (n_symbols, fit_bars)."""
        spec = self.spec
        if lack := lack_of_memory(spec, len(window.symbols)):
            return Fit(None, problem=lack)
        with room_for(spec, len(window.symbols)):
            return self._fit(window, session)

    def _fit(self, window: Window, session: np.datetime64) -> Fit:
        spec = self.spec
        size, skip = spec.train_size, spec.skipped
        columns = own_columns(spec, window)
        features = columns[:, :size]
        context = context_columns(spec, window)[:, :size] if spec.context else None
        returns = forward_return(window, spec.horizon)[:, skip:]
        targets = returns
        if spec.target == "relative":
            targets = deviation(returns, window.dates[:, skip : skip + size])
        parts, courses = [], []
        groups = [slice(None)] if spec.pooled else _one_by_one(len(window.symbols))
        for rows in groups:
            level = 0.0
            if spec.target == "relative":
                level = float(returns[rows, : spec.trained].mean())
            scaler = _scaler(
                features[rows, : spec.trained], targets[rows, : spec.trained], level
            )
            filters, inputs = None, scaler.inputs(columns[rows])
            data = self._series(scaler, inputs[:, :size], targets[rows])
            if spec.filtered_column is not None:
                filters, expected = FilterBranch.fitted(
                    spec, scaler.target_scale, columns[rows], inputs
                )
                data = replace(data, targets=data.targets - expected)
            warm = self._warm_networks(window.symbols[rows])
            networks, branches = [], []
            for member in range(spec.members):
                network, course = self._train(data, session, member, warm)
                if context is not None:
                    seen, rng = context[rows], self._rng(session, member, CONTEXT)
                    branch = ContextBranch.drawn(spec, rng, seen)
                    network, branch = self._with_context(network, branch, data, seen)
                    branches.append(branch)
                networks.append(network)
                courses.append(course)
            parts.append(Part(tuple(networks), scaler, tuple(branches), filters))
        curves = joined(courses, spec.clip_norm)
        finite = all(np.isfinite(course.losses).all() for course in courses)
        made = [network for part in parts for network in part.networks]
        if not finite or not all(map(_is_finite, made)):
            return Fit(None, problem="the loss is not finite", **curves)
        model = RecurrentModel(spec, window.symbols, tuple(parts))
        return Fit(model, **curves)

    def to_arrays(self, fit: Fit) -> dict[str, NDArray[Any]]:
        """Turn a fit into arrays; SpecError if its model is not of this kind."""
        if not isinstance(fit.model, RecurrentModel):
            raise SpecError("RecurrentForecaster", "fit", fit, "one with its own model")
        return {**fit.model.to_arrays(), **curves_to_arrays(fit)}

    def from_arrays(
        self, symbols: tuple[str, ...], arrays: Mapping[str, NDArray[Any]]
    ) -> Fit:
        """Turn arrays back into the fit they were.

        Raises ValueError if they are not those of such a fit.
        """
        model = RecurrentModel.from_arrays(self.spec, symbols, arrays)
        return Fit(model, **curves_from_arrays(arrays))

    def _series(
        self, scaler: Scaler, inputs: NDArray[np.float32], targets: Array
    ) -> Series:
        spec = self.spec
        scaled = (targets - scaler.target_mean) / scaler.target_scale
        age = np.arange(spec.trained - 1, -1, -1)
        decay = 1.0 if spec.half_life is None else 0.5 ** (age / spec.half_life)
        weights = np.zeros_like(targets)
        weights[:, : spec.trained] = decay
        held_out = np.zeros_like(targets)
        held_out[:, spec.train_size - spec.held_out :] = 1.0
        return Series(inputs, scaled, weights, held_out)

    def _warm_networks(self, symbols: tuple[str, ...]) -> tuple[Network, ...]:
        if self.warm is None:
            return ()
        if self.spec.pooled:
            return self.warm.parts[0].networks
        if symbols[0] not in self.warm.symbols:
            return ()
        return self.warm.parts[self.warm.symbols.index(symbols[0])].networks

    def _train(
        self,
        data: Series,
        session: np.datetime64,
        member: int,
        warm: tuple[Network, ...],
    ) -> tuple[Network, Course]:
        spec = self.spec
        rng = self._rng(session, *([member] if member else []))
        network = self._begun(rng)
        first, second = (int(word) for word in rng.integers(0, 2**30, size=2))
        network = warm[member] if warm else network
        if spec.initial_weights == "memory":
            network, loss = self._solved(network, data, data.weights)
        if not spec.step_count:
            return network, Course(np.array([loss]), np.zeros(0), np.zeros(0))
        network, course = backend.train_watched(
            network, data.cut(spec.lookback), self._optimiser(), (first, second)
        )
        if spec.initial_weights == "memory" and _is_finite(network):
            # What was held out to stop counts as well, now that it has been decided.
            everything = np.where(data.held_out > 0, 1.0, data.weights)
            network, _ = self._solved(network, data, everything)
        return network, course

    def begun(self, session: np.datetime64, member: int = 0) -> Network:
        """Return a network as it is before it is fitted; its head is zero."""
        return self._begun(self._rng(session, *([member] if member else [])))

    def _rng(self, session: np.datetime64, *stream: int) -> np.random.Generator:
        # From the year 1 on, so that the day of any session is a seed above 0.
        day = EPOCH + int(session.astype("datetime64[D]").astype(np.int64))
        return np.random.default_rng([self.spec.seed, day, *stream])

    def _with_context(
        self, network: Network, branch: ContextBranch, data: Series, columns: Array
    ) -> tuple[Network, ContextBranch]:
        """Solve for the heads of both together, or for what a trained one leaves."""
        spec, weights = self.spec, data.weights
        own = read_by_head(network, data.inputs, self._signs()).astype(np.float64)
        shared = branch.states(columns)
        if spec.initial_weights == "memory":
            head, offset, heads, centre = jointly_solved(
                own,
                shared,
                data.targets,
                weights,
                spec.horizon,
                odd=spec.mirrored,
                adaptive=spec.shrinks_adaptively,
            )
            network = _with_head(network, head, offset)
        else:
            left = data.targets - own @ network.head - float(network.offset)
            heads, centre = solved_heads(shared, left, weights, spec.horizon)
        return network, replace(branch, heads=heads, centre=centre)

    def _begun(self, rng: np.random.Generator) -> Network:
        spec = self.spec
        if spec.initial_weights == "random":
            count = len(spec.signs)
            return Network.seeded(rng, count, spec.units, spec.layers, spec.cell)
        signs = spec.signs if spec.mirrored else -np.ones(len(spec.signs))
        return with_memory(
            rng, signs, spec.units, spec.layers, spec.cell, spec.lookback
        )

    def _signs(self) -> Array | None:
        return self.spec.signs if self.spec.mirrored else None

    def _solved(
        self, network: Network, data: Series, weights: Array
    ) -> tuple[Network, float]:
        """Solve for the head; return also the loss that is left."""
        states = read_by_head(network, data.inputs, self._signs()).astype(np.float64)
        head, offset = solved_head(
            states,
            data.targets,
            weights,
            self.spec.horizon,
            odd=self.spec.mirrored,
            adaptive=self.spec.shrinks_adaptively,
        )
        error = (states @ head + offset - data.targets) ** 2
        loss = float((weights * error).sum() / weights.sum())
        return _with_head(network, head, offset), loss

    def _optimiser(self) -> backend.Optimiser:
        spec = self.spec
        return backend.Optimiser(
            steps=spec.step_count,
            learning_rate=spec.step_size,
            clip_norm=spec.clip_norm,
            dropout=spec.dropout,
            patience=spec.patience if spec.held_out else None,
        )


def _with_head(network: Network, head: Array, offset: float) -> Network:
    rounded = head.astype(np.float32)
    return replace(network, head=rounded, offset=np.array(offset, np.float32))


def _scaler(features: Array, targets: Array, level: float) -> Scaler:
    mean, scale = scale_of(features)
    target = targets.mean()
    return Scaler(
        feature_mean=mean,
        feature_scale=scale,
        target_mean=float(target),
        target_scale=float(unless_constant(targets.std(), target)),
        level=level,
    )


def _one_by_one(count: int) -> list[slice]:
    return [slice(row, row + 1) for row in range(count)]


def _is_finite(network: Network) -> bool:
    return all(np.isfinite(array).all() for array in network.keras_weights())
