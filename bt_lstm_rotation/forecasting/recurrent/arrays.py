"""Trained parts of a model as a few plain arrays, and back to the last bit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.filters.bank import FilterBank
from bt_lstm_rotation.forecasting.recurrent.context import ContextBranch
from bt_lstm_rotation.forecasting.recurrent.filtered import FilterBranch
from bt_lstm_rotation.forecasting.recurrent.network import Network, weight_shapes
from bt_lstm_rotation.forecasting.recurrent.part import Part, Scaler
from bt_lstm_rotation.forecasting.recurrent.settings import RecurrentSettings

__all__ = ["parts_from_arrays", "parts_to_arrays", "plain_array"]

Array = NDArray[np.float64]


def parts_to_arrays(
    spec: RecurrentSettings, parts: Sequence[Part]
) -> dict[str, NDArray[Any]]:
    """Turn parts into a few arrays, which are quicker to read than many.

    Returns
    -------
    dict
        ``scalers``, (n_parts, 2 * n_columns + 3) float64, and ``weights``, (n_parts,
        n_members, n_weights) float32. With filters also ``filters``, (n_parts,
        n_numbers) float64; with context ``context_weights``, and ``context_heads``,
        (n_parts, n_members, n) float64.
    """
    arrays = {
        "scalers": np.array([_joined(vars(p.scaler).values()) for p in parts]),
        "weights": np.array(
            [[_joined(n.keras_weights()) for n in p.networks] for p in parts]
        ),
    }
    if spec.context:
        branches = [part.context for part in parts]
        arrays["context_weights"] = np.array(
            [[_joined(b.network.keras_weights()) for b in each] for each in branches]
        )
        arrays["context_heads"] = np.array(
            [[_joined(b.solution) for b in each] for each in branches]
        )
    banks = [part.filters.bank for part in parts if part.filters is not None]
    if banks:
        arrays["filters"] = np.array([bank.to_array() for bank in banks])
    return arrays


def parts_from_arrays(
    spec: RecurrentSettings, n_symbols: int, arrays: Mapping[str, NDArray[Any]]
) -> tuple[Part, ...]:
    """Turn arrays back into the parts they were.

    Raises ValueError if they are not those of such a model of so many symbols.
    """
    count, n_parts = len(spec.signs), 1 if spec.pooled else n_symbols
    scalers = plain_array(arrays, "scalers", np.float64, (n_parts, 2 * count + 3))
    networks = _networks(spec, arrays, "weights", count, n_parts)
    branches: list[tuple[ContextBranch, ...]] = [()] * n_parts
    if spec.context:
        branches = _branches(spec, arrays, n_parts, n_symbols // n_parts)
    banks: list[FilterBank | None] = [None] * n_parts
    if spec.filtered_column is not None:
        telling = int((spec.signs > 0).sum())
        shape = n_parts, FilterBank.size(telling)
        kept = plain_array(arrays, "filters", np.float64, shape)
        banks = [FilterBank.from_array(one) for one in kept]
    parts = []
    whole = zip(scalers, networks, branches, banks, strict=True)
    for scaler, members, context, bank in whole:
        mean, scale, rest = np.split(scaler, [count, 2 * count])
        learned = Scaler(mean, scale, *(float(value) for value in rest))
        filters = None
        if bank is not None:
            filters = FilterBranch(bank, spec, learned.target_scale)
        parts.append(Part(members, learned, context, filters))
    return tuple(parts)


def _networks(
    spec: RecurrentSettings,
    arrays: Mapping[str, NDArray[Any]],
    name: str,
    count: int,
    n_parts: int,
) -> list[tuple[Network, ...]]:
    """Turn an array back into each part's networks, of so many columns."""
    shapes = weight_shapes(spec.cell, count, [spec.units] * spec.layers)
    *ends, total = np.cumsum([np.prod(shape) for shape in shapes]).tolist()
    parts = plain_array(arrays, name, np.float32, (n_parts, spec.members, total))

    def network(flat: NDArray[np.float32]) -> Network:
        pieces = zip(np.split(flat, ends), shapes, strict=True)
        weights = [piece.reshape(shape) for piece, shape in pieces]
        return Network.from_keras(weights, spec.cell)

    return [tuple(network(flat) for flat in members) for members in parts]


def _branches(
    spec: RecurrentSettings,
    arrays: Mapping[str, NDArray[Any]],
    n_parts: int,
    n_symbols: int,
) -> list[tuple[ContextBranch, ...]]:
    """Turn arrays back into each part's branches over context."""
    count, units = len(spec.context), spec.units
    networks = _networks(spec, arrays, "context_weights", count, n_parts)
    whole = (n_parts, spec.members, 2 * count + (1 + n_symbols) * units)
    solved = plain_array(arrays, "context_heads", np.float64, whole)
    ends = [count, 2 * count, 2 * count + units]

    def branch(network: Network, flat: Array) -> ContextBranch:
        mean, scale, centre, heads = np.split(flat, ends)
        return ContextBranch(network, mean, scale, centre, heads.reshape(-1, units))

    return [
        tuple(branch(*pair) for pair in zip(members, flats, strict=True))
        for members, flats in zip(networks, solved, strict=True)
    ]


def plain_array(
    arrays: Mapping[str, NDArray[Any]],
    name: str,
    dtype: type[np.floating[Any]],
    shape: tuple[int | None, ...],
) -> NDArray[Any]:
    """Return one of some arrays; ValueError unless it has this type and shape.

    A length of None may be any above 0. Numbers are finite.
    """
    array = arrays.get(name)
    if array is None:
        raise ValueError(f"no {name} among {', '.join(arrays) or 'no arrays'}")
    fits = array.ndim == len(shape) and all(
        wanted in (None, there)
        for wanted, there in zip(shape, array.shape, strict=True)
    )
    if array.dtype != dtype or not fits or not array.size:
        what = f"{array.dtype} of shape {array.shape}"
        raise ValueError(f"{name} are {what}, not {np.dtype(dtype)} of {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} are not finite")
    return array


def _joined(arrays: Iterable[Any]) -> NDArray[Any]:
    return np.concatenate([np.ravel(array) for array in arrays])
