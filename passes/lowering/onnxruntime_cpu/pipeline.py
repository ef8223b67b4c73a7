"""The order in which onnxruntime's CPU provider rewrites a graph when it opens it.

Every rule of the target stands in one of these lists, in the runtime's order. A list is swept until
nothing changes; the second round at the level ALL follows where Casts of constants were computed.
"""

from __future__ import annotations

from ..rule import Bundle, Step, fixed_point
from ..target import Level
from ..work import Work
from . import (
    constant_folding,
    constant_sharing,
    conv_affine,
    cse,
    div_mul,
    eliminations,
    functions,
    gelu,
    gemm_sum,
    gemm_transpose,
    half_precision,
    label_encoder,
    layer_norm,
    matmul_add,
    matmul_bn,
    not_where,
    pads,
    pre_shape,
    relu_clip,
    reshape_fusion,
    space_to_depth,
)

BASIC: tuple[Step, ...] = (
    Bundle(
        "Level1_RuleBasedTransformer",
        (
            eliminations.IDENTITY,
            eliminations.SLICE,
            eliminations.UNSQUEEZE,
            eliminations.DROPOUT,
            eliminations.EXPAND,
            eliminations.CAST,
            pre_shape.RULE,
            eliminations.NOOP,
            div_mul.RULE,
            relu_clip.RULE,
            gemm_sum.RULE,
            gemm_transpose.RULE,
            not_where.RULE,
            conv_affine.ADD,
            conv_affine.MUL,
            conv_affine.NORM,
            conv_affine.NORM_TRANSPOSED,
            pads.RULE,
            matmul_bn.RULE,
            label_encoder.RULE,
        ),
    ),
    constant_sharing.SWEEP,
    cse.SWEEP,
    constant_folding.RULE,
    matmul_add.BASIC,
    reshape_fusion.RULE,
    space_to_depth.RULE,
    gelu.BASIC,
    layer_norm.BASIC,
)

EXTENDED: tuple[Step, ...] = (
    Bundle("Level2_RuleBasedTransformer", (gemm_transpose.RULE,)),
    gelu.EXTENDED,
    layer_norm.EXTENDED,
    layer_norm.SIMPLIFIED,
    matmul_add.EXTENDED,
)

LAYOUT: tuple[Step, ...] = ()

_ONCE = frozenset({"ConstantSharing", "TransposeOptimizer"})
_ROUNDS = 10


def run(work: Work) -> None:
    """Rewrite a graph as the runtime does at the target's level and version."""
    level = work.target.level
    if level >= Level.BASIC:
        fixed_point(work, BASIC, _ONCE)
    fixed_point(work, (functions.STEP,))
    for _ in range(_ROUNDS):
        if level >= Level.EXTENDED:
            fixed_point(work, EXTENDED)
        if level >= Level.LAYOUT:
            fixed_point(work, LAYOUT)
        fixed_point(work, (half_precision.INSERT,))
        if level < Level.ALL or not fixed_point(work, (half_precision.FUSE_BACK,)):
            break
