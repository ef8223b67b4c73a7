"""What the time of a node depends on, and the register of who says so for an operator.

To add an operator: one function decorated with ``@features`` in a file of this folder, one test.
An operator without one has the traffic and the arithmetic of its cost, which is enough for most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ....graph import dtypes
from ...cost import Costed
from ...work import Call, TensorType
from ..machine import LEVELS, Machine

_PARAMETER = 256  # bytes: of a smaller constant, an axis or a scale, only the access counts
_LEAST = 0.03  # of an amount that counts for a level


class Features(NamedTuple):
    """Of one execution of a node.

    Parameters
    ----------
    kernel
        What runs it: nodes of one name share coefficients.
    terms
        Amounts of work, none negative, each of which takes its time: bytes from a cache level,
        multiply-adds, calls of an inner loop.
    coordinates
        Logarithms of sizes, and shares, along which the rest varies smoothly.
    """

    kernel: str
    terms: Mapping[str, float]
    coordinates: Mapping[str, float]


Maker = Callable[[Costed, Call, Machine], Features | None]
_MAKERS: dict[tuple[str, str], Maker] = {}


def features(*op_types: str, domain: str = "") -> Callable[[Maker], Maker]:
    """Register what says the features of these operators; None from it means the general ones."""

    def register(maker: Maker) -> Maker:
        for op_type in op_types:
            _MAKERS[domain, op_type] = maker
        return maker

    return register


def maker_of(domain: str, op_type: str) -> Maker | None:
    """Who says the features of an operator."""
    return _MAKERS.get((domain, op_type))


def log(value: float) -> float:
    """A coordinate for a size, 0 for none."""
    return math.log(max(value, 1e-3))


def traffic(costed: Costed, machine: Machine, *, coarse: bool = False) -> dict[str, float]:
    """A node's terms of memory: bytes by whether they are constants and by the level they lie in.

    What is written goes where what was read and written just now lies. ``coarse`` ones tell only
    what lies in the caches of a core, and what does not: enough where arithmetic takes the time.
    """
    terms: dict[str, float] = {"node": 1.0}
    constants = {
        name for name in costed.reads if (i := costed.scope.get(name)) is not None and i.constant
    }
    read = 0.0
    for name, amount in costed.reads.items():
        if name in constants and amount < _PARAMETER:
            spread(terms, "parameters", 1.0, costed.distances.get(name, amount), machine)
            continue
        read += amount
        what = "weights" if name in constants else "moved" if coarse else "read"
        spread(terms, what, amount, costed.distances.get(name, amount), machine, coarse=coarse)
    written = (costed.cost.write_bytes or 0) / costed.cost.trips
    what = "moved" if coarse else "written"
    spread(terms, what, written, read + written, machine, coarse=coarse)
    if costed.attribute_bytes:
        terms["attributes"] = float(costed.attribute_bytes)
    return terms


def spread(
    terms: dict[str, float],
    what: str,
    amount: float,
    distance: float,
    machine: Machine,
    *,
    coarse: bool = False,
) -> None:
    """Add an amount of data to the terms, by the level that it lies in.

    A small part of it is left out: a term that nothing but such parts make up has no price.
    """
    names: tuple[str, ...] = LEVELS
    parts: tuple[float, ...] = machine.by_level(amount, distance)
    if coarse:
        names, parts = ("near", "far"), (parts[0] + parts[1], parts[2] + parts[3])
    for level, part in zip(names, parts, strict=True):
        if part > _LEAST * amount:
            terms[f"{what} {level}"] = terms.get(f"{what} {level}", 0.0) + part


def types(call: Call, *slots: int) -> str:
    """The element types that choose among an operator's kernels, in short.

    Those of the inputs in ``slots`` (the first) and, where it is another one, of the output; none
    where all are float32. Types of axes, sizes and indices don't choose.
    """
    given = [call.inputs[slot] for slot in slots or (0,) if slot < len(call.inputs)]
    inputs = [dtypes.name(t.dtype) for t in given if t is not None]
    made = next((dtypes.name(t.dtype) for t in call.outputs if t is not None), "nothing")
    if {*inputs, made} == {"float32"}:
        return ""
    seen = ",".join(dict.fromkeys(inputs))
    return f" {made}" if seen in ("", made) else f" {seen}>{made}"


def width(tensor: TensorType) -> str:
    """What chooses among kernels that only move elements: the bits of one, unless 32."""
    bits = dtypes.bits(tensor.dtype) or 0
    return "" if bits == 32 else f" {bits} bits"


def kept(costed: Costed, slot: int) -> bool:
    """Whether an input is a constant, which a kernel may have packed before the run."""
    info = costed.scope.get(costed.node.inputs[slot])
    return info is not None and info.constant
