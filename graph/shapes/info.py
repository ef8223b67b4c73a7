"""What is known of a tensor before the run, and the register of shape rules.

onnx's own inference knows the standard operators. A rule here is for what it doesn't know:
operators of other domains, and data-dependent dims, which take their upper bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import IntEnum
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from onnx import TypeProto

from ..node import Node

Array = npt.NDArray[np.generic]


class Quality(IntEnum):
    """How a shape is known; what is computed from several is as good as the worst of them."""

    EXACT = 0
    ASSUMED = 1  # rests on a symbolic dim that was left open, or on an assumed trip count
    BOUND = 2  # depends on data: the operator's upper bound


class Info(NamedTuple):  # several are made for every tensor: a tuple is made fastest
    """What is known of one tensor.

    Parameters
    ----------
    dtype
        ONNX ``TensorProto.DataType``; UNDEFINED for sequences, optionals and maps.
    shape
        Dims, None for one that can't be resolved; None where not even the rank is known.
    quality
        How the shape is known.
    value
        The contents, where they are small and known before the run (shape arithmetic).
    constant
        Computed from constants alone, so it is the same in every run.
    reason
        Why a dim could not be resolved, and what the user could give; "" if all are known.
    type
        The full type of what is not a tensor (a sequence, an optional, a map).
    """

    dtype: int
    shape: tuple[int | None, ...] | None
    quality: Quality = Quality.EXACT
    value: Array | None = None
    constant: bool = False
    reason: str = ""
    type: TypeProto | None = None

    @property
    def resolved(self) -> tuple[int, ...] | None:
        """The shape if every dim is known, else None."""
        if self.shape is None or None in self.shape:
            return None
        return self.shape  # type: ignore[return-value] # no None is left

    @property
    def size(self) -> int | None:
        """Number of elements if the shape is resolved."""
        resolved = self.resolved
        return None if resolved is None else math.prod(resolved)

    @property
    def key(self) -> Hashable:
        """Equal for two tensors of which the same is known."""
        value = self.value
        contents = None if value is None else (value.dtype.str, value.shape, value.tobytes())
        kind = None if self.type is None else self.type.SerializeToString(deterministic=True)
        return self._replace(value=None, type=None), contents, kind


class ShapeCall(NamedTuple):
    """A node and what is known of its inputs; an omitted optional one is None."""

    node: Node
    inputs: Sequence[Info | None]
    opset: int = 1

    def input(self, slot: int) -> Info:
        """An input that the operator requires."""
        found = self.get(slot)
        if found is None:
            raise Unresolved(f"{self.node.op_type} lacks its input {slot}")
        return found

    def get(self, slot: int) -> Info | None:
        """An optional input, None if left out."""
        return self.inputs[slot] if slot < len(self.inputs) else None

    def shape(self, slot: int) -> tuple[int, ...]:
        """The resolved shape of an input.

        Raises
        ------
        Unresolved
            If a dim of it is not known.
        """
        info = self.input(slot)
        if info.resolved is None:
            raise Unresolved(info.reason or f"the shape of '{self.node.inputs[slot]}' is not known")
        return info.resolved

    def value(self, slot: int) -> Array | None:
        """The contents of an input, where known before the run."""
        info = self.get(slot)
        return None if info is None else info.value


class Unresolved(Exception):  # noqa: N818 - an answer, not a failure
    """Raised by a shape rule that can't tell; its text becomes the reason in the report."""


ShapeRule = Callable[[ShapeCall], Sequence[Info | None]]

_RULES: dict[tuple[str, str], ShapeRule] = {}


def shape_rule(*op_types: str, domain: str = "") -> Callable[[ShapeRule], ShapeRule]:
    """Register a function as the shape rule of these operators.

    The rule answers one Info an output (trailing optional ones may be left out; None for one
    that is not asked for). It states ``quality=Quality.BOUND`` where it answers an upper bound;
    the engine merges in the inputs' quality, so a rule needs not. A rule may answer ``value``.

    Raises
    ------
    ValueError
        If an operator has one already.
    """

    def register(function: ShapeRule) -> ShapeRule:
        for op_type in op_types:
            key = (domain, op_type)
            if key in _RULES:
                raise ValueError(f"{domain or 'ai.onnx'}::{op_type} has a shape rule already")
            _RULES[key] = function
        return function

    return register


@cache
def shape_rules() -> Mapping[tuple[str, str], ShapeRule]:
    """All registered shape rules by (domain, operator), their files imported."""
    from . import rules  # noqa: F401, PLC0415 - registers on import

    return _RULES
