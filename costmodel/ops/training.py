"""Optimiser steps of ai.onnx.preview.training, by the pseudo code of their definition.

Inputs are the rate R, the count T, then all tensors X, all gradients G and all states. The few
operations on R and T alone are not counted.
"""

from __future__ import annotations

from ..kinds import KernelKind
from ..work import Call, Work, formula

_DOMAIN = "ai.onnx.preview.training"


def _step(call: Call, each: int, tensors: int) -> Work:
    """``each`` FLOP an element of the X, which are 1 in ``tensors`` of the inputs after R, T."""
    count = (len(call.inputs) - 2) // tensors
    elements = sum(call.input(2 + slot).size for slot in range(count))
    return Work(KernelKind.ELEMENTWISE, flops=each * elements)


@formula("Adagrad", domain=_DOMAIN)
def adagrad(call: Call) -> Work:
    """9 an element: regularise 2, accumulate the square 2, root and epsilon 2, update 3."""
    return _step(call, 9, tensors=3)


@formula("Adam", domain=_DOMAIN)
def adam(call: Call) -> Work:
    """15 an element: regularise 2, two averages 3 and 4, root and epsilon 2, update 3, decay 1."""
    return _step(call, 15, tensors=4)


@formula("Momentum", domain=_DOMAIN)
def momentum(call: Call) -> Work:
    """7 an element: regularise 2, average 3, update 2; Nesterov's update takes 2 more."""
    nesterov = call.node.string("mode", "standard") == "nesterov"
    return _step(call, 9 if nesterov else 7, tensors=3)
