"""How operators work on tensors whose axes are stored in another order.

A tensor t has the layout q if what is stored is t' with t = Transpose(t', perm=q): axis i of t is
axis q[i] of t'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from onnx import AttributeProto

from ...graph import Node
from ..scope import Scope
from .arguments import attributes, axes_of, has, has_input, integers

Perm = tuple[int, ...]
_SMALL = 4096  # elements of a constant that is copied where others read it too


@dataclass(frozen=True)
class Plan:
    """What a node becomes when its data come in a layout.

    Parameters
    ----------
    data
        The input slots that come in it.
    outputs
        The layouts that its outputs have then.
    constants
        Slots of constants that are stored in the layout too.
    lists
        New contents of inputs that are lists of integers, by slot.
    attributes
        That change.
    """

    data: tuple[int, ...]
    outputs: tuple[Perm, ...]
    constants: tuple[int, ...] = ()
    lists: Mapping[int, Sequence[int]] = field(default_factory=dict)
    attributes: Mapping[str, AttributeProto] = field(default_factory=dict)


def inverse(perm: Perm) -> Perm:
    """The permutation that undoes this one."""
    return tuple(sorted(range(len(perm)), key=perm.__getitem__))


def composed(layout: Perm, perm: Perm) -> Perm:
    """The layout of a Transpose's output, by that of its input."""
    return tuple(layout[axis] for axis in perm)


def is_identity(perm: Perm) -> bool:
    """Whether nothing changes place."""
    return perm == tuple(range(len(perm)))


def perm_of(scope: Scope, transpose: Node) -> Perm | None:
    """What a Transpose does; None if that depends on a rank that isn't known."""
    given = transpose.ints("perm")
    dims = scope.dims(transpose.inputs[0])
    if given is None and dims is not None:
        return tuple(range(len(dims)))[::-1]
    return given


def carry(scope: Scope, node: Node, layout: Perm) -> Plan | None:
    """What a node becomes when its data come in a layout; None if it has to have them as is."""
    rule = None if node.domain else _RULES.get(node.op_type)
    if rule is None or scope.opset() < 7:  # older ones broadcast by attributes
        return None
    if rule is not _elementwise and _rank(scope, node.inputs[0]) != len(layout):
        return None
    plan = rule(scope, node, layout)
    return plan if plan is not None and len(plan.outputs) == len(node.outputs) else None


def _rank(scope: Scope, tensor: str) -> int | None:
    dims = scope.dims(tensor)
    return None if dims is None else len(dims)


def _elementwise(scope: Scope, node: Node, layout: Perm) -> Plan | None:
    data, constants = [], []
    for slot, tensor in enumerate(node.inputs):
        dims = scope.dims(tensor) if tensor else ()
        constant = scope.constant(tensor) if tensor else None
        if dims is None or len(dims) > len(layout):
            return None
        if not dims or (constant is not None and constant.size == 1):
            continue
        if constant is None and len(dims) == len(layout):
            data.append(slot)
        elif constant is not None and (constant.size <= _SMALL or _only_reader(scope, tensor)):
            constants.append(slot)
        else:
            return None
    return Plan(tuple(data), (layout,), tuple(constants)) if data else None


def _only_reader(scope: Scope, constant: str) -> bool:
    """Whether a constant goes when one node of this graph doesn't read it any more."""
    graph = scope.graph
    here = constant in graph.initializers or graph.producer(constant) is not None
    return here and len(graph.consumers(constant)) == 1


def _concat(scope: Scope, node: Node, layout: Perm) -> Plan | None:
    plan = _elementwise(scope, node, layout)
    if plan is None or any(_rank(scope, t) != len(layout) for t in node.inputs):
        return None
    return Plan(plan.data, plan.outputs, plan.constants, {}, _axis(node, layout, 1))


def _axis(node: Node, layout: Perm, default: int) -> Mapping[str, AttributeProto]:
    return attributes(axis=layout[node.int("axis", default)])


def _split(_scope: Scope, node: Node, layout: Perm) -> Plan:
    outputs = (layout,) * len(node.outputs)
    return Plan((0,), outputs, attributes=_axis(node, layout, 0))


def _softmax(scope: Scope, node: Node, layout: Perm) -> Plan | None:
    """Along the last axis it is fastest, so there it stays."""
    axis = range(len(layout))[node.int("axis", -1)]
    last = len(layout) - 1
    if scope.opset() < 13 or (axis == last != layout[axis]):
        return None
    return Plan((0,), (layout,), attributes=_axis(node, layout, -1))


def _without(layout: Perm, axes: Sequence[int]) -> Perm:
    """The layout of what is left when these axes go."""
    kept = [layout[axis] for axis in range(len(layout)) if axis not in axes]
    return tuple(sorted(kept).index(axis) for axis in kept)


def _reduce(scope: Scope, node: Node, layout: Perm) -> Plan | None:
    if node.int("noop_with_empty_axes", 0):
        return None
    if not has(node, 1, "axes"):
        axes: tuple[int, ...] | None = tuple(range(len(layout)))
    else:
        axes = axes_of(scope, node, 1, len(layout))
    if not axes:
        return None
    output = layout if node.int("keepdims", 1) else _without(layout, axes)
    return _with_axes(node, layout, axes, output)


def _with_axes(node: Node, layout: Perm, axes: Sequence[int], output: Perm) -> Plan:
    moved = sorted(layout[axis] for axis in axes)
    if has_input(node, 1):
        return Plan((0,), (output,), lists={1: moved})
    if "axes" in node.attributes:
        return Plan((0,), (output,), attributes=attributes(axes=moved))
    return Plan((0,), (output,))


def _arg_reduce(_scope: Scope, node: Node, layout: Perm) -> Plan:
    axis = range(len(layout))[node.int("axis", 0)]
    output = layout if node.int("keepdims", 1) else _without(layout, [axis])
    return Plan((0,), (output,), attributes=_axis(node, layout, 0))


def _squeeze(scope: Scope, node: Node, layout: Perm) -> Plan | None:
    axes = axes_of(scope, node, 1, len(layout))
    return _with_axes(node, layout, axes, _without(layout, axes)) if axes else None


def _pad(scope: Scope, node: Node, layout: Perm) -> Plan | None:
    pads = integers(scope, node, 1, "pads")
    rank = len(layout)
    if pads is None or len(pads) != 2 * rank or has_input(node, 3):
        return None
    stored = inverse(layout)
    moved = [pads[half + axis] for half in (0, rank) for axis in stored]
    if has_input(node, 1):
        return Plan((0,), (layout,), lists={1: moved})
    return Plan((0,), (layout,), attributes=attributes(pads=moved))


def _slice(scope: Scope, node: Node, layout: Perm) -> Plan | None:
    starts = integers(scope, node, 1, "starts")
    if starts is None:
        return None
    if has(node, 3, "axes"):
        axes = axes_of(scope, node, 3, len(layout))
    else:
        axes = tuple(range(len(starts)))
    if axes is None:
        return None
    moved = [layout[axis] for axis in axes]
    if has_input(node, 1):
        return Plan((0,), (layout,), lists={3: moved})
    return Plan((0,), (layout,), attributes=attributes(axes=moved))


def _quantise(scope: Scope, node: Node, layout: Perm) -> Plan | None:
    """With one scale for all, or one a channel; blocks of channels stay as they lie."""
    scale = scope.dims(node.inputs[1])
    if scale is None or len(scale) > 1 or node.int("block_size", 0):
        return None
    if scale in ((), (1,)):
        return Plan((0,), (layout,))
    return Plan((0,), (layout,), attributes=_axis(node, layout, 1))


_ELEMENTWISE = (
    "Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr "
    "BitwiseXor Cast Ceil Celu Clip Cos Cosh Div Elu Equal Erf Exp Floor Gelu Greater "
    "GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log Max "
    "Mean Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal Relu Round Selu Shrink Sigmoid Sign "
    "Sin Sinh Softplus Softsign Sqrt Sub Sum Tan Tanh ThresholdedRelu Where Xor"
)
_REDUCTIONS = (
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd "
    "ReduceSum ReduceSumSquare"
)
_RULES: Mapping[str, Callable[[Scope, Node, Perm], Plan | None]] = {
    **dict.fromkeys(_ELEMENTWISE.split(), _elementwise),
    **dict.fromkeys(_REDUCTIONS.split(), _reduce),
    **dict.fromkeys(("ArgMax", "ArgMin"), _arg_reduce),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _softmax),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), _quantise),
    "Concat": _concat,
    "Split": _split,
    "Squeeze": _squeeze,
    "Pad": _pad,
    "Slice": _slice,
}
