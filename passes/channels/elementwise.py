"""Elementwise operators: an added channel holds what they make of the values added before."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...graph import Node
from .flow import Flow, Pad, Role, rule
from .layout import Layout

_READ = 4096  # elements of a constant that is read to know how large it is


def _leaky(node: Node) -> float:
    return max(1.0, abs(node.float("alpha", 0.01)))


# 0 stays 0: |f(x)| <= factor |x|.
_KEEP_ZERO: dict[str, Callable[[Node], float]] = {
    **dict.fromkeys(("Abs", "Celu", "Gelu", "HardSwish", "Identity", "Mish", "Neg"), lambda _: 1.0),
    **dict.fromkeys(("Relu", "Sin", "Softsign", "Tanh"), lambda _: 1.0),
    "Elu": lambda node: max(1.0, abs(node.float("alpha", 1.0))),  # |a (e^x - 1)| <= |a x|
    "Erf": lambda _: 2 / math.sqrt(math.pi),  # its slope at 0
    "LeakyRelu": _leaky,
    "Selu": lambda node: (
        abs(node.float("gamma", 1.0507)) * max(1.0, abs(node.float("alpha", 1.67326)))
    ),
}
# 0 does not stay 0: the largest |f(x)| for |x| <= most.
_FILL: dict[str, Callable[[float], float]] = {
    "Cos": lambda _: 1.0,
    "Exp": lambda most: math.exp(min(most, 100.0)),
    "HardSigmoid": lambda _: 1.0,
    "Sigmoid": lambda _: 1.0,
    "Softplus": lambda most: most + math.log(2),
}


@rule(*_KEEP_ZERO)
def keeps_zero(flow: Flow, node: Node) -> Role | None:
    """Activations with f(0) = 0."""
    source = flow.layouts.get(node.inputs[0])
    if source is None:
        return None
    return Role([replace(source, most=source.most * _KEEP_ZERO[node.op_type](node))])


@rule(*_FILL)
def fills(flow: Flow, node: Node) -> Role | None:
    """Activations with f(0) != 0: harmless, since whoever reads it has zero weights there."""
    source = flow.layouts.get(node.inputs[0])
    if source is None:
        return None
    return Role([replace(source, most=_FILL[node.op_type](source.most))])


@rule("Dropout")
def dropout(flow: Flow, node: Node) -> Role | None:
    """In inference mode and without its mask."""
    source = flow.layouts.get(node.inputs[0])
    if source is None or any(node.outputs[1:]) or any(node.inputs[2:]):
        return None
    return Role([source])


@rule("Clip")
def clip(flow: Flow, node: Node) -> Role | None:
    """Limits that are constant; 0 leaves 0 only where it is between them."""
    source = flow.layouts.get(node.inputs[0])
    if source is None:
        return None
    limits = [node.float("min", 0.0), node.float("max", 0.0)]  # inputs from opset 11 on
    for slot, tensor in enumerate(node.inputs[1:3]):
        known = flow.scope.known(tensor) if tensor else np.zeros(1)
        if known is None or known.size != 1:
            return None
        limits[slot] = limits[slot] or float(known.item())
    least, most = limits
    return Role([replace(source, most=max(source.most, least, -most))])


@dataclass(frozen=True)
class _Operand:
    """An input of an elementwise operator; ``most`` is of what an added channel reads of it."""

    slot: int
    most: float
    layout: Layout | None = None
    axis: int | None = None  # of a constant that has to grow
    least: float = 1.0  # smallest magnitude of a constant that needs not


def _operands(flow: Flow, node: Node) -> list[_Operand] | None:
    """All inputs as added channels see them; None if one can't be padded or broadcast."""
    dims = flow.scope.dims(node.outputs[0])
    if dims is None or len(dims) < 2 or dims[1] is None:
        return None
    rank, width = len(dims), dims[1]
    found = []
    for slot, tensor in enumerate(node.inputs):
        layout, shape = flow.layouts.get(tensor), flow.scope.dims(tensor)
        if shape is None or len(shape) > rank:
            return None
        axis = 1 - (rank - len(shape))
        broadcast = axis < 0 or (shape[axis] == 1 and width != 1)
        constant = flow.constant(tensor)
        if layout is not None and not axis < 1 and not broadcast:
            found.append(_Operand(slot, layout.most, layout))
        elif constant is not None and broadcast:
            if constant.size > _READ:
                return None
            sizes = np.abs(constant.data().astype(np.float64))
            found.append(_Operand(slot, float(sizes.max()), least=float(sizes.min())))
        elif constant is not None and shape[axis] == width:
            found.append(_Operand(slot, 0.0, axis=axis))
        elif broadcast:  # values that depend on the input
            found.append(_Operand(slot, math.inf))
        else:
            return None
    return found


def _combine(
    flow: Flow, node: Node, most: float, operands: Sequence[_Operand], fill: float
) -> Role | None:
    layouts = [operand.layout for operand in operands if operand.layout is not None]
    if not layouts or not all(flow.groups.alike(layouts[0], other) for other in layouts[1:]):
        return None
    for other in layouts[1:]:
        flow.groups.join(layouts[0], other)
    for operand in operands:
        if operand.layout is None:
            tensor = node.inputs[operand.slot]
            flow.cut(tensor, f"'{flow.scope.graph.path(node)}' broadcasts '{tensor}'")
    lead = replace(layouts[0], most=most)
    axes = [(o.slot, o.axis) for o in operands if o.axis is not None]
    # A constant of a Flatten's columns grows as they do.
    return Role([lead], [Pad(slot, axis, lead, fill) for slot, axis in axes])


@rule("Add", "Sub", "Sum", "Mul", "Max", "Min")
def arithmetic(flow: Flow, node: Node) -> Role | None:
    """Sides that grow do so together; a constant per channel grows along."""
    operands = _operands(flow, node)
    if not operands:
        return None
    magnitudes = [operand.most for operand in operands]
    if node.op_type == "Mul":
        most = 0.0 if 0.0 in magnitudes else math.prod(magnitudes)
    elif node.op_type in ("Max", "Min"):
        most = max(magnitudes)
    else:
        most = sum(magnitudes)
    return _combine(flow, node, most, operands, 0.0)


@rule("Div", "PRelu")
def by_constant(flow: Flow, node: Node) -> Role | None:
    """Divided by a constant, or with a constant slope."""
    operands = _operands(flow, node)
    if operands is None or operands[0].layout is None or flow.constant(node.inputs[1]) is None:
        return None
    source, other = operands
    if node.op_type == "PRelu":
        return _combine(flow, node, source.most * max(1.0, other.most), operands, 0.0)
    if other.least == 0:
        return None
    return _combine(flow, node, source.most / other.least, operands, 1.0)
