"""Reductions: which dims are kept decides the loop."""

from __future__ import annotations

from math import prod

from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general, qualified
from .register import Features, features, log, types

# Operators with a kernel for each order of kept and reduced dims; mean and sum fare alike.
_ORDERED = {"ReduceMean": "sum", "ReduceSum": "sum", "ReduceMax": "extreme", "ReduceMin": "extreme"}
_NAMES = {"K": "all kept", "R": "all", "KR": "rows", "RK": "columns", "KRK": "planes"}


@features(*_ORDERED, "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp")
@features("ReduceSumSquare")
def reduction(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Along the last dims it adds up rows, along others it adds rows up."""
    source, kept = call.input(0), call.output().size
    shape, op_type = source.shape, costed.node.op_type
    axes = costed.node.ints("axes")
    if axes is None and 1 in call.values:
        axes = tuple(int(a) for a in call.values[1].reshape(-1))
    every = {a % len(shape) for a in axes} if axes and shape else set(range(len(shape)))
    if not axes and costed.node.int("noop_with_empty_axes", 0):
        every = set()
    order, sizes = _order(shape, every)
    manner = _NAMES.get(order, "scattered")
    sort = f"Reduce {_ORDERED[op_type]}" if op_type in _ORDERED else qualified(costed)
    found = general(costed, call, machine, kernel=f"{sort} {manner}{types(call)}")
    return found._replace(
        terms={**found.terms, "kept": float(kept)},
        coordinates={
            **found.coordinates,
            "kept": log(kept),
            "reduced": log(prod(shape) / max(1, kept)),
            "last": log(sizes[-1] if sizes else 1),
        },
    )


def _order(shape: tuple[int, ...], reduced: set[int]) -> tuple[str, list[int]]:
    """Kept (K) and reduced (R) dims of more than one element, neighbours of one sort as one."""
    order = ""
    sizes: list[int] = []
    for at, size in enumerate(shape):
        if size == 1:
            continue
        sort = "R" if at in reduced else "K"
        if order and order[-1] == sort:
            sizes[-1] *= size
        else:
            order += sort
            sizes.append(size)
    return order or "K", sizes
