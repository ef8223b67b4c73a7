"""Random numbers. A draw counts one, as a transcendental does."""

from __future__ import annotations

from ..kinds import KernelKind
from ..work import Call, Unknown, Work, formula

DISTRIBUTION_FLOPS = 3  # draw, multiply (range or deviation), add (low or mean)


@formula("RandomUniform", "RandomNormal", "RandomUniformLike", "RandomNormalLike")
def random(call: Call) -> Work:
    """3 an element: draw, multiply, add; an input gives its shape only."""
    out = call.output()
    reads = {0: 0} if call.has_input(0) else {}
    flops = DISTRIBUTION_FLOPS * out.size
    return Work(KernelKind.RANDOM, flops=flops, reads=reads, dtype=out.dtype)


@formula("Bernoulli")
def bernoulli(call: Call) -> Work:
    """4 an element, its ONNX function: RandomUniformLike, compare."""
    return Work(KernelKind.RANDOM, flops=(DISTRIBUTION_FLOPS + 1) * call.output().size)


@formula("Multinomial")
def multinomial(call: Call) -> Work:
    """4 an input element and, a sample, 1 draw and a binary search among the classes.

    An input element: max, subtract, exp, cumulative sum.
    """
    x = call.input(0)
    search = x.shape[-1].bit_length()
    return Work(KernelKind.RANDOM, flops=4 * x.size + (1 + search) * call.output().size)


@formula("Dropout")
def dropout(call: Call) -> Work:
    """Inference: 0 and a view, or a copy if the mask is asked for. Training: 4 an element.

    Training: draw, compare, multiply by the mask, scale.
    """
    if _training(call):
        return Work(KernelKind.RANDOM, flops=4 * call.output().size)
    if call.has_output(1):
        return Work(KernelKind.LAYOUT)
    return Work(KernelKind.VIEW, view=True)


def _training(call: Call) -> bool:
    if call.opset < 7:
        return not call.node.int("is_test", 0)
    if not call.has_input(2):
        return False
    if 2 not in call.values:
        raise Unknown("Dropout's training_mode is not known before the run")
    return bool(call.values[2].item())
