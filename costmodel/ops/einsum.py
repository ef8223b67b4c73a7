"""Einsum."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ..kinds import KernelKind
from ..work import Call, Unknown, Work, formula
from .reduction import reduce_flops


def _labels(term: str, rank: int) -> list[str]:
    """The index of each dim of an operand; those of an ellipsis are numbered from the right."""
    before, dots, after = term.partition("...")
    hidden = rank - len(before) - len(after) if dots else 0
    return [*before, *(f"...{n}" for n in reversed(range(hidden))), *after]


def _extents(terms: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """Every index's extent; one that broadcasts has the largest."""
    extents: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        labels = _labels(term, len(shape))
        if len(labels) != len(shape):
            raise Unknown(f"Einsum's term '{term}' doesn't fit a tensor of rank {len(shape)}")
        for label, dim in zip(labels, shape, strict=True):
            extents[label] = dim if extents.get(label, 1) == 1 else extents[label]
    return extents


def _kept(equation: str, terms: Sequence[str], extents: dict[str, int]) -> set[str]:
    """The indices of the output; without an arrow, those that appear once."""
    _, arrow, output = equation.partition("->")
    hidden = {label for label in extents if label.startswith("...")}
    if arrow:
        return set(output.replace("...", "")) | (hidden if "..." in output else set())
    letters = "".join(terms).replace(".", "")
    return {letter for letter in letters if letters.count(letter) == 1} | hidden


@formula("Einsum", weights=None)  # whichever operands are constant are parameters
def einsum(call: Call) -> Work:
    """By its equation, the whole index space being the product of all indices' extents.

    Two operands with an index summed: macs = the index space. More operands: that once for each
    operand after the first, an upper bound, since a good order of pairs needs fewer. Nothing
    summed: only multiplications, no macs. One operand: the additions that bring the index space
    down to the output; a transposition or a diagonal takes none.
    """
    equation = call.node.string("equation", "").replace(" ", "")
    terms = equation.partition("->")[0].split(",")
    if len(terms) != len(call.inputs):
        raise Unknown(f"Einsum's equation '{equation}' has not one term for each input")
    extents = _extents(terms, [call.input(slot).shape for slot in range(len(terms))])
    space = prod(extents.values())
    summed = not extents.keys() <= _kept(equation, terms, extents)
    products = space * (len(terms) - 1)
    if len(terms) == 1:
        flops = reduce_flops(space, call.output().size)
        return Work(KernelKind.REDUCTION if summed else KernelKind.LAYOUT, flops=flops)
    if not summed:
        return Work(KernelKind.ELEMENTWISE, flops=products)
    return Work(KernelKind.MATMUL, macs=products, flops=2 * products)
