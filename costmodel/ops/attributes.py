"""Attributes that a formula can't do without, and the constants that lie in attributes."""

from __future__ import annotations

from math import prod

from onnx import AttributeProto

from ...graph import dtypes
from ...graph.node import Node
from ..work import Call, Unknown


def required_int(call: Call, name: str) -> int:
    """An integer attribute that has no default.

    Raises
    ------
    Unknown
        If the node lacks it.
    """
    if name not in call.node.attributes:
        raise Unknown(f"{call.node.op_type} lacks its attribute {name}")
    return call.node.int(name, 0)


def list_length(node: Node, name: str) -> int:
    """Elements of a list or tensor attribute; 0 where it is absent."""
    found = node.attributes.get(name)
    if found is None:
        return 0
    if found.type == AttributeProto.TENSOR:
        return prod(found.t.dims)
    return len(found.ints) or len(found.floats) or len(found.strings)


def list_bytes(node: Node, *names: str) -> int:
    """Bytes of list or tensor attributes: 8 an integer, 4 a float, a string as long as it is."""
    return sum(_bytes(node.attributes[name]) for name in names if name in node.attributes)


def _bytes(attribute: AttributeProto) -> int:
    if attribute.type == AttributeProto.TENSOR:
        tensor = attribute.t
        size = dtypes.nbytes(tensor.data_type, prod(tensor.dims))
        return sum(map(len, tensor.string_data)) if size is None else size
    numbers = 8 * len(attribute.ints) + 4 * len(attribute.floats)
    return numbers + sum(map(len, attribute.strings))


def share(whole: int, touched: int, entries: int) -> int:
    """Bytes of a table of so many entries of which some are touched, at most all."""
    return -(-whole * min(touched, entries) // entries) if entries else 0
