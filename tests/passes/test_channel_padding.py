"""Channels padded with zeros: what grows together, what is cut off, what stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.costmodel.cost import cost_nodes
from ocost.graph import Graph, OcostError, Tensor
from ocost.graph.shapes import infer
from ocost.passes.channel_padding import PadChannels

from .conftest import model

X = "float[1, 3, 8, 8] x"
ALWAYS = PadChannels(multiple=8, pays=lambda before, after: True)


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).uniform(-1, 1, shape).astype(np.float32)


def positive(*shape: int) -> np.ndarray:
    return np.abs(random(*shape)) + np.float32(0.5)


def between(middle: str, opset: int = 17, out: str = "", **constants: np.ndarray) -> Graph:
    """Conv from 3 to 11 channels, ``middle`` from ``c`` to ``m``, a Conv that reads ``m``."""
    given = {"w1": random(11, 3, 3, 3), "b1": random(11), "w2": random(5, 11, 1, 1)}
    outputs = "float[1, 5, h, v] y" + out
    return model(
        f"""g ({X}) => ({outputs}) {{
            c = Conv (x, w1, b1)
            {middle}
            y = Conv (m, w2)
        }}""",
        opset=opset,
        **{**given, **constants},
    )


def constant(graph: Graph, node: str, slot: int) -> np.ndarray:
    """What a node reads, by the name of what it made before it was padded."""
    (found,) = (n for n in graph if n.outputs[0].partition("/")[0] == node)
    tensor = graph.constant(found.inputs[slot])
    assert tensor is not None
    return tensor.data()


def test_added_lanes_have_no_weight_no_bias_and_no_reader(run) -> None:
    graph = between("m = Relu (c)")
    w1, b1, w2 = (graph.initializers[n].data() for n in ("w1", "b1", "w2"))
    ran = run(ALWAYS, graph)
    assert ran.ops == ["Conv", "Relu", "Conv"]
    weight, bias, read = (constant(graph, *at) for at in (("c", 1), ("c", 2), ("y", 1)))
    assert weight.shape == (16, 3, 3, 3)
    assert read.shape == (5, 16, 1, 1)
    assert not weight[11:].any()
    assert not bias[11:].any()
    assert not read[:, 11:].any()
    assert np.array_equal(weight[:11], w1)
    assert np.array_equal(bias[:11], b1)
    assert np.array_equal(read[:, :11], w2)
    (rewrite,) = ran.outcome.rewrites
    assert set(rewrite.change.dropped) == {"w1", "b1", "w2"}
    # What changed are both Convs and the Relu, at 36 positions: 36 x 11 x (2 x 27 + 1) = 21,780,
    # 36 x 11 = 396, 36 x 5 x 2 x 11 = 3,960. What 5 lanes add is 5/11 of that: 11,880.
    assert rewrite.reason == (
        "11 channels of 'c' become 16, read by 'y': "
        "11,880 FLOP of padding beside 26,136 useful ones"
    )


def test_only_where_it_pays(run) -> None:
    graph = between("m = Relu (c)")
    ran = run(PadChannels(pays=lambda before, after: False), graph)
    assert ran.reasons == ["11 channels padded to 12 or 16 or 32 are not estimated to be faster"]
    assert not run(PadChannels(), graph).outcome.rewrites


def conv_channels(graph: Graph) -> list[int]:
    return [graph.constant(n.inputs[1]).shape[0] for n in graph if n.op_type == "Conv"]


def test_takes_the_best_multiple(run) -> None:
    order = [16, 12, 32, 11]  # channels, the fastest first

    def pays(before: Graph, after: Graph) -> bool:
        was, now = (order.index(conv_channels(g)[0]) for g in (before, after))
        return now < was

    graph = between("m = Relu (c)")
    run(PadChannels(pays=pays), graph)
    assert conv_channels(graph) == [16, 5]


def test_neighbours_that_pay_together_only(run) -> None:
    def pays(before: Graph, after: Graph) -> bool:
        odd = [sum(c % 4 > 0 for c in conv_channels(g)) for g in (before, after)]
        return odd[1] <= odd[0] - 2

    graph = model(
        f"""g ({X}) => (float[1, 4, 8, 8] y) {{
            a = Conv (x, w1)
            b = Conv (a, w2)
            y = Conv (b, w3)
        }}""",
        w1=random(11, 3, 1, 1),
        w2=random(13, 11, 1, 1),
        w3=random(4, 13, 1, 1),
    )
    ran = run(PadChannels(pays=pays), graph)
    assert conv_channels(graph) == [12, 16, 4]
    (rewrite,) = ran.outcome.rewrites
    assert "11 channels of 'a' become 12" in rewrite.reason
    assert "13 channels of 'b' become 16" in rewrite.reason
    assert ran.reasons == []


def test_a_multiple_that_is_none() -> None:
    with pytest.raises(OcostError, match="give 4, 8, 16 or 32"):
        PadChannels(multiple=6)


@pytest.mark.parametrize(
    "middle",
    [
        "m = Clip (c, low, high)",
        "m = PRelu (c, slope)",
        "m = PRelu (c, each)",
        "m = LeakyRelu <alpha = 0.3> (c)",
        "a = Tanh (c)  b = Elu (a)  m = Selu (b)",
        "a = Mul (c, each)  m = Add (a, each)",
        "m = Div (c, each)",  # 0 / 1 in an added lane, not 0 / 0
        "m = Div (c, slope)",
        "m = Max (c, low)",
        "s = HardSigmoid (c)  m = Mul (c, s)",
        "s = GlobalAveragePool (c)  t = Sigmoid (s)  m = Mul (c, t)",
        "s = ReduceMean <axes = [2, 3]> (c)  t = Exp (s)  m = Mul (t, c)",
        "m = MaxPool <kernel_shape = [2, 2]> (c)",
        "m = AveragePool <kernel_shape = [2, 2], pads = [1, 1, 1, 1]> (c)",
        "m = Pad (c, around, low)",
        "m = Resize (c, , scales)",
        "m = Identity (c)",
        "m = Add (c, plane)",
        "a, z = Split <axis = 2> (c)  m = Concat <axis = 3> (a, z)",
    ],
)
def test_what_hands_channels_on(run, middle: str) -> None:
    graph = between(
        middle,
        low=np.float32(0.25),
        high=np.float32(0.75),
        slope=random(1),
        each=positive(11, 1, 1),
        plane=random(1, 11, 6, 6),
        around=np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        scales=np.array([1, 1, 2, 2], np.float32),
    )
    ran = run(ALWAYS, graph)
    assert conv_channels(graph) == [16, 5]
    assert "Slice" not in ran.ops


@pytest.mark.parametrize("activation", ["Sigmoid", "HardSigmoid", "Exp", "Softplus", "Cos"])
def test_activations_that_fill_lanes_before_a_concat(run, activation: str) -> None:
    """f(0) != 0 fills lanes in the middle of the Concat: whoever reads it has zeros there."""
    graph = model(
        f"""g ({X}) => (float[1, 5, 8, 8] y, float[1, 11, 8, 8] z) {{
            a = Conv (x, w1)
            b = Conv (x, w2)
            z = {activation} (a)
            c = Concat <axis = 1> (x, z, b)
            y = Conv (c, w3)
        }}""",
        w1=random(11, 3, 1, 1),
        w2=random(6, 3, 1, 1),
        w3=random(5, 20, 1, 1),
    )
    ran = run(ALWAYS, graph)
    assert conv_channels(graph) == [16, 8, 5]
    read = constant(graph, "y", 1)[..., 0, 0]
    # 3 of x, 11 + 5 of a, 6 + 2 of b
    assert not read[:, 14:19].any()
    assert not read[:, 25:].any()
    assert read[:, [*range(14), *range(19, 25)]].all()
    assert ran.ops.count("Slice") == 1  # the output z keeps its shape


def test_batch_normalization_gives_zeros(run) -> None:
    graph = between(
        "m = BatchNormalization (c, each, each, each, each)",
        each=positive(11),
    )
    run(ALWAYS, graph)
    scale, shift, mean, variance = (constant(graph, "m", slot)[11:] for slot in (1, 2, 3, 4))
    assert [*scale, *shift, *mean] == [0] * 15
    assert [*variance] == [1] * 5


def test_depthwise_groups_grow_along(run) -> None:
    graph = between(
        "d = Conv <group = 11, pads = [1, 1, 1, 1]> (c, dw, db)  m = Relu (d)",
        dw=random(11, 1, 3, 3),
        db=random(11),
    )
    run(ALWAYS, graph)
    (depthwise,) = (n for n in graph if n.int("group", 1) > 1)
    assert depthwise.int("group", 1) == 16
    assert not constant(graph, "d", 1)[11:].any()
    assert not constant(graph, "d", 2)[11:].any()


def test_depthwise_over_a_concat(run) -> None:
    """Lanes are added in the middle of its weight, where the Concat has them."""
    graph = model(
        f"""g ({X}) => (float[1, 5, 8, 8] y) {{
            a = Conv (x, w1)
            b = Conv (x, w2)
            c = Concat <axis = 1> (a, b)
            d = Conv <group = 17> (c, dw)
            y = Conv (d, w3)
        }}""",
        w1=random(11, 3, 1, 1),
        w2=random(6, 3, 1, 1),
        dw=random(17, 1, 1, 1),
        w3=random(5, 17, 1, 1),
    )
    run(ALWAYS, graph)
    assert conv_channels(graph) == [16, 8, 24, 5]
    assert [*np.flatnonzero(constant(graph, "d", 1))] == [*range(11), *range(16, 22)]


@pytest.mark.parametrize("group", [1, 11])
def test_transposed_convs(run, group: int) -> None:
    graph = model(
        f"""g ({X}) => (float[1, 5, h, w] y) {{
            c = ConvTranspose (x, w1, b1)
            m = ConvTranspose <strides = [2, 2], group = {group}> (c, w2)
            y = Conv (m, w3)
        }}""",
        w1=random(3, 11, 2, 2),
        b1=random(11),
        w2=random(11, 13 if group == 1 else 1, 2, 2),
        w3=random(5, 13 if group == 1 else 11, 1, 1),
    )
    run(ALWAYS, graph)
    made = [graph.constant(n.inputs[1]).shape[:2] for n in graph]
    assert made == ([(3, 16), (16, 16), (5, 16)] if group == 1 else [(3, 16), (16, 1), (5, 16)])


@pytest.mark.parametrize(
    ("flatten", "transposed"),
    [("f = Flatten (m)", 0), ("f = Reshape (m, shape)", 1), ("f = Flatten <axis = -3> (m)", 0)],
)
def test_flatten_into_gemm(run, flatten: str, transposed: int) -> None:
    """A channel is 4 columns: those of added ones follow the 44 that were there."""
    graph = model(
        f"""g ({X}) => (float[1, 5, 2, 2] y, float[1, 7] z) {{
            c = Conv <strides = [4, 4]> (x, w1)
            m = Sigmoid (c)
            y = Conv (m, w2)
            {flatten}
            z = Gemm <transB = {transposed}> (f, g, b)
        }}""",
        w1=random(11, 3, 2, 2),
        w2=random(5, 11, 1, 1),
        shape=np.array([1, -1]),
        g=random(7, 44) if transposed else random(44, 7),
        b=random(7),
    )
    ran = run(ALWAYS, graph)
    assert ran.ops == ["Conv", "Sigmoid", "Conv", "Flatten", "Gemm"]
    weight = constant(graph, "z", 1)
    assert weight.shape == ((7, 64) if transposed else (64, 7))
    assert not (weight[:, 44:] if transposed else weight[44:]).any()


def test_a_gemm_that_scales_channels_grows_along(run) -> None:
    graph = between(
        """p = GlobalAveragePool (c)
        f = Flatten (p)
        g = MatMul (f, w3)
        h = Gemm (g, w4, b4)
        u = Unsqueeze (h, axes)
        m = Mul (c, u)""",
        w3=random(11, 4),
        w4=random(4, 11),
        b4=random(11),
        axes=np.array([2, 3]),
    )
    ran = run(ALWAYS, graph)
    assert "Slice" not in ran.ops
    assert constant(graph, "h", 1).shape == (4, 16)
    assert not constant(graph, "h", 2)[11:].any()


def residual(side: str, sides: str = "", out: str = "", **constants: np.ndarray) -> Graph:
    given = {"w1": random(11, 3, 1, 1), "w2": random(5, 11, 1, 1)}
    return model(
        f"""g ({X}{sides}) => (float[1, 5, 8, 8] y{out}) {{
            a = Conv (x, w1)
            {side}
            s = Add (a, b)
            y = Conv (s, w2)
        }}""",
        **{**given, **constants},
    )


def test_sides_of_a_residual_grow_together(run) -> None:
    graph = residual("p = Conv (x, w3)  b = Relu (p)", w3=random(11, 3, 1, 1))
    ran = run(ALWAYS, graph)
    assert conv_channels(graph) == [16, 16, 5]
    assert len(ran.outcome.rewrites) == 1


def test_a_side_that_can_not_grow(run) -> None:
    graph = residual("b = Identity (z)", ", float[1, 11, 8, 8] z")
    assert not run(ALWAYS, graph).outcome.rewrites  # only the Add reads a, and needs it cut off


def test_sides_with_channels_from_elsewhere(run) -> None:
    """11 channels of one Conv and 5 + 6 of two: lanes would lie in other places."""
    graph = residual(
        "p = Conv (x, w3)  q = Conv (x, w4)  b = Concat <axis = 1> (p, q)  z = Conv (b, w5)",
        out=", float[1, 4, 8, 8] z",
        w3=random(5, 3, 1, 1),
        w4=random(6, 3, 1, 1),
        w5=random(4, 11, 1, 1),
    )
    ran = run(ALWAYS, graph)
    assert conv_channels(graph) == [11, 5, 6, 4, 5]
    reason = "channels can't be padded: Add 's' reads 'b', which joins channels of several nodes"
    assert ran.reasons == [f"5 {reason}", f"6 {reason}"]


FOUR = ", float[d0, d1, d2, d3] z"


@pytest.mark.parametrize(
    ("reader", "out"),
    [
        ("z = Softmax <axis = 1> (m)", FOUR),
        ("z = ReduceMean <axes = [1]> (m)", FOUR),
        ("z = ReduceMean <axes = [-3, 2, 3]> (m)", FOUR),
        ("z = LayerNormalization <axis = 1> (m, one)", FOUR),
        ("z = InstanceNormalization (m, each, each)", FOUR),
        ("t = Slice (m, zero, eight, first)  z = DepthToSpace <blocksize = 2> (t)", FOUR),
        ("z = Reshape (m, shape)", FOUR),
        ("z, r = Split <axis = 1> (m, parts)", FOUR),
        ("z = Transpose <perm = [0, 2, 3, 1]> (m)", FOUR),
        ("z = Conv <group = 11> (m, twice)", FOUR),  # makes two channels of one
        ("z = LRN <size = 3> (m)", FOUR),
        ("z = Relu (m)", FOUR),
        ("z = Squeeze (m)", ", float[d1, d2, d3] z"),
        ("z = Flatten <axis = 2> (m)", ", float[d0, d1] z"),
        ("z = ArgMax <axis = 1> (m)", ", int64[d0, d1, d2, d3] z"),
        ("p, z = MaxPool <kernel_shape = [2, 2]> (m)", ", int64[d0, d1, d2, d3] z"),
    ],
)
def test_cut_off_before_what_needs_channels_as_they_are(run, reader: str, out: str) -> None:
    graph = between(
        f"m = Sigmoid (c)  {reader}",
        17,
        out,
        one=positive(11, 6, 6),
        each=positive(11),
        zero=np.array([0]),
        eight=np.array([8]),
        first=np.array([1]),
        shape=np.array([1, 6, 11, 6]),
        parts=np.array([5, 6]),
        twice=random(22, 1, 1, 1),
    )
    before = [n.op_type for n in graph].count("Slice")
    ran = run(ALWAYS, graph)
    assert conv_channels(graph)[0] == 16
    assert ran.ops.count("Slice") == before + 1


def test_infinity_times_a_weight_of_zero_is_none(run) -> None:
    """An added channel would hold 1 / 0."""
    graph = between("a = Abs (c)  m = Reciprocal (a)  z = Conv (c, w2)", 17, FOUR)
    run(ALWAYS, graph)
    (cut,) = (n for n in graph if n.op_type == "Slice")
    assert cut.outputs == ("a",)


def test_group_normalization_is_cut_off(run) -> None:
    graph = between(
        "m = Relu (c)  z = GroupNormalization <num_groups = 11> (m, each, each)",
        21,
        FOUR,
        each=positive(11),
    )
    assert run(ALWAYS, graph).ops.count("Slice") == 1


def test_an_input_that_fills_lanes(run) -> None:
    """What a caller gives may be as large as it likes, and the Exp of it infinite."""
    graph = model(
        f"""g ({X}, float[1, 1, 8, 8] z) => (float[1, 5, 8, 8] y) {{
            c = Conv (x, w1)
            d = Conv (c, w2)
            s = Add (d, z)
            y = Conv (s, w3)
        }}""",
        w1=random(11, 3, 1, 1),
        w2=random(11, 11, 1, 1),
        w3=random(5, 11, 1, 1),
    )
    ran = run(ALWAYS, graph)
    assert conv_channels(graph) == [16, 11, 5]
    assert "Slice" not in ran.ops


def test_values_that_could_overflow_in_added_lanes(run) -> None:
    """exp(exp(exp(exp(0)))) is 3.8 million: it could be more than the model has."""
    graph = between(
        "o = Exp (c)  p = Exp (o)  q = Exp (p)  m = Exp (q)  z = Conv (c, w2)", 17, FOUR
    )
    graph.set_initializer(Tensor.from_array("b1", np.full(11, -9, np.float32)))
    run(ALWAYS, graph)
    (cut,) = (n for n in graph if n.op_type == "Slice")
    assert cut.outputs == ("q",)


def test_a_broadcast_map_stays_one_channel(run) -> None:
    graph = between("a = Conv (c, w3)  s = Sigmoid (a)  m = Mul (c, s)", w3=random(1, 11, 1, 1))
    run(ALWAYS, graph)
    assert conv_channels(graph) == [16, 1, 5]


def parted(opset: int, *sizes: int) -> Graph:
    """A Concat of 11 and 6 channels that is split again."""
    given = "(c, sizes)" if opset > 12 else "(c)"
    attribute = "" if opset > 12 else f", split = {[*sizes]}"
    return model(
        f"""g ({X}) => (float[1, 5, 8, 8] y, float[1, 5, 8, 8] z, float[1, 5, 8, 8] t) {{
            a = Conv (x, w1)
            b = Conv (x, w2)
            c = Concat <axis = -3> (a, b)
            t = Conv (c, w5)
            p, q = Split <axis = 1{attribute}> {given}
            y = Conv (p, w3)
            z = Conv (q, w4)
        }}""",
        opset=opset,
        w1=random(11, 3, 1, 1),
        w2=random(6, 3, 1, 1),
        sizes=np.array(sizes),
        w3=random(5, sizes[0], 1, 1),
        w4=random(5, sizes[1], 1, 1),
        w5=random(5, 17, 1, 1),
    )


@pytest.mark.parametrize("opset", [11, 17])
def test_split_where_it_was_joined(run, opset: int) -> None:
    graph = parted(opset, 11, 6)
    run(ALWAYS, graph)
    assert conv_channels(graph) == [16, 8, 5, 5, 5]


def test_split_elsewhere(run) -> None:
    ran = run(ALWAYS, parted(17, 14, 3))
    reason = "channels can't be padded: Split 'p' reads 'c', which joins channels of several nodes"
    assert ran.reasons == [f"11 {reason}", f"6 {reason}"]


def test_a_side_of_which_a_part_can_not_grow(run) -> None:
    graph = model(
        f"""g ({X}, float[1, 5, 8, 8] v) => (float[1, 5, 8, 8] y) {{
            q = Conv (x, w1)
            a = Conv (x, w2)
            p = Concat <axis = 1> (a, q)
            b = Conv (x, w3)
            r = Concat <axis = 1> (b, v)
            s = Add (p, r)
            y = Conv (s, w4)
        }}""",
        w1=random(5, 3, 1, 1),
        w2=random(11, 3, 1, 1),
        w3=random(11, 3, 1, 1),
        w4=random(5, 16, 1, 1),
    )
    ran = run(ALWAYS, graph)
    assert conv_channels(graph) == [5, 16, 16, 5]
    assert ran.reasons == ["5 channels can't be padded: 'v' has channels that can't grow"]


@pytest.mark.parametrize(("opset", "inputs"), [(9, 1), (17, 4)])
def test_graph_outputs_keep_their_shape(run, opset: int, inputs: int) -> None:
    graph = between("m = Relu (c)", opset, ", float[1, 11, 6, 6] c, float[1, 11, 6, 6] m")
    run(ALWAYS, graph)
    slices = [n for n in graph if n.op_type == "Slice"]
    assert {n.outputs[0] for n in slices} == {"c", "m"}
    assert all(len(n.inputs) == inputs for n in slices)


def test_a_body_reads_what_it_read(run) -> None:
    graph = model(
        f"""g ({X}, bool b) => (float[1, 5, 8, 8] y, float[1, 11, 8, 8] z) {{
            c = Conv (x, w1)
            y = Conv (c, w2)
            z = If (b) <
                then_branch = t () => (float[1, 11, 8, 8] p) {{ p = Neg (c) }},
                else_branch = e () => (float[1, 11, 8, 8] q) {{ q = Abs (c) }}
            >
        }}""",
        w1=random(11, 3, 1, 1),
        w2=random(5, 11, 1, 1),
    )
    assert run(ALWAYS, graph).ops == ["Conv", "Conv", "Slice", "If"]


def test_a_shared_weight_stays_shared(run) -> None:
    graph = model(
        f"""g ({X}, float[1, 3, 8, 8] v) => (float[1, 5, 8, 8] y) {{
            a = Conv (x, w1)
            b = Conv (v, w1)
            s = Add (a, b)
            y = Conv (s, w2)
        }}""",
        w1=random(11, 3, 1, 1),
        w2=random(5, 11, 1, 1),
    )
    run(ALWAYS, graph)
    assert len(graph.initializers) == 2


def test_a_weight_that_others_read_is_copied(run) -> None:
    graph = between("m = Relu (c)  r = ReduceSum <keepdims = 0> (w1)", 17, ", float r")
    run(ALWAYS, graph)
    assert {"w1"} < set(graph.initializers)


def test_grouped_convs_are_left(run) -> None:
    graph = model(
        f"""g ({X}) => (float[1, 5, 8, 8] y) {{
            c = Conv (x, w1)
            m = Conv <group = 2> (c, gw)
            y = Conv (m, w2)
        }}""",
        w1=random(10, 3, 1, 1),
        gw=random(6, 5, 1, 1),
        w2=random(5, 6, 1, 1),
    )
    assert not run(ALWAYS, graph).outcome.rewrites


@pytest.mark.parametrize("ir", [3, 8])
def test_weights_that_a_caller_may_override(run, ir: int) -> None:
    """Below IR version 4 a constant has to be listed as an input, and is none."""
    graph = model(
        f"""g ({X}, float[11, 3, 1, 1] w1) => (float[1, 5, 8, 8] y) {{
            c = Conv (x, w1)
            y = Conv (c, w2)
        }}""",
        ir=ir,
        w1=random(11, 3, 1, 1),
        w2=random(5, 11, 1, 1),
    )
    if ir == 3:
        graph.set_interface(("x", "w1", "w2"), graph.outputs)
    outcome = ALWAYS.run(graph)
    assert len(outcome.rewrites) == (ir == 3)


def test_half_precision_is_left(run) -> None:
    graph = model(
        """g (float16[1, 3, 8, 8] x) => (float16[1, 5, 8, 8] y) {
            c = Conv (x, w1)
            y = Conv (c, w2)
        }""",
        w1=random(11, 3, 1, 1).astype(np.float16),
        w2=random(5, 11, 1, 1).astype(np.float16),
    )
    assert not run(ALWAYS, graph).outcome.rewrites


def test_an_open_batch_stays_open(run) -> None:
    graph = model(
        """g (float[N, 3, H, W] x) => (float[N, 5, H, W] y) {
            c = Conv (x, w1)
            m = Sigmoid (c)
            y = Conv (m, w2)
        }""",
        w1=random(11, 3, 1, 1),
        w2=random(5, 11, 1, 1),
    )
    run(ALWAYS, graph)
    assert conv_channels(graph) == [16, 5]


def test_what_is_asked_whether_it_pays_has_the_padded_shapes(run) -> None:
    macs: list[int] = []

    def pays(before: Graph, after: Graph) -> bool:
        macs.append(sum(c.cost.macs or 0 for c in cost_nodes(infer(after))))
        return False

    graph = between("m = Relu (c)")
    run(PadChannels(multiple=8, pays=pays), graph)
    assert macs[0] == 36 * (16 * 27 + 5 * 16)  # 6x6 positions
