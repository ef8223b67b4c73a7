"""What a formula sees of a node, what it answers, and the register of formulas.

To add an operator: one function decorated with ``@formula`` in ``costmodel/ops/``, one test
with the arithmetic in a comment.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..graph.node import Node
from .kinds import KernelKind


class TensorType(NamedTuple):
    """Element type (an ONNX ``TensorProto.DataType``) and resolved shape of a tensor.

    A sequence of maps is [maps, entries of each], of an undefined type.
    """

    dtype: int
    shape: tuple[int, ...]
    entry_bytes: int | None = None  # of an element, where its type does not tell

    @property
    def size(self) -> int:
        """Number of elements; a scalar has one."""
        return math.prod(self.shape)


class Call(NamedTuple):
    """One node with the resolved types of its tensors: all that a formula may look at.

    ``inputs`` and ``outputs`` are as long as the node's; an omitted optional one is None.
    ``values`` holds the contents of small inputs that are known before the run
    (axes, sizes, trip counts), by slot. ``stored`` reads those of a larger constant.
    """

    node: Node
    inputs: Sequence[TensorType | None]
    outputs: Sequence[TensorType | None]
    opset: int = 1
    values: Mapping[int, npt.NDArray[np.generic]] = MappingProxyType({})
    stored: Callable[[int], npt.NDArray[np.generic] | None] = lambda _: None

    def holds(self, slot: int, value: float) -> bool:
        """Whether an input is a constant that is known to hold one value throughout."""
        contents = self.values[slot] if slot in self.values else self.stored(slot)
        return contents is not None and bool((contents == value).all())

    def input(self, slot: int) -> TensorType:
        """The type of an input that the operator requires."""
        found = self.inputs[slot] if slot < len(self.inputs) else None
        if found is None:
            raise Unknown(f"{self.node.op_type} lacks its input {slot}")
        return found

    def output(self, slot: int = 0) -> TensorType:
        """The type of an output that the operator requires."""
        found = self.outputs[slot] if slot < len(self.outputs) else None
        if found is None:
            raise Unknown(f"{self.node.op_type} lacks its output {slot}")
        return found

    def has_input(self, slot: int) -> bool:
        """Whether an optional input is given."""
        return slot < len(self.inputs) and self.inputs[slot] is not None

    def has_output(self, slot: int) -> bool:
        """Whether an optional output is asked for."""
        return slot < len(self.outputs) and self.outputs[slot] is not None


class Unknown(Exception):  # noqa: N818 - an answer, not a failure
    """Raised by a formula that can't tell; its text becomes the reason in the report."""


class Work(NamedTuple):
    """What one execution of an operator does.

    Parameters
    ----------
    kind
        Which row of a device's efficiency table applies.
    macs
        Multiply-accumulates of products (Conv, MatMul, ...); no bias, no elementwise.
    flops
        All arithmetic: 2 x macs + bias + elementwise.
    reads, writes
        Elements touched, by slot, where that is not the whole tensor.
    view
        Output 0 is another name for input 0: nothing moves.
    dtype
        Element type that the arithmetic runs in, where it is not that of input 0.
    attribute_bytes
        Bytes read of the constants in the node's attributes.
    """

    kind: KernelKind
    macs: int = 0
    flops: int = 0
    reads: Mapping[int, int] = MappingProxyType({})
    writes: Mapping[int, int] = MappingProxyType({})
    view: bool = False
    dtype: int | None = None
    attribute_bytes: int = 0


Formula = Callable[[Call], Work]


class CostRule(NamedTuple):
    """A registered formula.

    ``weights`` are the slots whose constants are parameters; with ``weights=None`` the operator
    is elementwise and a float constant of more than one element in any slot counts.
    ``parameters`` turns the stored elements of a weight into parameters where they are packed.
    ``attributes`` are the list or tensor attributes whose elements are parameters. With ``maps``
    the formula says what is read of an input that is a map, whose size the graph does not state.
    """

    formula: Formula
    weights: tuple[int, ...] | None
    parameters: Callable[[Call, int], int] | None = None
    attributes: tuple[str, ...] = ()
    maps: bool = False


_RULES: dict[tuple[str, str], CostRule] = {}


def formula(
    *op_types: str,
    domain: str = "",
    weights: tuple[int, ...] | None = (),
    parameters: Callable[[Call, int], int] | None = None,
    attributes: tuple[str, ...] = (),
    maps: bool = False,
) -> Callable[[Formula], Formula]:
    """Register a function as the cost formula of these operators.

    Raises
    ------
    ValueError
        If an operator has one already.
    """

    def register(function: Formula) -> Formula:
        for op_type in op_types:
            key = (domain, op_type)
            if key in _RULES:
                raise ValueError(f"{domain or 'ai.onnx'}::{op_type} has a cost formula already")
            _RULES[key] = CostRule(function, weights, parameters, attributes, maps)
        return function

    return register


@cache
def rules() -> Mapping[tuple[str, str], CostRule]:
    """All registered rules by (domain, operator), the operator files imported."""
    from . import ops  # noqa: F401, PLC0415 - registers on import

    return _RULES
