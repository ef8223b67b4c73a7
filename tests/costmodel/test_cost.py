"""The cost of each node of a graph: traffic, bodies, trip counts, and what is not known."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, parser

from ocost.costmodel.cost import cost_nodes
from ocost.costmodel.kinds import KernelKind
from ocost.graph import from_proto, load
from ocost.graph.shapes import Given, infer


def _graph(text, inputs="float[2, 3] x", outputs="y", functions=""):
    head = f'<ir_version: 10, opset_import: ["" : 21, "d" : 1]> g ({inputs}) => ({outputs}) '
    return from_proto(parser.parse_model(head + "{" + text + "}" + functions))


def _costs(text, given=None, **others):
    return {c.cost.name: c.cost for c in cost_nodes(infer(_graph(text, **others), given))}


def _traffic(cost):
    return cost.read_bytes, cost.write_bytes, cost.weight_bytes


# --- traffic ---------------------------------------------------------------------------------


def test_every_distinct_input_is_read_once_and_every_output_written():
    costs = _costs(
        "a = Relu(x) b = Mul(a, a) y = MatMul(b, w)", inputs="float[2, 3] x, float[3, 5] w"
    )
    size = 4 * 2 * 3  # bytes of x, a and b
    assert _traffic(costs["a"]) == (size, size, 0)
    assert _traffic(costs["b"]) == (size, size, 0)  # a once, not twice
    # y[2, 5] = b[2, 3] w[3, 5]
    assert _traffic(costs["y"]) == (size + 4 * 15, 4 * 10, 0)
    assert (costs["y"].macs, costs["y"].flops) == (2 * 5 * 3, 2 * 2 * 5 * 3)
    # 30 MAC x 2 over 24 + 60 + 40 bytes
    assert costs["y"].intensity == 60 / 124


def test_constants_are_read_as_weights():
    text = """
      w = Constant <value = float[3] {1.0, 2.0, 3.0}> ()
      v = Neg(w)
      y = Add(x, v)
    """
    costs = _costs(text)
    assert costs["w"].kind is KernelKind.CONSTANT
    assert _traffic(costs["w"]) == (0, 0, 0)  # it is there before the run
    assert _traffic(costs["v"]) == (12, 12, 12)
    assert _traffic(costs["y"]) == (24 + 12, 24, 12)  # computed from constants alone: a weight


def test_gather_reads_the_rows_it_touches():
    # 3 rows of 8 floats out of 1000, and 3 indices of 8 bytes.
    costs = _costs("y = Gather(t, i)", inputs="float[1000, 8] t, int64[3] i")
    assert _traffic(costs["y"]) == (3 * 8 * 4 + 3 * 8, 3 * 8 * 4, 0)


def test_views_move_nothing():
    text = """
      s = Constant <value_ints = [3, 2]> ()
      a = Reshape(x, s)
      b = Flatten(a)
      y = Identity(b)
    """
    costs = _costs(text)
    for name in ("a", "b", "y"):
        assert costs[name].view
        assert _traffic(costs[name]) == (0, 0, 0)
        assert costs[name].intensity is None


def test_four_bit_integers_take_half_a_byte():
    # 15 elements of 4 bits: 7.5 bytes, in 8. One scale of 4 bytes.
    costs = _costs("y = DequantizeLinear(q, s)", inputs="int4[3, 5] q, float s")
    assert _traffic(costs["y"]) == (8 + 4, 4 * 15, 0)


def test_other_widths():
    costs = _costs(
        "a = Add(x, x) b = Add(d, d) y = Not(m)", inputs="float16[7] x, double[7] d, bool[7] m"
    )
    assert _traffic(costs["a"]) == (14, 14, 0)
    assert _traffic(costs["b"]) == (56, 56, 0)
    assert _traffic(costs["y"]) == (7, 7, 0)
    assert costs["a"].dtype == TensorProto.FLOAT16


def test_a_scalar_is_not_nothing():
    costs = _costs("y = Neg(x)", inputs="float x")
    assert _traffic(costs["y"]) == (4, 4, 0)
    assert costs["y"].flops == 1


def test_an_empty_tensor_is():
    costs = _costs("y = Neg(x)", inputs="float[0, 3] x")
    assert _traffic(costs["y"]) == (0, 0, 0)
    assert costs["y"].known


# --- bodies ----------------------------------------------------------------------------------

IF = """
  y = If (c) <
    then_branch = then () => (t) { t = Relu (x) },
    else_branch = other () => (e) { a = Neg (x) e = Abs (a) }
  >
"""


def test_the_branch_that_is_taken_is_costed():
    for value, names in [
        (True, ["y", "y/then_branch/t"]),
        (False, ["y", "y/else_branch/a", "y/else_branch/e"]),
    ]:
        given = Given(values={"c": np.array(value)})
        costs = _costs(IF, given, inputs="float[2, 3] x, bool c")
        assert list(costs) == names
        assert all(cost.shape == "exact" for cost in costs.values())
        assert costs["y"].kind is KernelKind.CONTROL
        assert (costs["y"].flops, costs["y"].traffic_bytes) == (0, 0)


def test_of_two_branches_the_larger_is_costed_whole():
    costs = _costs(IF, inputs="float[2, 3] x, bool c")
    # 2 operators of 6 FLOP against one.
    assert list(costs) == ["y", "y/else_branch/a", "y/else_branch/e"]
    assert sum(cost.flops for cost in costs.values()) == 12
    assert {cost.shape for name, cost in costs.items() if "/" in name} == {"bound"}


def test_at_equal_flop_the_branch_of_more_traffic_is_larger():
    text = """
      y = If (c) <
        then_branch = then () => (t) { t = Concat <axis = 0> (x, x) },
        else_branch = other () => (e) { a = Transpose (x) e = Concat <axis = 0> (a, a) }
      >
    """
    costs = _costs(text, inputs="float[2, 3] x, bool c")
    assert list(costs) == ["y", "y/else_branch/a", "y/else_branch/e"]  # nothing is computed


def test_the_larger_branch_stands_for_all_figures():
    text = """
      y = If (c) <
        then_branch = then () => (t) { t = Relu (x) },
        else_branch = other () => (e) { a = Concat <axis = 0> (x, x) e = Transpose (a) }
      >
    """
    # 6 FLOP and 48 bytes against none and 24 + 48 + 48 + 48: FLOP count first.
    costs = _costs(text, inputs="float[2, 3] x, bool c")
    assert list(costs) == ["y", "y/then_branch/t"]


def test_what_an_unknown_condition_decides_is_a_bound_all_the_way_down():
    text = """
      y = If (c) <
        then_branch = then () => (t) { t = d.F (x) },
        else_branch = other () => (x) { }
      >
    """
    functions = '<domain: "d", opset_import: ["" : 21]> F (v) => (w) { w = Neg (v) }'
    costs = _costs(text, inputs="float[2, 3] x, bool c", functions=functions)
    assert costs["y/then_branch/t/w"].shape == "bound"
    assert costs["y"].shape == "exact"


def _loop(trips, body="next = Relu (v)", again="again = Identity (go)"):
    return f"""
      m = Constant <value = int64 {{{trips}}}> ()
      y = Loop (m, , x) <
        body = body (int64 i, bool go, float[2, 3] v) => (bool again, next) {{ {again} {body} }}
      >
    """


def test_a_body_costs_as_often_as_it_runs():
    costs = _costs(_loop(7))
    node = costs["y/body/next"]
    assert (node.flops, node.read_bytes, node.write_bytes) == (7 * 6, 7 * 24, 7 * 24)
    assert (node.trips, node.shape) == (7, "exact")
    assert costs["y"].trips == 1


def test_a_trip_count_that_is_a_bound_or_assumed_is_flagged():
    again = "sum = ReduceSum <keepdims = 0> (v) again = Cast <to = 9> (sum)"
    node = _costs(_loop(7, again=again))["y/body/next"]
    assert (node.flops, node.trips, node.shape) == (7 * 6, 7, "bound")
    unknown = _loop(7).replace("m = Constant <value = int64 {7}> ()", "")
    node = _costs(unknown, inputs="float[2, 3] x, int64 m")["y/body/next"]
    assert (node.flops, node.trips, node.shape) == (6, 1, "assumed")


def test_a_body_that_never_runs_costs_nothing():
    costs = _costs(_loop(0))
    assert list(costs) == ["m", "y"]  # like a branch that is not taken
    assert sum(cost.flops for cost in costs.values()) == 0
    assert sum(cost.traffic_bytes for cost in costs.values()) == 0


def test_a_body_reads_what_it_captures_at_each_trip():
    text = "w = Constant <value = float[3] {1, 2, 3}> () " + _loop(7, "next = Add (v, w)")
    # 24 bytes of v and 12 of w, 7 times.
    assert _traffic(_costs(text)["y/body/next"]) == (7 * 36, 7 * 24, 7 * 12)


def test_trip_counts_multiply():
    inner = """
      k = Constant <value = int64 {4}> ()
      next = Loop (k, , v) <
        body = inner (int64 j, bool go2, float[2, 3] u) => (bool again2, w) {
          again2 = Identity (go2)
          w = Exp (u)
        }
      >
    """
    costs = _costs(_loop(3, inner))
    assert costs["y/body/next"].trips == 3
    assert costs["y/body/next/body/w"].trips == 12
    assert costs["y/body/next/body/w"].flops == 12 * 6


def test_scan_costs_a_slice_times_their_number():
    text = """
      y, s = Scan <num_scan_inputs = 1, body = b (state, row) => (next, out) {
        next = Add (state, row)
        out = Mul (row, row)
      }> (h, x)
    """
    costs = _costs(text, inputs="float[5, 3] x, float[3] h")
    # 5 rows of 3 floats: 12 bytes each.
    assert (costs["y/body/next"].flops, costs["y/body/next"].read_bytes) == (15, 5 * 24)
    assert (costs["y/body/out"].flops, costs["y/body/out"].read_bytes) == (15, 5 * 12)


def test_a_function_is_costed_by_its_body_at_each_call():
    functions = """
      <domain: "d", opset_import: ["" : 21]>
      F (v) => (w) { a = Neg (v) w = Transpose (a) }
    """
    costs = _costs("p = d.F(x) y = d.F(p)", functions=functions)
    assert list(costs) == ["p", "p/a", "p/w", "y", "y/a", "y/w"]
    assert [costs[n].flops for n in ("p", "p/a", "y/a")] == [0, 6, 6]
    assert costs["p"].domain == "d"


def test_a_scale_that_changes_nothing_costs_nothing():
    """Rows are 3 of 40: a scale is told by its contents, which are read where they lie."""
    for value, flops in ((1.0, 3 * 120 + 2 * 3), (0.5, 4 * 120 + 2 * 3)):
        scale = helper.make_tensor("k", TensorProto.FLOAT, [40], [value] * 40)
        model = parser.parse_model(
            '<ir_version: 10, opset_import: ["" : 23]> g (float[3, 40] x) => (y) '
            "{ y = RMSNormalization(x, k) }"
        )
        model.graph.initializer.append(scale)
        (costed,) = cost_nodes(infer(from_proto(model)))
        assert costed.cost.flops == flops
        del model.graph.initializer[:]
        constant = helper.make_node("Constant", [], ["k"], value=scale)
        model.graph.node.insert(0, constant)
        assert cost_nodes(infer(from_proto(model)))[1].cost.flops == flops


# --- what nobody asks for --------------------------------------------------------------------


def _dead(*args, **others):
    return [name for name, cost in _costs(*args, **others).items() if cost.dead]


def test_nodes_whose_results_reach_no_output_are_dead():
    assert _dead("a = Neg(x) b = Abs(a) c = Exp(a) y = Relu(c)") == ["b"]
    assert _dead("a = Neg(x) b = Abs(a) y = Relu(x)") == ["a", "b"]
    assert _dead("a, b = Split <axis = 1, num_outputs = 2> (x) y = Relu(a)") == []
    assert _dead("y = Neg(x) b = Abs(y)") == ["b"]  # what an output is made by is not


def test_what_a_body_captures_is_read():
    text = """
      a = Neg(x)
      b = Abs(x)
      y = If (c) <
        then_branch = then () => (t) { t = Relu (a) u = Exp (b) },
        else_branch = other () => (e) { e = Relu (x) }
      >
    """
    # What a dead node of a body reads is captured all the same.
    assert _dead(text, inputs="float[2, 3] x, bool c") == ["y/then_branch/u"]


def test_a_dead_owner_s_bodies_are_dead():
    functions = '<domain: "d", opset_import: ["" : 21]> F (v) => (w) { w = Neg (v) }'
    assert _dead("a = d.F(x) y = Relu(x)", functions=functions) == ["a", "a/w"]


# --- what is not known -----------------------------------------------------------------------


def test_a_figure_that_is_not_known_is_none_and_says_why():
    text = "a = d.Thing(x) b = Relu(a) y = StringConcat(s, s)"
    costs = _costs(text, inputs="float[2, 3] x, string[2] s")
    assert costs["a"].reason == "no cost formula for d::Thing"
    assert costs["b"].reason == "no shape rule for d::Thing of domain 'd'"
    assert "strings" in costs["y"].reason
    for name in ("a", "b", "y"):
        cost = costs[name]
        figures = (cost.macs, cost.flops, cost.read_bytes, cost.write_bytes, cost.weight_bytes)
        assert figures == (None,) * 5
        assert not cost.known
        assert cost.kind is None
        assert cost.intensity is None
        assert cost.traffic_bytes is None


def test_a_sequence_is_no_tensor():
    costs = _costs("q = SequenceConstruct(x, x) y = SequenceLength(q)")
    assert "sequence" in costs["q"].reason
    assert "sequence" in costs["y"].reason


def test_a_string_takes_the_object_that_holds_it():
    costs = _costs("y = Equal(s, s)", inputs="string[2] s")
    assert _traffic(costs["y"]) == (2 * 32, 2, 0)


def test_an_input_without_a_rank_is_told():
    graph = _graph("y = Relu(x)")
    graph.declared["x"].type.tensor_type.ClearField("shape")
    (costed,) = cost_nodes(infer(graph))
    assert costed.cost.reason == "input 'x' has no declared rank; give --shape x=..."


def test_what_is_not_known_of_the_other_branch_is_said():
    """It might have made that branch the larger one."""
    text = """
      y = If (c) <
        then_branch = then () => (t) { t = d.Thing (x) },
        else_branch = other () => (e) { e = Relu (x) }
      >
    """
    costs = _costs(text, inputs="float[2, 3] x, bool c")
    assert list(costs) == ["y", "y/else_branch/e", "y/then_branch/t"]
    assert not costs["y/then_branch/t"].known


def test_assumed_and_bounded_shapes_are_flagged():
    costs = _costs("a = Relu(x) b = NonZero(z) y = Neg(b)", inputs="float[n, 3] x, float[4] z")
    assert [costs[n].shape for n in ("a", "b", "y")] == ["assumed", "bound", "bound"]


# --- published figures -----------------------------------------------------------------------


def _macs(graph):
    return sum(c.cost.macs for c in cost_nodes(infer(graph)))


# Published by torchvision (and timm) in GMACs: 0.301, 1.814, 0.145, 1.5.
@pytest.mark.parametrize(
    ("name", "macs"),
    [
        ("mobilenet_v2", 300_774_272),
        ("resnet18", 1_814_073_344),
        ("resnet18_qdq", 1_814_073_344),
        ("shufflenet_v2", 144_907_992),
        ("repvgg_a0", 1_512_581_120),
    ],
)
def test_macs_of_the_samples(name, macs):
    assert _macs(load(f"@{name}")) == macs


@pytest.mark.parametrize(
    ("name", "macs"),
    [
        ("bvlc_alexnet", 654_560_384),
        ("densenet121", 2_834_161_664),
        ("inception_v1", 1_431_556_352),
        ("inception_v2", 2_018_851_840),
        ("resnet50", 4_089_184_256),
        ("shufflenet", 124_664_528),
        ("squeezenet", 349_151_936),
        ("vgg19", 19_632_062_464),
        ("zfnet512", 1_481_727_008),
    ],
)
def test_macs_of_the_models_that_come_with_onnx(name, macs):
    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    assert _macs(load(folder / f"light_{name}.onnx")) == macs


def test_a_convolution_by_hand():
    # y[1, 8, 4, 4]: 3x3 kernels on 2 of 4 channels each (2 groups), stride 2, pad 1, bias.
    graph = helper.make_graph(
        [
            helper.make_node(
                "Conv", ["x", "w", "b"], ["y"], group=2, strides=[2, 2], pads=[1, 1, 1, 1]
            )
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [
            helper.make_tensor("w", TensorProto.FLOAT, [8, 2, 3, 3], [0.0] * 144),
            helper.make_tensor("b", TensorProto.FLOAT, [8], [0.0] * 8),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    (costed,) = cost_nodes(infer(from_proto(model)))
    out = 8 * 4 * 4
    assert costed.cost.macs == out * 2 * 9
    assert costed.cost.flops == 2 * out * 2 * 9 + out
    assert _traffic(costed.cost) == (4 * (256 + 144 + 8), 4 * out, 4 * (144 + 8))
