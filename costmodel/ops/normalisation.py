"""Normalisation over channels, groups, rows and neighbours.

Each counts what it replaces: the nodes that exporters write where the operator is not at hand,
or its ONNX function, whichever is less. A mean over N elements counts N. A constant scale of ones
and a bias of zeros, which an operator can't go without, replace nothing and cost nothing.
"""

from __future__ import annotations

from math import prod

from ..kinds import KernelKind
from ..work import Call, Work, formula
from .attributes import required_int


def layer_norm_flops(elements: int, rows: int, scale: bool, bias: bool) -> int:
    """LayerNormalization as the nodes that it replaces.

    An element: mean, subtract, square, mean, divide, and scale and bias where given. A row:
    add epsilon, square root.
    """
    return elements * (5 + scale + bias) + 2 * rows


def rms_norm_flops(elements: int, rows: int, scale: bool) -> int:
    """RMSNormalization as the nodes that it replaces.

    An element: square, mean, divide, and scale where given. A row: add epsilon, square root.
    """
    return elements * (3 + scale) + 2 * rows


def scales(call: Call, slot: int) -> bool:
    """Whether an input is a scale that does something."""
    return call.has_input(slot) and not call.holds(slot, 1.0)


def shifts(call: Call, slot: int) -> bool:
    """Whether an input is a bias that does something."""
    return call.has_input(slot) and not call.holds(slot, 0.0)


def normalised_rows(shape: tuple[int, ...], axis: int) -> int:
    """Rows that are normalised each by itself: the dims before ``axis``."""
    return prod(shape[:axis])


@formula("BatchNormalization", weights=(1, 2))
def batch_normalization(call: Call) -> Work:
    """2 an element: multiply, add. Training adds the statistics, 4 an element and 6 a channel.

    The factors are prepared once a channel and not counted. Training: mean, subtract, square,
    mean; and for each of the two running statistics multiply, multiply, add.
    """
    x = call.input(0)
    flops = 2 * x.size
    # Before opset 14 the further outputs ask for training.
    if call.node.int("training_mode", 0) or (call.opset < 14 and call.has_output(1)):
        flops += 4 * x.size
        flops += 6 * call.input(1).size if call.has_output(1) else 0
    return Work(KernelKind.NORMALISATION, flops=flops)


@formula("InstanceNormalization", weights=(1, 2))
def instance_normalization(call: Call) -> Work:
    """7 an element, as LayerNormalization with scale and bias, and 2 an image and channel."""
    x = call.input(0)
    flops = layer_norm_flops(x.size, prod(x.shape[:2]), scales(call, 1), shifts(call, 2))
    return Work(KernelKind.NORMALISATION, flops=flops)


@formula("LayerNormalization", weights=(1, 2))
def layer_normalization(call: Call) -> Work:
    """5 an element, 1 for the scale, 1 for the bias; 2 a row (3 if InvStdDev is asked for)."""
    x = call.input(0)
    rows = normalised_rows(x.shape, call.node.int("axis", -1))
    flops = layer_norm_flops(x.size, rows, scales(call, 1), shifts(call, 2))
    return Work(KernelKind.NORMALISATION, flops=flops + (rows if call.has_output(2) else 0))


@formula("GroupNormalization", weights=(1, 2))
def group_normalization(call: Call) -> Work:
    """7 an element, as LayerNormalization with scale and bias, and 2 an image and group.

    Its ONNX function takes 4 a group, as it squares the mean; the InstanceNormalization between
    Reshapes that exporters write takes 2.
    """
    x = call.input(0)
    groups = x.shape[0] * required_int(call, "num_groups")
    flops = layer_norm_flops(x.size, groups, scales(call, 1), shifts(call, 2))
    return Work(KernelKind.NORMALISATION, flops=flops)


@formula("RMSNormalization", weights=(1,))
def rms_normalization(call: Call) -> Work:
    """3 an element, 1 for the scale; 2 a row."""
    x = call.input(0)
    rows = normalised_rows(x.shape, call.node.int("axis", -1))
    return Work(KernelKind.NORMALISATION, flops=rms_norm_flops(x.size, rows, scales(call, 1)))


@formula("MeanVarianceNormalization")
def mean_variance_normalization(call: Call) -> Work:
    """5 an element, 4 a mean.

    Its ONNX function. An element: mean, square, mean, subtract, divide. A mean: square,
    subtract, square root, add epsilon.
    """
    x = call.input(0)
    axes = call.node.ints("axes")
    reduced = {axis % len(x.shape) for axis in ((0, 2, 3) if axes is None else axes)}
    means = prod(dim for axis, dim in enumerate(x.shape) if axis not in reduced)
    return Work(KernelKind.NORMALISATION, flops=5 * x.size + 4 * means)


@formula("LpNormalization")
def lp_normalization(call: Call) -> Work:
    """3 an element less 1 a line, 1 a line for p=2: Abs or square, sum, divide; square root."""
    x = call.input(0)
    lines = x.size // max(x.shape[call.node.int("axis", -1)], 1)
    root = lines if call.node.int("p", 2) == 2 else 0
    return Work(KernelKind.NORMALISATION, flops=3 * x.size - lines + root)


@formula("LRN")
def lrn(call: Call) -> Work:
    """size + 4 an element: square, sum of ``size`` channels, multiply, add, Pow, divide.

    Windows that reach past the first or last channel count as whole ones.
    """
    return Work(
        KernelKind.NORMALISATION, flops=(required_int(call, "size") + 4) * call.output().size
    )
