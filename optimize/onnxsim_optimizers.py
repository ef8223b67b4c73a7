"""Which of onnxsim's optimisers run, and why the others don't.

One that is in neither list, as of a newer onnxsim, doesn't run either. Those that run were tried
one by one on small graphs, each on one at least that it changes (tests/optimize), on inputs with
NaN, infinities, negative zeros and overflow, and gave the same. That is a trial and no proof: what
they make of a model is compared as all else. "ocost does it" means that a pass of the same effect
exists, which declines where it can't prove that outputs stay the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..graph import OcostError
from ..graph.errors import did_you_mean

# Not an optimiser but a step of its own, that can be left out as they can.
FOLDING = "constant_folding"

_RUN: tuple[str, ...] = (
    "eliminate_deadend",
    "eliminate_identity",
    "eliminate_unused_initializer",
    "eliminate_nop_cast",
    "eliminate_nop_concat",
    "eliminate_nop_dropout",
    "eliminate_nop_expand",
    "eliminate_nop_flatten",
    "eliminate_nop_pad",
    "eliminate_nop_reduce",
    "eliminate_nop_reshape",
    "eliminate_nop_split",
    "eliminate_nop_transpose",
    "eliminate_consecutive_idempotent_ops",
    "eliminate_optional_has_element",
    "eliminate_reshape_around_elementwise",
    "eliminate_reshape_family_on_constant",
    "eliminate_sequence_length_construct",
    "eliminate_shape_op",
    "eliminate_slice_after_shape",
    "fuse_add_bias_into_conv",
    "fuse_consecutive_concats",
    "fuse_consecutive_reduce_unsqueeze",
    "fuse_consecutive_reshapes",
    "fuse_consecutive_slices",
    "fuse_consecutive_squeeze_unsqueeze",
    "fuse_consecutive_squeezes",
    "fuse_consecutive_transposes",
    "fuse_consecutive_unsqueezes",
    "fuse_pad_into_conv",
    "fuse_reshape_family",
    "fuse_split_gather_concat",
    "fuse_transpose_into_gemm",
    "rewrite_bool_where",
    "rewrite_where",
    # Those from here on may make a graph larger: what makes it so is looked for here first.
    "fuse_matmul_add_bias_into_gemm",
    "fuse_matmul_add_bias_into_gemm_batched",
    FOLDING,
)
SUSPECTS = 3  # at the end of the list

_MICROSOFT = "it writes an operator of com.microsoft, which only onnxruntime knows"
_FOR_TARGET: Mapping[str, tuple[str, ...]] = {"ort-cpu": ("fuse_attention", "fuse_gqa")}

_LEFT_OUT: Mapping[str, str] = {
    "eliminate_common_subexpression": "it takes two draws of a random operator for one; "
    "ocost does it (merge-duplicates)",
    "eliminate_duplicate_initializer": "it takes 0.0 and -0.0 for the same, and 1/x of both is "
    "not; ocost does it (merge-duplicates)",
    "eliminate_if_with_const_cond": "ocost does it (inline-constant-if), under new names",
    "eliminate_loop_with_const_trip_count": "it writes out up to 1,024 trips one by one",
    "eliminate_nop_monotone_argmax": "where the function overflows or rounds, values that differ "
    "become equal, and the index another one",
    "eliminate_nop_softmax": "a NaN or infinity would give 1 instead of NaN",
    "eliminate_nop_with_unit": "ocost does it (remove-noops)",
    "eliminate_optional_get_element": "where it makes an output of the graph, that is then an "
    "input too",
    "eliminate_sequence_at_construct": "where it makes an output of the graph, that is then an "
    "input too",
    "eliminate_shape_gather": "onnxsim never runs it",
    "extract_constant_to_initializer": "onnxsim never runs it; ocost does it (fold-constants)",
    "fuse_bn_into_conv": "folded weights may overflow; ocost does it (fold-batchnorm)",
    "fuse_concat_into_reshape": "the -1 that it writes for an open dim can't be resolved where "
    "another dim is 0",
    "fuse_consecutive_log_softmax": "the logarithm of a probability that is 0 is -inf, that of a "
    "LogSoftmax is not",
    "fuse_consecutive_mul": "the product of the constants may overflow, or become 0, where one "
    "after the other does not",
    "fuse_consecutive_reduce": "a mean of integers is rounded in both steps, and NaN is lost by "
    "one order and kept by the other",
    "fuse_gelu": "ocost does it (recompose-gelu)",
    "fuse_layer_norm": "ocost does it (recompose-layernorm)",
    "fuse_lp_normalization": "for a norm of 0 LpNormalization gives 0, a division NaN",
    "fuse_mul_into_conv": "it takes a scale of more dims than the result for one of its channels, "
    "and folded weights may overflow; ocost does it (fold-channel-affine)",
    "fuse_pad_into_pool": "ocost does it (fold-pads)",
    "fuse_preceding_mul_into_conv": "folded weights may overflow; ocost does it "
    "(fold-channel-affine)",
    "fuse_qkv": "it copies the weights and adds a Split, whether that pays or not; ocost does it "
    "where it pays (merge-siblings)",
    "fuse_rms_norm": "the operator computes float16 in float32, which is another rounding",
    "fuse_rope": "not shown to be right",
    "nop": "it does nothing",
    "rewrite_arg_reduce_select_last_index": "it writes five operators for one, and NaN gives "
    "another index",
}


def trusted(target: str = "") -> tuple[str, ...]:
    """The names of those that run, the suspects last; more of them for a target."""
    return (*_FOR_TARGET.get(target, ()), *_RUN)


def left_out(target: str = "") -> Mapping[str, str]:
    """The reason by the name of each that doesn't run."""
    others = [name for names in _FOR_TARGET.values() for name in names]
    asked = trusted(target)
    return {**_LEFT_OUT, **{name: _MICROSOFT for name in others if name not in asked}}


def require_known(names: Collection[str]) -> None:
    """Refuse to leave out what is no optimiser of onnxsim.

    Raises
    ------
    OcostError
        If one is in neither list.
    """
    known = (*trusted(), *left_out())
    for name in names:
        if name not in known:
            raise OcostError(
                f"onnxsim has no optimiser {name!r}{did_you_mean(name, known)}; "
                "'ocost explain onnxsim' lists them"
            )
