"""BatchNormalization folded into what it follows."""

from __future__ import annotations

import numpy as np
import pytest

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
