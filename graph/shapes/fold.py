"""Value folding: what a node answers, where its inputs' small contents are known before the run.

Exporters compute shapes in the graph (Shape -> Gather -> Concat -> Reshape); without the values
those shapes stay unknown. One function an operator, in ``folds/``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..node import Node
from .info import Array, Info, ShapeCall

# numpy's own types would refuse arithmetic on arrays of an unknown dtype
Values = npt.NDArray[Any]


class Unfoldable(Exception):  # noqa: N818 - an answer, not a failure
    """Raised by a fold function where the node's values can't be told."""


class FoldCall(NamedTuple):
    """A node, the contents of its inputs, and how many elements an output may have."""

    node: Node
    inputs: Sequence[Info | None]
    opset: int
    limit: int

    def info(self, slot: int) -> Info:
        """What is known of an input that the operator requires."""
        info = self.inputs[slot] if slot < len(self.inputs) else None
        if info is None:
            raise Unfoldable
        return info

    def value(self, slot: int) -> Values:
        """The contents of an input that the operator requires."""
        value = self.info(slot).value
        if value is None:
            raise Unfoldable
        return value

    def get(self, slot: int) -> Values | None:
        """The contents of an optional input, None if left out."""
        info = self.inputs[slot] if slot < len(self.inputs) else None
        return None if info is None else info.value

    def values(self) -> list[Values]:
        """The contents of all inputs of a variadic operator."""
        return [self.value(slot) for slot in range(len(self.inputs))]

    def integers(self, slot: int, attribute: str) -> tuple[int, ...] | None:
        """A list that was an attribute in older opsets and is an input now; None if not given."""
        given = self.get(slot)
        if given is None:
            return self.node.ints(attribute)
        return tuple(int(x) for x in given.reshape(-1))

    def room(self, *dims: int) -> None:
        """Refuse an output of this shape before it is made, if it is too large.

        Raises
        ------
        Unfoldable
            If it has more elements than the limit, or a negative dim.
        """
        if math.prod(dims) > self.limit or (dims and min(dims) < 0):
            raise Unfoldable


FoldFunction = Callable[[FoldCall], Values | list[Values]]

_FUNCTIONS: dict[str, tuple[FoldFunction, tuple[int, ...] | None]] = {}


def folds(
    *op_types: str, needs: tuple[int, ...] | None = None
) -> Callable[[FoldFunction], FoldFunction]:
    """Register a function that evaluates these operators.

    ``needs`` are the slots whose contents must be known, None for all that are given.

    Raises
    ------
    ValueError
        If an operator has one already.
    """

    def register(function: FoldFunction) -> FoldFunction:
        for op_type in op_types:
            if op_type in _FUNCTIONS:
                raise ValueError(f"{op_type} has a fold function already")
            _FUNCTIONS[op_type] = (function, needs)
        return function

    return register


@cache
def fold_functions() -> Mapping[str, tuple[FoldFunction, tuple[int, ...] | None]]:
    """All fold functions by operator, their files imported."""
    from . import folds  # noqa: F401, PLC0415 - registers on import

    return _FUNCTIONS


def fold(call: ShapeCall, limit: int) -> Sequence[Array] | None:
    """Evaluate a node of the default domain whose inputs' contents are known.

    Parameters
    ----------
    call
        The node and what is known of its inputs. Shape and Size need no contents.
    limit
        Most elements that an output may have; checked before it is made.

    Returns
    -------
    The outputs in order, their dtypes as ONNX says, or None where the operator is not foldable,
    an input is not known, an output would be too large, or the node is malformed.
    """
    if call.node.domain:
        return None
    found = fold_functions().get(call.node.op_type)
    if found is None:
        return None
    function, needs = found
    for slot, info in enumerate(call.inputs):
        if info is not None and info.value is None and (needs is None or slot in needs):
            return None
    try:
        with np.errstate(all="ignore"):
            answer = function(FoldCall(call.node, call.inputs, call.opset, limit))
    # what numpy raises on a malformed node; whoever runs the model will say so
    except (Unfoldable, ValueError, TypeError, LookupError, ArithmeticError, MemoryError):
        return None
    # numpy answers a number in place of an array without dims
    values = [np.asarray(v) for v in (answer if isinstance(answer, list) else [answer])]
    return None if any(value.size > limit for value in values) else values
