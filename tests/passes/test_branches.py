"""What one Conv can compute of a sum's branches, and where their weights go."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.passes.merge_branches import MergeBranches

from .conftest import model
from .parallel import PADDED, W1, W3, bn, random, statistics, total


def test_biases_add_up(run) -> None:
    graph = total(
        "c = Conv (x, w1, a)\n d = Conv (x, w1b, b)\n y = Add (c, d)",
        w1=W1,
        w1b=2 * W1,
        a=np.float32([1, 2, 3, 4]),
        b=np.float32([10, 20, 30, 40]),
    )
    ran = run(MergeBranches(), graph)
    (conv,) = ran.graph
    weights, bias = (ran.graph.initializers[name].data() for name in conv.inputs[1:])
    assert bias.tolist() == [11, 22, 33, 44]
    np.testing.assert_allclose(weights, 3 * W1, rtol=1e-6)


def test_a_1x1_goes_to_the_centre_and_an_identity_bn_is_one_weight_a_channel(run) -> None:
    # Two groups of two channels: output o reads input o of its group, so o % 2 in the weights.
    graph = model(
        f"""g (float[N, 4, 8, 8] x) => (float[N, 4, 8, 8] y) {{
            c = Conv <pads = [1, 1, 1, 1], group = 2> (x, w3)
            d = Conv <group = 2> (x, w1)
            i = {bn("i", "x")}
            s = Add (c, i)
            y = Add (s, d)
        }}""",
        w3=np.zeros((4, 2, 3, 3), np.float32),
        w1=np.full((4, 2, 1, 1), 100, np.float32),
        i0=np.float32([1, 2, 3, 4]),
        i1=np.float32([0, 0, 0, 5]),
        i2=np.float32([0, 1, 0, 0]),
        i3=np.full(4, 1 - 1e-5, np.float32),
    )
    ran = run(MergeBranches(), graph)
    (conv,) = ran.graph
    weights, bias = (ran.graph.initializers[name].data() for name in conv.inputs[1:])
    centre = [[101, 100], [100, 102], [103, 100], [100, 104]]
    np.testing.assert_allclose(weights[:, :, 1, 1], centre, rtol=1e-6)
    assert np.count_nonzero(weights) == 8
    np.testing.assert_allclose(bias, [0, -2, 0, 5], rtol=1e-6)


@pytest.mark.parametrize("strides", [1, 2])
def test_asymmetric_kernels(run, strides: int) -> None:
    graph = total(
        f"""
        c = Conv <strides = [{strides}, {strides}], pads = [1, 1, 1, 1]> (x, w3)
        d = Conv <strides = [{strides}, {strides}], pads = [0, 1, 0, 1]> (x, row)
        e = Conv <strides = [{strides}, {strides}], pads = [1, 0, 1, 0]> (x, column)
        s = Add (d, e)
        y = Add (s, c)
        """,
        size=8 // strides,
        w3=W3,
        row=random(4, 4, 1, 3),
        column=random(4, 4, 3, 1),
    )
    ran = run(MergeBranches(), graph)
    assert ran.ops == ["Conv"]


def test_the_dilation_of_a_1x1_does_not_matter(run) -> None:
    graph = total(
        """
        c = Conv <pads = [2, 2, 2, 2], dilations = [2, 2]> (x, w3)
        d = Conv (x, w1)
        e = Conv <dilations = [3, 3]> (x, v1)
        s = Add (d, e)
        y = Add (c, s)
        """,
        w3=W3,
        w1=W1,
        v1=2 * W1,
    )
    ran = run(MergeBranches(), graph)
    (conv,) = ran.graph
    assert conv.ints("dilations") == (2, 2)
    assert conv.ints("pads") == (2, 2, 2, 2)


@pytest.mark.parametrize(
    ("conv", "other", "reason"),
    [
        # stride 2 of an 8 x 8 input padded by 4 a side: (8 + 8 - 1) // 2 + 1 = 8 as well
        (
            f"Conv {PADDED} (x, w3)",
            "Conv <strides = [2, 2], pads = [4, 4, 4, 4]> (x, w1)",
            "strides [1, 1] and [2, 2] differ",
        ),
        (
            f"Conv {PADDED} (x, w3)",
            "Conv <dilations = [2, 2], pads = [2, 2, 2, 2]> (x, v3)",
            "dilations [1, 1] and [2, 2] differ",
        ),
        (
            f"Conv {PADDED} (x, w3)",
            "Conv <group = 2> (x, w2)",
            "4 channels in 1 groups and 4 in 2 don't go together",
        ),
        # a 3x3 that looks down and right only makes 8 x 8 as well, but its centre is elsewhere:
        # the kernel that covers both is 3 + 1 wide, 16 > 9 + 1
        (
            "Conv <pads = [0, 0, 2, 2]> (x, w3)",
            "Conv <pads = [2, 2, 0, 0]> (x, v3)",
            "a kernel that covers both would take more multiply-accumulates",
        ),
        (
            "Conv <pads = [0, 1, 0, 1]> (x, row)",
            "Conv <pads = [1, 0, 1, 0]> (x, column)",
            "a kernel that covers both would take more multiply-accumulates",
        ),
        # one column is broadcast over all
        (
            f"Conv {PADDED} (x, w3)",
            "Conv (x, w8)",
            "their pads don't place the smaller kernel inside the larger one",
        ),
        (
            f"Conv {PADDED} (x, w3)",
            "Conv (x, thin)",
            "4 channels in 1 groups and 1 in 1 don't go together",
        ),
    ],
)
def test_branches_that_do_not_go_together(run, conv: str, other: str, reason: str) -> None:
    graph = total(
        f"c = {conv}\n d = {other}\n y = Add (c, d)",
        w3=W3,
        v3=2 * W3,
        w1=W1,
        w2=random(4, 2, 1, 1),
        w8=random(4, 4, 8, 8),
        row=random(4, 4, 1, 3),
        column=random(4, 4, 3, 1),
        thin=random(1, 4, 1, 1),
    )
    assert run(MergeBranches(), graph).reasons == [reason]


def test_a_kernel_is_placed_where_its_pads_say(run) -> None:
    # Rows of three, padded at the left only, read x[-2], x[-1], x[0]; the 1x1 reads x[0]: last.
    graph = total(
        "c = Conv <pads = [0, 2, 0, 0]> (x, row)\n d = Conv (x, w1)\n y = Add (d, c)",
        row=np.zeros((4, 4, 1, 3), np.float32),
        w1=np.ones((4, 4, 1, 1), np.float32),
    )
    ran = run(MergeBranches(), graph)
    (conv,) = ran.graph
    assert ran.graph.initializers[conv.inputs[1]].data()[0, 0, 0].tolist() == [0, 0, 1]


def test_a_bn_in_training_mode(run) -> None:
    graph = total(
        f"""
        c = Conv {PADDED} (x, w3)
        i, mean, variance = BatchNormalization <training_mode = 1> (x, i0, i1, i2, i3)
        y = Add (c, i)
        """,
        w3=W3,
        **statistics("i", 4),
    )
    reason = "the BatchNormalization is in training mode; export the model in eval mode"
    assert run(MergeBranches(), graph).reasons == [reason]


def test_weights_that_a_caller_may_override(run) -> None:
    graph = model(
        f"""g (float[1, 4, 8, 8] x, float[4, 4, 1, 1] w1) => (float[1, 4, 8, 8] y)
            <float[4, 4, 1, 1] w1 = {{{", ".join(["1.0"] * 16)}}}> {{
            c = Conv {PADDED} (x, w3)
            d = Conv (x, w1)
            y = Add (c, d)
        }}""",
        w3=W3,
    )
    reason = "'w1' is an input of the graph too: a caller may override it"
    assert run(MergeBranches(), graph).reasons == [reason]


@pytest.mark.parametrize("pads", ["", ", pads = [1, 1, 1, 1]"])
def test_pads_that_are_not_written(run, pads: str) -> None:
    padding = "VALID" if pads else "SAME_UPPER"
    graph = model(
        f"""g (float[1, 4, 8, 8] x) => (float[1, 4, H, W] y) {{
            c = Conv <auto_pad = "{padding}"{pads}> (x, w3)
            d = Conv {PADDED} (x, v3)
            y = Add (c, d)
        }}""",
        w3=W3,
        v3=2 * W3,
    )
    reason = f"'c' has auto_pad {padding}; write its pads out"
    assert run(MergeBranches(), graph).reasons == [reason]


def test_no_pads(run) -> None:
    graph = total(
        'c = Conv <auto_pad = "VALID"> (x, w1)\n d = Conv (x, v1)\n y = Add (c, d)',
        w1=W1,
        v1=2 * W1,
    )
    ran = run(MergeBranches(), graph)
    assert ran.ops == ["Conv"]
    assert "auto_pad" not in next(iter(ran.graph)).attributes


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ("count_include_pad = 1, pads = [1, 1, 1, 1]", ""),
        (
            "pads = [1, 1, 1, 1]",
            "'p' does not count its padding, so its weights differ at the edges",
        ),
        (
            "ceil_mode = 1, count_include_pad = 1, pads = [1, 1, 1, 1]",
            "'p' rounds its size up, which no Conv does",
        ),
    ],
)
def test_an_average_pool(run, attributes: str, reason: str) -> None:
    graph = total(
        f"""
        c = Conv {PADDED} (x, w3)
        p = AveragePool <kernel_shape = [3, 3], {attributes}> (x)
        b = {bn("b", "p")}
        y = Add (c, b)
        """,
        w3=W3,
        **statistics("b", 4),
    )
    ran = run(MergeBranches(), graph)
    assert ran.reasons == ([reason] if reason else [])
    assert len(ran.ops) == (4 if reason else 1)


def test_an_average_pool_does_not_widen_a_1x1(run) -> None:
    graph = total(
        """
        c = Conv (x, w1)
        p = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1], count_include_pad = 1> (x)
        y = Add (c, p)
        """,
        w1=W1,
    )
    reason = "a kernel that covers both would take more multiply-accumulates"
    assert run(MergeBranches(), graph).reasons == [reason]


def test_half_precision_is_computed_in_double(run) -> None:
    # 1 + 3 x 2**-11 is halfway between 1 + 1/1024 and 1 + 2/1024, and ties go to the even one;
    # added one by one in half precision, 1 + 2**-11 is 1 (a tie too), and stays so.
    graph = model(
        """g (float16[1, 1, 4, 4] x) => (float16[1, 1, 4, 4] y) {
            a = Conv (x, one)
            b = Conv (x, small)
            c = Conv (x, small2)
            d = Conv (x, small3)
            y = Sum (a, b, c, d)
        }""",
        one=np.ones((1, 1, 1, 1), np.float16),
        **{
            name: np.full((1, 1, 1, 1), 2**-11, np.float16)
            for name in ("small", "small2", "small3")
        },
    )
    ran = run(MergeBranches(), graph)
    (conv,) = ran.graph
    weights = ran.graph.initializers[conv.inputs[1]].data()
    assert weights.dtype == np.float16
    assert weights.item() == 1 + 2 / 1024


def test_half_precision_that_would_overflow(run) -> None:
    graph = model(
        """g (float16[1, 1, 4, 4] x) => (float16[1, 1, 4, 4] y) {
            a = Conv (x, w)
            b = Conv (x, v)
            y = Add (a, b)
        }""",
        w=np.full((1, 1, 1, 1), 40000, np.float16),
        v=np.full((1, 1, 1, 1), 40001, np.float16),
    )
    reason = "the constants that it would take overflow float16"
    assert run(MergeBranches(), graph).reasons == [reason]


@pytest.mark.parametrize("rank", [1, 3])
def test_other_ranks(run, rank: int) -> None:
    size = ", 6" * rank
    pads = ", ".join(["1"] * 2 * rank)
    graph = model(
        f"""g (float[N, 2{size}] x) => (float[N, 2{size}] y) {{
            c = Conv <pads = [{pads}]> (x, w3)
            d = Conv (x, w1)
            s = Add (x, d)
            y = Add (s, c)
        }}""",
        w3=random(2, 2, *[3] * rank),
        w1=random(2, 2, *[1] * rank),
    )
    assert run(MergeBranches(), graph).ops == ["Conv"]
