"""What the rules about QuantizeLinear and DequantizeLinear share."""

from __future__ import annotations

from math import prod

from ....graph.dtypes import INT8, UINT8
from ..node import WorkNode
from ..work import Array, Work
from .conditions import QDQ_DOMAINS

Q, DQ = "QuantizeLinear", "DequantizeLinear"
INT16, UINT16, INT32 = 5, 4, 6
EIGHT_BIT = (INT8, UINT8)
SIXTEEN_BIT = (INT16, UINT16)
_LOWEST = {INT8: -128, UINT8: 0, INT16: -32768, UINT16: 0}
_HIGHEST = {INT8: 127, UINT8: 255, INT16: 32767, UINT16: 65535}


def is_q(node: WorkNode | None) -> bool:
    """Whether it is a QuantizeLinear, of ONNX or the runtime's own."""
    return node is not None and node.op == Q and node.domain in QDQ_DOMAINS


def is_dq(node: WorkNode | None) -> bool:
    """Whether it is a DequantizeLinear, of ONNX or the runtime's own."""
    return node is not None and node.op == DQ and node.domain in QDQ_DOMAINS


def dq_of(work: Work, tensor: str) -> WorkNode | None:
    """The DequantizeLinear that makes a tensor."""
    maker = work.maker(tensor)
    return maker if is_dq(maker) else None


def point(work: Work, node: WorkNode) -> float | None:
    """The constant zero point of one element of a Q or DQ; 0 where it is left out."""
    return work.number(node.inputs[2]) if node.has_input(2) else 0.0


def per_tensor(work: Work, node: WorkNode) -> bool:
    """Whether scale and zero point are constants of one element each."""
    found = [work.constant(t) for t in node.inputs[1:] if t]
    return all(c is not None and c.size == 1 for c in found)


def quantised_type(work: Work, node: WorkNode) -> int:
    """The integer type of what a DQ reads or a Q makes."""
    return work.dtype(node.inputs[0] if node.op == DQ else node.output)


def equal_parameters(work: Work, first: WorkNode, second: WorkNode) -> bool:
    """Whether a Q and a DQ have the same constant scale, zero point and type."""
    if not (first.has_input(2) and second.has_input(2)):
        return False
    if quantised_type(work, first) != quantised_type(work, second):
        return False
    if first.inputs[1:3] == second.inputs[1:3]:
        return work.constant(first.inputs[1]) is not None
    scales = work.number(first.inputs[1]), work.number(second.inputs[1])
    points = point(work, first), point(work, second)
    known = None not in scales and None not in points
    return known and scales[0] == scales[1] and points[0] == points[1]


def scales(work: Work, node: WorkNode) -> Array | None:
    """The constant scales of a Q or DQ."""
    found = work.constant(node.inputs[1])
    if found is None or prod(found.shape) > 1 << 12:
        return None
    return found.value()


def limits(work: Work, node: WorkNode) -> tuple[float, float] | None:
    """The least and the largest number that a Q of one scale can hold."""
    dtype = quantised_type(work, node)
    scale, zero = work.number(node.inputs[1]), point(work, node)
    if scale is None or zero is None or dtype not in _LOWEST:
        return None
    return (_LOWEST[dtype] - zero) * scale, (_HIGHEST[dtype] - zero) * scale


def is_lowest(work: Work, node: WorkNode) -> bool:
    """Whether a Q's zero point is the least value of its type."""
    zero = point(work, node)
    return zero is not None and zero == _LOWEST.get(quantised_type(work, node))
