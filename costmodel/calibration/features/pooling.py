"""Pooling, resizing and padding: work by output element and window."""

from __future__ import annotations

from math import prod

from ...blocked import NCHWC
from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general, qualified
from .register import Features, features, log, types, width


@features("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LpPool", "GlobalLpPool")
@features("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", domain=NCHWC)
@features("NhwcMaxPool", domain="com.microsoft")
@features("QLinearAveragePool", "QLinearGlobalAveragePool", domain="com.microsoft")
def pooling(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """By the window; ``rows`` are those of an image, or its positions if channels come last."""
    made, source = call.output().shape, call.input(0).shape
    last = bool(costed.node.int("channels_last", 0)) or costed.node.op_type == "NhwcMaxPool"
    window = costed.node.ints("kernel_shape") or (source[1:-1] if last else source[2:])
    name = f"{qualified(costed)}{' channels last' if last else ''}"
    if not costed.node.op_type.startswith("QLinear"):
        name += width(call.input(0))
    found = general(costed, call, machine, kernel=name)
    taps = prod(made) * prod(window)
    return found._replace(
        terms={
            **found.terms,
            "taps": float(taps),
            "rows": float(prod(made[:-1])),
            "looked up": float(prod(made[:-1]) * prod(window)),
        },
        coordinates={
            **found.coordinates,
            "window": log(prod(window)),
            "stride": log(prod(costed.node.ints("strides") or (1,))),
            "width": log(made[-1]),
            "planes": log(prod(source[:2])),
        },
    )


@features("Resize", "Upsample", "Pad", "GridSample", "RoiAlign", "MaxRoiPool", "AffineGrid")
@features("Upsample", domain=NCHWC)
@features("CropAndResize", "GridSample", "Pad", domain="com.microsoft")
def resized(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of what makes rows of another length."""
    made = call.output().shape
    mode = costed.node.string("mode", "constant" if costed.node.op_type == "Pad" else "nearest")
    smooth = " smoothed" if costed.node.int("antialias", 0) else ""
    source = call.input(0).shape
    # a kernel of its own repeats each row and each column once
    twice = (*source[:2], *(2 * side for side in source[2:]))
    doubled = mode == "nearest" and len(made) == 4 and tuple(made) == twice
    name = f"{qualified(costed)} {mode}{smooth}{', doubled' if doubled else ''}"
    moved = costed.node.op_type == "Pad"
    name += width(call.input(0)) if moved else types(call)
    found = general(costed, call, machine, kernel=name)
    return found._replace(
        terms={**found.terms, "rows": float(prod(made[:-1])), "made": float(prod(made))},
        coordinates={
            **found.coordinates,
            "width": log(made[-1] if made else 1),
            "planes": log(prod(made[:-2])),
            "grown": log(prod(made) / max(1, call.input(0).size)),
        },
    )
