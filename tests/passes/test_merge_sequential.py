"""Two Convs in a row, one of them 1x1."""

from __future__ import annotations

import numpy as np
import pytest

from ocost import cost
from ocost.passes.merge_sequential import MergeSequential

from .conftest import model


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def pair(first: str, second: str, tail: str = "", shape: str = "8, 8", **constants: np.ndarray):
    return model(
        f"""g (float[N, 4, {shape}] x) => (float[N, M, H, W] y) {{
            c = Conv {first}
            y = Conv {second}
            {tail}
        }}""",
        **constants,
    )


POINT, BIAS = random(8, 4, 1, 1, seed=1), random(8, seed=2)
WIDE = random(4, 8, 3, 3, seed=3)  # 4 x 4 x 9 = 144 weights instead of 288 + 32


@pytest.mark.parametrize("padding", ["", "pads = [1, 1, 1, 1],"])
@pytest.mark.parametrize("window", ["strides = [2, 2]", "dilations = [2, 2]"])
def test_a_1x1_goes_into_what_follows(run, padding: str, window: str) -> None:
    graph = pair("(x, w1)", f"<{padding} {window}> (c, w3, b)", w1=POINT, w3=WIDE, b=random(4))
    ran = run(MergeSequential(), graph)
    assert ran.ops == ["Conv"]
    assert cost(ran.graph, level="written").totals.params == 4 * 4 * 9 + 4


def test_the_bias_goes_through_what_follows(run) -> None:
    graph = pair("(x, w1, b1)", "(c, w3)", w1=POINT, b1=BIAS, w3=WIDE)
    ran = run(MergeSequential(), graph)
    (conv,) = ran.graph
    bias = ran.graph.initializers[conv.inputs[2]].data()
    np.testing.assert_allclose(bias, (WIDE * BIAS[:, None, None]).sum(axis=(1, 2, 3)), rtol=1e-5)


def test_a_bias_before_padding(run) -> None:
    graph = pair("(x, w1, b1)", "<pads = [1, 1, 1, 1]> (c, w3)", w1=POINT, b1=BIAS, w3=WIDE)
    reason = (
        "the second Conv pads with zeros what the first one adds its bias to; pad ahead of both"
    )
    assert run(MergeSequential(), graph).reasons == [reason]


def test_a_bias_of_zeros_before_padding(run) -> None:
    graph = pair("(x, w1, b1)", "<pads = [1, 1, 1, 1]> (c, w3)", w1=POINT, b1=0 * BIAS, w3=WIDE)
    assert run(MergeSequential(), graph).ops == ["Conv"]


@pytest.mark.parametrize("strides", ["", ", strides = [2, 1]"])
def test_a_1x1_goes_into_what_precedes(run, strides: str) -> None:
    # 2 x 4 x 9 = 72 weights instead of 8 x 4 x 9 + 2 x 8 = 304; padding comes before the bias
    graph = pair(
        f"<pads = [1, 1, 1, 1]{strides}> (x, w3, b1)",
        "<strides = [3, 3]> (c, w1, b2)",
        shape="11, 10",
        w3=random(8, 4, 3, 3),
        b1=BIAS,
        w1=random(2, 8, 1, 1),
        b2=random(2),
    )
    ran = run(MergeSequential(), graph)
    assert ran.ops == ["Conv"]
    assert cost(ran.graph, level="written").totals.params == 74


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("<strides = [2, 2]> (x, w1)", "(c, w3)"),  # it skips rows that the second would read
        ("<pads = [1, 1, 1, 1]> (x, w1)", "(c, w3)"),
        ("(x, w1)", "<pads = [2, 2, 2, 2]> (c, w3)"),  # more outputs than the first one has
        ("(x, w3a)", "(c, w3)"),
        ("(x, thin)", "(c, thick)"),  # 8 x 4 = 32 weights instead of 1 x 4 + 8 x 1 = 12
        ("(x, w3a)", "<pads = [1, 1, 1, 1]> (c, w1b)"),
    ],
)
def test_what_one_conv_could_not_do_or_only_at_a_cost(run, first: str, second: str) -> None:
    graph = pair(
        first,
        second,
        w1=POINT,
        w3=WIDE,
        w3a=random(8, 4, 3, 3),
        w1b=random(2, 8, 1, 1),
        thin=random(1, 4, 1, 1),
        thick=random(8, 1, 1, 1),
    )
    ran = run(MergeSequential(), graph)
    assert not ran.outcome.rewrites
    assert not ran.outcome.declined


def test_an_activation_between(run) -> None:
    graph = model(
        """g (float[N, 4, 8, 8] x) => (float[N, 4, 6, 6] y) {
            c = Conv (x, w1)
            r = Relu (c)
            y = Conv (r, w3)
        }""",
        w1=POINT,
        w3=WIDE,
    )
    assert not run(MergeSequential(), graph).outcome.rewrites


def test_a_first_one_that_others_read(run) -> None:
    graph = model(
        """g (float[N, 4, 8, 8] x) => (float[N, 4, 6, 6] y, float[N, 8, 8, 8] z) {
            c = Conv (x, w1)
            y = Conv (c, w3)
            z = Relu (c)
        }""",
        w1=POINT,
        w3=WIDE,
    )
    assert run(MergeSequential(), graph).reasons == ["'c' is also read by 'z'"]


@pytest.mark.parametrize(
    ("groups", "merged"),
    [
        ((1, 1), 1),
        ((4, 4), 4),
        ((8, 1), 1),
        ((1, 8), 1),
        ((8, 4), 4),
        ((2, 8), 2),
    ],
)
def test_groups(run, groups: tuple[int, int], merged: int) -> None:
    # 8 channels throughout: 8 x (8 / g) weights each
    graph = model(
        f"""g (float[N, 8, 5, 5] x) => (float[N, 8, 5, 5] y) {{
            c = Conv <group = {groups[0]}> (x, a, b)
            y = Conv <group = {groups[1]}> (c, d)
        }}""",
        a=random(8, 8 // groups[0], 1, 1),
        b=random(8, seed=3),
        d=random(8, 8 // groups[1], 1, 1, seed=4),
    )
    ran = run(MergeSequential(), graph)
    (conv,) = ran.graph
    assert conv.int("group", 1) == merged
    assert ran.graph.initializers[conv.inputs[1]].shape == (8, 8 // merged, 1, 1)


@pytest.mark.parametrize(("features", "merges"), [(4, True), (6, False)])
def test_a_bias_of_more_channels_counts_too(run, features: int, merges: bool) -> None:
    """Of 2 + n weights n are left, but the bias of 2 channels becomes one of n."""
    graph = model(
        """g (float[N, 2, 5, 5] x) => (y) {
            c = Conv <group = 2> (x, a, b)
            y = Conv <group = 2> (c, d)
        }""",
        a=random(2, 1, 1, 1),
        b=random(2, seed=3),
        d=random(features, 1, 1, 1, seed=4),
    )
    assert len(run(MergeSequential(), graph).ops) == (1 if merges else 2)


def test_groups_that_would_have_to_be_filled_with_zeros(run) -> None:
    # pointwise, then depthwise 3x3: 8 x 8 x 9 weights instead of 64 + 72
    graph = model(
        """g (float[N, 8, 5, 5] x) => (float[N, 8, 3, 3] y) {
            c = Conv (x, a)
            y = Conv <group = 8> (c, d)
        }""",
        a=random(8, 8, 1, 1),
        d=random(8, 1, 3, 3),
    )
    ran = run(MergeSequential(), graph)
    assert not ran.outcome.rewrites
    assert not ran.outcome.declined


def test_three_in_a_row(run) -> None:
    graph = model(
        """g (float[N, 4, 5, 5] x) => (float[N, 4, 5, 5] y) {
            c = Conv (x, a)
            d = Conv (c, a)
            y = Conv (d, b)
        }""",
        a=random(4, 4, 1, 1),
        b=random(4, 4, 1, 1, seed=1),
    )
    ran = run(MergeSequential(), graph)
    assert ran.ops == ["Conv"]


def test_half_precision_is_computed_in_double(run) -> None:
    # 300 x 300 overflows float16, 300 x 300 - 299 x 300 = 300 does not
    graph = model(
        """g (float16[1, 1, 4, 4] x) => (float16[1, 1, 4, 4] y) {
            c = Conv (x, a)
            y = Conv (c, b)
        }""",
        a=np.float16([[[[300]]], [[[299]]]]),
        b=np.float16([[[[300]], [[-300]]]]),
    )
    ran = run(MergeSequential(), graph)
    (conv,) = ran.graph
    assert ran.graph.initializers[conv.inputs[1]].data().item() == 300


def test_shared_weights_are_not_copied(run) -> None:
    graph = model(
        """g (float[1, 64, 4, 4] x, float[1, 64, 4, 4] z)
            => (float[1, 64, 4, 4] y, float[1, 64, 4, 4] u) {
            c = Conv (x, a)
            y = Conv (c, b)
            r = Conv (z, a)
            s = Relu (r)
            u = Conv (s, b)
        }""",
        a=random(64, 64, 1, 1),
        b=random(64, 64, 1, 1, seed=1),
    )
    reason = "others read the weights too: the file would grow by 16,384 bytes"
    assert run(MergeSequential(), graph).reasons == [reason]
