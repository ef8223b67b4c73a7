"""LayerNormalization and RMSNormalization out of what exporters write for them."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.graph import Graph
from ocost.passes.layer_norm import RecomposeLayerNorm

from .conftest import Arrays, model

ONES = "it has no scale, and a LayerNormalization would multiply by ones"


def random(*shape: int, kind: str = "f4") -> np.ndarray:
    return np.random.default_rng(0).uniform(0.5, 1, shape).astype(kind)


def scalars(kind: str = "f4", shape: tuple[int, ...] = ()) -> Arrays:
    return {name: np.full(shape, v, kind) for name, v in (("two", 2), ("one", 1), ("eps", 1e-5))}


def norm(
    *,
    opset: int = 17,
    shape: str = "N, 5, 8",
    kind: str = "float",
    axes: tuple[int, ...] | None = (-1,),
    keep: tuple[int, int] = (1, 1),
    square: str = "q = Pow (c, two)",
    quotient: str = "n = Div (c, r)",
    affine: str = "s = Mul (n, w)  y = Add (s, b)",
    outputs: str = "",
    **arrays: np.ndarray,
) -> Graph:
    """What is written for a LayerNormalization of x."""
    late = opset >= 18 and axes is not None
    given = f"axes = [{', '.join(map(str, axes))}], " if axes and not late else ""
    last = ", last" if late else ""
    m, v = (f"ReduceMean <{given}keepdims = {k}>" for k in keep)
    text = f"""g ({kind}[{shape}] x) => ({kind}[{shape}] y{outputs}) {{
        m = {m} (x{last})  c = Sub (x, m)
        {square}
        v = {v} (q{last})  e = Add (v, eps)  r = Sqrt (e)
        {quotient}
        {affine}
    }}"""
    constants = {**scalars(), "w": random(8), "b": random(8), **arrays}
    if late:
        constants["last"] = np.array(axes, np.int64)
    return model(text, opset, **constants)


@pytest.mark.parametrize(("axes", "merges"), [((1, 1, 8), True), ((1, 1, 1, 8), False)])
def test_a_scale_that_gives_the_result_another_axis(
    run, axes: tuple[int, ...], merges: bool
) -> None:
    """What is normalised has three, and keeps them."""
    graph = norm(
        affine="s = Mul (n, w)  y = Reshape (s, target)",
        w=random(*axes),
        target=np.array([-1, 5, 8], np.int64),
    )
    assert ("LayerNormalization" in run(RecomposeLayerNorm(), graph).ops) == merges


@pytest.mark.parametrize("square", ["q = Pow (c, two)", "q = Mul (c, c)"])
@pytest.mark.parametrize(
    "quotient",
    ["n = Div (c, r)", "i = Reciprocal (r)  n = Mul (c, i)", "i = Div (one, r)  n = Mul (i, c)"],
)
def test_every_way_to_square_and_divide(run, square: str, quotient: str) -> None:
    ran = run(RecomposeLayerNorm(), norm(square=square, quotient=quotient))
    (made,) = ran.graph
    assert made.op_type == "LayerNormalization"
    assert made.inputs == ("x", "w", "b")
    assert made.outputs == ("y",)
    assert made.int("axis", 0) == -1
    assert made.float("epsilon", 0) == pytest.approx(1e-5)


@pytest.mark.parametrize("opset", [17, 18])
@pytest.mark.parametrize(
    ("axes", "row"),
    [((2,), (8,)), ((1, 2), (5, 8)), ((-1, 1), (5, 8)), (None, (2, 5, 8))],
)
def test_the_last_axes(run, opset: int, axes: tuple[int, ...] | None, row: tuple[int, ...]) -> None:
    graph = norm(opset=opset, shape="2, 5, 8", axes=axes, w=random(*row), b=random(*row))
    (made,) = run(RecomposeLayerNorm(), graph).graph
    assert made.int("axis", 0) == -len(row)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_scalars_of_any_shape_of_ones(run, shape: tuple[int, ...]) -> None:
    graph = norm(**scalars(shape=shape))
    assert run(RecomposeLayerNorm(), graph).ops == ["LayerNormalization"]


def test_scalars_as_constant_nodes(run) -> None:
    graph = norm(square="k = Constant <value = float[1] {2.0}> ()  q = Pow (c, k)")
    assert run(RecomposeLayerNorm(), graph).ops == ["LayerNormalization"]


def test_half_precision(run) -> None:
    halves = {"w": random(8, kind="f2"), "b": random(8, kind="f2")}
    graph = norm(kind="float16", **scalars("f2"), **halves)
    assert run(RecomposeLayerNorm(), graph).ops == ["LayerNormalization"]


def test_a_scale_with_axes_of_one_before_it_is_stored_without(run) -> None:
    (made,) = run(RecomposeLayerNorm(), norm(w=random(1, 1, 8), b=random(1, 8))).graph
    assert made.op_type == "LayerNormalization"


def test_a_scale_may_be_computed(run) -> None:
    ran = run(RecomposeLayerNorm(), norm(affine="t = Relu (w)  s = Mul (t, n)  y = Add (b, s)"))
    assert ran.ops == ["Relu", "LayerNormalization"]


def test_what_is_not_one_value_an_element_stays_behind(run) -> None:
    ran = run(RecomposeLayerNorm(), norm(b=random(5, 1)))
    assert ran.ops == ["LayerNormalization", "Add"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"opset": 16}, "opset 17 has LayerNormalization; convert with --opset 17"),
        ({"shape": "8, 8", "keep": (0, 1)}, "lines up with other axes"),
        ({"shape": "8, 8", "keep": (1, 0)}, "lines up with other axes"),
        ({"shape": "2, 8, 8", "axes": (1,)}, "not over the last axes"),
        ({"shape": "2, 5, C", "w": random(1), "b": random(1)}, "no fixed size"),
        ({"shape": "2, 5, 1", "w": random(1), "b": random(1)}, "hold one element"),
        ({"outputs": ", float[A, B, C] c"}, "'c' is an output of the graph"),
        ({"outputs": ", float[A, B, C] v"}, "'v' is an output of the graph"),
        (
            {
                "outputs": ", float[A, B, C] z",
                "affine": "s = Mul (n, w) y = Add (s, b) z = Abs (m)",
            },
            "'m' is also read by 'z'",
        ),
        (
            {
                "kind": "double",
                **scalars("f8"),
                "w": random(8, kind="f8"),
                "b": random(8, kind="f8"),
            },
            "the type of 'x' is float64",
        ),
        ({"affine": "y = Add (n, b)"}, ONES),
        ({"w": random(5, 1)}, ONES),  # a scale a row is none of an element
        ({"shape": "2, 3, 20000", "w": random(1), "b": random(1)}, "20,000 ones is too large"),
    ],
)
def test_refusals(run, changed: dict[str, object], reason: str) -> None:
    (found,) = run(RecomposeLayerNorm(), norm(**changed)).reasons
    assert reason in found


@pytest.mark.parametrize(
    "changed",
    [
        {"two": np.float32(3)},  # the third moment
        {"eps": random(5, 1)},
        {"quotient": "i = Div (one, r)  n = Mul (i, c)", "one": np.float32(2)},
    ],
)
def test_other_arithmetic_is_passed_over(run, changed: dict[str, object]) -> None:
    ran = run(RecomposeLayerNorm(), norm(**changed))
    assert not ran.outcome.rewrites
    assert not ran.reasons


def test_means_over_other_axes(run) -> None:
    text = """g (float[2, 8, 8] x) => (float[2, 8, 8] y) {
        m = ReduceMean <axes = [1, 2]> (x)  c = Sub (x, m)  q = Mul (c, c)
        v = ReduceMean <axes = [-1]> (q)  e = Add (v, eps)  r = Sqrt (e)
        n = Div (c, r)  y = Mul (n, w)
    }"""
    ran = run(RecomposeLayerNorm(), model(text, **scalars(), w=random(8)))
    assert ran.reasons == ["its mean and its variance are over other axes"]


def test_an_epsilon_that_a_caller_may_override(run) -> None:
    text = """g (float[2, 8] x, float eps) => (float[2, 8] y) <float eps = {0.1}> {
        m = ReduceMean <axes = [-1]> (x)  c = Sub (x, m)  q = Mul (c, c)
        v = ReduceMean <axes = [-1]> (q)  e = Add (v, eps)  r = Sqrt (e)
        n = Div (c, r)  y = Mul (n, w)
    }"""
    assert not run(RecomposeLayerNorm(), model(text, w=random(8))).outcome.rewrites


def test_without_a_scale_where_that_pays(run) -> None:
    asked = []

    def pays(before: Graph, after: Graph) -> bool:
        asked.append([node.op_type for node in after])
        return True

    ran = run(RecomposeLayerNorm(pays), norm(affine="y = Relu (n)"))
    assert ran.ops == ["LayerNormalization", "Relu"]
    assert asked == [["LayerNormalization", "Relu"]]
    made = next(iter(ran.graph))
    assert ran.graph.initializers[made.inputs[1]].data().tolist() == [1] * 8


RMS = """g (float[N, 8] x) => (float[N, 8] y) {
    q = Pow (x, two)  v = ReduceMean <keepdims = 1> (q, last)  e = Add (v, eps)  r = Sqrt (e)
    n = Div (x, r)  y = Mul (w, n)
}"""


@pytest.mark.parametrize("opset", [22, 23])
def test_root_mean_square(run, opset: int) -> None:
    graph = model(RMS, opset, ir=10, **scalars(), w=random(8), last=np.array([-1]))
    ran = run(RecomposeLayerNorm(), graph)
    if opset == 22:
        assert ran.reasons == ["opset 23 has RMSNormalization; convert with --opset 23"]
    else:
        assert ran.ops == ["RMSNormalization"]
