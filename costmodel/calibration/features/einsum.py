"""Einsum of two operands: a product of batches, and the operands that it turns round for it."""

from __future__ import annotations

from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general
from .register import Features, features, log


@features("Einsum")
def einsum(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """By what is multiplied, and the elements of operands in another order than a product has."""
    equation = costed.node.string("equation", "").replace(" ", "")
    sides, _, made = equation.partition("->")
    parts = sides.split(",")
    if len(parts) != 2 or not made or "." in equation:
        return None
    left, right = parts
    batch = [d for d in made if d in left and d in right]
    summed = [d for d in left if d in right and d not in made]
    rows = [d for d in left if d not in right]
    columns = [d for d in right if d not in left]
    wanted = ([*batch, *rows, *summed], [*batch, *summed, *columns], [*batch, *rows, *columns])
    sizes = (call.input(0).size, call.input(1).size, call.output().size)
    turned = [
        size if list(have) != want else 0
        for have, want, size in zip((left, right, made), wanted, sizes, strict=True)
    ]
    found = general(costed, call, machine)
    shape = dict(zip(left, call.input(0).shape, strict=False))
    products = 1
    for dim in batch:
        products *= shape.get(dim, 1)
    return found._replace(
        terms={**found.terms, "turned": float(sum(turned)), "products": float(products)},
        coordinates={
            **found.coordinates,
            "products": log(products),
            "turned": float(sum(size > 0 for size in turned)),
        },
    )
