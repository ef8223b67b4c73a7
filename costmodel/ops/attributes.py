"""Attributes that a formula can't do without."""

from __future__ import annotations

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
