"""com.microsoft operators whose output has an input's shape, or what inputs broadcast to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto

from ... import dtypes
from ..info import Info, ShapeCall, shape_rule
from ._common import MICROSOFT, like


@shape_rule(
    *("BiasAdd", "BiasGelu", "BiasSoftmax", "FastGelu", "Gelu", "Inverse", "MoE", "QMoE"),
    *("QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax", "QuickGelu", "Trilu"),
    domain=MICROSOFT,
)
def same(call: ShapeCall) -> Sequence[Info]:
    """Input 0's shape and type."""
    return [like(call)]


@shape_rule("BiasDropout", domain=MICROSOFT)
def bias_dropout(call: ShapeCall) -> Sequence[Info]:
    """The output and its mask."""
    return [like(call), like(call, 0, dtypes.BOOL)]


@shape_rule("BitmaskDropout", "BitmaskBiasDropout", domain=MICROSOFT)
def bitmask_dropout(call: ShapeCall) -> Sequence[Info]:
    """The mask has one bit an element, in words of 32."""
    words = (int(np.prod(call.shape(0))) + 31) // 32
    return [like(call), Info(TensorProto.UINT32, (words,))]


@shape_rule("BiasSplitGelu", domain=MICROSOFT)
def bias_split_gelu(call: ShapeCall) -> Sequence[Info]:
    """One half of the last dim gates the other."""
    *outer, last = call.shape(0)
    return [Info(call.input(0).dtype, (*outer, last // 2))]


def broadcast(call: ShapeCall, *slots: int, dtype: int) -> Info:
    """What the inputs in these slots broadcast to."""
    return Info(dtype, np.broadcast_shapes(*(call.shape(slot) for slot in slots)))


@shape_rule("ComplexMul", "ComplexMulConj", domain=MICROSOFT)
def complex_mul(call: ShapeCall) -> Sequence[Info]:
    """Real and imaginary part in the last dim."""
    return [broadcast(call, 0, 1, dtype=call.input(0).dtype)]


@shape_rule("QLinearAdd", "QLinearMul", domain=MICROSOFT)
def qlinear_binary(call: ShapeCall) -> Sequence[Info]:
    """A is input 0, B input 3."""
    return [broadcast(call, 0, 3, dtype=call.input(0).dtype)]


@shape_rule("QLinearWhere", domain=MICROSOFT)
def qlinear_where(call: ShapeCall) -> Sequence[Info]:
    """Condition is input 0, X input 1, Y input 4."""
    return [broadcast(call, 0, 1, 4, dtype=call.input(1).dtype)]


@shape_rule("MulInteger", domain=MICROSOFT)
def mul_integer(call: ShapeCall) -> Sequence[Info]:
    """A is input 0, B input 2; 32-bit products."""
    return [broadcast(call, 0, 2, dtype=dtypes.INT32)]
