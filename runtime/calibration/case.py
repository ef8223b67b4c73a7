"""A node to be measured, and the register of who makes such nodes up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

Array = npt.NDArray[Any]
FLOAT = TensorProto.FLOAT
INT64 = TensorProto.INT64
BOOL = TensorProto.BOOL


@dataclass(frozen=True)
class Operand:
    """An input of a node.

    Parameters
    ----------
    dtype, shape
        As in ONNX.
    constant
        Whether it is a weight; else another node makes it just before.
    values
        Contents, where they decide what the node does.
    """

    dtype: int
    shape: tuple[int, ...]
    constant: bool = False
    values: Array | None = None


@dataclass(frozen=True)
class Case:
    """A node as a runtime executes it; an operand that is left out is None."""

    op_type: str
    operands: tuple[Operand | None, ...]
    domain: str = ""
    outputs: int = 1
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def elements(self) -> int:
        """Of all operands."""
        return sum(prod(o.shape) for o in self.operands if o is not None)


def activation(*shape: int, dtype: int = FLOAT) -> Operand:
    """What another node makes."""
    return Operand(dtype, shape)


def weight(*shape: int, dtype: int = FLOAT) -> Operand:
    """A constant of random contents."""
    return Operand(dtype, shape, constant=True)


def value(array: npt.ArrayLike, dtype: npt.DTypeLike = np.int64) -> Operand:
    """A constant whose contents matter: axes, sizes, indices."""
    contents = np.asarray(array, dtype=dtype)
    number = _NUMBERS[contents.dtype]
    return Operand(number, contents.shape, constant=True, values=contents)


_NUMBERS = {
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.float16): TensorProto.FLOAT16,
    np.dtype(np.float64): TensorProto.DOUBLE,
    np.dtype(np.int64): TensorProto.INT64,
    np.dtype(np.int32): TensorProto.INT32,
    np.dtype(np.uint8): TensorProto.UINT8,
    np.dtype(np.int8): TensorProto.INT8,
    np.dtype(np.bool_): TensorProto.BOOL,
}

# Makes a node up from random numbers, for a runtime of this channel block; None: try once more.
Maker = Callable[[np.random.Generator, int], Case | None]


@dataclass(frozen=True)
class Family:
    """Nodes of one sort; ``share`` is of all nodes that are measured, in any unit."""

    name: str
    share: float
    make: Maker


_FAMILIES: list[Family] = []


def cases(name: str, share: float) -> Callable[[Maker], Maker]:
    """Register who makes up nodes of a sort."""

    def register(make: Maker) -> Maker:
        _FAMILIES.append(Family(name, share, make))
        return make

    return register


@cache
def families() -> tuple[Family, ...]:
    """All sorts of nodes."""
    from . import cases as _  # noqa: F401, PLC0415 - its files register on import

    return tuple(_FAMILIES)


_TRIES = 1000


def made_up(family: Family, random: np.random.Generator, block: int) -> Case | None:
    """A node of a sort; None where the runtime has none of it."""
    found = (family.make(random, block) for _ in range(_TRIES))
    return next((case for case in found if case is not None), None)
