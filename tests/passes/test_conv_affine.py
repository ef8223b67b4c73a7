"""Arithmetic with constants folded into the linear operator beside it."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.graph import Graph, Tensor
from ocost.passes.conv_affine import FoldAffine

from .conftest import Ran, model


def random(*shape: int, low: float = -1.0) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, 1, shape).astype(np.float32)


def conv(steps: str, attributes: str = "pads = [1, 1, 1, 1]", **constants: np.ndarray) -> Graph:
    """A 3 x 3 Conv of 3 channels to 4, in the middle of these steps."""
    given = {"w": random(4, 3, 3, 3), "b": random(4), **constants}
    steps = steps.replace("Conv", f"Conv <{attributes}>")
    return model(f"g (float[N, 3, 6, 4] x) => (y) {{ {steps} }}", **given)


def only(ran: Ran) -> str:
    assert not ran.outcome.rewrites
    (reason,) = ran.reasons
    return reason


# --- behind ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 1, 1), (1, 4, 1, 1), (), (1,), (1, 1, 1, 1)])
@pytest.mark.parametrize(
    "step",
    ["Mul (c, k)", "Mul (k, c)", "Add (c, k)", "Sub (c, k)", "Sub (k, c)", "Div (c, k)"],
)
@pytest.mark.parametrize("bias", ["", ", b"])
def test_behind_a_conv(run, step: str, shape: tuple[int, ...], bias: str) -> None:
    graph = conv(f"c = Conv (x, w{bias}) y = {step}", k=random(*shape, low=0.5))
    assert run(FoldAffine(), graph).ops == ["Conv"]


def test_a_chain(run) -> None:
    steps = "c = Conv (x, w) m = Mul (c, k) a = Add (m, k) d = Div (a, k) y = Sub (k, d)"
    graph = conv(steps, k=random(4, 1, 1, low=0.5))
    ran = run(FoldAffine(), graph)
    assert ran.ops == ["Conv"]
    assert len(ran.outcome.rewrites) == 4


def test_what_is_only_added_leaves_the_weights(run) -> None:
    ran = run(FoldAffine(), conv("c = Conv (x, w) y = Add (c, k)", k=random(4, 1, 1)))
    assert ran.graph.node("y").inputs[:2] == ("x", "w")


def test_a_factor_brings_no_bias(run) -> None:
    ran = run(FoldAffine(), conv("c = Conv (x, w) y = Mul (c, k)", k=random(4, 1, 1)))
    assert len(ran.graph.node("y").inputs) == 2


@pytest.mark.parametrize(
    "shape", [(4,), (1, 1, 1, 4), (6, 1), (1, 1, 6, 4), (1, 4, 6, 4), (2, 4, 1, 1), (1, 1, 4, 1, 1)]
)
@pytest.mark.parametrize("kind", ["Mul", "Add"])
def test_behind_a_conv_what_only_looks_like_channels(run, kind: str, shape) -> None:
    """The picture is 6 high and 4 wide, and there are 4 channels."""
    graph = conv(f"c = Conv (x, w) y = {kind} (c, k)", k=random(*shape))
    assert "is not one value for each of the 4 channels" in only(run(FoldAffine(), graph))


@pytest.mark.parametrize("groups", [1, 2])
def test_behind_a_transposed_conv(run, groups: int) -> None:
    graph = model(
        f"""g (float[1, 4, 5, 5] x) => (y) {{
            c = ConvTranspose <group = {groups}, strides = [2, 2]> (x, w)
            m = Mul (c, k)
            y = Add (m, k)
        }}""",
        w=random(4, 6 // groups, 2, 2),
        k=random(6, 1, 1),
    )
    assert run(FoldAffine(), graph).ops == ["ConvTranspose"]


@pytest.mark.parametrize("attributes", ["alpha = 0.5, beta = 2.0", "transB = 1"])
@pytest.mark.parametrize("shape", [(4,), (1, 4), ()])
def test_behind_a_gemm(run, attributes: str, shape: tuple[int, ...]) -> None:
    graph = model(
        f"""g (float[N, 4] x) => (y) {{
            c = Gemm <{attributes}> (x, w, b)
            m = Div (c, k)
            y = Add (m, k)
        }}""",
        w=random(4, 4),
        b=random(4),
        k=random(*shape, low=0.5),
    )
    assert run(FoldAffine(), graph).ops == ["Gemm"]


def test_behind_a_gemm_a_column_is_no_channel(run) -> None:
    graph = model(
        "g (float[4, 3] x) => (y) { c = Gemm (x, w) y = Mul (c, k) }",
        w=random(3, 4),
        k=random(4, 1),
    )
    assert "is not one value for each of the 4 channels" in only(run(FoldAffine(), graph))


@pytest.mark.parametrize(
    ("dims", "steps", "made"),
    [
        ("N, 5, 3", "y = Mul (c, k)", ["MatMul"]),
        ("N, 5, 3", "y = Div (c, s)", ["MatMul"]),
        ("N, 5, 3", "y = Add (c, k)", ["MatMul", "Add"]),
        ("N, 5, 3", "a = Add (c, k) y = Mul (a, s)", ["MatMul", "Add"]),
        ("N, 3", "a = Add (c, k) y = Mul (a, s)", ["Gemm"]),
        ("3", "y = Mul (c, k)", ["MatMul"]),
    ],
)
def test_behind_a_matmul(run, dims: str, steps: str, made: list[str]) -> None:
    graph = model(
        f"g (float[{dims}] x) => (y) {{ c = MatMul (x, w) {steps} }}",
        w=random(3, 4),
        k=random(4),
        s=np.array(0.125, np.float32),
    )
    assert run(FoldAffine(), graph).ops == made


@pytest.mark.parametrize("shape", [(4, 1), (1, 4, 1), (1, 1, 1, 4)])
def test_behind_a_matmul_what_only_looks_like_channels(run, shape: tuple[int, ...]) -> None:
    graph = model(
        "g (float[1, 4, 3] x) => (y) { c = MatMul (x, w) y = Mul (c, k) }",
        w=random(3, 4),
        k=random(*shape),
    )
    assert "is not one value for each of the 4 channels" in only(run(FoldAffine(), graph))


def test_a_product_of_two_inputs_has_no_weights(run) -> None:
    graph = model(
        "g (float[2, 3] x, float[3, 2] z) => (y) { c = MatMul (x, z) y = Mul (c, k) }",
        k=random(1),
    )
    ran = run(FoldAffine(), graph)
    assert (ran.outcome.rewrites, ran.reasons) == ([], [])


# --- ahead -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1, 1, 1, 1), (3, 1, 1)])
@pytest.mark.parametrize("kind", ["Mul", "Div"])
@pytest.mark.parametrize("bias", ["", ", b"])
def test_a_factor_ahead_of_a_conv(run, kind: str, shape: tuple[int, ...], bias: str) -> None:
    graph = conv(f"s = {kind} (x, k) y = Conv (s, w{bias})", k=random(*shape, low=0.5))
    assert run(FoldAffine(), graph).ops == ["Conv"]


def test_a_factor_ahead_of_groups(run) -> None:
    graph = model(
        "g (float[1, 4, 5, 5] x) => (y) { s = Mul (x, k) y = Conv <group = 2> (s, w) }",
        w=random(6, 2, 3, 3),
        k=random(4, 1, 1),
    )
    assert run(FoldAffine(), graph).ops == ["Conv"]


@pytest.mark.parametrize("shape", [(), (3, 1, 1)])
@pytest.mark.parametrize("step", ["Add (x, k)", "Sub (x, k)", "Sub (k, x)"])
@pytest.mark.parametrize("attributes", ["strides = [2, 1]", 'auto_pad = "VALID"'])
def test_an_offset_ahead_of_a_conv_that_does_not_pad(
    run, step: str, shape: tuple[int, ...], attributes: str
) -> None:
    graph = conv(f"s = {step} y = Conv (s, w, b)", attributes, k=random(*shape))
    assert run(FoldAffine(), graph).ops == ["Conv"]


@pytest.mark.parametrize("attributes", ["pads = [0, 0, 1, 0]", 'auto_pad = "SAME_UPPER"'])
def test_an_offset_ahead_of_a_conv_that_pads(run, attributes: str) -> None:
    graph = conv("s = Add (x, k) y = Conv (s, w)", attributes, k=random(3, 1, 1))
    assert only(run(FoldAffine(), graph)).startswith("the Conv pads with zeros")


def test_a_picture_that_the_factor_makes_coloured(run) -> None:
    """One channel times three values is three channels, which the Conv then reads."""
    graph = model(
        "g (float[1, 1, 5, 5] x) => (y) { s = Mul (x, k) y = Conv (s, w) }",
        w=random(4, 3, 3, 3),
        k=random(3, 1, 1),
    )
    reason = only(run(FoldAffine(), graph))
    assert reason == "'x' is not known to have the 3 channels that are combined"


@pytest.mark.parametrize(
    ("dims", "node", "step", "made"),
    [
        ("N, 4", "Gemm <alpha = 0.5, beta = 2.0> (s, w, b)", "Add (x, k)", ["Gemm"]),
        ("N, 4", "Gemm <transB = 1> (s, w)", "Sub (k, x)", ["Gemm"]),
        ("N, 4", "MatMul (s, w)", "Add (x, k)", ["Gemm"]),
        ("N, 4", "MatMul (s, w)", "Mul (x, k)", ["MatMul"]),
        ("N, 5, 4", "MatMul (s, w)", "Div (x, k)", ["MatMul"]),
    ],
)
def test_ahead_of_a_matrix_product(run, dims: str, node: str, step: str, made: list[str]) -> None:
    graph = model(
        f"g (float[{dims}] x) => (y) {{ s = {step} y = {node} }}",
        w=random(4, 4),
        b=random(4),
        k=random(4, low=0.5),
    )
    assert run(FoldAffine(), graph).ops == made


@pytest.mark.parametrize(
    ("dims", "node", "step", "reason"),
    [
        ("N, 5, 4", "MatMul (s, w)", "Add (x, k)", "a MatMul has no bias"),
        ("4, 4", "Gemm <transA = 1> (s, w)", "Mul (x, k)", "reads its input transposed"),
    ],
)
def test_ahead_of_a_matrix_product_that_can_not(
    run, dims: str, node: str, step: str, reason: str
) -> None:
    graph = model(
        f"g (float[{dims}] x) => (y) {{ s = {step} y = {node} }}", w=random(4, 4), k=random(4)
    )
    assert reason in only(run(FoldAffine(), graph))


@pytest.mark.parametrize(
    ("node", "made"),
    [
        ("MatMul (s, w)", "a bias would take 12 additions in place of 8 operations"),
        ("Gemm (s, w, b)", ""),  # which adds a bias anyway
    ],
)
def test_a_bias_must_not_cost_more_than_what_it_saves(run, node: str, made: str) -> None:
    """2 x 4 elements are shifted, 2 x 6 come out."""
    graph = model(
        f"g (float[2, 4] x) => (y) {{ s = Add (x, k) y = {node} }}",
        w=random(4, 6),
        b=random(6),
        k=random(4),
    )
    ran = run(FoldAffine(), graph)
    assert ran.reasons == ([made] if made else [])
    assert len(ran.ops) == (2 if made else 1)


def test_an_offset_ahead_of_a_transposed_conv(run) -> None:
    graph = model(
        "g (float[1, 4, 5, 5] x) => (y) { s = Add (x, k) y = ConvTranspose (s, w) }",
        w=random(4, 2, 3, 3),
        k=random(4, 1, 1),
    )
    assert "some outputs of the ConvTranspose more often" in only(run(FoldAffine(), graph))


def test_a_factor_ahead_of_a_transposed_conv(run) -> None:
    graph = model(
        """g (float[1, 4, 5, 5] x) => (y) {
            s = Mul (x, k)
            y = ConvTranspose <group = 2, pads = [1, 1, 1, 1]> (s, w)
        }""",
        w=random(4, 3, 3, 3),
        k=random(4, 1, 1),
    )
    assert run(FoldAffine(), graph).ops == ["ConvTranspose"]


# --- who else reads it -----------------------------------------------------------------------


def test_a_constant_that_a_caller_may_override(run) -> None:
    graph = model(
        "g (float[1, 3, 5, 5] x, float[4, 1, 1] k) => (y) { c = Conv (x, w) y = Mul (c, k) }",
        w=random(4, 3, 1, 1),
        k=random(4, 1, 1),
    )
    assert "a caller may override it" in only(run(FoldAffine(), graph))


def test_a_conv_that_others_read(run) -> None:
    graph = model(
        """g (float[1, 3, 5, 5] x) => (y, z) {
            c = Conv (x, w)
            y = Mul (c, k)
            z = Relu (c)
        }""",
        w=random(4, 3, 1, 1),
        k=random(4, 1, 1),
    )
    assert only(run(FoldAffine(), graph)) == "'c' is also read by 'z'"


def test_what_others_read_of_a_picture_in_range(run) -> None:
    graph = model(
        """g (float[1, 3, 5, 5] x) => (y, z) {
            s = Mul (x, k)
            y = Conv (s, w)
            z = Relu (s)
        }""",
        w=random(4, 3, 1, 1),
        k=random(3, 1, 1),
    )
    assert only(run(FoldAffine(), graph)) == "'s' is also read by 'z'"


def test_the_last_step_of_a_gelu_stays(run) -> None:
    # a runtime that finds all of x / 2 * (1 + erf(x / sqrt(2))) does it in one node
    steps = "a = Div (x, root) e = Erf (a) f = Add (e, one) g = Mul (x, f) h = Mul (g, half)"
    graph = model(
        f"g (float[2, 3] x) => (y) {{ {steps} y = MatMul (h, w) }}",
        w=random(3, 4),
        **{k: np.array(v, np.float32) for k, v in (("root", 2**0.5), ("one", 1), ("half", 0.5))},
    )
    assert "ends a Gelu" in only(run(FoldAffine(), graph))
    graph.set_initializer(Tensor.from_array("one", np.array(2, np.float32)))
    assert run(FoldAffine(), graph).ops == ["Div", "Erf", "Add", "Mul", "MatMul"]
