"""Pairs of models that compute different things: some draw of the first one's plan shows it."""

from __future__ import annotations

import pytest

from .conftest import opened, telling

FLOAT = "g (float[4] x) => (float[4] y)"
INT = "g (int64[4] x) => (int64[4] y)"
C = (
    "<float one = {1}, float hundred = {100}, float low = {-100}, float zero = {0}, "
    "float six = {6}>"
)


def branch(condition: str, then: str, other: str, inputs: str = "float[4] x") -> str:
    return f"""g ({inputs}) => (float[4] y)
    <float thousand = {{1000}}, float tiny = {{0.001}}, int64 seven = {{7}},
     float low = {{-50.5}}> {{
      {condition}
      y = If (c) <
        then_branch = t () => (float[4] ty) {{ ty = {then} (x) }},
        else_branch = e () => (float[4] ey) {{ ey = {other} (x) }}>
    }}"""


PAIRS = {
    "abs": (f"{FLOAT} {{ y = Abs (x) }}", f"{FLOAT} {{ y = Identity (x) }}"),
    "clip": (f"{FLOAT} {C} {{ y = Clip (x, low, hundred) }}", f"{FLOAT} {{ y = Identity (x) }}"),
    "clip_one_side": (
        f"{FLOAT} {C} {{ y = Clip (x, low, hundred) }}",
        f"{FLOAT} {C} {{ y = Min (x, hundred) }}",
    ),
    "relu6": (f"{FLOAT} {C} {{ y = Clip (x, zero, six) }}", f"{FLOAT} {{ y = Relu (x) }}"),
    "leaky": (f"{FLOAT} {{ y = LeakyRelu (x) }}", f"{FLOAT} {{ y = Relu (x) }}"),
    "elu": (f"{FLOAT} {{ y = Elu (x) }}", f"{FLOAT} {{ y = Selu (x) }}"),
    "where_swapped": (
        "g (float[4] x, float[4] z, bool[4] m) => (float[4] y) { y = Where (m, x, z) }",
        "g (float[4] x, float[4] z, bool[4] m) => (float[4] y) { y = Where (m, z, x) }",
    ),
    "where_not_needed": (
        f"g (float[4] x, bool[4] keep) => (float[4] y) {C} {{ y = Where (keep, x, zero) }}",
        "g (float[4] x, bool[4] keep) => (float[4] y) { y = Identity (x) }",
    ),
    "int_square": (f"{INT} {{ y = Mul (x, x) }}", f"{INT} {{ y = Identity (x) }}"),
    "int_abs": (f"{INT} {{ y = Abs (x) }}", f"{INT} {{ y = Identity (x) }}"),
    "mod_sign": (
        "g (int64[4] x, int64[4] z) => (int64[4] y) { y = Mod (x, z) }",
        "g (int64[4] x, int64[4] z) => (int64[4] y) { y = Mod <fmod = 1> (x, z) }",
    ),
    "integer_division": (
        "g (int64[4] x) => (int64[4] y) <int64 two = {2}> { y = Div (x, two) }",
        """g (int64[4] x) => (int64[4] y) <float two = {2.0}>
        { f = Cast <to = 1> (x) q = Div (f, two) h = Floor (q) y = Cast <to = 7> (h) }""",
    ),
    "equal_constant": (
        "g (int64[4] x) => (bool[4] y) <int64 c = {777}> { y = Equal (x, c) }",
        "g (int64[4] x) => (bool[4] y) <int64 c = {778}> { y = Equal (x, c) }",
    ),
    "equal_float_constant": (
        "g (float[4] x) => (bool[4] y) <float c = {3.25}> { y = Equal (x, c) }",
        "g (float[4] x) => (bool[4] y) <float c = {3.5}> { y = Equal (x, c) }",
    ),
    "greater_or_equal": (
        "g (float[4] x, float[4] z) => (bool[4] y) { y = GreaterOrEqual (x, z) }",
        "g (float[4] x, float[4] z) => (bool[4] y) { y = Greater (x, z) }",
    ),
    "int_less_or_equal": (
        "g (int32[4] x, int32[4] z) => (bool[4] y) { y = LessOrEqual (x, z) }",
        "g (int32[4] x, int32[4] z) => (bool[4] y) { y = Less (x, z) }",
    ),
    "and_or": (
        "g (bool[4] x, bool[4] z) => (bool[4] y) { y = And (x, z) }",
        "g (bool[4] x, bool[4] z) => (bool[4] y) { y = Or (x, z) }",
    ),
    "and_or_of_single_flags": (
        "g (bool x, bool z) => (bool y) { y = And (x, z) }",
        "g (bool x, bool z) => (bool y) { y = Or (x, z) }",
    ),
    "xor_or": (
        "g (bool x, bool z) => (bool y) { y = Xor (x, z) }",
        "g (bool x, bool z) => (bool y) { y = Or (x, z) }",
    ),
    "three_flags": (
        "g (bool x, bool z, bool w) => (bool y) { n = Not(z) a = And (x, n) y = And (a, w) }",
        "g (bool x, bool z, bool w) => (bool y) { n = Not(z) y = And (x, n) }",
    ),
    "argmax_ties": (
        "g (float[4] x) => (int64[1] y) { y = ArgMax (x) }",
        "g (float[4] x) => (int64[1] y) { y = ArgMax <select_last_index = 1> (x) }",
    ),
    "argmin_int_ties": (
        "g (int32[4] x) => (int64[1] y) { y = ArgMin (x) }",
        "g (int32[4] x) => (int64[1] y) { y = ArgMin <select_last_index = 1> (x) }",
    ),
    "round_half": (
        f"{FLOAT} {{ y = Round (x) }}",
        "g (float[4] x) => (float[4] y) <float h = {0.5}> { s = Add (x, h) y = Floor (s) }",
    ),
    "floor_trunc": (
        f"{FLOAT} {{ y = Floor (x) }}",
        f"{FLOAT} {{ i = Cast <to = 7> (x) y = Cast <to = 1> (i) }}",
    ),
    "scalar_floor_ceil": (
        "g (float x) => (float y) { y = Floor (x) }",
        "g (float x) => (float y) { y = Ceil (x) }",
    ),
    "scalar_clip": (
        f"g (float x) => (float y) {C} {{ y = Clip (x, low, hundred) }}",
        "g (float x) => (float y) { y = Identity (x) }",
    ),
    "sign_of_zero": (
        f"{FLOAT} {C} {{ y = Div (one, x) }}",
        f"{FLOAT} {C} {{ a = Add (x, zero) y = Div (one, a) }}",
    ),
    "gather_from_the_end": (
        "g (float[5,2] x, int64[3] i) => (float[3,2] y) { y = Gather (x, i) }",
        """g (float[5,2] x, int64[3] i) => (float[3,2] y) <int64 none = {0}>
        { a = Max (i, none) y = Gather (x, a) }""",
    ),
    "signedness": (
        "g (uint8[4] x) => (float[4] y) { y = Cast <to = 1> (x) }",
        "g (uint8[4] x) => (float[4] y) { i = Cast <to = 3> (x) y = Cast <to = 1> (i) }",
    ),
    "uint32_signedness": (
        "g (uint32[4] x) => (double[4] y) { y = Cast <to = 11> (x) }",
        "g (uint32[4] x) => (double[4] y) { i = Cast <to = 6> (x) y = Cast <to = 11> (i) }",
    ),
    "uint64_signedness": (
        "g (uint64[4] x) => (double[4] y) { y = Cast <to = 11> (x) }",
        "g (uint64[4] x) => (double[4] y) { i = Cast <to = 7> (x) y = Cast <to = 11> (i) }",
    ),
    "narrowing": (
        f"{INT} {{ y = Identity (x) }}",
        f"{INT} {{ i = Cast <to = 6> (x) y = Cast <to = 7> (i) }}",
    ),
    "int16_through_int8": (
        "g (int16[4] x) => (int16[4] y) { y = Identity (x) }",
        "g (int16[4] x) => (int16[4] y) { i = Cast <to = 3> (x) y = Cast <to = 5> (i) }",
    ),
    "two_masks": (
        """g (float[4] x, float[4] mask_a, float[4] mask_b) => (float[4] y)
        { a = Mul (x, mask_a) y = Mul (a, mask_b) }""",
        "g (float[4] x, float[4] mask_a, float[4] mask_b) => (float[4] y) { y = Mul (x, mask_a) }",
    ),
    "int_mask": (
        """g (float[2,4] x, int64[2,4] attention_mask) => (float[2,4] y)
        { m = Cast <to = 1> (attention_mask) y = Mul (x, m) }""",
        "g (float[2,4] x, int64[2,4] attention_mask) => (float[2,4] y) { y = Identity (x) }",
    ),
    "float_mask": (
        """g (float[2,4] x, float[2,4] attention_mask) => (float[2,4] y)
        { y = Mul (x, attention_mask) }""",
        "g (float[2,4] x, float[2,4] attention_mask) => (float[2,4] y) { y = Identity (x) }",
    ),
    "nan": (
        f"{FLOAT} {C} {{ n = IsNaN (x) y = Where (n, zero, x) }}",
        f"{FLOAT} {{ y = Identity (x) }}",
    ),
    "infinity": (
        f"{FLOAT} {C} {{ n = IsInf (x) y = Where (n, zero, x) }}",
        f"{FLOAT} {{ y = Identity (x) }}",
    ),
    "negative_infinity_of_a_scalar": (
        f"""g (float x) => (float y) {C}
        {{ n = IsInf <detect_positive = 0> (x) y = Where (n, zero, x) }}""",
        "g (float x) => (float y) { y = Identity (x) }",
    ),
    "else_branch": (
        branch("c = Identity (flag)", "Relu", "Abs", "float[4] x, bool flag"),
        branch("c = Identity (flag)", "Relu", "Neg", "float[4] x, bool flag"),
    ),
    "then_branch_at_a_large_sum": (
        branch("s = ReduceSum <keepdims = 0> (x) c = Greater (s, thousand)", "Relu", "Abs"),
        branch("s = ReduceSum <keepdims = 0> (x) c = Greater (s, thousand)", "Neg", "Abs"),
    ),
    "then_branch_at_a_very_negative_minimum": (
        branch("s = ReduceMin <keepdims = 0> (x) c = Less (s, low)", "Relu", "Abs"),
        branch("s = ReduceMin <keepdims = 0> (x) c = Less (s, low)", "Identity", "Abs"),
    ),
    "then_branch_at_tiny_values": (
        branch("a = Abs (x) s = ReduceMax <keepdims = 0> (a) c = Less (s, tiny)", "Neg", "Abs"),
        branch("a = Abs (x) s = ReduceMax <keepdims = 0> (a) c = Less (s, tiny)", "Exp", "Abs"),
    ),
    "branch_at_one_number": (
        branch("c = Equal (n, seven)", "Relu", "Abs", "float[4] x, int64 n"),
        branch("c = Equal (n, seven)", "Neg", "Abs", "float[4] x, int64 n"),
    ),
    "branch_of_two_flags": (
        branch("n = Not (f) c = And (n, h)", "Relu", "Abs", "float[4] x, bool f, bool h"),
        branch("n = Not (f) c = And (n, h)", "Neg", "Abs", "float[4] x, bool f, bool h"),
    ),
    "loop_trips": (
        """g (float[4] x, int64 n) => (float[4] y) <bool go = {1}> {
          y = Loop (n, go, x) <body = b (int64 i, bool c, float[4] v) => (bool d, float[4] w)
            { r = Relu (v) w = Add (r, r) d = Identity (c) }> }""",
        """g (float[4] x, int64 n) => (float[4] y) <bool go = {1}> {
          y = Loop (n, go, x) <body = b (int64 i, bool c, float[4] v) => (bool d, float[4] w)
            { r = Relu (v) s = Add (r, r) f = Cast <to = 1> (i) w = Add (s, f)
              d = Identity (c) }> }""",
    ),
    "loop_of_no_trip": (
        """g (float[4] x, int64 n) => (float[4] y) <bool go = {1}> {
          y = Loop (n, go, x) <body = b (int64 i, bool c, float[4] v) => (bool d, float[4] w)
            { w = Relu (v) d = Identity (c) }> }""",
        "g (float[4] x, int64 n) => (float[4] y) { y = Relu (x) }",
    ),
    "loop_that_may_not_start": (
        """g (float[4] x, bool go) => (float[4] y) <int64 n = {2}> {
          y = Loop (n, go, x) <body = b (int64 i, bool c, float[4] v) => (bool d, float[4] w)
            { w = Add (v, v) d = Identity (c) }> }""",
        """g (float[4] x, bool go) => (float[4] y) { a = Add (x, x) y = Add (a, a) }""",
    ),
    "label_of_a_key": (
        """g (string[3] s) => (float[3] y) { y = ai.onnx.ml.LabelEncoder
        <keys_strings = ["a", "b"], values_floats = [1.0, 2.0]> (s) }""",
        """g (string[3] s) => (float[3] y) { y = ai.onnx.ml.LabelEncoder
        <keys_strings = ["a", "b"], values_floats = [1.0, 3.0]> (s) }""",
    ),
    "label_of_no_key": (
        """g (string[3] s) => (float[3] y) { y = ai.onnx.ml.LabelEncoder
        <keys_strings = ["a", "b"], values_floats = [1.0, 2.0], default_float = 0.0> (s) }""",
        """g (string[3] s) => (float[3] y) { y = ai.onnx.ml.LabelEncoder
        <keys_strings = ["a", "b"], values_floats = [1.0, 2.0], default_float = 5.0> (s) }""",
    ),
    "label_of_an_integer": (
        """g (int64[3] s) => (float[3] y) { y = ai.onnx.ml.LabelEncoder
        <keys_int64s = [501, 502], values_floats = [1.0, 2.0]> (s) }""",
        """g (int64[3] s) => (float[3] y) { y = ai.onnx.ml.LabelEncoder
        <keys_int64s = [501, 502], values_floats = [1.0, 3.0]> (s) }""",
    ),
    "equal_strings": (
        """g (string[2] s, string[2] t) => (bool[2] y)
        { a = ai.onnx.ml.LabelEncoder <keys_strings = ["u", "v"], values_int64s = [1, 2]> (s)
          b = ai.onnx.ml.LabelEncoder <keys_strings = ["u", "v"], values_int64s = [1, 2]> (t)
          y = Equal (a, b) }""",
        """g (string[2] s, string[2] t) => (bool[2] y)
        { a = ai.onnx.ml.LabelEncoder <keys_strings = ["u", "v"], values_int64s = [1, 2]> (s)
          b = ai.onnx.ml.LabelEncoder <keys_strings = ["u", "v"], values_int64s = [1, 2]> (t)
          e = Equal (a, b) y = Not (e) }""",
    ),
    "tfidf": (
        """g (string[6] s) => (float[3] y) { y = TfIdfVectorizer <mode = "TF", min_gram_length = 1,
        max_gram_length = 1, max_skip_count = 0, ngram_counts = [0], ngram_indexes = [0, 1, 2],
        pool_strings = ["red", "green", "blue"]> (s) }""",
        """g (string[6] s) => (float[3] y) { y = TfIdfVectorizer <mode = "TF", min_gram_length = 1,
        max_gram_length = 1, max_skip_count = 0, ngram_counts = [0], ngram_indexes = [0, 2, 1],
        pool_strings = ["red", "green", "blue"]> (s) }""",
    ),
    "stopwords": (
        """g (string[4] s) => (string[n] y)
        { y = StringNormalizer <is_case_sensitive = 1, stopwords = ["the"]> (s) }""",
        """g (string[4] s) => (string[n] y)
        { y = StringNormalizer <is_case_sensitive = 1, stopwords = ["thee"]> (s) }""",
    ),
    "float16_clip": (
        """g (float16[4] x) => (float16[4] y) <float a = {100}, float b = {-100}>
        { c = Cast <to = 10> (a) d = Cast <to = 10> (b) y = Clip (x, d, c) }""",
        "g (float16[4] x) => (float16[4] y) { y = Identity (x) }",
    ),
    "transposed_square": (
        "g (float[n,m] x) => (float[a,b] y) { y = Transpose <perm = [1, 0]> (x) }",
        "g (float[n,m] x) => (float[a,b] y) { y = Identity (x) }",
    ),
    "squeezed_only_at_1": (
        "g (float[n,4] x) => (float[n,4] y) { y = Identity (x) }",
        "g (float[n,4] x) => (float[1,4] y) <int64[2] s = {1, -1}> { y = Reshape (x, s) }",
    ),
    "topk_count": (
        "g (float[6] x, int64[1] k) => (float[n] y) { y, i = TopK (x, k) }",
        "g (float[6] x, int64[1] k) => (float[n] y) <int64[1] o = {1}> { y, i = TopK (x, o) }",
    ),
    "tile_repeats": (
        "g (float[2,3] x, int64[2] r) => (float[n,m] y) { y = Tile (x, r) }",
        "g (float[2,3] x, int64[2] r) => (float[n,m] y) { y = Identity (x) }",
    ),
    "reshape_target": (
        "g (float[2,3] x, int64[2] r) => (float[n,m] y) { y = Reshape (x, r) }",
        "g (float[2,3] x, int64[2] r) => (float[n,m] y) { y = Identity (x) }",
    ),
    "expand_target": (
        "g (float[2,1] x, int64[2] r) => (float[n,m] y) { y = Expand (x, r) }",
        "g (float[2,1] x, int64[2] r) => (float[n,m] y) { y = Identity (x) }",
    ),
    "range_step": (
        "g (int64 n, int64 d) => (int64[k] y) <int64 z = {0}> { y = Range (z, n, d) }",
        """g (int64 n, int64 d) => (int64[k] y) <int64 z = {0}, int64 o = {1}>
        { y = Range (z, n, o) }""",
    ),
    "sequence_order": (
        "g (seq(float[2]) s) => (float[n] y) { y = ConcatFromSequence <axis = 0> (s) }",
        """g (seq(float[2]) s) => (float[n] y) <int64 z = {0}>
        { y = SequenceAt (s, z) }""",
    ),
    "dictionary": (
        """g (map(string, float) s) => (float[1,3] y)
        { y = ai.onnx.ml.DictVectorizer <string_vocabulary = ["a", "b", "c"]> (s) }""",
        """g (map(string, float) s) => (float[1,3] y)
        { y = ai.onnx.ml.DictVectorizer <string_vocabulary = ["a", "c", "b"]> (s) }""",
    ),
    "at_a_limit": (
        """g (float[2] a, float[2] b) => (float[2] y) <float t = {7.5}>
        { c = Greater (a, t) y = Where (c, a, b) }""",
        """g (float[2] a, float[2] b) => (float[2] y) <float t = {7.5}>
        { c = GreaterOrEqual (a, t) y = Where (c, a, b) }""",
    ),
    "first_of_many": (
        "g (float[n] x) => (int64[1] y) { y = ArgMax (x) }",
        "g (float[n] x) => (int64[1] y) { y = ArgMax <select_last_index = 1> (x) }",
    ),
    "optional": (
        "g (optional(float[2]) s) => (bool y) { y = OptionalHasElement (s) }",
        """g (optional(float[2]) s) => (bool y) { h = OptionalHasElement (s) n = Not (h)
        y = Or (h, n) }""",
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_some_draw_shows_that_two_models_differ(name: str) -> None:
    a, b = map(opened, PAIRS[name])
    found = a.plan()
    assert telling(a, b, found), [d.what for d in found.draws]
    assert telling(a, a, found) == []
