"""The order in which onnxruntime's CPU provider rewrites a graph when it opens it.

Every rule of the target stands in one of these lists, in the runtime's order. A list is swept until
nothing changes; the second round at the level ALL follows where Casts of constants were computed.
"""

from __future__ import annotations

from ....costmodel.footprint import footprint
from ....costmodel.storage import stored
from ..rule import Bundle, Step, fixed_point, holds
from ..target import OptimizationLevel, Runtime, Target
from ..work import Work
from . import (
    attention,
    bias_gelu,
    constant_folding,
    constant_sharing,
    conv_activation,
    conv_affine,
    cse,
    div_mul,
    double_qdq,
    eliminations,
    functions,
    gather_slices,
    gelu,
    gemm_activation,
    gemm_sum,
    gemm_transpose,
    half_precision,
    integer_matmul,
    label_encoder,
    layer_norm,
    matmul_add,
    matmul_bn,
    matmul_fusions,
    nchwc,
    nhwc,
    not_where,
    packed_attention,
    pads,
    pre_shape,
    qdq_cleanup,
    qdq_propagation,
    qdq_units,
    redundant_clips,
    relu_clip,
    reshape_fusion,
    signed_to_unsigned,
    skip_layer_norm,
    space_to_depth,
    transposes,
    unique_dq,
    weight_bias,
    weight_only,
    where_dq,
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
    double_qdq.RULE,
    constant_sharing.SWEEP,
    cse.SWEEP,
    constant_folding.RULE,
    matmul_add.BASIC,
    reshape_fusion.RULE,
    space_to_depth.RULE,
    gelu.BASIC,
    layer_norm.BASIC,
    qdq_propagation.SWEEP,
    weight_bias.RULE,
    unique_dq.RULE,
    where_dq.RULE,
    transposes.BASIC,
)

EXTENDED: tuple[Step, ...] = (
    Bundle(
        "Level2_RuleBasedTransformer",
        (redundant_clips.CLIP, redundant_clips.RELU, gemm_transpose.RULE),
    ),
    transposes.AGAIN,
    signed_to_unsigned.RULE,
    qdq_units.STEP,
    gemm_activation.RULE,
    integer_matmul.TO_FLOAT,
    integer_matmul.DYNAMIC,
    conv_activation.RULE,
    gelu.EXTENDED,
    layer_norm.EXTENDED,
    layer_norm.SIMPLIFIED,
    Bundle("AttentionFusion", (attention.RULE, packed_attention.RULE)),
    gather_slices.SPLIT,
    gather_slices.RANGE,
    matmul_fusions.TRANSPOSE,
    bias_gelu.BIAS,
    matmul_add.EXTENDED,
    skip_layer_norm.RULE,
    skip_layer_norm.BIAS,
    bias_gelu.FAST,
    bias_gelu.QUICK,
    matmul_fusions.SCALE,
    weight_only.BIAS,
    qdq_cleanup.RULE,
)

LAYOUT: tuple[Step, ...] = (nchwc.SWEEP, nhwc.SWEEP, conv_activation.SUM)

ALL: tuple[Step, ...] = (half_precision.FUSE_BACK,)

# Not to be switched off, as it is where it comes again.
_LOADING = (unique_dq.RULE._replace(name="EnsureUniqueDQForNodeUnit on loading"),)
_ONCE = frozenset(
    {"ConstantSharing", "TransposeOptimizer", "TransposeOptimizer_CPUExecutionProvider"}
)
_ROUNDS = 10


def switches(target: Target) -> tuple[str, ...]:
    """Names of what a target does by itself and can leave out, in its order."""
    lists = (
        (OptimizationLevel.BASIC, BASIC),
        (OptimizationLevel.EXTENDED, EXTENDED),
        (OptimizationLevel.LAYOUT, LAYOUT),
    )
    names: dict[str, None] = {}
    for level, steps in (*lists, (OptimizationLevel.ALL, ALL)):
        for step in steps if level <= target.level else ():
            for rule in step.rules if isinstance(step, Bundle) else (step,):
                if holds(rule, target):
                    names[rule.name] = None
    return tuple(names)


def run(work: Work) -> None:
    """Rewrite a graph as the runtime does at the target's level and version."""
    level = work.target.level
    fixed_point(work, _LOADING)
    if level >= OptimizationLevel.BASIC:
        fixed_point(work, BASIC, _ONCE)
    fixed_point(work, (functions.STEP,))
    for _ in range(_ROUNDS):
        if level >= OptimizationLevel.EXTENDED:
            fixed_point(work, EXTENDED, _ONCE)
        if level >= OptimizationLevel.LAYOUT:
            fixed_point(work, LAYOUT)
        fixed_point(work, (half_precision.INSERT,))
        if level < OptimizationLevel.ALL or not fixed_point(work, ALL):
            break


RUNTIME = Runtime(
    "onnxruntime-cpu",
    run,
    stored,
    ((1, 20), (1, 22), (1, 23), (1, 24), (1, 26), (1, 28), (1, 30), (1, 31), (1, 32)),
    footprints=footprint,
)
