"""Matrix products of quantised operands.

The products run on 8-bit integers. Corrections for zero points are not counted; what brings the
int32 sums back (a scale, a bias, a new zero point) is.
"""

from __future__ import annotations

from ...graph.dtypes import FLOAT, INT8, UINT8
from ..integer_kernels import product_kind
from ..work import Call, Work, formula
from .matmul import gemm_product, product
from .quantise import DYNAMIC_QUANTISE_FLOPS, QUANTISE_FLOPS


@formula("MatMulInteger", weights=(0, 1))
def matmul_integer(call: Call) -> Work:
    """A times B into int32."""
    return _integer(call, product(call), right=1)


@formula("MatMulInteger16", domain="com.microsoft", weights=(0, 1))
def matmul_integer16(call: Call) -> Work:
    """A times B, both int16, into int32."""
    return product(call)


@formula("QLinearMatMul", weights=(0, 3))
def qlinear_matmul(call: Call) -> Work:
    """Input 0 times input 3, the output quantised again."""
    work = _integer(call, product(call, right=3), right=3)
    return work._replace(flops=work.flops + QUANTISE_FLOPS * call.output().size)


@formula("QGemm", domain="com.microsoft", weights=(0, 3, 6))
def qgemm(call: Call) -> Work:
    """Gemm of inputs 0 and 3 plus the int32 bias in slot 6.

    Without a scale for the output (slot 7) it is float: one multiplication by the scale an
    element, where quantising takes two operations.
    """
    work = gemm_product(call, right=3)
    epilogue = QUANTISE_FLOPS if call.has_input(7) else 1
    epilogue += 1 if call.has_input(6) else 0
    work = _integer(call, work, right=3)
    return work._replace(flops=work.flops + epilogue * call.output().size)


def _integer(call: Call, work: Work, right: int) -> Work:
    """On the kernel for the types of A, which is quantised first if it is float, and of B."""
    left = call.input(0).dtype
    kind = product_kind(UINT8 if left == FLOAT else left, call.input(right).dtype)
    return work._replace(kind=kind, dtype=INT8)


def _scaled(call: Call, scales: int, bias: int) -> Work:
    """An integer product, times its scale, plus the bias where there is one."""
    work = _integer(call, product(call), right=1)
    epilogue = 1 + (1 if call.has_input(bias) else 0)
    return work._replace(flops=work.flops + scales + epilogue * call.output().size)


@formula("MatMulIntegerToFloat", domain="com.microsoft", weights=(0, 1, 6))
def matmul_integer_to_float(call: Call) -> Work:
    """MatMulInteger, Mul by the product of both scales (slots 2, 3), bias in slot 6."""
    scales = max(call.input(2).size, call.input(3).size)
    return _scaled(call, scales, bias=6)


@formula("DynamicQuantizeMatMul", domain="com.microsoft", weights=(1, 4))
def dynamic_quantize_matmul(call: Call) -> Work:
    """DynamicQuantizeLinear of A, then MatMulIntegerToFloat; B's scale in slot 2, bias in 4."""
    work = _scaled(call, call.input(2).size, bias=4)
    return work._replace(flops=work.flops + DYNAMIC_QUANTISE_FLOPS * call.input(0).size)
