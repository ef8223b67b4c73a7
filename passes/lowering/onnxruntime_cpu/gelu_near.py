"""Gelu written out in another way than the runtime knows.

Looked at from its Erf: the sum of the error function and 1, times x, times a half, whatever the
order, with x divided or multiplied by a constant, and constants that are about right.
"""

from __future__ import annotations

from typing import NamedTuple

from ....graph.dtypes import FLOAT
from ..near import called
from ..node import WorkNode
from ..work import Work
from .conditions import MS, holds, near, other

_ABOUT = 0.02  # how far a constant may be off and still be meant


class _Form(NamedTuple):
    nodes: list[WorkNode]
    x: str
    flaws: list[tuple[str, str, str]]  # kind, reason, fix


def tell(work: Work, rule: str, erf: WorkNode) -> bool:
    """Tell why a Gelu is none to the runtime; whether it was mended, so that it is one now."""
    form = None if work.dtype(erf.output) != FLOAT else _form(work, erf)
    if form is None or not form.flaws or not all(work.single(n) for n in form.nodes[:-1]):
        return False
    kinds, reasons, fixes = zip(*form.flaws, strict=True)

    def mend() -> None:
        outputs = form.nodes[-1].outputs
        work.replace(form.nodes, "Gelu", [form.x], outputs, name="Gelu", domain=MS)

    return work.decline(
        rule,
        form.nodes,
        "; ".join(reasons),
        "; ".join(fixes),
        mend,
        kind="; ".join(kinds),
    )


def _form(work: Work, erf: WorkNode) -> _Form | None:
    scaled = work.made_by(erf.inputs[0], "Div", "Mul")
    found = None if scaled is None else _scaled(work, scaled)
    add = work.next(erf, "Add")
    one = None if add is None else other(add, erf.output)
    first = None if add is None else work.next(add, "Mul")
    if scaled is None or found is None or add is None or one is None or first is None:
        return None
    x, flaws = found
    if not near(work.number(one), 1, _ABOUT):
        return None
    flaws += _exact(work, one, 1, "1")
    rest = other(first, add.output)
    half = None if rest is None else work.made_by(rest, "Mul")
    nodes = [scaled, erf, add]
    if rest is None:
        return None
    if half is not None and (factor := other(half, x)) is not None:
        nodes += [half, first]
    else:
        last = work.next(first, "Mul")
        factor = None if last is None else other(last, first.output)
        if last is None or factor is None:
            return None
        nodes += [first, last]
        if factor == x:
            factor = rest
            flaws.append(
                (
                    "a Gelu that is written out multiplies the sum by a half first",
                    f"{called(first)} multiplies the sum by a half before {called(last)} "
                    f"multiplies by '{x}'",
                    f"multiply '{x}' by the sum first, and then by a half",
                )
            )
        elif rest != x:
            return None
        elif half is not None:
            flaws.append(
                (
                    "a Mul makes the x of a Gelu that is written out",
                    f"'{x}' is made by {called(half)}, a Mul, which the runtime takes for the half",
                    f"multiply '{x}' by a half first, and then by the sum",
                )
            )
    if not near(work.number(factor), 0.5, _ABOUT):
        return None
    return _Form(nodes, x, flaws + _exact(work, factor, 0.5, "0.5"))


def _scaled(work: Work, node: WorkNode) -> tuple[str, list[tuple[str, str, str]]] | None:
    """What is divided by the root of 2, and what is wrong with how."""
    if node.op == "Div":
        if not near(work.number(node.inputs[1]), 2**0.5, _ABOUT):
            return None
        return node.inputs[0], _exact(work, node.inputs[1], 2**0.5, "the root of 2")
    for slot in (0, 1):
        if near(work.number(node.inputs[slot]), 0.5**0.5, _ABOUT):
            flaw = (
                "a Gelu that is written out multiplies by the root of a half",
                f"{called(node)} multiplies by '{node.inputs[slot]}', the root of a half, and the "
                "runtime looks for a Div by the root of 2",
                f"write {called(node)} as a Div by {2**0.5:.7f}",
            )
            return node.inputs[1 - slot], [flaw]
    return None


def _exact(work: Work, tensor: str, wanted: float, text: str) -> list[tuple[str, str, str]]:
    if holds(work, tensor, wanted):
        return []
    value = work.number(tensor)
    if value is not None and near(value, wanted):
        return [
            (
                "a constant of a Gelu that is written out has more than one dim",
                f"'{tensor}' has {work.rank(tensor)} dims",
                f"write '{tensor}' as a number without dims",
            )
        ]
    return [
        (
            "a constant of a Gelu that is written out is not exact",
            f"'{tensor}' is {value:.7g}, and not {text}, {wanted:.7g}",
            f"write '{tensor}' as {wanted:.9g}",
        )
    ]
