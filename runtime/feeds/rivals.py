"""Values at which a reader of an input changes its answer, element by element.

A tensor of thresholds is met where each element equals its own; a quantiser's scale shows just
beside the limits between its codes, and best at the codes that are furthest from 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
from onnx import numpy_helper

from ...graph import OcostError, Tensor
from ...graph.shapes import Shapes
from .roles import Use, uses

Array = npt.NDArray[Any]

_COMPARING = frozenset({"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"})
_LARGEST = 1 << 16  # elements of a tensor of thresholds
_CODES = 8  # bits of codes; wider ones are as fine as what rounding moves
_TREES = frozenset({"TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor"})
_MOST = 256  # thresholds of a feature
_BITS = 4  # columns that get every combination of at and beyond, in sixteen rows
_FURTHER = 1e-3  # of a threshold
_BESIDE = 0.02  # of a step: more than rounding moves, less than a scale that is 1e-3 off


@dataclass(frozen=True)
class Rival:
    """What elements of an input are compared with.

    Parameters
    ----------
    values
        The thresholds; of a quantiser the limits between its codes, in steps from 0.
    steps
        The quantiser's scales, one or as many as an axis has; none of thresholds.
    axis
        Along which there are many.
    """

    values: Array
    steps: Array | None = None
    axis: int = 0

    def contents(self, shape: Sequence[int], turn: int) -> Array:
        """At the thresholds, some just beyond by turns; beside the limits, on this side or that."""
        if self.steps is None:
            made = _spread(self.values, shape)
            return np.asarray(made + _FURTHER * np.abs(made) * _beyond(shape, turn))
        beside = _BESIDE if turn % 2 else -_BESIDE
        codes = _spread(self.values + beside * np.sign(self.values), shape)
        if -len(shape) <= self.axis < len(shape) and shape[self.axis] == self.steps.size:
            return np.moveaxis(np.moveaxis(codes, self.axis, -1) * self.steps, -1, self.axis)
        return np.asarray(codes * self.steps[0])


def _beyond(shape: Sequence[int], turn: int) -> Array:
    """Zeros and ones: rows count in binary, so that neighbours come in every combination."""
    columns = shape[-1] if shape else 1
    places = np.arange(int(np.prod(shape, dtype=np.int64)))
    rows, column = places // max(columns, 1), places % max(columns, 1)
    count = rows + turn * (len(places) // max(columns, 1))
    return (count >> column % _BITS & 1).reshape(tuple(shape))


def _spread(values: Array, shape: Sequence[int]) -> Array:
    """Values in a shape: broadcast where they fit, else over and over."""
    try:
        return np.broadcast_to(values, shape).copy()
    except ValueError:
        return np.resize(values, int(np.prod(shape, dtype=np.int64))).reshape(tuple(shape))


def rivals(shapes: Shapes, name: str) -> tuple[Rival, ...]:
    """What an input's elements are compared with, as far as constants tell it."""
    found: list[Rival] = []
    for use in uses(shapes, name):
        try:
            found += _of(use)
        except OcostError:  # a constant's data are not there
            continue
    return tuple(found)


def _of(use: Use) -> Iterator[Rival]:
    node, slot = use.node, use.slot
    if node.op_type in _COMPARING:
        other = _constant(use, 1 - slot)
        if other is not None and 1 < other.size <= _LARGEST:
            yield Rival(other.data().astype(np.float64))
    elif node.op_type in _TREES:
        yield from _of_trees(use)
    elif node.op_type == "QuantizeLinear" and slot == 0:
        scale, zero = _constant(use, 1), _constant(use, 2)
        if scale is None or not scale.size:
            return
        codes = np.dtype(np.uint8) if zero is None else zero.data().dtype
        limits = ml_dtypes.iinfo(codes) if codes.kind in "iuV" else None  # type: ignore[no-untyped-call] # it has no types
        if limits is None or limits.bits > _CODES:
            return
        steps = scale.data().astype(np.float64).reshape(-1)
        origin = 0.0 if zero is None else float(zero.data().reshape(-1)[0])
        between = np.arange(int(limits.min), int(limits.max)) + 0.5 - origin
        furthest = between[np.argsort(-np.abs(between), kind="stable")]
        yield Rival(furthest, steps, node.int("axis", 1))


def _of_trees(use: Use) -> Iterator[Rival]:
    """Rows in which each feature is at one of its thresholds."""
    attributes = use.node.attributes
    features = attributes["nodes_featureids"].ints if "nodes_featureids" in attributes else ()
    values: Sequence[float] = ()
    for name in ("nodes_values", "nodes_values_as_tensor", "nodes_splits"):
        if name in attributes:
            held = attributes[name]
            values = held.floats or numpy_helper.to_array(held.t).astype(np.float64).tolist()
    found: dict[int, dict[float, None]] = {}
    modes = attributes["nodes_modes"].strings if "nodes_modes" in attributes else ()
    for feature, value, mode in zip_longest(features, values, modes):
        if mode != b"LEAF" and feature is not None and value is not None:
            found.setdefault(feature, {})[value] = None
    width = use.dim(0, -1) or max(found, default=-1) + 1
    if not found or width > _LARGEST:
        return
    rows = min(max(map(len, found.values())), _MOST)
    columns = [np.resize([*found.get(feature, {0.0: None})], rows) for feature in range(width)]
    yield Rival(np.stack(columns, 1).astype(np.float64))


def _constant(use: Use, slot: int) -> Tensor | None:
    name = use.node.inputs[slot] if slot < len(use.node.inputs) else ""
    return use.scope.graph.constant(name) if name else None
