"""Pad into what follows it."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.passes.pads import FoldPads

from .conftest import model

F32 = np.float32


def padded(
    after: str,
    pads: list[int],
    before: str = "a = Abs (x)",
    pad: str = "(a, pads)",
    opset: int = 17,
    **constants: np.ndarray,
):
    text = f"g (float[N, 4, 9, 9] x) => (float[A, B, C, D] y) {{ {before} p = Pad {pad} {after} }}"
    if "pads)" in pad or "pads," in pad:
        constants["pads"] = np.array(pads, np.int64)
    return model(text, opset, **constants)


def last(ran):
    return list(ran.graph)[-1]


WEIGHT = np.random.default_rng(0).normal(size=(4, 4, 3, 3)).astype(F32)
SPATIAL = [0, 0, 1, 2, 0, 0, 3, 0]
ODD = [0, 0, 1, 0, 0, 0, 1, 1]
LOWEST = np.array(np.finfo(F32).min, F32)


def test_into_a_conv(run) -> None:
    graph = padded("y = Conv <pads = [1, 1, 0, 0]> (p, w)", SPATIAL, w=WEIGHT)
    ran = run(FoldPads(), graph)
    assert ran.ops == ["Abs", "Conv"]
    assert last(ran).ints("pads") == (2, 3, 3, 0)
    assert set(ran.graph.initializers) == {"w"}


def test_a_valid_conv_has_no_pads_of_its_own(run) -> None:
    graph = padded('y = Conv <auto_pad = "VALID"> (p, w)', SPATIAL, w=WEIGHT)
    ran = run(FoldPads(), graph)
    assert last(ran).ints("pads") == (1, 2, 3, 0)
    assert "auto_pad" not in last(ran).attributes


def test_pads_of_some_axes(run) -> None:
    graph = padded(
        "y = Conv (p, w)",
        [1, 2],
        pad="(a, pads, , axes)",
        opset=18,
        w=WEIGHT,
        axes=np.array([-1], np.int64),
    )
    assert last(run(FoldPads(), graph)).ints("pads") == (0, 1, 0, 2)


def test_pads_as_an_attribute(run) -> None:
    pad = "<pads = [0, 0, 1, 1, 0, 0, 1, 1]> (a)"
    ran = run(FoldPads(), padded("y = Conv (p, w)", [], pad=pad, opset=10, w=WEIGHT))
    assert last(ran).ints("pads") == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("pad", "pads", "conv", "reason"),
    [
        ("(a, pads, one)", SPATIAL, "Conv", "zeros"),
        ('<mode = "reflect"> (a, pads)', SPATIAL, "Conv", "zeros"),
        ("(a, pads)", [0, 0, -1, 0, 0, 0, 1, 0], "Conv", "negative"),
        ("(a, pads)", [1, 0, 0, 0, 0, 0, 0, 0], "Conv", "samples"),
        ("(a, pads)", SPATIAL, 'Conv <auto_pad = "SAME_UPPER">', "from the size"),
    ],
)
def test_what_a_conv_would_not_pad(run, pad: str, pads, conv: str, reason: str) -> None:
    graph = padded(f"y = {conv} (p, w)", pads, pad=pad, w=WEIGHT, one=np.array(1, F32))
    assert reason in run(FoldPads(), graph).reasons[0]


def test_padded_channels_stay(run) -> None:
    graph = padded("y = Conv (p, w)", [0, 1, 0, 0, 0, 1, 0, 0], w=np.ones((2, 6, 1, 1), F32))
    assert "channels" in run(FoldPads(), graph).reasons[0]


@pytest.mark.parametrize("value", [LOWEST, np.array(-np.inf, F32)])
def test_into_a_max_pool(run, value: np.ndarray) -> None:
    """Also of what is all negative, where zeros would win."""
    graph = padded(
        "y = MaxPool <kernel_shape = [3, 3], strides = [2, 2]> (p)",
        ODD,
        before="b = Abs (x) a = Neg (b)",
        pad="(a, pads, v)",
        v=value,
    )
    ran = run(FoldPads(), graph)
    assert ran.ops == ["Abs", "Neg", "MaxPool"]
    assert last(ran).ints("pads") == (1, 0, 1, 1)


def test_zeros_into_a_max_pool_change_negative_maxima(run) -> None:
    graph = padded("y = MaxPool <kernel_shape = [3, 3]> (p)", ODD, before="b = Abs (x) a = Neg (b)")
    assert "0 may be larger" in run(FoldPads(), graph).reasons[0]


def test_zeros_into_a_max_pool_of_what_is_not_negative(run) -> None:
    graph = padded("y = MaxPool <kernel_shape = [3, 3]> (p)", ODD, before="a = Relu (x)")
    assert run(FoldPads(), graph).ops == ["Relu", "MaxPool"]


@pytest.mark.parametrize(
    ("pool", "reason"),
    [
        ("y = MaxPool <kernel_shape = [1, 1]> (p)", "as wide as"),
        ("y = MaxPool <kernel_shape = [3, 3], ceil_mode = 1, strides = [2, 2]> (p)", "beyond"),
        ("y = MaxPool <kernel_shape = [3, 3], dilations = [2, 2]> (p)", "dilated"),
        ("y, i = MaxPool <kernel_shape = [3, 3]> (p) z = Neg (i)", "indices"),
    ],
)
def test_max_pools_that_stay(run, pool: str, reason: str) -> None:
    ran = run(FoldPads(), padded(pool, ODD, before="a = Relu (x)"))
    assert reason in ran.reasons[0]


@pytest.mark.parametrize(
    "pool",
    ["kernel_shape = [3, 3]", "kernel_shape = [3, 3], pads = [1, 1, 1, 1], count_include_pad = 1"],
)
def test_into_an_average_pool(run, pool: str) -> None:
    ran = run(FoldPads(), padded(f"y = AveragePool <{pool}> (p)", ODD))
    assert ran.ops == ["Abs", "AveragePool"]
    assert last(ran).int("count_include_pad", 0) == 1


@pytest.mark.parametrize(
    ("pool", "value", "reason"),
    [
        ("kernel_shape = [3, 3], pads = [1, 1, 1, 1]", 0, "doesn't count"),
        ("kernel_shape = [3, 3]", 1, "zeros"),
        ("kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1", 0, "beyond"),
    ],
)
def test_average_pools_that_stay(run, pool: str, value: float, reason: str) -> None:
    graph = padded(f"y = AveragePool <{pool}> (p)", ODD, pad="(a, pads, v)", v=np.array(value, F32))
    assert reason in run(FoldPads(), graph).reasons[0]


def test_a_pad_that_others_read_stays(run) -> None:
    graph = padded("y = Conv (p, w) z = Neg (p)", SPATIAL, w=WEIGHT)
    assert run(FoldPads(), graph).reasons == ["'p' is also read by 'z'"]


def test_two_pads(run) -> None:
    graph = padded("y = Pad (p, more, v)", ODD, more=np.arange(8), v=np.array(0, F32))
    ran = run(FoldPads(), graph)
    assert ran.ops == ["Abs", "Pad"]
    pads = ran.graph.initializers[last(ran).inputs[1]].data().tolist()
    assert pads == [0, 1, 3, 3, 4, 5, 7, 8]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('<mode = "reflect"> (a, pads)', '<mode = "reflect"> (p, pads)'),
        ("(a, pads)", "(p, pads, one)"),
        ("(a, pads)", "(p, cut)"),
    ],
)
def test_pads_that_fill_differently(run, first: str, second: str) -> None:
    graph = padded(
        f"y = Pad {second}",
        ODD,
        pad=first,
        one=np.array(1, F32),
        cut=np.array([0, 0, -1, 0, 0, 0, 0, 0]),
    )
    assert run(FoldPads(), graph).ops == ["Abs", "Pad", "Pad"]


def test_large_integers_are_told_apart(run) -> None:
    """2**53 and 2**53 + 1 are the same float64."""
    graph = model(
        "g (int64[2] x) => (int64[6] y) { a = Pad (x, p, v) y = Pad (a, p, w) }",
        p=np.array([1, 1]),
        v=np.array(2**53),
        w=np.array(2**53 + 1),
    )
    ran = run(FoldPads(), graph)
    assert ran.ops == ["Pad", "Pad"]
    assert "fill differently" in ran.reasons[0]
