"""Operators of one input, merged into a wider one and a Split."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.graph import Graph
from ocost.passes.merge_siblings import MergeSiblings

from .conftest import model


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def always(before: Graph, after: Graph) -> bool:
    return True


MERGE = MergeSiblings(pays=always)


def test_queries_keys_and_values(run) -> None:
    graph = model(
        """g (float[N, 5, 4] x) => (float[N, 5, 6] q, float[N, 5, 2] k, float[N, 5, 3] v) {
            q = MatMul (x, a)
            k = MatMul (x, b)
            w = MatMul (x, c)
            v = Add (w, bias)
        }""",
        a=random(4, 6),
        b=random(4, 2),
        c=random(4, 3),
        bias=random(3),
    )
    ran = run(MERGE, graph)
    assert ran.ops == ["MatMul", "Split", "Add"]
    split = ran.graph.node("q")
    assert split.outputs == ("q", "k", "w")
    assert ran.graph.initializers[split.inputs[1]].data().tolist() == [6, 2, 3]


@pytest.mark.parametrize("opset", [11, 13, 18])
def test_pointwise_convs(run, opset: int) -> None:
    graph = model(
        """g (float[N, 4, 5, 5] x) => (float[N, 6, 5, 5] p, float[N, 2, 5, 5] q) {
            c = Conv (x, a, ab)
            p = Relu (c)
            d = Conv (x, b, bb)
            q = Relu (d)
        }""",
        opset=opset,
        a=random(6, 4, 1, 1),
        ab=random(6, seed=1),
        b=random(2, 4, 1, 1, seed=2),
        bb=random(2, seed=3),
    )
    ran = run(MERGE, graph)
    assert sorted(ran.ops) == ["Conv", "Relu", "Relu", "Split"]
    assert ran.graph.node("c").outputs == ("c", "d")
    assert (ran.graph.node("c").ints("split") is not None) == (opset < 13)


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("shapes", [((3,), (1, 2)), ((), (1,)), ((1, 1), (2,))])
def test_gemms(run, transposed: int, shapes: tuple[tuple[int, ...], ...]) -> None:
    graph = model(
        f"""g (float[N, 4] x) => (float[N, 3] y, float[N, 2] z) {{
            y = Gemm <transB = {transposed}, alpha = 0.5, beta = 2.0> (x, a, ab)
            z = Gemm <transB = {transposed}, alpha = 0.5, beta = 2.0> (x, b, bb)
        }}""",
        a=random(3, 4) if transposed else random(4, 3),
        b=random(2, 4, seed=1) if transposed else random(4, 2, seed=1),
        ab=random(*shapes[0], seed=2),
        bb=random(*shapes[1], seed=3),
    )
    assert run(MERGE, graph).ops == ["Gemm", "Split"]


def test_a_product_with_a_vector(run) -> None:
    graph = model(
        """g (float[4] x) => (float[3] y, float[2] z) {
            y = MatMul (x, a)
            z = MatMul (x, b)
        }""",
        a=random(4, 3),
        b=random(4, 2),
    )
    assert run(MERGE, graph).ops == ["MatMul", "Split"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Conv (x, a)", "Conv <strides = [2, 2]> (x, b)"),
        ("Conv (x, a)", "Conv <pads = [1, 1, 1, 1]> (x, b)"),
        ("Conv <group = 2> (x, c)", "Conv <group = 2> (x, d)"),  # their outputs would interleave
        ("Conv (x, a)", "Conv (r, b)"),
        ("Conv (x, a)", "Conv (x, b, bias)"),
        ("Conv (x, wide)", "Conv (x, wide2)"),
        ("Conv (x, a1)", "Conv (x, made)"),
        ("MatMul (x, m)", "Gemm (flat, m2)"),
        ("MatMul (x, m)", "MatMul (x, deep)"),
        ("MatMul (m, x)", "MatMul (m2, x)"),
        ("Gemm (flat, m)", "Gemm <alpha = 2.0> (flat, m2)"),
        ("Gemm (flat, m, column)", "Gemm (flat, m2, column)"),
    ],
)
def test_no_siblings(run, first: str, second: str) -> None:
    graph = model(
        f"""g (float[4, 4, 4, 4] x) => (float[O1, P1, Q1, R1] y, float[O2, P2, Q2, R2] z) {{
            r = Relu (x)
            flat = Reshape (x, shape)
            cut = Slice (x, zero, one, three)
            made = Slice (cut, zero, one, two)
            y0 = {first}
            y = Unsqueeze (y0, none)
            z0 = {second}
            z = Unsqueeze (z0, none)
        }}""",
        a=random(2, 4, 1, 1),
        a1=random(2, 4, 1, 1),
        b=random(3, 4, 1, 1),
        c=random(4, 2, 1, 1),
        d=random(2, 2, 1, 1),
        bias=random(3),
        wide=random(2, 4, 3, 3),
        wide2=random(3, 4, 3, 3),
        m=random(4, 4),
        m2=random(4, 4, seed=1),
        deep=random(4, 4, 4),
        column=random(64, 1),
        shape=np.int64([64, 4]),
        none=np.int64([]),
        **{name: np.int64([i]) for i, name in enumerate(("zero", "one", "two", "three"))},
    )
    ran = run(MERGE, graph)
    assert not ran.outcome.rewrites
    assert not ran.outcome.declined


def test_weights_that_a_caller_may_override(run) -> None:
    graph = model(
        """g (float[1, 2] x, float[2, 2] a) => (float[1, 2] y, float[1, 2] z)
            <float[2, 2] a = {1.0, 2.0, 3.0, 4.0}> {
            y = MatMul (x, a)
            z = MatMul (x, b)
        }""",
        b=random(2, 2),
    )
    assert not run(MERGE, graph).outcome.rewrites


def test_quantised_weights(run) -> None:
    graph = model(
        """g (float[N, 4] x) => (float[N, 2] y, float[N, 2] z) {
            a = DequantizeLinear (qa, sa)
            b = DequantizeLinear (qb, sb)
            y = MatMul (x, a)
            z = MatMul (x, b)
        }""",
        qa=np.ones((4, 2), np.int8),
        qb=np.ones((4, 2), np.int8),
        sa=np.float32(0.5),
        sb=np.float32(0.25),
    )
    reason = "the weights are quantised, and each has scales of its own"
    assert run(MERGE, graph).reasons == [reason]


def test_shared_weights_are_not_copied(run) -> None:
    graph = model(
        """g (float[N, 64] x, float[N, 64] u) => (float[N, 64] y, float[N, 64] z, float[N, 64] v) {
            y = MatMul (x, a)
            z = MatMul (x, b)
            v = MatMul (u, a)
        }""",
        a=random(64, 64),
        b=random(64, 64, seed=1),
    )
    reason = "others read the weights too: the file would grow by 16,384 bytes"
    assert run(MERGE, graph).reasons == [reason]


LAYERS = """g (float[N, 8] x) => (float[N, 4] y) {
    a = MatMul (x, w1)
    b = MatMul (x, w2)
    s = Add (a, b)
    c = MatMul (s, w3)
    d = MatMul (s, w4)
    t = Add (c, d)
    e = MatMul (t, v3)
    f = MatMul (t, v4)
    y = Add (e, f)
}"""


def layers() -> Graph:
    shapes = {"w1": (8, 4), "w2": (8, 4), **dict.fromkeys(("w3", "w4", "v3", "v4"), (4, 4))}
    weights = {name: random(*shape, seed=i) for i, (name, shape) in enumerate(shapes.items())}
    return model(LAYERS, **weights)


def test_it_is_asked_once_for_each_kind_whether_it_pays(run) -> None:
    asked = []

    def wide(before: Graph, after: Graph) -> bool:
        asked.append([node.op_type for node in after if node.op_type == "Split"])
        assert len(after) == len(before)  # two products are one, and a Split
        return "a/wide" in after.live_tensors() - before.live_tensors()

    graph = layers()
    outcome = MergeSiblings(pays=wide).run(graph.copy())
    assert len(outcome.rewrites) == 1
    # x's pair pays; s's and t's are of one kind. Then all but x's are looked at once more.
    assert [len(splits) for splits in asked] == [1, 2, 2]
    assert [declined.nodes for declined in outcome.declined] == [("c", "d"), ("e", "f")]


def test_nothing_pays_unless_somebody_says_so(run) -> None:
    ran = run(MergeSiblings(), layers())
    assert set(ran.reasons) == {"a wider operator and a Split are not estimated to take less time"}
