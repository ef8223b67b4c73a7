"""Two models read the same noise, so that what is random in both can be compared."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from ocost.graph import Graph, from_proto, verify
from ocost.runtime.equality.randomness import Shared, draw_noise, share_noise
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.session import open_session, run_once
from ocost.runtime.protocol import Options, SessionLevel

PLAIN = Options(level=SessionLevel.DISABLE)
X = np.linspace(-1, 1, 24, dtype=np.float32).reshape(4, 6)


Feeds = dict[str, np.ndarray]


def graph(text: str, opset: int = 17, functions: str = "") -> Graph:
    head = f'<ir_version: 8, opset_import: ["": {opset}, "local": 1, "com.microsoft": 1]> g '
    return from_proto(onnx.parser.parse_model(head + text + functions))


def shared(before: Graph, after: Graph) -> Shared:
    found = share_noise(before, after)
    assert found is not None
    for made in (found.before, found.after):
        verify(made)
        assert made.inputs[: len(before.inputs)] == before.inputs
    return found


def run(made: Graph, found: Shared, feeds: Feeds, seed: int = 0) -> list[np.ndarray]:
    noise = draw_noise(found.noise, seed)
    return list(run_once(open_session(named(made), PLAIN), {**feeds, **noise}))


def both(before: Graph, after: Graph, **feeds: np.ndarray) -> list[list[np.ndarray]]:
    found = shared(before, after)
    assert found.different == ""
    assert found.uncomparable == {}
    return [run(made, found, feeds) for made in (found.before, found.after)]


def same(before: Graph, after: Graph, **feeds: np.ndarray) -> list[np.ndarray]:
    """The outputs, which are the same."""
    old, new = both(before, after, **feeds)
    for x, y in zip(old, new, strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)
    return old


TWO = "() => (float[4, 6] y) { a = RandomNormal<shape=[4,6]>() b = RandomNormal<shape=[4,6]>() %s }"


def test_nothing_is_random() -> None:
    plain = graph("(float[4, 6] x) => (float[4, 6] y) { y = Relu(x) }")
    assert share_noise(plain, plain) is None


def test_a_draw_that_reaches_no_output_does_not_matter() -> None:
    dead = graph(
        "(float[4, 6] x) => (float[4, 6] y) { a = RandomNormalLike(x) b = Neg(a) y = Relu(x) }"
    )
    assert share_noise(dead, graph("(float[4, 6] x) => (float[4, 6] y) { y = Relu(x) }")) is None


def test_two_draws_merged_into_one_are_different() -> None:
    before = graph(TWO % "y = Sub(a, b)")
    merged = graph("() => (float[4, 6] y) { a = RandomNormal<shape=[4,6]>() y = Sub(a, a) }")
    found = shared(before, merged)
    assert found.different == "'b' (RandomNormal) has no counterpart after"
    assert shared(merged, before).different == "'b' (RandomNormal) has no counterpart before"
    assert set(found.uncomparable) == {"y"}


def test_two_bernoulli_merged_into_one_are_different() -> None:
    text = "(float[4, 6] x) => (float[4, 6] y) { p = Sigmoid(x) a = Bernoulli(p) %s }"
    before = graph(text % "b = Bernoulli(p) y = Sub(a, b)")
    assert shared(before, graph(text % "y = Sub(a, a)")).different


def test_draws_of_one_seed_are_the_same_draw() -> None:
    text = "() => (float[4, 6] y) { a = RandomNormal<shape=[4,6], seed=3.0>() %s }"
    before = graph(text % "b = RandomNormal<shape=[4,6], seed=3.0>() y = Sub(a, b)")
    (y,) = same(before, graph(text % "y = Sub(a, a)"))
    assert not y.any()


def test_draws_are_paired_by_what_reads_them() -> None:
    two = "two = Constant<value_float=2.0>() y = %s"
    before = graph(TWO % ("c = Mul(a, two) " + "y = Add(c, b)").replace("c =", two[:-7] + " c ="))
    text = "() => (float[4, 6] y) { %s }"
    swapped = graph(
        text % "b = RandomNormal<shape=[4,6]>() a = RandomNormal<shape=[4,6]>() "
        "two = Constant<value_float=2.0>() c = Mul(b, two) y = Add(c, a)"
    )
    renamed = graph(
        text % "p = RandomNormal<shape=[4,6]>() q = RandomNormal<shape=[4,6]>() "
        "t = Constant<value_float=2.0>() r = Mul(q, t) y = Add(r, p)"
    )
    same(before, swapped)
    same(before, renamed)
    other = graph(TWO % "two = Constant<value_float=3.0>() c = Mul(a, two) y = Add(c, b)")
    old, new = both(before, other)
    assert not np.array_equal(old[0], new[0])


def test_twins_are_paired_either_way() -> None:
    before = graph(TWO % "y = Add(a, b)")
    same(before, graph(TWO.replace("a =", "c =") % "y = Add(b, c)"))


def test_another_distribution_is_no_counterpart() -> None:
    before = graph(TWO % "y = Sub(a, b)")
    for other in ("RandomUniform<shape=[4,6]>", "RandomNormal<shape=[4,6], scale=2.0>"):
        after = graph(
            TWO.replace("b = RandomNormal<shape=[4,6]>", f"b = {other}") % "y = Sub(a, b)"
        )
        assert shared(before, after).different
        same(after, after)
    exchanged = TWO.replace("b = RandomNormal", "b = RandomUniform")
    swapped = exchanged % "y = Sub(b, a)"
    old, new = both(graph(exchanged % "y = Sub(a, b)"), graph(swapped))
    assert not np.array_equal(old[0], new[0])


DROPOUT = (
    "(float[4, 6] x, bool train) => (float[4, 6] y, bool[4, 6] mask) "
    "{ r = Constant<value_float=0.25>() y, mask = Dropout(x, r, train) }"
)


@pytest.mark.parametrize("train", [True, False])
def test_dropout(train: bool) -> None:
    one = graph(DROPOUT)
    y, mask = same(one, one, x=X, train=np.array(train))
    assert mask.dtype == bool
    np.testing.assert_allclose(y, X * mask / (0.75 if train else 1))
    assert mask.all() != train


def test_a_dropped_dropout_is_different() -> None:
    text = (
        "(float[4, 6] x) => (float[4, 6] y) { r = Constant<value_float=0.25>() "
        "t = Constant<value = bool {%d}>() d = Dropout(x, r, t) y = Relu(d) }"
    )
    after = graph("(float[4, 6] x) => (float[4, 6] y) { y = Relu(x) }")
    found = shared(graph(text % 1), after)
    assert found.different == "'d' (Dropout) has no counterpart after"
    assert share_noise(graph(text % 0), after) is None
    none = graph((text % 1).replace("0.25", "0.0"))
    assert share_noise(none, after) is None


def test_outputs_that_depend_on_nothing_random_can_be_compared() -> None:
    text = (
        "(float[4, 6] x) => (float[4, 6] y, float[4, 6] z) { a = %s(x) y = Add(x, a) z = Neg(x) }"
    )
    found = shared(graph(text % "RandomNormalLike"), graph(text % "RandomUniformLike"))
    assert set(found.uncomparable) == {"y"}


def test_what_the_operators_define() -> None:
    text = (
        "(float[64, 64] x) => (float[64, 64] n, double[64, 64] u, bool[64, 64] b, int64[64, 9] m) {"
        "n = RandomNormalLike<mean=3.0, scale=2.0>(x)"
        "u = RandomUniformLike<low=1.0, high=5.0, dtype=11>(x)"
        "b = Bernoulli<dtype=9>(x) l = Log(x) m = Multinomial<dtype=7, sample_size=9>(l) }"
    )
    one = graph(text)
    share = np.full((64, 64), 0.1, np.float32)
    share[:, 5] = 0.9
    n, u, b, m = same(one, one, x=share)
    assert (n.mean(), n.std()) == pytest.approx((3, 2), rel=0.05)
    assert [array.dtype.name for array in (u, b, m)] == ["float64", "bool", "int64"]
    assert u.min() >= 1
    assert u.max() < 5
    assert u.mean() == pytest.approx(3, rel=0.05)
    assert b[:, :5].mean() == pytest.approx(0.1, abs=0.05)
    assert m.shape == (64, 9)
    assert (m == 5).mean() == pytest.approx(0.9 / (0.9 + 6.3), abs=0.05)


@pytest.mark.parametrize("kind", ["float16", "double", "bfloat16"])
def test_other_types(kind: str) -> None:
    text = (
        "(float[4, 6] x) => (float[4, 6] y, float[4, 6] z) { r = Constant<value_float=0.5>()"
        "t = Constant<value = bool {1}>() h = Cast<to=%d>(x) q = Cast<to=%d>(r)"
        "d = Dropout(h, q, t) y = Cast<to=1>(d) a = RandomNormalLike(h) z = Cast<to=1>(a) }"
    )
    number = onnx.TensorProto.DataType.Value(kind.upper())
    one = graph(text % (number, number), 22)
    y, z = same(one, one, x=X)
    np.testing.assert_allclose(y[y != 0], 2 * X[y != 0], rtol=0.01)
    assert len(np.unique(z)) > 20


def test_a_scalar_and_an_empty_tensor() -> None:
    one = graph(
        "(float x, float[0, 3] e) => (float y, float[?,?] z)"
        "{ y = RandomNormalLike(x) z = RandomNormalLike(e) }"
    )
    y, z = same(one, one, x=np.ones((), np.float32), e=np.zeros((0, 3), np.float32))
    assert y.shape == ()
    assert z.shape == (0, 3)


@pytest.mark.parametrize("opset", [7, 8, 9, 10, 13])
def test_old_opsets(opset: int) -> None:
    one = graph("() => (float[4, 6] y) { y = RandomNormal<shape=[4,6]>() }", opset)
    same(one, one)
    like = graph("(float[4, 6] x) => (float[4, 6] y) { y = RandomNormalLike(x) }", opset)
    if opset < 9:
        found = shared(like, like)
        assert "opset" in found.uncomparable["y"]
        assert found.different == ""
    else:
        same(like, like, x=X)


IF = (
    "(float[4, 6] x, bool c) => (float[4, 6] y) { y = If(c) <"
    "then_branch = t () => (float[4, 6] a) { n = RandomNormalLike(x) a = Add(x, n) },"
    "else_branch = e () => (float[4, 6] b) { b = Neg(x) } > }"
)


def test_a_branch() -> None:
    one = graph(IF)
    (y,) = same(one, one, x=X, c=np.array(True))
    assert not np.array_equal(y, X)
    (y,) = same(one, one, x=X, c=np.array(False))
    np.testing.assert_array_equal(y, -X)


def test_a_branch_that_was_inlined_and_one_that_is_never_taken() -> None:
    text = IF.replace(", bool c", "").replace(
        "{ y = If", "{ c = Constant<value = bool {%d}>() y = If"
    )
    (y,) = same(
        graph(text % 1),
        graph("(float[4, 6] x) => (float[4, 6] y) { n = RandomNormalLike(x) y = Add(x, n) }"),
        x=X,
    )
    assert not np.array_equal(y, X)
    assert (
        share_noise(graph(text % 0), graph("(float[4, 6] x) => (float[4, 6] y) { y = Neg(x) }"))
        is None
    )


LOOP = (
    "(float[4, 6] x) => (float[4, 6] y, float[?,4,6] s) {"
    "k = Constant<value_int=3>() c = Constant<value = bool {1}>()"
    "y, s = Loop(k, c, x) < body = b (int64 i, bool p, float[4, 6] v)"
    "=> (bool q, float[4, 6] w, float[4, 6] n)"
    "{ q = Identity(p) n = %s(x) w = Add(v, n) } > }"
)


def test_noise_by_iteration() -> None:
    one = graph(LOOP % "RandomNormalLike")
    y, s = same(one, one, x=X)
    assert s.shape == (3, 4, 6)
    assert len(np.unique(s)) == s.size
    np.testing.assert_allclose(y, X + s.sum(axis=0), rtol=1e-5, atol=1e-5)


def test_loops_in_loops_and_a_scan() -> None:
    text = (
        "(float[5, 6] x) => (float[?,?,?] s) {"
        "t = Scan<num_scan_inputs=1, body = b (float[6] v) => (float[3, 6] r) {"
        "k = Constant<value_int=3>() c = Constant<value = bool {1}>()"
        "r = Loop(k, c) < body = d (int64 i, bool p) => (bool q, float[6] n)"
        "{ q = Identity(p) n = RandomNormalLike(v) } > } >(x) s = Neg(t) }"
    )
    one = graph(text)
    (s,) = same(one, one, x=np.zeros((5, 6), np.float32))
    assert s.shape == (5, 3, 6)
    assert len(np.unique(s)) == s.size


def test_a_function_is_written_out() -> None:
    text = (
        "(float[4, 6] x) => (float[4, 6] y) { a = local.noisy(x) b = local.noisy(x) y = Sub(a, b) }"
    )
    functions = (
        '<domain: "local", opset_import: ["": 17]> noisy (v) => (w)'
        "{ n = RandomNormalLike(v) w = Add(v, n) }"
    )
    one = graph(text, functions=functions)
    (y,) = same(one, one, x=X)
    assert y.any()
    merged = graph(
        "(float[4, 6] x) => (float[4, 6] y) { a = local.noisy(x) y = Sub(a, a) }",
        functions=functions,
    )
    assert shared(one, merged).different
    written = graph(
        "(float[4, 6] x) => (float[4, 6] y) { m = RandomNormalLike(x) a = Add(x, m)"
        "n = RandomNormalLike(x) b = Add(x, n) y = Sub(a, b) }"
    )
    same(one, written, x=X)


def test_what_cannot_be_fed_is_not_compared() -> None:
    text = (
        "(float[4, 6] x, float[4, 6] e) => (float[4, 6] y, float[4, 6] z) {"
        "r = Constant<value_float=0.5>() t = Constant<value = bool {1}>()"
        "y, m = com.microsoft.BitmaskDropout(x, r, t) z = Neg(e) }"
    )
    one = graph(text)
    assert dict(shared(one, one).uncomparable) == {
        "y": "'y' (com.microsoft::BitmaskDropout) is random, "
        "and its packed mask can't be made of noise"
    }


def test_a_fused_dropout_is_the_one_that_it_stands_for() -> None:
    start = (
        "(float[4, 6] x, float[4, 6] e) => (float[4, 6] y) {"
        "r = Constant<value_float=0.5>() t = Constant<value = bool {1}>() "
    )
    apart = start + "s = Add(x, e) d = Dropout(s, r, t) y = Add(d, x) }"
    fused = start + "y = com.microsoft.BiasDropout(x, e, x, r, t) }"
    same(graph(apart), graph(fused), x=X, e=X[::-1].copy())


def test_noise_is_drawn_anew_for_another_seed() -> None:
    one = graph(TWO % "y = Sub(a, b)")
    found = shared(one, one)
    assert [noise.distribution for noise in found.noise] == ["normal", "normal"]
    y, z = (run(found.before, found, {}, seed)[0] for seed in (0, 1))
    assert y.any()
    assert not np.array_equal(y, z)
