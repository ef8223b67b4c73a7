"""Between floating point and few-bit integers."""

from __future__ import annotations

from ..kinds import KernelKind
from ..work import Call, Work, formula

QUANTISE_FLOPS = 2  # divide by the scale, add the zero point; rounding converts, as Cast does
DEQUANTISE_FLOPS = 2  # subtract the zero point, multiply by the scale
DYNAMIC_QUANTISE_FLOPS = QUANTISE_FLOPS + 2  # find the least and the greatest element first


@formula("QuantizeLinear")
def quantize_linear(call: Call) -> Work:
    """2 an element: divide by the scale, add the zero point."""
    return Work(KernelKind.QUANTISE, flops=QUANTISE_FLOPS * call.output().size)


@formula("DequantizeLinear")
def dequantize_linear(call: Call) -> Work:
    """2 an element: subtract the zero point, multiply by the scale."""
    out = call.output()
    return Work(KernelKind.QUANTISE, flops=DEQUANTISE_FLOPS * out.size, dtype=out.dtype)


@formula("DynamicQuantizeLinear")
def dynamic_quantize_linear(call: Call) -> Work:
    """4 an element: compare with either bound, QuantizeLinear; the scalars are not counted."""
    return Work(KernelKind.QUANTISE, flops=DYNAMIC_QUANTISE_FLOPS * call.input(0).size)
