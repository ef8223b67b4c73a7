"""Sampling between elements: resizing and grids.

Interpolating between k points takes k products and k - 1 additions an output element. Places
and weights serve all images and channels and are not counted.
"""

from __future__ import annotations

from math import ceil, prod

from ..kinds import KernelKind
from ..work import Call, Unknown, Work, formula

_TAPS = {"nearest": 1, "linear": 2, "bilinear": 2, "cubic": 4, "bicubic": 4}  # by mode, an axis


def interpolation_flops(output_elements: int, points: int) -> int:
    """Weighted sums of ``points`` elements; a single one is taken as it is."""
    return output_elements * (2 * points - 1) if points > 1 else 0


def _taps(call: Call, default: str) -> int:
    mode = call.node.string("mode", default)
    if mode not in _TAPS:
        raise Unknown(f"{call.node.op_type} has no mode '{mode}'")
    return _TAPS[mode]


@formula("Resize", "Upsample")
def resize(call: Call) -> Work:
    """nearest 0; linear 2^d products and 2^d - 1 additions over d resized axes; cubic 4^d.

    With antialias the window widens by the factor of an axis that shrinks. Of each axis at
    most as many elements are read as the windows reach.
    """
    x, out = call.input(0).shape, call.output().shape
    width = _taps(call, "nearest")
    antialias = call.node.int("antialias", 0) and width > 1
    taps = []
    for before, after in zip(x, out, strict=True):
        if before == after:
            taps.append(1)
        elif antialias and 0 < after < before:
            taps.append(ceil(width * before / after))
        else:
            taps.append(width)
    touched = prod(min(old, new * tap) for old, new, tap in zip(x, out, taps, strict=True))
    flops = interpolation_flops(prod(out), prod(taps))
    return Work(KernelKind.RESIZE, flops=flops, reads={0: touched})


@formula("GridSample")
def grid_sample(call: Call) -> Work:
    """As Resize, over all spatial axes; reads at most the points that it interpolates."""
    x, out = call.input(0), call.output()
    points = _taps(call, "linear") ** (len(x.shape) - 2)
    flops = interpolation_flops(out.size, points)
    return Work(KernelKind.RESIZE, flops=flops, reads={0: min(x.size, points * out.size)})


@formula("AffineGrid")
def affine_grid(call: Call) -> Work:
    """macs: an output element times the d + 1 columns of theta; flops: twice that.

    Its ONNX function multiplies theta with the grid of base coordinates.
    """
    macs = call.output().size * call.input(0).shape[-1]
    return Work(KernelKind.MATMUL, macs=macs, flops=2 * macs)
