"""Quantising, dequantising, and what dequantises, computes and quantises again at once."""

from __future__ import annotations

from math import prod

from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general, qualified
from .register import Features, features, kept, log, width


@features("QuantizeLinear", "DequantizeLinear")
@features("QuantizeLinear", "DequantizeLinear", domain="com.microsoft")
def scaled(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """By how many elements in a row share a scale."""
    node, source, scale = costed.node, call.input(0), call.input(1)
    shape = source.shape
    run, manner = source.size, ""
    if scale.size > 1 and shape:
        axis = node.int("axis", 1) % len(shape)
        run, manner = prod(shape[axis + 1 :]), " by channel"
        if block := node.int("block_size", 0):
            run, manner = run if axis < len(shape) - 1 else block, " by block"
    other = call.output() if node.op_type == "QuantizeLinear" else source
    found = general(costed, call, machine, kernel=f"{node.op_type}{manner}{width(other)}")
    return found._replace(
        terms={**found.terms, "runs": source.size / max(1, run)},
        coordinates={**found.coordinates, "run": log(run)},
    )


@features("QLinearConcat", domain="com.microsoft")
def joined(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of a Concat: every third input from the third on is a tensor."""
    made = call.output().shape
    axis = costed.node.int("axis", 0) % max(1, len(made))
    parts = len(call.inputs[2::3])
    pieces = float(prod(made[:axis]) * parts)
    found = general(costed, call, machine, kernel=qualified(costed))
    return found._replace(
        terms={**found.terms, "pieces": pieces, "parts": float(parts)},
        coordinates={**found.coordinates, "pieces": log(pieces), "parts": log(parts)},
    )


@features("QLinearSigmoid", "QLinearLeakyRelu", domain="com.microsoft")
def looked_up(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of a function by a table of 256 entries, whichever it is."""
    constant = "" if kept(costed, 1) else " of a scale that is computed"
    return general(costed, call, machine, kernel=f"table of 8 bits{constant}")
