"""Right rewrites pass although they round differently; wrong ones fail, however small."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from ocost.graph import Graph, from_proto, load, to_proto
from ocost.graph.shapes import Given
from ocost.optimize import simplify
from ocost.runtime.equality import baseline, equivalence
from ocost.runtime.equality.child import Child, LimitError
from ocost.runtime.equality.engines import Engine
from ocost.runtime.equality.equivalence import Checker, check
from ocost.runtime.equality.fitting import Fixed
from ocost.runtime.equality.stage import Staged
from ocost.runtime.equality.workspace import Workspace
from ocost.runtime.feeds.plan import Plan


def graph(text: str, *, opset: int = 17, **constants: object) -> Graph:
    """A graph in onnx's own text form; a Python number or float64 array becomes float32."""
    head = f'<ir_version: 8, opset_import: ["": {opset}, "ai.onnx.ml": 3]> g '
    model = onnx.parser.parse_model(head + text)
    for name, value in constants.items():
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype == np.float64 else array
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return from_proto(model)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


IMAGE = "(float[1,8,12,12] x) => (float[?,?,?,?] y)"
W = normal(8, 8, 3, 3)
SCALE, BIAS, MEAN = (normal(8, seed=i) for i in (1, 2, 3))
VARIANCE = np.random.default_rng(4).random(8) + 0.5
CONV_BN = (
    IMAGE + "{ c = Conv<pads=[1,1,1,1]>(x, w)  y = BatchNormalization<epsilon=%g>(c, s, b, m, v) }"
)
CONV = IMAGE + "{ y = Conv<pads=[1,1,1,1]>(x, w, b) }"
FACTOR = SCALE / np.sqrt(VARIANCE + 1e-5)


def conv_bn(epsilon: float = 1e-5, opset: int = 17, weight: np.ndarray = W) -> Graph:
    constants = {"w": weight, "s": SCALE, "b": BIAS, "m": MEAN, "v": VARIANCE}
    return graph(CONV_BN % epsilon, opset=opset, **constants)


def folded(weight: np.ndarray = W) -> Graph:
    return graph(CONV, w=weight * FACTOR[:, None, None, None], b=BIAS - MEAN * FACTOR)


@pytest.mark.parametrize("opset", [11, 17])  # the evaluator's BatchNormalization is wrong below 14
def test_a_folded_batch_normalisation_passes(opset: int) -> None:
    found = check(conv_bn(opset=opset), folded())
    assert found.ok is True
    assert found.reference == "float64"
    assert found.engine == "onnxruntime"
    assert found.inputs > 6
    assert 0 < found.max_abs <= found.tolerance  # it rounds differently
    assert found.tolerance / (found.max_abs / found.max_rel) < 1e-5
    assert found.worst_output == "y"
    assert found.outputs[0].before_abs < found.tolerance
    assert not found.reason


def test_a_wrong_epsilon_fails() -> None:
    found = check(conv_bn(1e-3), folded())
    assert found.ok is False
    # Of a variance near 1 it changes the factor by half of 1e-3.
    assert 1e-4 < found.max_rel < 1e-2
    assert found.reason.startswith("output 'y' differs by ")


def test_one_weight_off_by_a_thousandth_fails() -> None:
    weight = W.copy()
    weight.flat[np.abs(W).argmax()] *= 1.001
    assert check(conv_bn(), folded(weight)).ok is False


def test_a_factor_along_the_wrong_axis_fails() -> None:
    # 8 output channels and 8 columns: the constant fits both.
    body = "(float[1,8,8,8] x) => (float[?,?,?,?] y) { c = Conv<pads=[1,1,1,1]>(x, w)  y = %s }"
    along = normal(8, seed=5)
    before = graph(body % "Mul(c, k)", w=W, k=along.reshape(1, 1, 1, 8))
    after = graph(body % "Identity(c)", w=W * along[:, None, None, None])
    right = graph(body % "Mul(c, k)", w=W, k=along.reshape(1, 8, 1, 1))
    assert check(before, after).ok is False
    assert check(right, after).ok is True


POOLED = "{ p = Pad(x, pads)  y = %s<kernel_shape=[3,3]>(p) }"
MERGED = "{ y = %s<kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=%d>(x) }"
PADS = np.array([0, 0, 1, 1, 0, 0, 1, 1])


def test_a_pad_of_zeros_is_no_pad_of_a_max_pool() -> None:
    before = graph(IMAGE + POOLED % "MaxPool", pads=PADS)
    after = graph(IMAGE + (MERGED % ("MaxPool", 0)).replace(", count_include_pad=0", ""))
    assert check(before, after).ok is False


@pytest.mark.parametrize(("counted", "ok"), [(0, False), (1, True)])
def test_a_pad_of_an_average_pool_has_to_be_counted(counted: int, ok: bool) -> None:
    before = graph(IMAGE + POOLED % "AveragePool", pads=PADS)
    assert check(before, graph(IMAGE + MERGED % ("AveragePool", counted))).ok is ok


def test_a_sum_in_another_order_passes() -> None:
    body = "(float[4,2048] x) => (float[?,?] y) %s"
    w = normal(2048, 16)
    before = graph(body % "{ y = MatMul(x, w) }", w=w)
    after = graph(
        body % "{ a, b = Split<axis=1>(x)  c = MatMul(a, v)  d = MatMul(b, w)  y = Add(c, d) }",
        v=w[:1024],
        w=w[1024:],
    )
    found = check(before, after)
    assert found.ok is True
    assert found.max_abs > 0


def test_a_long_sum_of_one_sign_may_lose_more_than_its_operands_spacing() -> None:
    # 65536 positive numbers, once in one row and once in two steps.
    body = "(float[1,2,256,256] x) => (float[?,?,?,?] y) { a = Abs(x)  %s }"
    one = graph(body % "y = GlobalAveragePool(a)")
    two = graph(body % "r = ReduceMean<axes=[3]>(a)  y = ReduceMean<axes=[2]>(r)")
    assert check(one, two).ok is True
    assert check(two, one).ok is True


def test_half_precision_is_compared_at_its_own_spacing() -> None:
    body = "(float16[1,8,12,12] x) => (float16[?,?,?,?] y) { c = Conv(x, w)  %s }"
    w, k = W.astype(np.float16), (FACTOR + 2).astype(np.float16).reshape(1, 8, 1, 1)
    before = graph(body % "y = Mul(c, k)", w=w, k=k)
    right = graph(body % "y = Identity(c)", w=(w * k.reshape(8, 1, 1, 1)).astype(np.float16))
    wrong = graph(body % "y = Mul(c, k)", w=w, k=(k * 1.05).astype(np.float16))
    found = check(before, right)
    assert found.ok is True
    assert 1e-4 < found.tolerance / (found.max_abs / found.max_rel) < 2e-2
    assert check(before, wrong).ok is False


QDQ = (
    "(float[1,8,12,12] x) => (float[?,?,?,?] y) {"
    " p = QuantizeLinear(x, sx, z)  q = DequantizeLinear(p, sx, z)  c = Conv(q, w)  d = %s"
    " o = QuantizeLinear(d, sy, z)  y = DequantizeLinear(o, sy, z) }"
)


def test_a_quantised_graph_may_flip_a_step() -> None:
    fixed = {"sx": 0.05, "sy": 0.5, "z": np.int8(3)}
    k = (FACTOR + 2).reshape(1, 8, 1, 1)
    before = graph(QDQ % "Mul(c, k)", w=W, k=k, **fixed)
    right = graph(QDQ % "Identity(c)", w=W * k.reshape(8, 1, 1, 1), **fixed)
    wrong = graph(QDQ % "Mul(c, k)", w=W, k=k * 1.2, **fixed)
    found = check(before, right)
    assert found.ok is True
    assert found.reference == "float32"
    off = check(before, wrong)
    assert off.ok is False
    # All that is certain to be rounding is one step of the output, or two by a flip of an input.
    assert off.tolerance in (0.5, 1.0)


@pytest.mark.parametrize(
    ("name", "reference"), [("gpt2_4l", "float64"), ("silero_vad", None), ("resnet18_qdq", None)]
)
def test_real_models_pass_after_onnxsim(name: str, reference: str | None) -> None:
    before = load(f"@{name}")
    found = check(before, simplify(before).graph)
    assert found.ok is True
    if reference:
        assert found.reference == reference
        assert 0 < found.max_abs < found.tolerance
    else:  # nothing that computes changes
        assert found.max_abs == 0


def test_one_wrong_weight_of_a_real_model_fails() -> None:
    before = load("@odd_channels")
    model = to_proto(before, "filled")
    weight = max(model.graph.initializer, key=lambda tensor: np.prod(tensor.dims))
    array = numpy_helper.to_array(weight).copy()
    array.flat[np.abs(array).argmax()] *= 1.5
    weight.CopyFrom(numpy_helper.from_array(array, weight.name))
    assert check(before, from_proto(model)).ok is False


FLAT = "(float[n,2,4] x) => (float[?,?] y) { y = Reshape(x, shape) }"


def test_a_size_written_into_the_graph_is_found() -> None:
    before = graph(FLAT, shape=np.array([0, -1]))
    after = graph(FLAT, shape=np.array([1, -1]))
    found = check(before, after)
    assert (found.ok, found.max_abs) == (False, None)
    # At n = 2 the same 16 numbers are one row instead of two.
    assert found.reason == "output 'y' is [1, 16] instead of [2, 8]"
    assert check(before, graph(FLAT, shape=np.array([-1, 8]))).ok is True


def test_a_second_size_that_the_model_does_not_take_is_left_out() -> None:
    fixed = graph(FLAT, shape=np.array([1, 8]))
    found = check(fixed, fixed)
    assert found.ok is True
    assert [note for note in found.notes if "n" in note.split()]


def test_a_second_size_may_take_two_dims() -> None:
    text = "(float[a] x, float[b] z) => (float[?] y) { y = Add(x, z) }"
    given = Given(dims={"a": 3, "b": 3})
    after = text.replace("y = Add(x, z)", "r = Reshape(x, three)  y = Add(r, z)")
    assert check(graph(text), graph(text), given=given).ok is True
    # Neither fits alone: both have to change for the difference to show.
    assert check(graph(text), graph(after, three=np.array([3])), given=given).ok is False


def test_what_selects_is_compared_as_a_set() -> None:
    text = "(float[40] x) => (float[?] y, int64[?] i) { y, i = TopK<largest=%d, sorted=%d>(x, k) }"
    five = np.array([5])
    before = graph(text % (1, 1), k=five)
    found = check(before, graph(text % (1, 0), k=five))
    assert found.ok is True
    assert [output.by for output in found.outputs] == ["rows", "members"]
    assert check(before, graph(text % (0, 1), k=five)).ok is False


def test_integers_have_to_be_equal() -> None:
    text = "(float[6,9] x) => (int64[?] y) { a = ArgMax<axis=1, keepdims=0>(x)  y = Add(a, k) }"
    before = graph(text, k=np.array(0))
    found = check(before, graph(text, k=np.array([0, 0, 0, 0, 0, 1])))
    assert (found.ok, found.max_abs, found.tolerance) == (False, 1, 0)
    assert found.reason == "output 'y' differs in 1 of 6 elements, rounding explains 0"
    assert check(before, before).ok is True


def test_infinities_have_to_be_in_the_same_places() -> None:
    text = "(float[30] x) => (float[?] y) { r = Relu(x)  s = %s  y = Div(x, s) }"
    before = graph(text % "Identity(r)")  # -inf below 0, else 1
    assert check(before, graph(text % "Relu(r)")).ok is True
    found = check(before, graph(text % "Add(r, k)", k=1e-30))
    assert found.ok is False
    assert found.reason == "output 'y' has NaN or infinity in other places"


def test_sequences_and_maps_are_taken_apart() -> None:
    text = "(float[4,3] x) => (seq(float[?,?]) y) { y = SplitToSequence<axis=0>(%s) }"
    before = graph(text % "x, two", two=np.array(2))
    assert {o.name for o in check(before, before).outputs} == {"y[0]", "y[1]"}
    found = check(before, graph(text % "x, three", three=np.array(3)))
    assert found.reason == "output 'y[0]' is [3, 3] instead of [2, 3]"
    found = check(before, graph(text % "x, four", four=np.array(4)))
    assert found.reason == "only one of the models answers 'y[1]'"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{ r = RandomNormalLike(x)  y = Add(x, r) }", "'r' (RandomNormalLike) has no counterpart"),
        ("{ y = Dropout(x, ratio, on) }", "'y' (Dropout) has no counterpart"),
    ],
)
def test_what_is_random_in_one_is_random_in_the_other(text: str, reason: str) -> None:
    odd = graph("(float[4] x) => (float[4] y) " + text, ratio=0.5, on=np.array(True))
    plain = graph("(float[4] x) => (float[4] y) { y = Dropout(x) }")
    for same in (plain, odd):
        assert check(same, same).ok is True
    for pair in ((odd, plain), (plain, odd)):
        found = check(*pair)
        assert (found.ok, found.max_abs) == (False, None)
        assert found.reason.startswith(reason)


def test_a_random_node_does_not_hide_what_stands_beside_it() -> None:
    text = "(float[4] x) => (float[4] y, float[4] z) { r = RandomNormalLike(x)  z = Add(x, r)  %s }"
    before = graph(text % "y = Relu(x)")
    assert check(before, graph(text % "m = Neg(x)  n = Relu(m)  y = Neg(n)")).ok is False
    assert check(before, graph(text % "y = Max(x, o)", o=0.0)).ok is True


def test_noise_that_can_not_be_shared_leaves_only_its_output_out() -> None:
    text = (
        "(float[4] x, int64 n) => (float[4] y, float[4] z) <bool go = {1}> { y = %s"
        " z = Loop(n, go, x) <body = b (int64 i, bool c, float[4] v) => (bool d, float[4] w)"
        " { d = Identity(c)  r = RandomNormalLike(v)  w = Add(v, r) }> }"
    )
    same, other = graph(text % "Relu(x)"), graph(text % "Abs(x)")
    assert check(same, other).ok is False
    found = check(same, same)
    verdicts = {one.name: one.status for one in found.outputs}
    assert verdicts["y"] == "equal"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(float[n,4] x) => (float[n,4] z) { z = Relu(x) }", "outputs are z instead of y"),
        ("(float[n,4] w) => (float[n,4] y) { y = Relu(w) }", "inputs are w instead of x"),
        (
            "(float16[n,4] x) => (float[n,4] y) { y = Cast<to=1>(x) }",
            "input 'x' is float16 instead",
        ),
        (
            "(float[1,4] x) => (float[1,4] y) { y = Relu(x) }",
            "input 'x' is 1 instead of open in dim 0",
        ),
        (
            "(float[n,4] x) => (float[4] y) { y = ReduceMax<axes=[0], keepdims=0>(x) }",
            "output 'y' has 1 dims",
        ),
    ],
)
def test_another_interface_is_not_equivalent(text: str, reason: str) -> None:
    found = check(graph("(float[n,4] x) => (float[n,4] y) { y = Relu(x) }"), graph(text))
    assert found.ok is False
    assert found.reason.startswith(reason)


def test_inputs_that_are_no_tensors() -> None:
    before = graph("(seq(float[2]) s) => (int64 y) { y = SequenceLength(s) }")
    assert check(before, before).ok is True
    odd = graph("(seq(float[2]) s) => (int64 y) { n = SequenceLength(s)  y = Mul(n, n) }")
    assert check(before, odd).ok is False


def test_a_model_that_fails() -> None:
    text = "(float[4] x) => (float[2] y) { y = Reshape(x, s) }"
    good, bad = graph(text, s=np.array([4])), graph(text, s=np.array([3]))
    assert check(bad, good).ok is None
    assert check(bad, good).reason.startswith("the model before can't be run: ")
    found = check(good, bad)
    assert found.ok is False
    assert found.reason.startswith("the model after fails where the one before does not: ")


def test_an_operator_that_only_the_runtime_knows_is_not_compared_by_the_evaluator() -> None:
    """It is the evaluator that has to run the first, which has bfloat16."""
    text = "(bfloat16[1,1,4,4] x) => (bfloat16[1,1,4,4] y) <bfloat16[1,1,1,1] w = {1}> "
    before = graph(text + "{ c = Conv(x, w)  y = Relu(c) }", opset=22)
    assert check(before, before).ok is True
    model = to_proto(graph(text + '{ y = FusedConv<activation="Relu">(x, w) }', opset=22))
    model.graph.node[0].domain = "com.microsoft"
    model.opset_import.add(domain="com.microsoft", version=1)
    assert check(before, from_proto(model)).ok is None


@pytest.mark.parametrize("shape", [(4,), ()])
def test_what_a_caller_may_override_must_not_be_folded(shape: tuple[int, ...]) -> None:
    text = f"(float[2,4] x, float{[*shape] or ''} k) => (float[?,?] y) {{ y = %s }}"
    k = normal(*shape)
    before = graph(text % "Mul(x, k)", k=k)
    assert check(before, graph(text % "Mul(k, x)", k=k)).ok is True
    found = check(before, graph(text % "Mul(x, c)", k=k, c=k))
    assert found.ok is False


def test_an_empty_output_is_noted() -> None:
    empty = graph("(float[4] x) => (float[?] y) { y = Slice(x, s, s) }", s=np.array([2]))
    found = check(empty, empty)
    assert (found.ok, found.inputs > 0) == (True, True)
    # Nothing is above 0 that was cut off there: none of the runs shows anything.
    never = graph(
        "(float[4] x) => (int64[1,?] y) { r = Abs(x)  m = Neg(r)  p = Relu(m)  y = NonZero(p) }"
    )
    found = check(never, never)
    assert (found.ok, found.reason) == (None, "output 'y' is empty on every input")


def test_chaos_says_nothing() -> None:
    # One unit in the last place of x is 1e-7 of it, and turns the sine's argument by 1 or more.
    text = "(float[64] x) => (float[64] y) { a = Mul(x, k)  b = %s  y = Sin(b) }"
    before = graph(text % "Mul(a, k)", k=3333.3)
    found = check(before, graph(text % "Add(a, a)", k=3333.3))
    assert found.ok is None
    assert found.reason.startswith("output 'y' changes by ")
    assert found.reason.endswith(" by rounding alone")
    assert check(before, before).ok is True
    # A hundred times as much is more than chaos.
    larger = text.replace("y = Sin(b)", "s = Sin(b)  y = Mul(s, t)")
    assert check(before, graph(larger % "Mul(a, k)", k=3333.3, t=100.0)).ok is False


def test_no_finite_number_says_nothing() -> None:
    text = "(float[4] x) => (float[4] y) { y = Div(x, zero) }"
    found = check(graph(text, zero=0.0), graph(text, zero=0.0))
    assert (found.ok, found.reason) == (None, "output 'y' holds no finite number to compare")


def test_a_reference_that_disagrees_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Workspace.run

    def wrong(self: Workspace, staged: Staged, engine: Engine, feeds: object) -> object:
        if engine is Engine.FLOAT64:
            return [np.zeros((1, 8, 12, 12))]
        return run(self, staged, engine, feeds)

    monkeypatch.setattr(Workspace, "run", wrong)
    found = check(conv_bn(), folded())
    assert (found.ok, found.reference) == (True, "float32")
    assert found.outputs[0].before_abs is None
    assert "disagrees with onnxruntime on output 'y'" in found.notes[-1]


def test_without_time_one_input_has_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = tuple(Fixed({"x": normal(1, 8, 12, 12, seed=s).astype("f4")}) for s in range(3))
    monkeypatch.setattr(baseline, "plan", lambda *_, **__: Plan(draws, ()))
    found = check(conv_bn(), folded(), budget_s=0)
    assert (found.ok, found.inputs) == (True, 1)
    assert found.notes == ("compared on 1 of 3 inputs: time was up",)


def test_nodes_of_one_name_are_compared() -> None:
    """onnxruntime refuses such a file, onnx doesn't."""
    text = "(float[4] x) => (float[4] y) { a = Relu(x)  y = Neg(a) }"
    model = to_proto(graph(text))
    for node in model.graph.node:
        node.name = "n"
    same = from_proto(model)
    assert check(same, graph(text)).ok is True
    assert check(graph(text), same).ok is True


def test_a_model_that_never_ends_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = graph(
        "(float[2] x) => (float[2] y) <int64 n = {9000000000000000}, bool go = {1}> {"
        " y = Loop(n, go, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] w)"
        " { d = Identity(c)  w = Neg(v) }> }"
    )
    waits = []
    ask = Child.ask

    def counted(self: Child, request: object, seconds: float) -> object:
        try:
            return ask(self, request, seconds)
        except LimitError:
            waits.append(request)
            raise

    monkeypatch.setattr(Child, "ask", counted)
    monkeypatch.setattr(equivalence, "_RUN_S", 2.0)
    found = check(endless, endless, budget_s=1)
    assert found.ok is None
    assert "takes more than 2 s" in found.reason
    assert len(waits) == 1


def test_how_similar_equal_outputs_are_is_said_only_where_that_is_asked_for() -> None:
    text = "(float[9] x) => (float[9] y) { y = Tanh (x) }"
    one, other = graph(text), graph(text.replace("Tanh", "Abs"))
    assert check(one, one, alike=True).outputs[0].similarity is not None
    assert check(one, one, alike=True, similar=False).outputs[0].similarity is None
    assert check(one, other, alike=True, similar=False).outputs[0].similarity is not None


def test_why_there_is_no_reference_is_found_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refused(*_: object) -> str:
        asked.append(1)
        return "no time"

    monkeypatch.setattr(baseline, "refer", refused)
    one = graph("(float[9] x) => (float[9] y) { a = Exp (x) b = Tanh (a) y = Mul (b, a) }")
    other = graph("(float[9] x) => (float[9] y) { a = Exp (x) b = Tanh (a) y = Add (b, a) }")
    with Checker(one) as checker:
        for _ in range(2):
            assert "no float64 reference: no time" in checker.check(other).notes
    assert asked == [1]
