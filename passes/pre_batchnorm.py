"""BatchNormalization into the linear operator behind it, as in pre-activation networks.

Its factor goes into the input channels of the weights, its offset through them into the bias:
only where every output sees all of the offset, so not where a Conv pads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..rewrite.edit import Edit
from ..rewrite.facts.linear import Linear, linear, scale_inputs
from ..rewrite.pattern import Match, op, var
from ..rewrite.rewriting import Pass, PatternRule, Refused
from .batchnorm import STATISTICS, affine


@dataclass(frozen=True)
class FoldPreBatchNorm(Pass):
    """Fold a BatchNormalization into the Conv, Gemm or MatMul that reads it.

    Refuses a Conv that pads, unless the offset is zero in every channel, and a ConvTranspose, to
    whose outputs the input contributes unequally often.
    """

    name: ClassVar[str] = "fold-pre-batchnorm"

    def rules(self) -> Sequence[PatternRule]:
        """Ahead of each linear operator."""
        bn = op("BatchNormalization", var("x"), *STATISTICS, name="bn")
        return [PatternRule(pattern, _fold) for pattern in linear(bn)]


def _fold(m: Match, edit: Edit) -> str:
    factor, offset = affine(m.scope, m["bn"])
    found = Linear.of(m)
    if found.axis != 1:
        raise Refused(f"the MatMul sums over axis {found.axis}, those normalised are axis 1")
    return scale_inputs(m, edit, factor, offset, m.tensor("x"), steps=2)
