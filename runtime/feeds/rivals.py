"""Values at which a reader of an input changes its answer, element by element.

A tensor of thresholds is met where each element equals its own; a quantiser's scale shows just
beside the limits between its codes, and best at the codes that are furthest from 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from ...graph import OcostError, Tensor
from ...graph.shapes import Shapes
from .roles import Use, uses

Array = npt.NDArray[Any]

_COMPARING = frozenset({"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"})
_LARGEST = 1 << 16  # elements of a tensor of thresholds
_CODES = 8  # bits of codes; wider ones are as fine as what rounding moves
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
        """An input at the thresholds; beside the limits, on this side or beyond by turns."""
        if self.steps is None:
            return _spread(self.values, shape)
        beside = _BESIDE if turn % 2 else -_BESIDE
        codes = _spread(self.values + beside * np.sign(self.values), shape)
        if -len(shape) <= self.axis < len(shape) and shape[self.axis] == self.steps.size:
            return np.moveaxis(np.moveaxis(codes, self.axis, -1) * self.steps, -1, self.axis)
        return np.asarray(codes * self.steps[0])


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


def _constant(use: Use, slot: int) -> Tensor | None:
    name = use.node.inputs[slot] if slot < len(use.node.inputs) else ""
    return use.scope.graph.constant(name) if name else None
