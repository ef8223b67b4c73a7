"""com.microsoft matrix products, quantised ones included."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import TensorProto

from ... import dtypes
from ..info import Info, ShapeCall, shape_rule
from ._common import MICROSOFT, Shape, contents, twin


@shape_rule("FusedGemm", domain=MICROSOFT)
def fused_gemm(call: ShapeCall) -> Sequence[Info]:
    """Gemm and an activation."""
    return [Info(call.input(0).dtype, _gemm(call, 0, 1))]


@shape_rule("QGemm", domain=MICROSOFT)
def q_gemm(call: ShapeCall) -> Sequence[Info]:
    """A is input 0, B input 3; float32 unless the output's zero point (8) is given."""
    zero_point = call.get(8)
    dtype = dtypes.FLOAT if zero_point is None else zero_point.dtype
    return [Info(dtype, _gemm(call, 0, 3))]


@shape_rule("GemmFloat8", domain=MICROSOFT)
def gemm_float8(call: ShapeCall) -> Sequence[Info]:
    """The attribute gives the output's type."""
    return [Info(call.node.int("dtype", dtypes.FLOAT), _gemm(call, 0, 1))]


def _gemm(call: ShapeCall, a: int, b: int) -> Shape:
    return twin("Gemm", [call.shape(a), call.shape(b)], call.node.attributes)


def _matmul(call: ShapeCall, a: int = 0, b: int = 1) -> Shape:
    return twin("MatMul", [call.shape(a), call.shape(b)], {})


@shape_rule("FusedMatMul", "FusedMatMulActivation", "TransposeMatMul", domain=MICROSOFT)
def fused_matmul(call: ShapeCall) -> Sequence[Info]:
    """MatMul of operands that are transposed first."""
    operands = [_transposed(call, 0, "A"), _transposed(call, 1, "B")]
    return [Info(call.input(0).dtype, twin("MatMul", operands, {}))]


def _transposed(call: ShapeCall, slot: int, side: str) -> Shape:
    """transBatch moves dim 0 behind the other batch dims; trans swaps the last two dims then."""
    dims = call.shape(slot)
    if len(dims) < 2:
        return dims
    if call.node.int(f"transBatch{side}", 0):
        dims = (*dims[1:-1], dims[0], dims[-1])
    return (*dims[:-2], dims[-1], dims[-2]) if call.node.int(f"trans{side}", 0) else dims


@shape_rule("GemmFastGelu", "DynamicQuantizeMatMul", domain=MICROSOFT)
def matmul(call: ShapeCall) -> Sequence[Info]:
    """A and B are inputs 0 and 1, the output has A's type."""
    return [Info(call.input(0).dtype, _matmul(call))]


@shape_rule("MatMulIntegerToFloat", domain=MICROSOFT)
def matmul_integer_to_float(call: ShapeCall) -> Sequence[Info]:
    """The output has the scales' type."""
    return [Info(call.input(2).dtype, _matmul(call))]


@shape_rule("MatMulInteger16", domain=MICROSOFT)
def matmul_integer_16(call: ShapeCall) -> Sequence[Info]:
    """int16 products, summed as int32; unsigned of two unsigned."""
    unsigned = call.input(0).dtype == call.input(1).dtype == TensorProto.UINT16
    return [Info(TensorProto.UINT32 if unsigned else dtypes.INT32, _matmul(call))]


@shape_rule("MatMulNBits", "MatMulBnb4", domain=MICROSOFT)
def matmul_n_bits(call: ShapeCall) -> Sequence[Info]:
    """B is packed; attribute N is its width, or K where MatMulBnb4 doesn't transpose it."""
    name = "N" if call.node.int("transB", 1) else "K"
    *outer, _ = call.shape(0)
    return [Info(call.input(0).dtype, (*outer, call.node.int(name, 0)))]


@shape_rule("MatMulFpQ4", domain=MICROSOFT)
def matmul_fp_q4(call: ShapeCall) -> Sequence[Info]:
    """B is packed; input 2 holds its shape."""
    right = tuple(int(d) for d in contents(call, 2))
    return [Info(call.input(0).dtype, twin("MatMul", [call.shape(0), right], {}))]
