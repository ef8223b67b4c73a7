"""Standard operators whose shape an input's contents decide: onnx's answer, or why there is none.

onnx resolves them where the contents are known. Where they are not, the reason names the tensor.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..folds.creation import range_length
from ..info import Info, ShapeCall, shape_rule
from ..onnx_inference import infer
from ._common import contents, undecided

_REDUCTIONS = (
    *("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean"),
    *("ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"),
)

_DECIDING: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(_REDUCTIONS, (1,)),
    "AffineGrid": (1,),
    "BlackmanWindow": (0,),
    "CenterCropPad": (1,),
    "Col2Im": (1, 2),
    "ConstantOfShape": (0,),
    "DFT": (1, 2),
    "Expand": (1,),
    "HammingWindow": (0,),
    "HannWindow": (0,),
    "MelWeightMatrix": (0, 1),
    "Pad": (1, 3),
    "Reshape": (1,),
    "Resize": (2, 3, 1),  # before opset 11, scales is input 1
    "Squeeze": (1,),
    "Tile": (1, 2),
    "Unsqueeze": (1,),
    "Upsample": (1,),
}


def _explain(call: ShapeCall, info: Info | None) -> Info | None:
    """Add the reason to an output that is not resolved."""
    if info is None or info.resolved is not None:
        return info
    for given in call.inputs:
        if given is not None and given.resolved is None and given.reason:
            return info._replace(reason=given.reason)
    for slot in _DECIDING[call.node.op_type]:
        if call.get(slot) is not None and call.value(slot) is None:
            return info._replace(reason=undecided(call, slot))
    return info


@shape_rule(*_DECIDING)
def decided(call: ShapeCall) -> Sequence[Info | None]:
    """onnx's inference, with a reason for what it leaves open."""
    return [_explain(call, info) for info in infer(call)]


@shape_rule("OneHot")
def one_hot(call: ShapeCall) -> Sequence[Info]:
    """A dim of input 1's contents, which may be a float, goes in at the axis."""
    dims, axis = list(call.shape(0)), call.node.int("axis", -1)
    depth = int(contents(call, 1)[0])
    dims.insert(axis if axis >= 0 else axis + len(dims) + 1, depth)
    return [Info(call.input(2).dtype, tuple(dims))]


@shape_rule("Range")
def range_(call: ShapeCall) -> Sequence[Info]:
    """From the contents, of any type; onnx knows four of them."""
    length = range_length(contents(call, 0), contents(call, 1), contents(call, 2))
    return [Info(call.input(0).dtype, (length,))]


@shape_rule("ImageDecoder", "StringSplit")
def decoded(call: ShapeCall) -> Sequence[Info | None]:
    """What onnx knows; the rest lies in the encoded bytes or in the strings."""
    reason = f"the output's shape depends on the contents of '{call.node.inputs[0]}'"
    return [
        info if info is None or info.resolved is not None else info._replace(reason=reason)
        for info in infer(call)
    ]
