"""Pooling: windows, whole images and regions.

A window that reaches into the padding counts as a whole one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod

from ..kinds import KernelKind
from ..work import Call, Unknown, Work, formula


def average_pool_flops(output_elements: int, kernel: Sequence[int]) -> int:
    """Additions of all but one element of the window, and one division."""
    return output_elements * prod(kernel)


def max_pool_flops(output_elements: int, kernel: Sequence[int]) -> int:
    """Comparisons with all but one element of the window."""
    return output_elements * (prod(kernel) - 1)


def _kernel(call: Call) -> tuple[int, ...]:
    kernel = call.node.ints("kernel_shape")
    if kernel is None:
        raise Unknown(f"{call.node.op_type} lacks its attribute kernel_shape")
    return kernel


@formula("AveragePool")
def average_pool(call: Call) -> Work:
    """The kernel's volume an output element: additions and one division."""
    return Work(KernelKind.POOLING, flops=average_pool_flops(call.output().size, _kernel(call)))


@formula("MaxPool")
def max_pool(call: Call) -> Work:
    """The kernel's volume less 1 an output element: comparisons."""
    return Work(KernelKind.POOLING, flops=max_pool_flops(call.output().size, _kernel(call)))


@formula("LpPool")
def lp_pool(call: Call) -> Work:
    """Twice the kernel's volume an output element: powers, additions, one root."""
    return Work(KernelKind.POOLING, flops=2 * prod(_kernel(call)) * call.output().size)


@formula("GlobalAveragePool")
def global_average_pool(call: Call) -> Work:
    """1 an input element: additions and one division a channel."""
    return Work(KernelKind.POOLING, flops=call.input(0).size)


@formula("GlobalMaxPool")
def global_max_pool(call: Call) -> Work:
    """1 an input element, less 1 a channel: comparisons."""
    return Work(KernelKind.POOLING, flops=max(call.input(0).size - call.output().size, 0))


@formula("GlobalLpPool")
def global_lp_pool(call: Call) -> Work:
    """2 an input element: powers, additions, one root a channel."""
    return Work(KernelKind.POOLING, flops=2 * call.input(0).size)


@formula("MaxUnpool")
def max_unpool(_: Call) -> Work:
    """0: each value goes to its place, the rest is zero."""
    return Work(KernelKind.INDEXING)


@formula("MaxRoiPool")
def max_roi_pool(call: Call) -> Work:
    """At most H x W comparisons a region and channel: the regions are data, each may be all."""
    _, channels, *image = call.input(0).shape
    regions = call.output().shape[0]
    return Work(KernelKind.POOLING, flops=regions * channels * prod(image))


@formula("RoiAlign")
def roi_align(call: Call) -> Work:
    """8 a sampled point and channel: 4 products and 3 additions to interpolate, 1 to pool.

    The maximum of a bin's points takes one comparison less than their average, which divides.
    With sampling_ratio 0 the points follow the region's size, at most that of the whole image.
    The places and weights of the points serve all channels and are not counted.
    """
    x, out = call.input(0), call.output()
    ratio = call.node.int("sampling_ratio", 0)
    points = ratio * ratio or prod(
        ceil(side / bins) for side, bins in zip(x.shape[2:], out.shape[2:], strict=True)
    )
    each = 8 * points - (call.node.string("mode", "avg") == "max")
    reads = {0: min(x.size, 4 * points * out.size)}
    return Work(KernelKind.POOLING, flops=each * out.size, reads=reads)
