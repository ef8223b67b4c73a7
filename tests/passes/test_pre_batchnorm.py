"""BatchNormalization folded into what reads it."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.graph import Graph
from ocost.passes.pre_batchnorm import FoldPreBatchNorm

from .conftest import Arrays, model


def random(*shape: int, low: float = -1.0) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, 1, shape).astype(np.float32)


def statistics() -> Arrays:
    return {n: random(4, low=0.5) for n in ("scale", "shift", "mean", "variance")}


def behind(node: str, dims: str = "N, 4, 6, 6", **constants: np.ndarray) -> Graph:
    """A BatchNormalization of 4 channels with a node behind it."""
    return model(
        f"""g (float[{dims}] x) => (y) {{
            n = BatchNormalization (x, scale, shift, mean, variance)
            y = {node}
        }}""",
        **{**statistics(), **constants},
    )


@pytest.mark.parametrize("bias", ["", ", b"])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_ahead_of_a_conv_that_does_not_pad(run, groups: int, bias: str) -> None:
    graph = behind(
        f"Conv <group = {groups}, strides = [2, 2], dilations = [2, 1]> (n, w{bias})",
        w=random(8, 4 // groups, 3, 3),
        b=random(8),
    )
    assert run(FoldPreBatchNorm(), graph).ops == ["Conv"]


@pytest.mark.parametrize("padding", ["pads = [0, 0, 0, 1]", 'auto_pad = "SAME_LOWER"'])
def test_a_conv_that_pads_has_zeros_behind_the_offset(run, padding: str) -> None:
    ran = run(FoldPreBatchNorm(), behind(f"Conv <{padding}> (n, w)", w=random(8, 4, 3, 3)))
    (declined,) = ran.outcome.declined
    assert declined.nodes == ("n", "y")
    assert declined.reason.startswith("the Conv pads with zeros, which the offset before it")


def test_without_an_offset_padding_is_fine(run) -> None:
    """A mean of 0 and a shift of 0 leave a factor."""
    graph = behind(
        "Conv <pads = [1, 1, 1, 1]> (n, w)",
        w=random(8, 4, 3, 3),
        mean=np.zeros(4, np.float32),
        shift=np.zeros(4, np.float32),
    )
    ran = run(FoldPreBatchNorm(), graph)
    assert ran.ops == ["Conv"]
    assert len(ran.graph.node("y").inputs) == 2


@pytest.mark.parametrize(
    ("size", "kernel"), [("N, 4, 9", (3,)), ("1, 4, 5, 6, 7", (3, 1, 2)), ("1, 4, 3, 3", (1, 1))]
)
def test_any_number_of_dimensions(run, size: str, kernel: tuple[int, ...]) -> None:
    graph = behind("Conv (n, w)", size, w=random(6, 4, *kernel))
    assert run(FoldPreBatchNorm(), graph).ops == ["Conv"]


@pytest.mark.parametrize(
    ("node", "made"),
    [
        ("Gemm <alpha = 0.5, beta = 2.0> (n, w, b)", "Gemm"),
        ("Gemm <transB = 1> (n, w)", "Gemm"),
        ("MatMul (n, w)", "Gemm"),
    ],
)
def test_ahead_of_a_matrix_product(run, node: str, made: str) -> None:
    graph = behind(node, "N, 4", w=random(4, 4), b=random(4))
    assert run(FoldPreBatchNorm(), graph).ops == [made]


@pytest.mark.parametrize(
    ("node", "dims", "weights", "reason"),
    [
        ("ConvTranspose (n, w)", "1, 4, 5, 5", (4, 2, 3, 3), "outputs of the ConvTranspose"),
        ("MatMul (n, w)", "2, 4, 4", (4, 3), "sums over axis 2, those normalised are axis 1"),
        ("Gemm <transA = 1> (n, w)", "4, 4", (4, 3), "the Gemm reads its input transposed"),
    ],
)
def test_what_can_not_take_it(
    run, node: str, dims: str, weights: tuple[int, ...], reason: str
) -> None:
    ran = run(FoldPreBatchNorm(), behind(node, dims, w=random(*weights)))
    assert not ran.outcome.rewrites
    assert reason in ran.reasons[0]


@pytest.mark.parametrize(("features", "folds"), [(8, True), (9, False)])
def test_a_bias_must_not_cost_more_than_what_it_saves(run, features: int, folds: bool) -> None:
    """Two operations each for 4 channels of 5 x 5, against one for each feature."""
    ran = run(FoldPreBatchNorm(), behind("Conv (n, w)", "1, 4, 5, 5", w=random(features, 4, 1, 1)))
    assert ran.ops == (["Conv"] if folds else ["BatchNormalization", "Conv"])
    text = "a bias would take 225 additions in place of 200 operations"
    assert ran.reasons == ([] if folds else [text])


def test_one_that_others_read_stays(run) -> None:
    graph = behind("Conv (n, w) z = Relu (n)", w=random(8, 4, 3, 3))
    assert run(FoldPreBatchNorm(), graph).reasons == ["'n' is also read by 'z'"]


def test_one_in_training_mode_stays() -> None:
    graph = model(
        """g (float[1, 4, 6, 6] x) => (y) {
            n = BatchNormalization <training_mode = 1> (x, scale, shift, mean, variance)
            y = Conv (n, w)
        }""",
        w=random(8, 4, 3, 3),
        **statistics(),
    )
    (declined,) = FoldPreBatchNorm().run(graph).declined
    assert "training mode" in declined.reason


def test_a_shared_weight_is_copied(run) -> None:
    graph = behind("Conv (n, w) z = Conv (x, w) v = Identity (z)", w=random(8, 4, 3, 3))
    ran = run(FoldPreBatchNorm(), graph)
    assert "w" in ran.graph.initializers
    assert ran.ops == ["Conv", "Conv", "Identity"]
