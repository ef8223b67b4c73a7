"""BatchNormalization into the Conv, ConvTranspose, Gemm or MatMul that it follows.

y = (conv(x) - mean) * scale / sqrt(variance + epsilon) + shift is a Conv with scaled weights and
another bias (Jacob et al., CVPR 2018, section 3.2), since a Conv is linear in its weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from ..graph import Node
from ..rewrite.edit import Edit
from ..rewrite.facts.affine import Affine
from ..rewrite.facts.linear import Linear, linear, scale_outputs
from ..rewrite.pattern import Match, Pattern, const, maybe, op, var
from ..rewrite.rewriting import Pass, PatternRule, Refused
from ..rewrite.scope import Scope

STATISTICS: tuple[Pattern, ...] = tuple(map(const, ("scale", "shift", "mean", "variance")))
_CURVES = "Relu|Clip|LeakyRelu|PRelu|Elu|Selu|Sigmoid|HardSigmoid|HardSwish|Tanh|Softplus|Mish|Gelu"


@dataclass(frozen=True)
class FoldBatchNorm(Pass):
    """Fold an inference-mode BatchNormalization into the weights before it.

    Refuses one in training mode or whose further outputs are used, and a Conv whose output others
    read too. A weight that others share is copied if it is small. One that follows an activation
    can't be folded, which is reported.
    """

    name: ClassVar[str] = "fold-batchnorm"

    def rules(self) -> Sequence[PatternRule]:
        """After each linear operator, and those that can't be."""
        inputs = (var("x"), var("w"), maybe(var("b")))
        before = op("Conv|ConvTranspose|Gemm", *inputs, name="before", shared=True)
        curve = op(
            _CURVES, before, maybe(var("low")), maybe(var("high")), name="curve", shared=True
        )
        return [
            *(
                PatternRule(op("BatchNormalization", folded, *STATISTICS, name="bn"), _fold)
                for folded in linear()
            ),
            *(
                PatternRule(
                    op("BatchNormalization", view, *STATISTICS, name="bn"), _fold_behind_view
                )
                for folded in linear()
                for view in (
                    op("Flatten", folded, name="view"),
                    op("Reshape|Squeeze|Unsqueeze", folded, maybe(var("list")), name="view"),
                )
            ),
            PatternRule(op("BatchNormalization", curve, *STATISTICS, name="bn"), _after_activation),
        ]


def affine(scope: Scope, bn: Node) -> Affine:
    """A BatchNormalization as y = factor * x + offset, per channel.

    Raises
    ------
    Refused
        If it is in training mode, or its statistics are not constant.
    """
    if bn.int("training_mode", 0) or (not bn.int("is_test", 0) and scope.opset() < 7):
        raise Refused("the BatchNormalization is in training mode; export the model in eval mode")
    if any(bn.outputs[1:]):
        raise Refused("the BatchNormalization gives its statistics too; export in eval mode")
    if bn.int("spatial", 1) == 0:
        raise Refused("the BatchNormalization has statistics per element, not per channel")
    values = [scope.value(name) for name in bn.inputs[1:5]]
    if any(value is None for value in values):
        raise Refused("the BatchNormalization's statistics are not constant")
    scale, shift, mean, variance = (np.asarray(v, np.float64) for v in values)
    spread = variance + bn.float("epsilon", 1e-5)
    if not np.all(spread > 0):
        raise Refused("a variance of the BatchNormalization is negative or zero without epsilon")
    factor = scale / np.sqrt(spread)
    offset = shift - mean * factor
    if not np.all(np.isfinite(factor)) or not np.all(np.isfinite(offset)):
        raise Refused("the BatchNormalization's statistics are not finite")
    return factor, offset


def _fold(m: Match, edit: Edit) -> str:
    factor, offset = affine(m.scope, m["bn"])
    found = Linear.of(m)
    if found.axis != 1:
        raise Refused(f"the MatMul's channels are axis {found.axis}, those normalised axis 1")
    return scale_outputs(m, edit, factor, offset, m["bn"].outputs[0])


def _fold_behind_view(m: Match, edit: Edit) -> str:
    """MatMul, Reshape and BatchNormalization: where the Reshape leaves the channels what they are.

    They do so where as many elements lie behind an element of them before and after.
    """
    scope, view = m.scope, m["view"]
    factor, offset = affine(scope, m["bn"])
    found = Linear.of(m)
    before, after = scope.dims(m["linear"].outputs[0]), scope.dims(view.outputs[0])
    if before is None or after is None or len(after) < 2:
        raise Refused(f"the rank of '{view.outputs[0]}' is not known")
    behind = before[found.axis + 1 :], after[2:]
    if None in (*behind[0], *behind[1]) or prod(behind[0]) != prod(behind[1]):  # type: ignore[arg-type] # none is None by then
        raise Refused(f"the {view.op_type} is not known to leave the channels where they are")
    if before[found.axis] != after[1] or after[1] != found.makes:
        raise Refused(f"the {view.op_type} takes the channels apart, or joins them")
    output = m["linear"].outputs[0]
    edit.change(view, outputs=m["bn"].outputs[:1])
    return scale_outputs(m, edit, factor, offset, output)


def _after_activation(m: Match, edit: Edit) -> str:
    curve, before = m["curve"].op_type, m["before"].op_type
    raise Refused(
        f"the {curve} between the {before} and the BatchNormalization is not linear; "
        "put the BatchNormalization before the activation and train so"
    )
