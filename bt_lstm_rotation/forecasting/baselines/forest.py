"""Boosted trees as plain arrays, which need no library to be walked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Forest"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees as arrays over all their nodes, one tree after the other.

    Parameters
    ----------
    base : float
        What is forecast without a tree.
    roots : (n_trees,) int64
        The first node of each.
    feature : (n_nodes,) int64
        Which input a node asks for.
    threshold : (n_nodes,) float64
        Up to which it goes to the left.
    left, right : (n_nodes,) int64
        The node that comes next; a leaf's own.
    value : (n_nodes,) float64
        What a leaf adds.
    """

    base: float
    roots: Whole
    feature: Whole
    threshold: Array
    left: Whole
    right: Whole
    value: Array

    @classmethod
    def of(cls, boosted: Any) -> Forest:
        """Take the trees out of a fitted HistGradientBoostingRegressor."""
        trees = [trees[0].nodes for trees in boosted._predictors]
        nodes = np.concatenate(trees)
        sizes = [len(tree) for tree in trees]
        roots = np.cumsum([0, *sizes[:-1]])
        first, own = np.repeat(roots, sizes), np.arange(len(nodes))
        leaf = nodes["is_leaf"].astype(bool)
        return cls(
            base=float(np.ravel(boosted._baseline_prediction)[0]),
            roots=roots.astype(np.int64),
            feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
            threshold=np.where(leaf, 0.0, nodes["num_threshold"]),
            left=np.where(leaf, own, first + nodes["left"]).astype(np.int64),
            right=np.where(leaf, own, first + nodes["right"]).astype(np.int64),
            value=np.where(leaf, nodes["value"], 0.0),
        )

    def check(self, n_inputs: int) -> None:
        """Raise ValueError unless every walk ends, and asks for inputs there are."""
        size = len(self.feature)
        own = np.arange(size)
        for name, least, most in (
            ("roots", 0, size - 1),
            ("feature", 0, n_inputs - 1),
            # Only forward, so that it comes to an end.
            ("left", own, size - 1),
            ("right", own, size - 1),
        ):
            values = getattr(self, name)
            if not ((values >= least) & (values <= most)).all():
                raise ValueError(f"{name} lead out of the trees")

    def predict(self, inputs: Array) -> Array:
        """Add up the trees' values at inputs of (n, n_inputs), tree after tree."""
        node = np.repeat(self.roots[None], len(inputs), axis=0)
        rows = np.arange(len(inputs))[:, None]
        while True:
            lower = inputs[rows, self.feature[node]] <= self.threshold[node]
            moved = np.where(lower, self.left[node], self.right[node])
            if (moved == node).all():
                break
            node = moved
        total = np.full(len(inputs), self.base)
        for tree in range(node.shape[1]):
            total = total + self.value[node[:, tree]]
        return total
