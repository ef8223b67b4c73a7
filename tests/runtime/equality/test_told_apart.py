"""Pairs of models that differ at few inputs or sizes: the comparison finds these."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from ocost.graph import Graph, from_proto
from ocost.runtime.equality.equivalence import check

HEAD = '<ir_version: 8, opset_import: ["": 18, "ai.onnx.ml": 3]> g '
WEIGHT = np.random.default_rng(0).standard_normal((6, 6)).astype(np.float32)
THRESHOLDS = np.random.default_rng(1).standard_normal(64).astype(np.float32)

_PATIENCE_S = 300.0  # a busy machine tries as much as an idle one


def graph(text: str, **constants: np.ndarray | np.generic) -> Graph:
    model = onnx.parser.parse_model(HEAD + text)
    for name, value in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return from_proto(model)


def told(before: Graph, after: Graph) -> None:
    assert check(before, after, budget_s=_PATIENCE_S).ok is False
    assert check(before, before, budget_s=_PATIENCE_S).ok is True


# --- at ties, with arithmetic behind them --------------------------------------------------------

GATE = """(float[2,6] x, float[2,6] z) => (float[2,6] y) <float t = {0.7}>
{ c = %s (x, %s) m = Cast <to = 1> (c) e = Exp (z) y = Mul (m, e) }"""
MASKED = """(float[2,6] x) => (float[2,6] y) <float t = {0.7}, float n = {0.0}>
{ h = MatMul (x, w) c = %s (x, t) s = Where (c, h, n) y = MatMul (s, w) }"""
MOVED = """(float[2,6] x) => (float[6,2] y) <float t = {0.7}>
{ a = Transpose <perm = [1, 0]> (x) b = Neg (a) d = Neg (t) c = %s (b, d) m = Cast <to = 1> (c)
  e = Exp (b) y = Mul (m, e) }"""
IN_A_BRANCH = """(float[2,6] x, bool f) => (float[2,6] y) <float t = {0.7}> {
  y = If (f) <
    then_branch = a () => (float[2,6] u)
      { c = %s (x, t) m = Cast <to = 1> (c) e = Exp (x) u = Mul (m, e) },
    else_branch = b () => (float[2,6] v) { v = Exp (x) }> }"""
ROWS = """(float[2,64] x) => (float[2,64] y)
{ c = %s (x, t) m = Cast <to = 1> (c) e = Exp (x) y = Mul (m, e) }"""
HALVES = """(float16[2,6] x) => (float16[2,6] y)
{ c = %s (x, t) m = Cast <to = 10> (c) e = Exp (x) y = Mul (m, e) }"""
STRICT = {"Greater": "GreaterOrEqual", "Less": "LessOrEqual"}


@pytest.mark.parametrize("strict", STRICT)
@pytest.mark.parametrize("other", ["t", "z"], ids=["constant", "input"])
def test_a_comparison_at_the_edge(strict: str, other: str) -> None:
    told(graph(GATE % (strict, other)), graph(GATE % (STRICT[strict], other)))


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        (MASKED, {"w": WEIGHT}),
        (MOVED, {}),
        (IN_A_BRANCH, {}),
        (ROWS, {"t": THRESHOLDS}),
        (HALVES, {"t": np.float16(0.7)}),
    ],
    ids=["masked", "moved", "in a branch", "a tensor of thresholds", "half precision"],
)
def test_a_comparison_at_the_edge_anywhere(text: str, weights: dict[str, np.ndarray]) -> None:
    for strict, loose in STRICT.items():
        told(graph(text % strict, **weights), graph(text % loose, **weights))


def test_equal_elements_of_two_inputs() -> None:
    text = """(float[8] x, float[8] z) => (float[8] y) <float none = {0.0}>
    { c = Equal (x, z) m = Cast <to = 1> (c) e = Exp (x) y = Mul (%s, e) }"""
    told(graph(text % "m"), graph(text % "none"))


def test_equals_of_a_hardmax() -> None:
    text = """(float[2,6] x) => (float[2,6] y) <int64 d = {6}, float[2] v = {0, 1}>
    { %s e = Exp (x) y = Mul (h, e) }"""
    last = """i = ArgMax <axis = 1, keepdims = 0, select_last_index = 1> (x)
    h = OneHot <axis = 1> (i, d, v)"""
    told(graph(text % "h = Hardmax <axis = 1> (x)"), graph(text % last))


def test_halves_round_to_even() -> None:
    text = "(float[2,6] x) => (float[2,6] y) <float h = {0.5}> { %s y = MatMul (r, w) }"
    told(
        graph(text % "r = Round (x)", w=WEIGHT),
        graph(text % "s = Add (x, h) r = Floor (s)", w=WEIGHT),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("c = Equal (x, t)", "a = GreaterOrEqual (x, t) b = LessOrEqual (x, t) c = And (a, b)"),
        ("c = Greater (x, t)", "c = Less (t, x)"),
        ("c = GreaterOrEqual (x, t)", "m = Neg (x) u = Neg (t) c = LessOrEqual (m, u)"),
    ],
)
def test_right_rewrites_of_a_comparison_pass(before: str, after: str) -> None:
    text = """(float[2,6] x) => (float[2,6] y) <float t = {0.7}, float n = {0.0}>
    { h = MatMul (x, w) %s s = Where (c, h, n) y = MatMul (s, w) }"""
    assert check(graph(text % before, w=WEIGHT), graph(text % after, w=WEIGHT)).ok is True


TREE = """(float[3,4] x) => (int64[3] label, float[3,3] p) {
  label, p = ai.onnx.ml.TreeEnsembleClassifier<class_ids = [0, 1, 2], class_nodeids = [1, 3, 4],
  class_treeids = [0, 0, 0], class_weights = [0.8, 0.6, 0.3], classlabels_int64s = [0, 1, 2],
  nodes_falsenodeids = [2, 0, 4, 0, 0], nodes_featureids = [0, 0, 1, 0, 0],
  nodes_modes = ["%s", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"], nodes_nodeids = [0, 1, 2, 3, 4],
  nodes_treeids = [0, 0, 0, 0, 0], nodes_truenodeids = [1, 0, 3, 0, 0],
  nodes_values = [%.2f, 0.0, %.2f, 0.0, 0.0], post_transform = "NONE">(x) }"""


@pytest.mark.parametrize(
    "other",
    [
        ("BRANCH_LT", 10.1, -40.4),
        ("BRANCH_LEQ", 10.2, -40.4),
        ("BRANCH_LEQ", 10, -40.4),
        ("BRANCH_LEQ", 10.1, -40.3),
        ("BRANCH_LEQ", 10.1, -40.5),
    ],
)
def test_a_threshold_of_a_tree(other: tuple[object, ...]) -> None:
    told(graph(TREE % ("BRANCH_LEQ", 10.1, -40.4)), graph(TREE % other))


# --- at sizes ------------------------------------------------------------------------------------

BY_SIZE = """(float[n,6] x) => (float[n,6] y)
<int64 at = {0}, int64 one = {1}, int64 big = {64}, float half = {0.5}, float far = {70}> {
  s = Shape (x) d = Gather (s, at) %s
  y = If (c) <then_branch = a () => (float[n,6] u) { u = %s (x) },
              else_branch = b () => (float[n,6] v) { v = Tanh (x) }> }"""
CONDITIONS = {
    "one": "c = Equal (d, one)",
    "far": "c = Greater (d, big)",
    "as float": "f = Cast <to = 1> (d) m = Mul (f, half) c = Greater (m, far)",
}


def test_a_choice_that_a_size_decides() -> None:
    text = """(float[n,2] x) => (float[n,2] y) <int64 at = {0}, int64 b = {50}>
    { s = Shape (x) d = Gather (s, at) c = %s (d, b)
      t = Tanh (x) e = Sin (x) y = Where (c, t, e) }"""
    told(graph(text % "Greater"), graph(text % "GreaterOrEqual"))


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_a_branch_that_a_size_decides(condition: str) -> None:
    told(graph(BY_SIZE % (condition, "Exp")), graph(BY_SIZE % (condition, "Relu")))


def test_a_branch_that_no_size_leads_to_is_named() -> None:
    text = BY_SIZE.replace("{64}", "{100000000}") % (CONDITIONS["far"], "%s")
    found = check(graph(text % "Exp"), graph(text % "Exp"))
    assert found.ok is True
    assert [note for note in found.notes if note.startswith("the then branch of '")]


def test_nothing_is_noted_where_the_sizes_are_fixed() -> None:
    text = BY_SIZE.replace("n,6", "3,6") % (CONDITIONS["far"], "Exp")
    assert check(graph(text), graph(text)).notes == ()


SLICED = """(float[n,6] x) => (float[k,6] y) <int64[1] from = {0}, int64[1] to = {%d}>
{ y = Slice (x, from, to) }"""
WHOLE = "(float[n,6] x) => (float[k,6] y) { y = Identity (x) }"
AT_MOST = """(float[n,6] x) => (float[k,6] y) <int64[1] from = {0}, int64[1] most = {%d}>
{ s = Shape <start = 0, end = 1> (x) e = Min (s, most) y = Slice (x, from, e) }"""
FILLED = """(float[n,6] x) => (float[k,6] y) <int64[1] side = {%d}, int64[1] none = {0}> {
  s = Shape <start = 0, end = 1> (x) d = Sub (side, s) e = Max (d, none)
  p = Concat <axis = 0> (none, none, e, none) y = Pad (x, p) }"""
PICKED = "(float[n,6] x) => (float[6] y) <int64 at = {%d}> { y = Gather (x, at) }"
EXPANDED = """(float[1,6] x, float[n] z) => (float[k,6] y)
<int64[1] least = {%d}, int64[1] six = {6}>
{ s = Shape (z) m = Max (s, least) t = Concat <axis = 0> (m, six) y = Expand (x, t) }"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SLICED % 64, WHOLE),
        (SLICED % 64, SLICED % 65),
        (SLICED % 300, WHOLE),
        (SLICED % -1, SLICED % -2),
        (AT_MOST % 100, AT_MOST % 1000),
        (FILLED % 64, FILLED % 65),
        (PICKED % 63, PICKED % -1),
        (EXPANDED % 90, EXPANDED % 91),
    ],
)
def test_a_whole_number_near_an_open_axis(before: str, after: str) -> None:
    told(graph(before), graph(after))
    told(graph(after), graph(before))


# --- constants that show in part of a range alone ------------------------------------------------

CODES = "(float[%d] x) => (uint8[%d] y) { y = QuantizeLinear (x, s, z) }"
BACK = """(float[%d] x) => (float[%d] y)
{ q = QuantizeLinear (x, s, z) y = DequantizeLinear (q, t, z) }"""


@pytest.mark.parametrize("size", [4, 16])
@pytest.mark.parametrize("zero", [0, 128, 255])
def test_the_scale_of_a_quantiser(size: int, zero: int) -> None:
    for scale in (0.1001, 0.0999):
        one, other = (
            graph(CODES % (size, size), s=np.float32(s), z=np.uint8(zero)) for s in (0.1, scale)
        )
        told(one, other)


@pytest.mark.parametrize("size", [4, 16])
def test_the_scale_of_one_of_two(size: int) -> None:
    constants = {"t": np.float32(0.1), "z": np.int8(0)}
    one, other = (graph(BACK % (size, size), s=np.float32(s), **constants) for s in (0.1, 0.1001))
    told(one, other)


def test_the_scale_of_one_channel() -> None:
    text = "(float[2,4] x) => (int8[2,4] y) { y = QuantizeLinear <axis = %d> (x, s, z) }"
    for axis, steps in ((0, [0.1, 0.4]), (-1, [0.1, 0.2, 0.3, 0.4])):
        scales = np.array(steps, np.float32)
        zeros = np.zeros(len(scales), np.int8)
        other = scales * np.array([1] * (len(scales) - 1) + [1.002], np.float32)
        one, two = (graph(text % axis, s=s, z=zeros) for s in (scales, other))
        assert check(one, two).ok is not (axis == 0)
        assert check(one, one).ok is True


def test_a_quantiser_that_multiplies_instead_passes() -> None:
    text = """(float[64] x) => (float[64] y) <float i = {%s}, float o = {%s}, float low = {-128},
    float high = {127}> { %s y = Mul (c, o) }"""
    inverse = repr(float(np.float32(1 / 0.1)))
    numbers = (inverse, repr(float(np.float32(0.1))))
    divided = graph(text % (*numbers, "a = Div (x, o) r = Round (a) c = Clip (r, low, high)"))
    product = graph(text % (*numbers, "a = Mul (x, i) r = Round (a) c = Clip (r, low, high)"))
    assert check(divided, product).ok is not False


PARTIAL = {
    "clip": ("(float[4] x) => (float[4] y) <float a = {0}, float b = {%s}> { y = Clip (x, a, b) }",
             ("6.0", "6.01")),
    "leaky": ("(float[4] x) => (float[4] y) { y = LeakyRelu <alpha = %s> (x) }",
              ("0.01", "0.01001")),
    "power": ("(float[4] x) => (float[4] y) <float p = {%s}> { a = Abs (x) y = Pow (a, p) }",
              ("2.0", "2.001")),
    "dequantised": ("(uint8[4] x) => (float[4] y) <float s = {%s}, uint8 z = {128}> "
                    "{ y = DequantizeLinear (x, s, z) }", ("0.1", "0.1001")),
    "softmax": ("(float[2,8] x) => (float[2,8] y) <float s = {%s}> "
                "{ m = Mul (x, s) y = Softmax (m) }", ("1.0", "1.001")),
    "instance": ("(float[1,2,8] x) => (float[1,2,8] y) <float[2] s = {1, 1}, float[2] b = {0, 0}> "
                 "{ y = InstanceNormalization <epsilon = %s> (x, s, b) }", ("0.00001", "0.001")),
    "response": ("(float[1,4,4,4] x) => (float[1,4,4,4] y) { y = LRN <size = 3, bias = %s> (x) }",
                 ("1.0", "1.001")),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTIAL)
def test_a_constant_that_shows_in_part_of_the_range(name: str) -> None:
    text, numbers = PARTIAL[name]
    told(*(graph(text % number) for number in numbers))


# --- at numbers that another type does not hold ---------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "narrow"), [("uint32", 6), ("uint64", 7), ("int64", 6), ("int32", 3)]
)
def test_two_integers_whose_comparison_wraps(dtype: str, narrow: int) -> None:
    """Only where two inputs are large numbers that are not the same."""
    text = f"({dtype}[4] x, {dtype}[4] z) => (bool[4] y) {{"
    whole = graph(f"{text} y = Less (x, z) }}")
    wraps = graph(
        f"{text} a = Cast <to = {narrow}> (x) b = Cast <to = {narrow}> (z) y = Less (a, b) }}"
    )
    told(whole, wraps)
