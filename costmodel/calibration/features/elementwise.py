"""Operators on elements: how broadcasting cuts them into runs."""

from __future__ import annotations

from math import prod

from ....graph import dtypes
from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general, qualified
from .register import Features, features, log, types

# Operators whose kernels fare alike.
_SORTS = {
    **dict.fromkeys(("Add", "Sub", "Mul"), "arithmetic"),
    **dict.fromkeys(("Max", "Min"), "extremes"),
    **dict.fromkeys(("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"), "comparison"),
    **dict.fromkeys(("And", "Or", "Xor"), "logic"),
    **dict.fromkeys(("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitShift"), "bits"),
}
# Where the operands are that are broadcast, if not throughout.
_QUANTISED = {"QLinearAdd": (0, 3), "QLinearMul": (0, 3), "QLinearWhere": (0, 1, 4)}


@features(*_SORTS, "Div", "Mod", "Pow", "PRelu", "Where", "Sum", "Mean")
@features(*_QUANTISED, "BiasGelu", domain="com.microsoft")
def broadcast(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of operands that may be broadcast against each other.

    Each run of elements along which no operand starts or stops being repeated is one call of an
    inner loop.
    """
    made, op_type = call.output().shape, costed.node.op_type
    slots = _QUANTISED.get(op_type, range(len(call.inputs)))
    shapes = [t.shape for slot in slots if (t := call.inputs[slot]) is not None]
    sizes = [prod(shape) for shape in shapes]
    if all(size == prod(made) for size in sizes):
        run, manner = prod(made), "alike"
    elif all(size in (1, prod(made)) for size in sizes):
        run, manner = prod(made), "scalar"
    else:
        run, manner = min(_run(shape, made) for shape in shapes), "repeated"
    chooses = 1 if op_type in ("Where", "QLinearWhere") else 0
    variant = manner
    if manner == "repeated" and call.input(chooses).dtype == dtypes.FLOAT:
        variant = f"repeated by {_side(shapes, made)}"
    if op_type == "Pow" and manner == "scalar":
        exponent = call.values.get(1)
        variant = f"to {float(exponent.reshape(-1)[0]):g}" if exponent is not None else variant
    sort = _SORTS.get(op_type, qualified(costed))
    kind = "" if op_type in _QUANTISED else types(call, chooses)
    found = general(costed, call, machine, kernel=f"{sort} {variant}{kind}")
    runs = prod(made) / max(run, 1)
    return found._replace(
        terms={**found.terms, "runs": runs},
        coordinates={**found.coordinates, "run": log(run), "operands": float(len(shapes))},
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
