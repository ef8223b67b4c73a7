"""Operators on elements: how broadcasting cuts them into runs."""

from __future__ import annotations

from math import prod

from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general
from .register import Features, features, log

_TWO = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "PRelu", "Where", "And", "Or", "Xor")
_COMPARED = ("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "Mod", "BitShift")


@features(*_TWO, *_COMPARED)
@features("QLinearAdd", "QLinearMul", domain="com.microsoft")
def broadcast(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of operands that may be broadcast against each other.

    Each run of elements along which no operand starts or stops being repeated is one call of an
    inner loop.
    """
    made = call.output().shape
    quantised = costed.node.op_type.startswith("QLinear")
    slots = (0, 3) if quantised else range(len(call.inputs))
    shapes = [t.shape for slot in slots if (t := call.inputs[slot]) is not None]
    sizes = [prod(shape) for shape in shapes]
    if all(size == prod(made) for size in sizes):
        run, manner = prod(made), "alike"
    elif all(size in (1, prod(made)) for size in sizes):
        run, manner = prod(made), "scalar"
    else:
        run, manner = min(_run(shape, made) for shape in shapes), "repeated"
    variant = manner if manner != "repeated" else f"repeated by {_side(shapes, made)}"
    if costed.node.op_type == "Pow" and manner == "scalar":
        exponent = call.values.get(1)
        variant = f"to {float(exponent.reshape(-1)[0]):g}" if exponent is not None else variant
    found = general(costed, call, machine, variant)
    runs = prod(made) / max(run, 1)
    return found._replace(
        terms={**found.terms, "runs": runs}, coordinates={**found.coordinates, "run": log(run)}
    )


def _run(shape: tuple[int, ...], made: tuple[int, ...]) -> int:
    """Elements along the last dims that are all repeated, or all not."""
    aligned = (1,) * (len(made) - len(shape)) + tuple(shape)
    run, repeated = 1, None
    for have, want in zip(reversed(aligned), reversed(made), strict=True):
        if want == 1:
            continue
        here = have != want
        if repeated is None:
            repeated = here
        if here != repeated:
            break
        run *= want
    return run


def _side(shapes: list[tuple[int, ...]], made: tuple[int, ...]) -> str:
    """Whether an operand is repeated along the last dim (one value a run) or along others."""
    last = next((at for at in range(len(made) - 1, -1, -1) if made[at] > 1), None)
    if last is None:
        return "rows"
    for shape in shapes:
        aligned = (1,) * (len(made) - len(shape)) + tuple(shape)
        if aligned[last] == 1:
            return "values"
    return "rows"
