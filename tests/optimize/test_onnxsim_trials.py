"""Each optimiser of onnxsim that runs, alone: it changes its graph, and outputs stay."""

from __future__ import annotations

import pytest
from onnx import parser

from ocost.graph import from_proto, to_proto
from ocost.optimize.onnxsim_optimizers import FOLDING, trusted
from ocost.optimize.simplify import simplify
from ocost.runtime.equality.equivalence import check

# What each is there for.
TRIALS = {
    "eliminate_deadend": ("(float[2,4] x) => (float[2,4] y) { a = Exp (x) y = Relu (x) }"),
    "eliminate_identity": (
        "(float[2,4] x) => (float[2,4] y) "
        "{ a = Identity (x) b = Relu (a) c = Identity (b) y = Exp (c) }"
    ),
    "eliminate_unused_initializer": (
        "(float[2,4] x) => (float[2,4] y) <float[2] u = {1,2}> { y = Relu (x) }"
    ),
    "eliminate_nop_cast": ("(float[2,4] x) => (float[2,4] y) { a = Cast <to=1> (x) y = Relu (a) }"),
    "eliminate_nop_concat": (
        "(float[2,4] x) => (float[2,4] y) { a = Concat <axis=0> (x) y = Relu (a) }"
    ),
    "eliminate_nop_dropout": ("(float[2,4] x) => (float[2,4] y) { a = Dropout (x) y = Relu (a) }"),
    "eliminate_nop_expand": (
        "(float[2,4] x) => (float[2,4] y) <int64[2] s = {2,4}> { a = Expand (x,s) y = Relu (a) }"
    ),
    "eliminate_nop_flatten": (
        "(float[2,4] x) => (float[2,4] y) { a = Flatten <axis=1> (x) y = Relu (a) }"
    ),
    "eliminate_nop_pad": (
        "(float[2,4] x) => (float[2,4] y) <int64[4] s = {0,0,0,0}> { a = Pad (x,s) y = Relu (a) }"
    ),
    "eliminate_nop_reduce": (
        "(float[2,1] x) => (float[2,1] y) { a = ReduceMax <axes=[1]> (x) y = Relu (a) }"
    ),
    "eliminate_nop_reshape": (
        "(float[2,4] x) => (float[2,4] y) <int64[2] s = {2,4}> { a = Reshape (x,s) y = Relu (a) }"
    ),
    "eliminate_nop_split": (
        "(float[2,4] x) => (float[2,4] y) "
        "<int64[1] s = {4}> "
        "{ a = Split <axis=1> (x,s) y = Relu (a) }"
    ),
    "eliminate_nop_transpose": (
        "(float[2,4] x) => (float[2,4] y) { a = Transpose <perm=[0,1]> (x) y = Relu (a) }"
    ),
    "eliminate_consecutive_idempotent_ops": (
        "(float[2,4] x) => (float[2,4] y) "
        "{ a = Relu (x) b = Relu (a) c = Ceil (b) d = Ceil (c) y = Exp (d) }"
    ),
    "eliminate_optional_has_element": (
        "(float[2,4] x) => (bool y) { a = Optional (x) b = OptionalHasElement (a) y = Not (b)}"
    ),
    "eliminate_reshape_around_elementwise": (
        "(float[6,4] x) => (float[6,4] y) "
        "<int64[3] s={2,3,4}, int64[2] t={6,4}, float k={2}> "
        "{ a = Reshape (x,s) b = Erf (a) c = Mul (b,k) d = Reshape (c,t) y = Relu (d) }"
    ),
    "eliminate_reshape_family_on_constant": (
        "(float[2,4] x) => (float[2,4] y) "
        "<float[4] w={1,2,3,4}, int64[2] t={1,4}> "
        "{ a = Reshape (w,t) y = Add (x,a) }"
    ),
    "eliminate_sequence_length_construct": (
        "(float[2,4] x) => (int64 y) "
        "{ a = SequenceConstruct (x,x) b = SequenceLength (a) y = Neg (b) }"
    ),
    "eliminate_shape_op": ("(float[2,4] x) => (int64[2] y) { a = Shape (x) y = Neg (a) }"),
    "eliminate_slice_after_shape": (
        "(float[2,4] x) => (int64[1] y) "
        "<int64[1] s={0}, int64[1] e={1}> "
        "{ a = Shape (x) b = Slice (a,s,e) y = Neg (b) }"
    ),
    "fuse_add_bias_into_conv": (
        "(float[1,2,4,4] x) => (float[1,2,4,4] y) "
        "<float[2,2,1,1] w={1,2,3,4}, float[2,1,1] b={1,2}> "
        "{ a = Conv (x,w) y = Add (a,b) }"
    ),
    "fuse_consecutive_concats": (
        "(float[2,4] x) => (float[A,B] y) { a = Concat <axis=0> (x,x) y = Concat <axis=0> (a,x) }"
    ),
    "fuse_consecutive_reduce_unsqueeze": (
        "(float[2,4] x) => (float[A,B] y) "
        "<int64[1] s = {1}> "
        "{ a = ReduceSum <keepdims=0> (x,s) y = Unsqueeze (a,s) }"
    ),
    "fuse_consecutive_reshapes": (
        "(float[2,4] x) => (float[A,B] y) "
        "<int64[1] s = {8}, int64[2] t={4,2}> "
        "{ a = Reshape (x,s) y = Reshape (a,t) }"
    ),
    "fuse_consecutive_slices": (
        "(float[8,8] x) => (float[A,B] y) "
        "<int64[1] s={1}, int64[1] t={4}, int64[1] a0={0}, int64[1] a1={1}, int64[1] o={1}> "
        "{ a = Slice (x,s,t,a0,o) y = Slice (a,s,t,a1,o) }"
    ),
    "fuse_consecutive_squeeze_unsqueeze": (
        "(float[2,4] x) => (float[A,B] y) "
        "<int64[1] s = {1}> "
        "{ a = Unsqueeze (x,s) b = Squeeze (a,s) y = Relu (b) }"
    ),
    "fuse_consecutive_squeezes": (
        "(float[1,1,4] x) => (float[A] y) "
        "<int64[1] s = {0}> "
        "{ a = Squeeze (x,s) b = Squeeze (a,s) y = Relu (b) }"
    ),
    "fuse_consecutive_transposes": (
        "(float[2,3,4] x) => (float[A,B,C] y) "
        "{ a = Transpose <perm=[1,2,0]> (x) y = Transpose <perm=[1,0,2]> (a) }"
    ),
    "fuse_consecutive_unsqueezes": (
        "(float[4] x) => (float[A,B,C] y) "
        "<int64[1] s = {0}> "
        "{ a = Unsqueeze (x,s) b = Unsqueeze (a,s) y = Relu (b) }"
    ),
    "fuse_pad_into_conv": (
        "(float[1,2,4,4] x) => (float[1,2,6,6] y) "
        "<float[2,2,1,1] w={1,2,3,4}, int64[8] p={0,0,1,1,0,0,1,1}> "
        "{ a = Pad (x,p) y = Conv (a,w) }"
    ),
    "fuse_reshape_family": (
        "(float[2,4] x) => (float[A,B] y) "
        "<int64[1] s = {1}, int64[2] t={4,2}> "
        "{ a = Flatten (x) b = Unsqueeze (a,s) y = Reshape (b,t) }"
    ),
    "fuse_split_gather_concat": (
        "(float[5,4] x, int64[4] i) => (float[A,B] y) "
        "<int64[2] s={2,2}> "
        "{ a, b = Split <axis=0> (i,s) c = Gather <axis=0> (x,a) "
        "d = Gather <axis=0> (x,b) y = Concat <axis=0> (c,d) }"
    ),
    "fuse_transpose_into_gemm": (
        "(float[4,2] x) => (float[A,B] y) "
        "<float[4,2] w={1,2,3,4,5,6,7,8}> "
        "{ a = Transpose <perm=[1,0]> (x) y = Gemm (a,w) }"
    ),
    "rewrite_bool_where": (
        "(bool[2,4] c, bool[2,4] a, bool[2,4] b) => (bool[2,4] y) "
        "<bool t={1}, bool f={0}> "
        "{ d = Where (c,t,f) y = Or (d,a) }"
    ),
    "rewrite_where": (
        "(bool[2,4] c, float[2,4] a, float[2,4] b) => (float[2,4] y) "
        "{ d = Not (c) y = Where (d,a,b) }"
    ),
    "fuse_matmul_add_bias_into_gemm": (
        "(float[2,4] x) => (float[2,2] y) "
        "<float[4,2] w={1,2,3,4,5,6,7,8}, float[2] b={1,2}> "
        "{ a = MatMul (x,w) y = Add (a,b) }"
    ),
    "fuse_matmul_add_bias_into_gemm_batched": (
        "(float[3,2,4] x) => (float[3,2,2] y) "
        "<float[4,2] w={1,2,3,4,5,6,7,8}, float[2] b={1,2}> "
        "{ a = MatMul (x,w) y = Add (a,b) }"
    ),
}


def test_there_is_one_for_each() -> None:
    assert {*TRIALS, FOLDING} == {*trusted()}


@pytest.mark.parametrize("name", TRIALS)
def test_it_changes_its_graph_and_outputs_stay(name: str) -> None:
    """Special values included, which are in the inputs of a check."""
    head = '<ir_version: 8, opset_import: ["" : 17]>'
    before = from_proto(parser.parse_model(f"{head}\ng {TRIALS[name]}"))
    untouched = to_proto(simplify(before, []).graph)
    after = simplify(before, [name]).graph
    assert to_proto(after) != untouched
    assert check(before, after).ok
