"""Which kernel multiplies 8-bit integers, by the signs of its operands.

onnxruntime's CPU provider turns convolutions into matrix products, of activations with weights
(QLinearConv, channels last) or of weights with activations (ConvInteger, a copy of the input for
each image and group). On x86 the instructions for 8-bit products take an unsigned left side and a
signed right one: two unsigned sides run about as fast as float32 does, and a signed left side runs
on portable code. So an int8 weight, the fast choice for QLinearConv, is the slow one for
ConvInteger.

Measured with onnxruntime 1.32 and one thread on a Xeon with AVX-512 VNNI, GFLOP/s, where float32
reached 125 to 163 (dense), 74 (4 groups) and 26 to 44 (depthwise):

| operands | dense | grouped | depthwise |
|---|---|---|---|
| MatMulInteger, QLinearMatMul uint8 x int8 | 434-533, small ones 57-327 | | |
| MatMulInteger, QLinearMatMul uint8 x uint8 | 117-150, small ones 43-119 | | |
| MatMulInteger, QLinearMatMul int8 x int8 | 17-27, small ones 10 | | |
| QLinearConv uint8, int8 weight | 358-602 | 48 | 18-28 |
| QLinearConv uint8, uint8 weight | 99-147 | 36 | 8-11 |
| QLinearConv int8, int8 weight | 13-27 | 10 | 8-12 |
| ConvInteger uint8, uint8 weight | 62-140 | 39 | 2.8-4.8 |
| ConvInteger uint8, int8 weight | 13-28 | 8 | 0.6-0.8 |

A first layer of 3 channels is slower than this in QLinearConv (35-39 instead of 65 in float32).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..graph.dtypes import UINT8
from .kinds import KernelKind

# Of kernels that the runtime has on x86, where a device's file has no row: shares of what float32
# reaches on the same shape, hence of float32's peak. Products of uint8 and int8 have the peak of
# int8 for themselves.
X86_SHARES: Mapping[KernelKind, float] = {
    KernelKind.GEMM_U8U8: 0.75,
    KernelKind.GEMM_S8: 0.14,
    KernelKind.GROUPED_U8S8: 0.65,
    KernelKind.GROUPED_U8U8: 0.5,
    KernelKind.GROUPED_S8: 0.12,
    KernelKind.DEPTHWISE_U8S8: 0.7,
    KernelKind.DEPTHWISE_8BIT: 0.33,
    KernelKind.CHANNELWISE_U8: 0.13,
    KernelKind.CHANNELWISE_S8: 0.024,
}
X86 = frozenset(("avx512", "avx2", "avx", "sse"))

_DENSE = (KernelKind.GEMM_U8S8, KernelKind.GEMM_U8U8, KernelKind.GEMM_S8)
_GROUPED = (KernelKind.GROUPED_U8S8, KernelKind.GROUPED_U8U8, KernelKind.GROUPED_S8)


def product_kind(left: int, right: int, *, grouped: bool = False) -> KernelKind:
    """The kernel of a product of 8-bit integers, from the ONNX element types of its sides."""
    mixed, unsigned, signed = _GROUPED if grouped else _DENSE
    if left != UINT8:
        return signed
    return unsigned if right == UINT8 else mixed
