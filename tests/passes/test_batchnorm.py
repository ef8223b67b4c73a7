"""BatchNormalization folded into what it follows."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.graph import Graph
from ocost.passes.batchnorm import FoldBatchNorm

from .conftest import Arrays, model


def random(*shape: int, low: float = -1.0) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, 1, shape).astype(np.float32)


def statistics(channels: int) -> Arrays:
    names = ("scale", "shift", "mean", "variance")
    return {n: random(channels, low=0.5) for n in names}


def test_into_a_conv_with_a_bias(run) -> None:
    graph = model(
        """g (float[N, 3, 8, 8] x) => (float[N, 4, 8, 8] y) {
            c = Conv <pads = [1, 1, 1, 1]> (x, w, b)
            y = BatchNormalization <epsilon = 0.001> (c, scale, shift, mean, variance)
        }""",
        w=random(4, 3, 3, 3),
        b=random(4),
        **statistics(4),
    )
    ran = run(FoldBatchNorm(), graph)
    assert ran.ops == ["Conv"]
    (rewrite,) = ran.outcome.rewrites
    assert set(rewrite.change.removed) == {"c", "y"}
    assert rewrite.change.added == ("y",)
    assert set(rewrite.change.dropped) == {"w", "b", *statistics(4)}
    assert len(ran.graph.initializers) == 2


def test_a_shared_weight_is_copied(run) -> None:
    graph = model(
        """g (float[1, 4, 8, 8] x) => (float[1, 4, 8, 8] y, float[1, 4, 8, 8] z) {
            c = Conv (x, w)
            y = BatchNormalization (c, scale, shift, mean, variance)
            z = Conv (x, w)
        }""",
        w=random(4, 4, 1, 1),
        **statistics(4),
    )
    ran = run(FoldBatchNorm(), graph)
    assert ran.ops == ["Conv", "Conv"]
    assert "w" in ran.graph.initializers


@pytest.mark.parametrize("groups", [1, 2])
def test_into_a_transposed_conv(run, groups: int) -> None:
    graph = model(
        f"""g (float[1, 4, 5, 5] x) => (float[1, 6, 9, 9] y) {{
            c = ConvTranspose <group = {groups}, strides = [2, 2]> (x, w)
            y = BatchNormalization (c, scale, shift, mean, variance)
        }}""",
        w=random(4, 6 // groups, 1, 1),
        **statistics(6),
    )
    assert run(FoldBatchNorm(), graph).ops == ["ConvTranspose"]


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        ("z = Relu (c)", "'c' is also read by 'z'"),
        ("z = Identity (c)", "'c' is also read by 'z'"),
    ],
)
def test_a_conv_that_others_read_stays(run, tail: str, reason: str) -> None:
    graph = model(
        f"""g (float[1, 3, 8, 8] x) => (float[1, 4, 8, 8] y, float[1, 4, 8, 8] z) {{
            c = Conv (x, w)
            y = BatchNormalization (c, scale, shift, mean, variance)
            {tail}
        }}""",
        w=random(4, 3, 1, 1),
        **statistics(4),
    )
    assert run(FoldBatchNorm(), graph).reasons == [reason]


def test_a_weight_that_two_take_is_copied_only_while_it_is_small(run) -> None:
    # 512 x 520 x 1 x 1 floats of 4 bytes: 1,064,960, over the 1,048,576 that a copy may add
    graph = model(
        """g (float[1, 520, 2, 2] x) => (float[1, 512, 2, 2] y, float[1, 512, 2, 2] z) {
            c = Conv (x, w)
            y = BatchNormalization (c, scale, shift, mean, variance)
            z = Conv (x, w)
        }""",
        w=random(512, 520, 1, 1),
        **statistics(512),
    )
    (reason,) = run(FoldBatchNorm(), graph).reasons
    assert reason == "'w' is shared, and a copy would add 1064960 bytes to the file"


def test_a_weight_shared_behind_an_identity(run) -> None:
    graph = model(
        """g (float[1, 4, 8, 8] x) => (float[1, 4, 8, 8] y, float[1, 4, 8, 8] z) {
            v = Identity (w)
            c = Conv (x, v)
            y = BatchNormalization (c, scale, shift, mean, variance)
            z = Conv (x, v)
        }""",
        w=random(4, 4, 1, 1),
        **statistics(4),
    )
    assert run(FoldBatchNorm(), graph).ops == ["Identity", "Conv", "Conv"]


@pytest.mark.parametrize(("size", "kernel"), [("9", (3,)), ("5, 6, 7", (3, 1, 2))])
def test_one_and_three_dimensions(run, size: str, kernel: tuple[int, ...]) -> None:
    graph = model(
        f"""g (float[2, 4, {size}] x) => (y) {{
            c = Conv <group = 2> (x, w, b)
            y = BatchNormalization (c, scale, shift, mean, variance)
        }}""",
        w=random(6, 2, *kernel),
        b=random(6),
        **statistics(6),
    )
    assert run(FoldBatchNorm(), graph).ops == ["Conv"]


def test_the_channels_of_a_depthwise_conv(run) -> None:
    graph = model(
        """g (float[1, 6, 8, 8] x) => (float[1, 6, 6, 6] y) {
            c = Conv <group = 6> (x, w)
            y = BatchNormalization (c, scale, shift, mean, variance)
        }""",
        w=random(6, 1, 3, 3),
        **statistics(6),
    )
    assert run(FoldBatchNorm(), graph).ops == ["Conv"]


@pytest.mark.parametrize(
    ("attributes", "weights", "bias"),
    [
        ("alpha = 2.0", (3, 4), None),
        ("transB = 1", (4, 3), (4,)),
        ("alpha = 0.5, beta = 3.0", (3, 4), (1, 4)),
        ("alpha = 0.5, beta = 3.0, transB = 1", (4, 3), (1,)),
        ("beta = -2.0", (3, 4), (1, 1)),
        ("transA = 1", (3, 4), ()),
    ],
)
def test_into_a_gemm(run, attributes: str, weights: tuple[int, ...], bias) -> None:
    constants = {} if bias is None else {"b": random(*bias)}
    graph = model(
        f"""g (float[3, 3] x) => (float[3, 4] y) {{
            c = Gemm <{attributes}> (x, w{"" if bias is None else ", b"})
            y = BatchNormalization (c, scale, shift, mean, variance)
        }}""",
        w=random(*weights),
        **constants,
        **statistics(4),
    )
    assert run(FoldBatchNorm(), graph).ops == ["Gemm"]


def test_a_column_that_a_gemm_adds_is_no_bias(run) -> None:
    """Four rows and four channels: the sizes agree, the axes don't."""
    graph = model(
        """g (float[4, 3] x) => (float[4, 4] y) {
            c = Gemm (x, w, b)
            y = BatchNormalization (c, scale, shift, mean, variance)
        }""",
        w=random(3, 4),
        b=random(4, 1),
        **statistics(4),
    )
    ran = run(FoldBatchNorm(), graph)
    assert ran.reasons == ["the bias has shape [4, 1], not one value a channel"]


def test_a_matmul_becomes_a_gemm(run) -> None:
    graph = model(
        """g (float[N, 3] x) => (float[N, 4] y) {
            c = MatMul (x, w)
            y = BatchNormalization (c, scale, shift, mean, variance)
        }""",
        w=random(3, 4),
        **statistics(4),
    )
    assert run(FoldBatchNorm(), graph).ops == ["Gemm"]


def test_a_matmul_whose_channels_are_not_those(run) -> None:
    """Four positions and four channels: axis 1 is normalised, the weights make axis 2."""
    graph = model(
        """g (float[2, 4, 3] x) => (float[2, 4, 4] y) {
            c = MatMul (x, w)
            y = BatchNormalization (c, scale, shift, mean, variance)
        }""",
        w=random(3, 4),
        **statistics(4),
    )
    ran = run(FoldBatchNorm(), graph)
    assert ran.reasons == ["the MatMul's channels are axis 2, those normalised axis 1"]


CONV = """g (float[1, 3, 8, 8] x) => (float[1, 4, 8, 8] y) {{
    c = Conv (x, w)
    y{more} = BatchNormalization <epsilon = 0.001{attributes}> (c, scale, shift, mean, variance)
}}"""


@pytest.mark.parametrize(
    ("opset", "attributes", "more", "reason"),
    [
        (17, ", training_mode = 1", "", "training mode"),
        (15, ", training_mode = 1", ", m, v", "training mode"),
        (14, ", training_mode = 1", ", m, v", "training mode"),
        (9, "", ", m, v, sm, sv", "gives its statistics too"),
        (7, ", spatial = 0", "", "per element"),
    ],
)
def test_statistics_that_are_not_fixed(opset: int, attributes: str, more: str, reason: str) -> None:
    graph = model(
        CONV.format(attributes=attributes, more=more),
        opset=opset,
        w=random(4, 3, 1, 1),
        **statistics(4),
    )
    outcome = FoldBatchNorm().run(graph)
    assert not outcome.rewrites
    assert reason in outcome.declined[0].reason
    assert outcome.declined[0].nodes == ("c", "y")


def test_before_opset_7_a_batchnorm_trains_unless_told_not_to() -> None:
    for attributes, made in (("", ["Conv", "BatchNormalization"]), (", is_test = 1", ["Conv"])):
        graph = model(
            CONV.format(attributes=attributes, more=""),
            opset=6,
            w=random(4, 3, 1, 1),
            **statistics(4),
        )
        FoldBatchNorm().run(graph)
        assert [node.op_type for node in graph] == made


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"variance": np.float32([1, 1, -1, 1])}, "negative or zero"),
        ({"scale": np.float32([1, np.inf, 1, 1])}, "not finite"),
        ({"scale": np.float32([1e30, 1, 1, 1]), "w": random(4, 3, 1, 1) * 1e20}, "overflow"),
    ],
)
def test_values_that_would_spread(values: Arrays, reason: str) -> None:
    constants = {"w": random(4, 3, 1, 1), **statistics(4), **values}
    graph = model(CONV.format(attributes="", more=""), **constants)
    outcome = FoldBatchNorm().run(graph)
    assert not outcome.rewrites
    assert reason in outcome.declined[0].reason


@pytest.mark.parametrize("name", ["w", "scale", "variance"])
def test_constants_that_a_caller_may_override(run, name: str) -> None:
    shape = "4, 3, 1, 1" if name == "w" else "4"
    text = CONV.format(attributes="", more="").replace("x)", f"x, float[{shape}] {name})", 1)
    graph = model(text, w=random(4, 3, 1, 1), **statistics(4))
    (reason,) = run(FoldBatchNorm(), graph).reasons
    assert reason == f"'{name}' is an input of the graph too, so that a caller may override it"


def test_below_ir_version_4_listed_constants_are_constant(run) -> None:
    shapes = "float[4, 3, 1, 1] w, float[4] scale"
    text = CONV.format(attributes="", more="").replace("x)", f"x, {shapes})", 1)
    graph = model(text, opset=9, ir=3, w=random(4, 3, 1, 1), **statistics(4))
    FoldBatchNorm().run(graph)
    assert [node.op_type for node in graph] == ["Conv"]
    assert graph.inputs == ("x",)


def test_a_conv_that_is_an_output(run) -> None:
    graph = model(
        """g (float[1, 3, 8, 8] x) => (float[1, 4, 8, 8] y, float[1, 4, 8, 8] c) {
            c = Conv (x, w)
            y = BatchNormalization (c, scale, shift, mean, variance)
        }""",
        w=random(4, 3, 1, 1),
        **statistics(4),
    )
    assert run(FoldBatchNorm(), graph).reasons == ["'c' is an output of the graph"]


def viewed(shape: tuple[int, ...], dims: str, before: str = "float[1, 3, 8, 8] x") -> Graph:
    """A Reshape between a Conv and its BatchNormalization, whose statistics suit it."""
    return model(
        f"""g ({before}) => (float[{dims}] y) {{
            c = Conv (x, w)
            r = Reshape (c, shape)
            y = BatchNormalization (r, scale, shift, mean, variance)
        }}""",
        w=random(4, 3, 1, 1),
        shape=np.int64(shape),
        **statistics(shape[1]),
    )


@pytest.mark.parametrize(
    ("shape", "dims", "before"),
    [
        ((1, 4, 4, 16), "1, 4, 4, 16", "float[1, 3, 8, 8] x"),
        ((-1, 4, 64), "N, 4, 64", "float[N, 3, 8, 8] x"),
    ],
)
def test_a_reshape_that_leaves_the_channels(run, shape, dims: str, before: str) -> None:
    ran = run(FoldBatchNorm(), viewed(shape, dims, before))
    assert ran.ops == ["Conv", "Reshape"]


@pytest.mark.parametrize(
    ("shape", "dims", "reason"),
    [
        ((2, 4, 4, 8), "2, 4, 4, 8", "is not known to leave the channels where they are"),
        ((1, 8, 4, 8), "1, 8, 4, 8", "is not known to leave the channels where they are"),
        ((1, 2, 64, 2), "1, 2, 64, 2", "is not known to leave the channels where they are"),
    ],
)
def test_a_reshape_that_moves_the_channels(run, shape, dims: str, reason: str) -> None:
    ran = run(FoldBatchNorm(), viewed(shape, dims))
    assert not ran.outcome.rewrites
    assert reason in ran.reasons[0]


@pytest.mark.parametrize("view", ["Reshape (c, shape)", "Unsqueeze (c, axes)", "Flatten (c)"])
def test_a_product_of_matrices_behind_a_view(run, view: str) -> None:
    """MatMul, Reshape, BatchNormalization: a Gemm and the Reshape."""
    dims = "N, 4" if "Flatten" in view else "N, 4, 1"
    graph = model(
        f"""g (float[N, 3] x) => (float[{dims}] y) {{
            c = MatMul (x, w)
            r = {view}
            y = BatchNormalization (r, scale, shift, mean, variance)
        }}""",
        w=random(3, 4),
        shape=np.int64([-1, 4, 1]),
        axes=np.int64([2]),
        **statistics(4),
    )
    assert run(FoldBatchNorm(), graph).ops[0] == "Gemm"


def test_rows_of_a_product_become_samples(run) -> None:
    graph = model(
        """g (float[2, 5, 3] x) => (float[10, 4] y) {
            c = MatMul (x, w)
            r = Reshape (c, shape)
            y = BatchNormalization (r, scale, shift, mean, variance)
        }""",
        w=random(3, 4),
        shape=np.int64([-1, 4]),
        **statistics(4),
    )
    assert run(FoldBatchNorm(), graph).ops == ["MatMul", "Add", "Reshape"]


HALF = """g (float16[1, 3, 8, 8] x) => (float16[1, 4, 8, 8] y) {
    c = Conv (x, w)
    y = BatchNormalization (c, scale, shift, mean, variance)
}"""


def test_half_precision(run) -> None:
    constants = {"w": random(4, 3, 3, 3), **statistics(4)}
    graph = model(HALF, **{name: array.astype(np.float16) for name, array in constants.items()})
    assert run(FoldBatchNorm(), graph).ops == ["Conv"]


@pytest.mark.parametrize(
    ("factor", "reason"),
    # the largest half is 65504, the smallest with all its digits 6.1e-5
    [(2**-17, "too small for float16"), (60000, "overflow float16")],
)
def test_half_precision_has_little_room(run, factor: float, reason: str) -> None:
    constants = {"w": random(4, 3, 3, 3) * 2, **statistics(4)}
    constants["scale"] = np.float32([1, 1, factor, 1])
    graph = model(HALF, **{name: array.astype(np.float16) for name, array in constants.items()})
    (found,) = run(FoldBatchNorm(), graph).reasons
    assert reason in found


@pytest.mark.parametrize("curve", ["Relu (c)", "Clip (c, , top)", "Tanh (c)", "PRelu (c, top)"])
def test_one_behind_an_activation_is_reported(run, curve: str) -> None:
    graph = model(
        f"""g (float[1, 3, 8, 8] x) => (float[1, 4, 8, 8] y) {{
            c = Conv (x, w)
            r = {curve}
            y = BatchNormalization (r, scale, shift, mean, variance)
        }}""",
        w=random(4, 3, 1, 1),
        top=np.array(0.5, np.float32),
        **statistics(4),
    )
    ran = run(FoldBatchNorm(), graph)
    (declined,) = ran.outcome.declined
    assert declined.nodes == ("c", "r", "y")
    kind = curve.split(maxsplit=1)[0]
    assert declined.reason == (
        f"the {kind} between the Conv and the BatchNormalization is not linear; "
        "put the BatchNormalization before the activation and train so"
    )


def test_in_a_body(run) -> None:
    graph = model(
        """g (bool c, float[1, 3, 8, 8] x) => (float[1, 4, 8, 8] y) {
            y = If (c) <
                then_branch = t () => (float[1, 4, 8, 8] u) {
                    i = Conv (x, w)
                    u = BatchNormalization (i, scale, shift, mean, variance)
                },
                else_branch = e () => (float[1, 4, 8, 8] v) { v = Conv (x, w) }
            >
        }""",
        w=random(4, 3, 1, 1),
        **statistics(4),
    )
    ran = run(FoldBatchNorm(), graph)
    assert len(ran.outcome.rewrites) == 1
    assert "w" in ran.graph.initializers
