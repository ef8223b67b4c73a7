"""What several rules share: a standard twin's shape, an input's shape or contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onnx import AttributeProto

from ... import dtypes
from ...node import Node
from ..info import Array, Info, Quality, ShapeCall, Unresolved
from ..onnx_inference import infer

MICROSOFT = "com.microsoft"

# The standard operators' shapes have not changed since; any opset from 13 on would do.
_TWIN_OPSET = 17

Shape = tuple[int, ...]


def twins(
    op_type: str,
    shapes: Sequence[Shape],
    attributes: Mapping[str, AttributeProto],
    outputs: int = 1,
) -> list[Shape]:
    """Output shapes of the standard operator that a fused or quantised one extends.

    Attributes that the standard operator doesn't have are ignored.

    Raises
    ------
    Unresolved
        If onnx can't tell.
    InferenceError
        If the shapes contradict the operator.
    """
    node = Node(
        id=op_type,
        op_type=op_type,
        inputs=tuple(f"x{slot}" for slot in range(len(shapes))),
        outputs=tuple(f"y{slot}" for slot in range(outputs)),
        attributes=attributes,
    )
    inputs = [Info(dtypes.FLOAT, shape) for shape in shapes]
    found = []
    for info in infer(ShapeCall(node, inputs, _TWIN_OPSET)):
        if info is None or info.resolved is None:
            raise Unresolved(f"the shape of the {op_type} in it is not known")
        found.append(info.resolved)
    return found


def twin(op_type: str, shapes: Sequence[Shape], attributes: Mapping[str, AttributeProto]) -> Shape:
    """The first output's shape of the standard operator (see ``twins``)."""
    return twins(op_type, shapes, attributes)[0]


def to_channels_first(shape: Shape) -> Shape:
    """NHWC to NCHW."""
    return (shape[0], shape[-1], *shape[1:-1])


def to_channels_last(shape: Shape) -> Shape:
    """NCHW to NHWC."""
    return (shape[0], *shape[2:], shape[1])


def like(call: ShapeCall, slot: int = 0, dtype: int | None = None) -> Info:
    """An output of an input's shape, and type unless another is named; dims may be open."""
    info = call.input(slot)
    return Info(info.dtype if dtype is None else dtype, info.shape, reason=info.reason)


def undecided(call: ShapeCall, slot: int) -> str:
    """The reason where an input's contents decide the shape and are not known."""
    name, info = call.node.inputs[slot], call.get(slot)
    if info is not None and info.reason:  # external data that are not there
        return info.reason
    return (
        f"the output's shape depends on the contents of '{name}'; "
        f"if that is a graph input, give --value {name}=..."
    )


def contents(call: ShapeCall, slot: int) -> Array:
    """The contents of an input, one-dimensional.

    Raises
    ------
    Unresolved
        If they are not known before the run.
    """
    call.input(slot)
    value = call.value(slot)
    if value is None:
        raise Unresolved(undecided(call, slot))
    return value.reshape(-1)


def bounded(dtype: int, shape: Shape, exact: bool) -> Info:
    """A shape that is an upper bound unless it is exact."""
    return Info(dtype, shape, Quality.EXACT if exact else Quality.BOUND)
