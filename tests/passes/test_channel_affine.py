"""Arithmetic with constants merged into a BatchNormalization, or into one another."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

from ocost.graph import Graph, Tensor, from_proto, verify
from ocost.passes.batchnorm import FoldBatchNorm
from ocost.passes.channel_affine import MergeAffine
from ocost.passes.conv_affine import FoldAffine
from ocost.runtime.equality.equivalence import check

from .conftest import Arrays, model


def random(*shape: int, low: float = -1.0) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, 1, shape).astype(np.float32)


def statistics(channels: int) -> Arrays:
    return {n: random(channels, low=0.5) for n in ("scale", "shift", "mean", "variance")}


def normalised(steps: str, dims: str = "N, 4, 6, 4", **constants: np.ndarray) -> Graph:
    return model(
        f"""g (float[{dims}] x) => (y) {{
            n = BatchNormalization (x, scale, shift, mean, variance)
            {steps}
        }}""",
        **statistics(4),
        **constants,
    )


# --- into a BatchNormalization ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "shape"),
    [
        ("y = Mul (n, k)", (4, 1, 1)),
        ("y = Mul (k, n)", (1, 4, 1, 1)),
        ("y = Add (n, k)", (4, 1, 1)),
        ("y = Sub (n, k)", (1, 4, 1, 1)),
        ("y = Sub (k, n)", (4, 1, 1)),
        ("y = Div (n, k)", (4, 1, 1)),
        ("y = Add (n, k)", ()),
        ("y = Mul (n, k)", (1, 1, 1, 1)),
        ("m = Mul (n, k) a = Add (m, k) d = Div (a, k) y = Sub (k, d)", (4, 1, 1)),
    ],
)
def test_what_is_one_value_a_channel(run, steps: str, shape: tuple[int, ...]) -> None:
    ran = run(MergeAffine(), normalised(steps, k=random(*shape, low=0.5)))
    assert ran.ops == ["BatchNormalization"]


@pytest.mark.parametrize(
    ("shape", "dims"),
    [
        ((4,), "1, 4, 6, 4"),  # along the width, of which there are as many
        ((1, 1, 1, 4), "1, 4, 6, 4"),
        ((1, 4, 1, 4), "1, 4, 6, 4"),
        ((4, 1), "1, 4, 4, 4"),
        ((4, 1, 1), "1, 4, 4, 6, 5"),  # along the depth
        ((2, 4, 1, 1), "1, 4, 6, 4"),  # makes two of one
        ((1, 1, 4, 1, 1), "1, 4, 6, 4"),  # of a higher rank
    ],
)
def test_what_only_looks_like_it(run, shape: tuple[int, ...], dims: str) -> None:
    graph = normalised("y = Mul (n, k)", dims, k=random(*shape))
    ran = run(MergeAffine(), graph)
    assert not ran.outcome.rewrites
    assert f"of shape {list(shape)} is not one value for each" in ran.reasons[0]


def test_a_matrix_has_its_channels_last(run) -> None:
    ran = run(MergeAffine(), normalised("y = Mul (n, k)", "N, 4", k=random(4)))
    assert ran.ops == ["BatchNormalization"]


def test_constants_that_are_given_another_shape(run) -> None:
    graph = model(
        """g (float[1, 4, 6, 4] x) => (y) {
            n = BatchNormalization (x, scale, shift, mean, variance)
            u = Unsqueeze (k, axes)
            m = Mul (n, u)
            r = Reshape (k, dims)
            y = Add (m, r)
        }""",
        k=random(4),
        axes=np.int64([1, 2]),
        dims=np.int64([1, -1, 1, 1]),
        **statistics(4),
    )
    ran = run(MergeAffine(), graph)
    assert ran.ops == ["BatchNormalization"]
    # 4 statistics of 4 channels are left, and nothing else
    assert sorted(t.shape for t in ran.graph.initializers.values()) == [(4,)] * 4


def test_a_constant_that_others_read_stays(run) -> None:
    steps = "y = Mul (n, k) z = Relu (k)"
    graph = normalised(steps, k=random(4, 1, 1))
    assert run(MergeAffine(), graph).ops == ["BatchNormalization", "Relu"]
    assert "k" in graph.initializers


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.float32([1, 0, 1, 1]), "'k' divides by zero"),
        (np.float32([1, np.inf, 1, 1]), "'k' is not finite"),
    ],
)
def test_values_that_can_not_be_merged(value: np.ndarray, reason: str) -> None:
    graph = normalised("y = Div (n, k)", k=value.reshape(4, 1, 1))
    outcome = MergeAffine().run(graph)
    assert (outcome.rewrites, outcome.declined[0].reason) == ([], reason)


def test_a_sum_that_rounds_is_left(run) -> None:
    """Adding 1.5 * 2**23 and taking it away rounds to whole numbers."""
    steps = "m = Add (n, k) y = Sub (m, k)"
    graph = normalised(steps, k=np.array(1.5 * 2**23, np.float32))
    ran = run(MergeAffine(), graph)
    assert not ran.outcome.rewrites
    assert set(ran.reasons) == {"adding 'k' rounds, it is that large"}


def test_one_that_others_read_stays(run) -> None:
    graph = normalised("y = Mul (n, k) z = Relu (n)", k=random(4, 1, 1))
    assert run(MergeAffine(), graph).reasons == ["'n' is also read by 'z'"]


def test_before_opset_7_shapes_are_not_what_broadcasts() -> None:
    graph = model(
        """g (float[1, 4, 6, 4] x) => (y) {
            n = BatchNormalization <is_test = 1> (x, scale, shift, mean, variance)
            y = Mul <broadcast = 1, axis = 1> (n, k)
        }""",
        opset=6,
        k=random(4),
        **statistics(4),
    )
    (declined,) = MergeAffine().run(graph).declined
    assert "before opset 7" in declined.reason


# --- into one another ------------------------------------------------------------------------


def chain(steps: str, dims: str = "N, 4, 6, 5", **constants: np.ndarray) -> Graph:
    return model(f"g (float[{dims}] x) => (y) {{ {steps} }}", **constants)


@pytest.mark.parametrize(
    ("steps", "made"),
    [
        ("m = Mul (x, a) y = Mul (b, m)", ["Mul"]),
        ("m = Mul (x, a) y = Div (m, b)", ["Mul"]),
        ("m = Div (x, a) y = Div (m, b)", ["Mul"]),
        ("m = Add (a, x) y = Add (m, b)", ["Add"]),
        ("m = Sub (x, a) y = Add (m, b)", ["Add"]),
        ("m = Sub (x, a) n = Sub (m, b) y = Add (n, a)", ["Add"]),
        ("m = Div (x, a) n = Sub (m, b) y = Div (n, a)", ["Mul", "Add"]),
        ("m = Sub (x, a) n = Mul (m, b) y = Add (n, a)", ["Mul", "Add"]),
        ("m = Mul (x, a) y = Add (m, b)", ["Mul", "Add"]),
        ("m = Sub (a, x) y = Sub (b, m)", ["Sub", "Sub"]),
        ("m = Div (a, x) y = Div (m, b)", ["Div", "Div"]),
    ],
)
def test_chains(run, steps: str, made: list[str]) -> None:
    graph = chain(steps, a=random(4, 1, 1, low=0.5), b=np.array(1.5, np.float32))
    assert run(MergeAffine(), graph).ops == made


def test_nodes_of_one_name() -> None:
    steps = "[n] m = Mul (x, a) [n] y = Mul (m, a) [n] k = Add (y, a) [n] z = Add (k, a)"
    graph = model(f"g (float[4] x) => (y, z) {{ {steps} }}", a=random(4))
    MergeAffine().run(graph)
    verify(graph)
    assert [(n.op_type, n.id, n.name) for n in graph] == [("Mul", "y", "n"), ("Add", "z", "n")]


def test_a_picture_is_brought_into_range_in_two_steps(run) -> None:
    steps = "m = Div (x, top) n = Sub (m, mean) y = Div (n, deviation)"
    constants = {"mean": random(3, 1, 1, low=0.4), "deviation": random(3, 1, 1, low=0.2)}
    graph = chain(steps, "N, 3, H, W", top=np.array(255, np.float32), **constants)
    assert run(MergeAffine(), graph).ops == ["Mul", "Add"]


def test_constants_that_broadcast_each_other_stay(run) -> None:
    """4 and 5 values would become 20."""
    graph = chain("m = Mul (x, a) y = Mul (m, b)", a=random(4, 1, 1), b=random(5))
    (reason,) = run(MergeAffine(), graph).reasons
    assert reason == "the constants broadcast each other: merged they would take more room"


def test_three_steps_that_widen_what_they_read_stay(run) -> None:
    """The first two on 5 elements, the last on 20: one earlier step on 20 would cost more."""
    steps = "m = Mul (x, a) n = Add (m, a) y = Mul (n, b)"
    graph = chain(steps, "5", a=np.array(2, np.float32), b=random(4, 1))
    (reason,) = run(MergeAffine(), graph).reasons
    assert reason == "a constant may give 'x' another shape"


def test_what_is_common_is_not_told(run) -> None:
    integers = "g (int64[4] x) => (int64[4] y) { m = Mul (x, a) y = Div (m, a) }"
    read_twice = "g (float[4] x) => (y) { m = Mul (x, b) n = Mul (m, b) y = Add (m, n) }"
    an_output = "g (float[4] x) => (m, y) { m = Mul (x, b) y = Mul (m, b) }"
    for text in (integers, read_twice, an_output):
        ran = run(MergeAffine(), model(text, a=np.int64([2]), b=random(4)))
        assert (ran.outcome.rewrites, ran.reasons) == ([], [])


def test_constants_that_a_caller_may_override(run) -> None:
    graph = model(
        "g (float[4] x, float[4] a) => (y) { m = Mul (x, a) y = Mul (m, a) }", a=random(4)
    )
    (reason,) = run(MergeAffine(), graph).reasons
    assert reason == "'a' is an input of the graph too, so that a caller may override it"


# --- onnx's own densenet ---------------------------------------------------------------------


def densenet() -> Graph:
    """light_densenet121 with random weights: its own are all alike, which hides any mistake.

    On a picture of 64 x 64, which it takes too.
    """
    folder = Path(onnx.__file__).parent / "backend/test/data/light"
    proto = onnx.load(folder / "light_densenet121.onnx")
    (x,) = (i for i in proto.graph.input if i.name == "data_0")
    for dim in x.type.tensor_type.shape.dim[2:]:
        dim.dim_value = 64
    graph = from_proto(proto)
    random = np.random.default_rng(0)
    for node in list(graph):
        if node.op_type == "ConstantOfShape":
            (shape,) = (graph.initializers[t].data() for t in node.inputs)
            graph.remove_node(node.id)
            weights = random.normal(size=shape) / np.sqrt(max(1, np.prod(shape[1:])))
            graph.set_initializer(Tensor.from_array(node.outputs[0], weights.astype(np.float32)))
    for name, tensor in list(graph.initializers.items()):
        if name.endswith("_0") and len(tensor.shape) == 1:
            values = random.uniform(0.5, 1.5, tensor.shape).astype(np.float32)
            graph.set_initializer(Tensor.from_array(name, values))
    return graph


def test_the_scale_layers_of_a_densenet_are_gone() -> None:
    graph = densenet()
    before = graph.copy()
    counted = Counter(node.op_type for node in before)
    assert [counted[t] for t in ("BatchNormalization", "Mul", "Add", "Unsqueeze")] == [
        121,
        121,
        121,
        242,
    ]
    for one in (MergeAffine(), FoldAffine(), FoldBatchNorm()):
        one.run(graph)
    counted = Counter(node.op_type for node in graph)
    assert not counted["Mul"] + counted["Add"] + counted["Unsqueeze"]
    # half of the BatchNormalizations follow a Conv: the first one's, and one in each dense layer
    assert counted["BatchNormalization"] == 121 - 1 - 58
    found = check(before, graph)
    assert found.ok, found
