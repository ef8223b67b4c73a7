"""Functions that call others many times: costed in linear time, to the same figures."""

import math

import pytest
from onnx import TensorProto, helper, parser

import ocost
from ocost.graph import OcostError, from_proto, functions
from ocost.graph.functions import inlined_nodes
from ocost.graph.runnable import require_runnable
from ocost.graph.shapes import engine

FLOAT = TensorProto.FLOAT
HEAD = '<ir_version: 10, opset_import: ["" : 21, "d" : 1]> g (float[4, 4] x) => (y) '


def _function(name, inputs, body):
    return f'<domain: "d", opset_import: ["" : 21, "d" : 1]> {name} ({inputs}) => (w) {{ {body} }}'


def _model(text, *made, inputs="", weights=None):
    head = HEAD.replace("x)", f"x{inputs})")
    model = parser.parse_model("\n".join([f"{head} {{ {text} }}", *made]))
    for name, shape in (weights or {}).items():
        size = math.prod(shape)
        model.graph.initializer.append(helper.make_tensor(name, FLOAT, shape, [0.5] * size))
    return from_proto(model)


def chain(depth, leaf="a = Neg(v) w = Add(a, v)"):
    """F0 computes, each other one calls the one before twice: 2 ** (depth - 1) runs of F0."""
    calls = [
        _function(f"F{i}", "v", f"a = d.F{i - 1}(v) w = d.F{i - 1}(a)") for i in range(1, depth)
    ]
    return _model(f"y = d.F{depth - 1}(x)", _function("F0", "v", leaf), *calls)


def test_forty_deep():
    cost = ocost.cost(chain(40), level="written")
    runs = 2**39
    # F0 on 16 floats: Neg and Add, 16 FLOP each; reads 64 and 128 bytes, writes 64 each.
    assert cost.totals.flops == runs * 32
    assert cost.totals.read_bytes == runs * 192
    assert cost.totals.write_bytes == runs * 128
    assert cost.totals.total_activation_bytes == 64 + runs * 128
    assert cost.totals.compulsory_bytes == 128
    assert [node.trips for node in cost.nodes if node.op_type == "Neg"] == [runs]
    assert cost.coverage.costed == cost.coverage.nodes == 2 + 2 * 39 + 1
    (note,) = cost.notes
    assert f"come to {inlined_nodes(chain(40))} nodes" in note


def test_nodes_are_counted_without_inlining():
    # y, and of F(n): 2 + 2 F(n - 1), F(0) = 2: 2 ** (n + 2) - 2
    assert inlined_nodes(chain(40)) == 1 + 2**41 - 2
    assert inlined_nodes(chain(3)) == 1 + 14


def test_up_to_a_size_each_call_has_its_rows():
    names = [node.name for node in ocost.cost(chain(2), level="written").nodes]
    assert names == ["y", "y/a", "y/a/a", "y/a/w", "y/w", "y/w/a", "y/w/w"]


def test_what_needs_every_node_says_so():
    with pytest.raises(OcostError, match=f"come to {1 + 2**41 - 2} nodes once all calls"):
        require_runnable(chain(40))
    require_runnable(chain(5))


def test_a_call_too_deep_is_refused_in_one_line():
    with pytest.raises(OcostError, match="F0': over 150 calls in each other"):
        ocost.cost(chain(151), level="written")
    assert ocost.cost(chain(150), level="written").totals.flops == 2**149 * 32


def test_too_many_to_lower_are_refused_in_one_line():
    with pytest.raises(OcostError, match="nodes only the cost as written is known"):
        ocost.cost(chain(40))
    diff = ocost.diff(chain(40), chain(40))
    assert set(diff.levels) == {"written"}
    (*_, note) = diff.before.notes
    assert note.startswith("not known as executed: ")


def test_calls_that_all_differ_are_refused_in_one_line(monkeypatch):
    """Each run of F0 is given a row more than the one before."""
    monkeypatch.setattr(functions, "MOST_INLINED", 100)
    monkeypatch.setattr(engine, "MOST_INLINED", 100)
    row = "k = Constant <value = float[1, 4] {1, 2, 3, 4}> () w = Concat <axis = 0> (v, k)"
    with pytest.raises(OcostError, match="come to more than 100 whose inputs differ"):
        ocost.cost(chain(10, leaf=row), level="written")


MIXED = {
    "calls with weights of their own": _model(
        "a = d.G(x, k) b = d.G(a, k) y = d.G(b, u)",
        _function("F", "v, k", "w = MatMul(v, k)"),
        _function("G", "v, k", "a = d.F(v, k) w = d.F(a, k)"),
        weights={"k": (4, 4), "u": (4, 4)},
    ),
    "a weight in the function": _model(
        "a = d.F(x) y = d.F(a)",
        _function("F", "v", "k = Constant <value_floats = [1.0, 2.0, 3.0, 4.0]> () w = Mul(v, k)"),
    ),
    "parts of a table": _model(
        "i = Constant <value_ints = [1, 2]> () a = d.F(t, i) b = d.F(u, i) y = Add(a, b)",
        _function("F", "t, i", "w = Gather(t, i)"),
        weights={"t": (90, 4), "u": (90, 4)},
    ),
    "views outside and inside": _model(
        "s = Constant <value_ints = [4, 4]> () v = Reshape(k, s) a = d.F(x, v) y = d.F(a, u)",
        _function("F", "v, k", "f = Flatten(k) w = MatMul(v, f)"),
        weights={"k": (16,), "u": (4, 4)},
    ),
    "other shapes": _model(
        "a = d.F(x) s = Constant <value_ints = [2, 8]> () b = Reshape(x, s) c = d.F(b) y = d.F(a)",
        _function("F", "v", "a = Transpose(v) w = Relu(a)"),
    ),
    "attributes": _model(
        "a = d.F <p = 0> (x) b = d.F <p = 1> (a) y = d.F <p = 1> (b)",
        '<domain: "d", opset_import: ["" : 21]> F <p> (v) => (w) '
        "{ w = Concat <axis : int = @p> (v, v) }",
    ),
    "loops and branches": _model(
        """
        a = d.F(x)
        m = Constant <value = int64 {3}> ()
        b = Loop (m, , a) <
          body = body (int64 i, bool go, float[4, 4] v) => (bool again, next) {
            again = Identity (go) next = d.F (v)
          }
        >
        c = Cast <to = 9> (i0)
        y = If (c) <
          then_branch = then () => (t) { t = d.F (b) },
          else_branch = other () => (e) { e = d.G (b) }
        >
        """,
        _function("F", "v", "w = Exp(v)"),
        _function("G", "v", "a = d.F(v) w = d.F(a)"),
        inputs=", int64 i0",
    ),
}


@pytest.mark.parametrize("graph", MIXED.values(), ids=MIXED)
def test_shared_bodies_come_to_the_same(graph, monkeypatch):
    apart = ocost.cost(graph, level="written")
    monkeypatch.setattr(functions, "MOST_INLINED", 0)
    shared = ocost.cost(graph, level="written")
    assert len(shared.nodes) <= len(apart.nodes)
    assert shared.totals.latency_s == pytest.approx(apart.totals.latency_s)
    figures = ("latency_s", "latency_low_s", "latency_high_s")
    rounded = {figure: getattr(apart.totals, figure) for figure in figures}
    assert shared.totals._replace(**rounded) == apart.totals


def test_a_function_s_own_weight_counts_once():
    totals = ocost.cost(MIXED["a weight in the function"], level="written").totals
    assert (totals.params, totals.param_bytes) == (4, 16)
    # x and y of 64 bytes, the weight of 16
    assert totals.compulsory_bytes == 144


def test_each_call_s_own_weights_count():
    assert ocost.cost(MIXED["calls with weights of their own"], level="written").totals.params == 32


def test_an_attribute_s_value_is_each_call_s_own():
    function = (
        '<domain: "d", opset_import: ["" : 21]> F <p> (v) => (w) '
        "{ k = Constant <value_floats : floats = @p> () w = Mul (v, k) }"
    )
    values = "[1.0, 2.0, 3.0, 4.0]", "[5.0, 6.0, 7.0, 8.0]"
    text = (
        f"a = d.F <p = {values[0]}> (x) b = d.F <p = {values[0]}> (a) y = d.F <p = {values[1]}> (b)"
    )
    assert ocost.cost(_model(text, function), level="written").totals.params == 4 + 4
