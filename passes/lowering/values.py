"""What is known of a tensor of the working graph: its type, and what a constant holds."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy.typing as npt

from ...graph.dtypes import UNDEFINED
from ...graph.errors import DataError
from ...graph.tensor import Tensor

Array = npt.NDArray[Any]
Dim = int | str | None
Dims = tuple[Dim, ...]
_SMALL = 4096  # elements of a constant that a condition may look at


class Type(NamedTuple):
    """A tensor's element type and dims: a number, a symbol, or None where it is open."""

    dtype: int
    dims: Dims | None


UNKNOWN = Type(UNDEFINED, None)


class Constant(NamedTuple):
    """A constant: a type, and its contents where they are at hand."""

    dtype: int
    shape: tuple[int, ...]
    tensor: Tensor | None = None
    array: Array | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    def value(self) -> Array | None:
        """The contents of a small one, None of others."""
        if self.array is not None:
            return self.array
        if self.tensor is None or self.size > _SMALL or self.tensor.absent:
            return None
        try:
            return self.tensor.data()
        except DataError:  # a constant of which only the shape is there
            return None

    def small(self) -> Array | None:
        """The contents of one that a condition may come to ask for, wherever it is moved."""
        return self.value() if self.size <= _FEW else None


_FEW = 64
