"""Pooling, resizing and padding: work by output element and window."""

from __future__ import annotations

from math import prod

from ...blocked import NCHWC
from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general
from .register import Features, features, log


@features("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LpPool")
@features("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", domain=NCHWC)
def pooling(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of pooling."""
    made, source = call.output().shape, call.input(0).shape
    window = costed.node.ints("kernel_shape") or source[2:]
    found = general(costed, call, machine)
    taps = prod(made) * prod(window)
    return found._replace(
        terms={**found.terms, "taps": float(taps), "rows": float(prod(made[:-1]))},
        coordinates={
            **found.coordinates,
            "window": log(prod(window)),
            "width": log(made[-1]),
            "planes": log(prod(source[:2])),
        },
    )


@features("Resize", "Upsample", "Pad")
@features("Upsample", domain=NCHWC)
def resized(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of what makes rows of another length."""
    made = call.output().shape
    mode = costed.node.string("mode", "constant" if costed.node.op_type == "Pad" else "nearest")
    found = general(costed, call, machine, mode)
    return found._replace(
        terms={**found.terms, "rows": float(prod(made[:-1])), "made": float(prod(made))},
        coordinates={**found.coordinates, "width": log(made[-1] if made else 1)},
    )
