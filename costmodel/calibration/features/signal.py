"""Fourier transforms: fast where a length is a power of two, else by way of a longer one."""

from __future__ import annotations

from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general
from .register import Features, features, log


@features("DFT", "STFT")
def transformed(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """By the number of lines or frames and their length."""
    source, made = call.input(0).shape, call.output().shape
    if costed.node.op_type == "STFT":
        lines = made[0] * made[1]
        length = _length(call, 3) or (call.input(2).size if call.has_input(2) else source[1])
    else:
        axis = costed.node.int("axis", 1)
        if call.opset >= 20:
            axis = int(call.values[2].item()) if 2 in call.values else -2
        length = _length(call, 1) or source[axis]
        lines = call.input(0).size // max(1, source[axis] * source[-1])
    fast = length & (length - 1) == 0
    longer = length if fast else 1 << (2 * length - 1).bit_length()
    steps = longer.bit_length()
    found = general(costed, call, machine, "" if fast else "of any length", coarse=True)
    return found._replace(
        terms={
            **found.terms,
            "butterflies": float(lines * longer * steps),
            "points": float(lines * longer),
            "lines": float(lines),
        },
        coordinates={**found.coordinates, "length": log(length), "lines": log(lines)},
    )


def _length(call: Call, slot: int) -> int:
    """A length that an input holds; 0 where it is not known."""
    return int(call.values[slot].reshape(-1)[0]) if slot in call.values else 0
