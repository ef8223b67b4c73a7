"""Mul, Add, Sub and Div with a constant into the linear operator beside them.

A Conv, ConvTranspose, Gemm or MatMul is linear in its weights and its input, so that what is one
value a channel goes into the weights and the bias, whichever side it stands on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..rewrite.edit import Edit
from ..rewrite.facts.affine import arithmetic, then
from ..rewrite.facts.linear import Linear, linear, scale_inputs, scale_outputs
from ..rewrite.pattern import Match, const, op, var
from ..rewrite.rewriting import Pass, PatternRule, Refused
from .channel_affine import followers
from .gelu import is_gelu


@dataclass(frozen=True)
class FoldAffine(Pass):
    """Fold Mul, Add, Sub and Div with a constant into a Conv, ConvTranspose, Gemm or MatMul.

    Behind a MatMul an Add stays, but what multiplies it goes into the weights. Ahead of a Conv
    that pads only a factor can be folded: the zeros of the padding have no offset.
    """

    name: ClassVar[str] = "fold-affine"

    def rules(self) -> Sequence[PatternRule]:
        """Behind and ahead of each linear operator."""
        with_bias, product = linear()
        shifted = op("Add", product, const("c"), name="shift")
        behind = [
            *followers(with_bias),
            *(op("Mul|Div", before, const("k"), name="step") for before in (product, shifted)),
        ]
        ahead = [after for step in followers(var("x")) for after in linear(step)]
        return [
            *(PatternRule(pattern, _behind) for pattern in behind),
            *(PatternRule(pattern, _ahead) for pattern in ahead),
        ]


def _behind(m: Match, edit: Edit) -> str:
    found = Linear.of(m)
    place = {"rank": found.rank, "axis": found.axis, "channels": found.makes}
    made = arithmetic(m.scope, m["step"], m.tensor("k"), **place)
    if m.tensor("c"):
        made = then(arithmetic(m.scope, m["shift"], m.tensor("c"), **place), made)
    return scale_outputs(m, edit, *made, m["step"].outputs[0])


def _ahead(m: Match, edit: Edit) -> str:
    if is_gelu(m.scope, m["step"]):
        raise Refused("the Mul ends a Gelu, which a runtime that finds it whole does in one go")
    found, x = Linear.of(m), m.tensor("x")
    factor, offset = arithmetic(
        m.scope,
        m["step"],
        m.tensor("k"),
        rank=found.rank,
        axis=found.axis,
        channels=found.reads,
    )
    dims = m.scope.dims(x)
    if dims is None or len(dims) != found.rank or dims[found.axis] != found.reads:
        raise Refused(f"'{x}' is not known to have the {found.reads} channels that are combined")
    return scale_inputs(m, edit, factor, offset, x)
