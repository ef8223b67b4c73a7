"""What com.microsoft has of its own besides networks' layers, or anew besides ai.onnx."""

from __future__ import annotations

from math import prod

from ..kinds import KernelKind
from ..work import Call, Formula, Work, formula
from .constant import range_
from .indexing import gather_elements
from .layout import copy, pad, trilu, view
from .pooling import max_pool
from .quantise import dequantize_linear, quantize_linear
from .reduction import reduce
from .resize import grid_sample, interpolation_flops
from .signal import fft_flops
from .sort import unique

# These cost what their standard twin does.
_TWINS: dict[str, Formula] = {
    "DequantizeLinear": dequantize_linear,
    "ExpandDims": view,
    "GatherND": gather_elements,
    "GridSample": grid_sample,
    "NhwcMaxPool": max_pool,
    "Pad": pad,
    "QuantizeLinear": quantize_linear,
    "Range": range_,
    "ReduceSumInteger": reduce,
    "Trilu": trilu,
    "UnfoldTensor": copy,
    "Unique": unique,
}
for _op_type, _twin in _TWINS.items():
    formula(_op_type, domain="com.microsoft")(_twin)


@formula("MulInteger", domain="com.microsoft", weights=(0, 2))
def mul_integer(call: Call) -> Work:
    """(A - A's zero point) * (B - B's): 1 an output element, 1 for each zero point."""
    out = call.output()
    zero_points = sum(call.input(slot - 1).size for slot in (1, 3) if call.has_input(slot))
    return Work(KernelKind.ELEMENTWISE, flops=out.size + zero_points)


@formula("CropAndResize", domain="com.microsoft")
def crop_and_resize(call: Call) -> Work:
    """Between 4 points an element, or the nearest; reads at most those points."""
    x, out = call.input(0), call.output()
    points = 1 if call.node.string("mode", "bilinear") == "nearest" else 4
    flops = interpolation_flops(out.size, points)
    return Work(KernelKind.RESIZE, flops=flops, reads={0: min(x.size, points * out.size)})


@formula("ComplexMul", "ComplexMulConj", domain="com.microsoft", weights=(0, 1))
def complex_mul(call: Call) -> Work:
    """3 an element: 4 products and 2 sums for each pair of real and imaginary part."""
    return Work(KernelKind.ELEMENTWISE, flops=3 * call.output().size)


@formula("Inverse", domain="com.microsoft")
def inverse(call: Call) -> Work:
    """2 n^3 a matrix of n x n: LU factors (2/3 n^3) and n substitutions (4/3 n^3)."""
    *batch, side, _ = call.input(0).shape
    return Work(KernelKind.REDUCTION, flops=prod(batch) * 2 * side**3)


def _transforms(call: Call, signal: tuple[int, ...]) -> int:
    """Real Fourier transforms over the last dims of the signal, ``signal_ndim`` of them."""
    split = len(signal) - call.node.int("signal_ndim", 1)
    return prod(signal[:split]) * fft_flops(prod(signal[split:]), real=True)


@formula("Rfft", domain="com.microsoft")
def rfft(call: Call) -> Work:
    """2.5 n log2 n a signal of n elements, as DFT."""
    return Work(KernelKind.REDUCTION, flops=_transforms(call, call.input(0).shape))


@formula("Irfft", domain="com.microsoft")
def irfft(call: Call) -> Work:
    """2.5 n log2 n a signal of n elements, and a division of each."""
    out = call.output()
    return Work(KernelKind.REDUCTION, flops=_transforms(call, out.shape) + out.size)
