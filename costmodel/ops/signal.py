"""Signal processing: Fourier transforms, windows, mel filters."""

from __future__ import annotations

from math import ceil, log2

from ..kinds import KernelKind
from ..work import Call, Unknown, Work, formula

WINDOW_FLOPS = 9  # Range, multiply, multiply, Cos, multiply, Cos, multiply, subtract, add


def fft_flops(length: int, real: bool) -> int:
    """The usual count of a fast transform: 5 n log2 n, half of it where one side is real."""
    if length < 2:
        return 0
    return ceil((2.5 if real else 5.0) * length * log2(length))


@formula("DFT")
def dft(call: Call) -> Work:
    """5 n log2 n a line of n, half of it where one side is real; an inverse divides by n too.

    The usual count of a fast Fourier transform, for any n.
    """
    x, out = call.input(0), call.output()
    axis, inverse = _dft_axis(call), call.node.int("inverse", 0)
    if 1 in call.values:
        length = int(call.values[1].item())
    elif not call.has_input(1) and not inverse:
        length = x.shape[axis]
    elif inverse or not call.node.int("onesided", 0):
        length = out.shape[axis]
    else:
        raise Unknown("DFT's dft_length is not known before the run")
    lines = x.size // max(x.shape[axis] * x.shape[-1], 1)
    flops = lines * fft_flops(length, real=1 in (x.shape[-1], out.shape[-1]))
    if inverse:
        flops += out.size
    return Work(KernelKind.REDUCTION, flops=flops)


def _dft_axis(call: Call) -> int:
    """The transformed axis: an attribute up to opset 19, then an input."""
    if call.opset < 20:
        return call.node.int("axis", 1)
    if not call.has_input(2):
        return -2
    if 2 not in call.values:
        raise Unknown("DFT's axis is not known before the run")
    return int(call.values[2].item())


@formula("STFT")
def stft(call: Call) -> Work:
    """A frame: DFT's count for its length n, and the window's product with each element."""
    x, out = call.input(0), call.output()
    batch, frames = out.shape[:2]
    parts = x.shape[2] if len(x.shape) == 3 else 1
    windowed = call.has_input(2)
    if 3 in call.values:
        length = int(call.values[3].item())
    elif windowed:
        length = call.input(2).size
    elif call.has_input(3):
        raise Unknown("STFT's frame_length is not known before the run")
    else:
        length = x.shape[1]
    each = fft_flops(length, real=parts == 1) + (length * parts if windowed else 0)
    return Work(KernelKind.REDUCTION, flops=batch * frames * each)


@formula("HannWindow", "HammingWindow", "BlackmanWindow")
def window(call: Call) -> Work:
    """9 an element, its ONNX function: Range, 4 products, 2 cosines, subtract, add."""
    out = call.output()
    return Work(KernelKind.TRANSCENDENTAL, flops=WINDOW_FLOPS * out.size, dtype=out.dtype)


@formula("MelWeightMatrix")
def mel_weight_matrix(call: Call) -> Work:
    """2 an element: subtract and divide along a triangle's side; its edges are not counted."""
    out = call.output()
    return Work(KernelKind.ELEMENTWISE, flops=2 * out.size, dtype=out.dtype)
