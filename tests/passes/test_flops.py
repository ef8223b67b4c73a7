"""A pass that fuses arithmetic into one operator never raises the FLOPs."""

from __future__ import annotations

import numpy as np
import pytest

import ocost
from ocost.graph import Graph
from ocost.passes.attention import RecomposeAttention
from ocost.passes.layer_norm import RecomposeLayerNorm
from ocost.rewrite.rewriting import Pass

from .conftest import model

LONG = "float[2, 3, 40, 8]"
END = "p = Softmax <axis = -1> (a) y = MatMul (p, v)"
SCALARS = {
    name: np.float32(value) for name, value in (("two", 2), ("one", 1), ("eps", 1e-5), ("s", 0.3))
}


def root_mean_square(quotient: str, behind: str) -> Graph:
    """As a transformer's exporter writes it: the norm in float, its weight in half precision."""
    text = f"""g (float16[2, 4, 8] x) => (float16[2, 4, 8] y) {{
        f = Cast <to = 1> (x)  q = Pow (f, two)  v = ReduceMean <keepdims = 1> (q, last)
        e = Add (v, eps)  r = Sqrt (e)  {quotient}  {behind}
    }}"""
    weights = {"w": np.linspace(0.5, 1, 8, dtype=np.float16), "last": np.array([-1])}
    return model(text, 23, ir=10, **SCALARS, **weights)


def layer_norm(behind: str) -> Graph:
    text = f"""g (float[2, 5, 8] x) => (float[2, 5, 8] y) {{
        m = ReduceMean <axes = [-1], keepdims = 1> (x)  c = Sub (x, m)  q = Pow (c, two)
        v = ReduceMean <axes = [-1], keepdims = 1> (q)  e = Add (v, eps)  r = Sqrt (e)
        n = Div (c, r)  {behind}
    }}"""
    weights = {"w": np.linspace(0.5, 1, 8, dtype=np.float32), "b": np.ones(8, np.float32)}
    return model(text, 17, **SCALARS, **weights)


def attention(body: str) -> Graph:
    return model(
        f"g ({LONG} q, {LONG} k, {LONG} v) => ({LONG} y) "
        f"{{ t = Transpose <perm = [0, 1, 3, 2]> (k) {body} {END} }}",
        opset=23,
        ir=10,
        **SCALARS,
    )


def always(_before: Graph, _after: Graph) -> bool:
    return True


NORM = RecomposeLayerNorm(always)
CAST = "h = Cast <to = 10> (n) y = Mul (w, h)"


@pytest.mark.parametrize(
    ("one", "graph"),
    [
        (NORM, root_mean_square("i = Reciprocal (r) n = Mul (f, i)", CAST)),
        (NORM, root_mean_square("n = Div (f, r)", CAST)),
        (NORM, root_mean_square("n = Div (f, r)", "y = Cast <to = 10> (n)")),
        (NORM, layer_norm("y = Relu (n)")),
        (NORM, layer_norm("y = Mul (n, w)")),
        (NORM, layer_norm("g = Mul (n, w) y = Add (g, b)")),
        (RecomposeAttention(), attention("u = Mul (q, s) a = MatMul (u, t)")),
        (RecomposeAttention(), attention("b = MatMul (q, t) a = Mul (b, s)")),
        (RecomposeAttention(), attention("a = MatMul (q, t)")),
    ],
)
def test_flops_do_not_rise(run, one: Pass, graph: Graph) -> None:
    before = ocost.cost(graph, level="written").totals
    ran = run(one, graph)
    assert ran.outcome.rewrites
    after = ocost.cost(ran.graph, level="written").totals
    assert after.flops <= before.flops
    assert after.macs == before.macs
