"""Quantisation that cancels, and what onnxruntime leaves in float32."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import pytest

from ocost.graph import Graph, to_proto
from ocost.passes.quantisation import CleanQuantisation
from ocost.runtime.onnxruntime.session import open_session
from ocost.runtime.protocol import Options, SessionLevel

from .conftest import model

PAIR = "d = DequantizeLinear (q, s, z)  r = QuantizeLinear (d, s2, z2)"


def pair(
    kind: str = "uint8", tail: str = "y = DequantizeLinear (r, s, z)", opset: int = 17, **changed
) -> Graph:
    """An integer tensor q that is dequantised and quantised again."""
    numpy = np.dtype(kind)
    zero = numpy.type(3)
    given = {"s": np.float32(0.1), "s2": np.float32(0.1), "z": zero, "z2": zero, **changed}
    text = f"g ({kind}[2, 4] q) => (float[2, 4] y) {{ {PAIR}  {tail} }}"
    return model(text, opset, ir=10, **given)


@pytest.mark.parametrize(("kind", "opset"), [("uint8", 13), ("int8", 17), ("int16", 21)])
def test_a_pair_that_cancels(run, kind: str, opset: int) -> None:
    ran = run(CleanQuantisation(), pair(kind, opset=opset))
    (made,) = ran.graph
    assert made.op_type == "DequantizeLinear"
    assert made.inputs == ("q", "s", "z")


def test_every_integer_comes_back() -> None:
    """What the rewrite builds on, where rounding hurts most: the widest type that is rewritten."""
    k = np.arange(-65535, 65536, dtype=np.float32)
    for scale in np.random.default_rng(0).uniform(1e-6, 10, 50).astype(np.float32):
        assert np.array_equal(np.rint(k * scale / scale), k)


def test_a_zero_point_that_is_left_out_is_zero(run) -> None:
    text = """g (uint8[2, 4] q) => (float[2, 4] y) {
        d = DequantizeLinear (q, s)  r = QuantizeLinear (d, s, z)  y = DequantizeLinear (r, s, z)
    }"""
    graph = model(text, s=np.float32(0.1), z=np.uint8(0))
    assert len(run(CleanQuantisation(), graph).ops) == 1


def test_per_axis_parameters(run) -> None:
    scales = {"s": np.float32([0.1, 0.2, 0.3, 0.4]), "s2": np.float32([0.1, 0.2, 0.3, 0.4])}
    zeros = {"z": np.uint8([0, 1, 2, 3]), "z2": np.uint8([0, 1, 2, 3])}
    assert run(CleanQuantisation(), pair(**scales, **zeros)).ops == ["DequantizeLinear"]


def test_others_may_read_the_float_tensor(run) -> None:
    tail = "e = DequantizeLinear (r, s, z)  y = Add (d, e)"
    ran = run(CleanQuantisation(), pair(tail=tail))
    assert ran.ops == ["DequantizeLinear", "DequantizeLinear", "Add"]


def test_an_output_keeps_its_name(run) -> None:
    text = f"g (uint8[2, 4] q) => (uint8[2, 4] r) {{ {PAIR} }}"
    same = {"s": np.float32(1), "s2": np.float32(1), "z": np.uint8(3), "z2": np.uint8(3)}
    (reason,) = run(CleanQuantisation(), model(text, **same)).reasons
    assert "'r' is an output of the graph" in reason


@pytest.mark.parametrize(
    "changed",
    [
        {"s2": np.float32(0.2)},
        {"z2": np.uint8(4)},
        {"z2": np.int8(3), "tail": "y = DequantizeLinear (r, s2, z2)"},  # saturates at 127
        {"s2": np.float32([0.1] * 4), "z2": np.full(4, 3, np.uint8)},
    ],
)
def test_other_parameters_requantise(run, changed: dict[str, object]) -> None:
    ran = run(CleanQuantisation(), pair(**changed))
    assert not ran.outcome.rewrites
    assert not ran.reasons


@pytest.mark.parametrize("scale", [0, 1e-40, 1e37])
def test_scales_that_lose_the_integer(run, scale: float) -> None:
    value = np.float32(scale)
    (reason,) = run(CleanQuantisation(), pair(s=value, s2=value)).reasons
    assert "too coarse" in reason


def test_half_precision_holds_8_bits_but_not_16(run) -> None:
    half = {"s": np.float16(0.1), "s2": np.float16(0.1)}
    for kind, reasons in (("int8", 0), ("int16", 1)):
        text = (
            f"g ({kind}[2, 4] q) => (float16[2, 4] y) {{ {PAIR} y = DequantizeLinear (r, s, z) }}"
        )
        zeros = {"z": np.dtype(kind).type(3), "z2": np.dtype(kind).type(3)}
        assert (
            len(run(CleanQuantisation(), model(text, 21, ir=10, **half, **zeros)).reasons)
            == reasons
        )


def test_quantising_a_float_rounds_and_stays(run) -> None:
    text = """g (float[2, 4] x) => (float[2, 4] y) {
        q = QuantizeLinear (x, s, z)  y = DequantizeLinear (q, s, z)
    }"""
    graph = model(text, s=np.float32(0.1), z=np.uint8(3))
    assert not run(CleanQuantisation(), graph).outcome.rewrites


def test_a_scale_that_a_caller_may_override(run) -> None:
    text = f"""g (uint8[2, 4] q, float s) => (float[2, 4] y) <float s = {{0.1}}> {{
        {PAIR.replace("s2", "s").replace("z2", "z")}  y = DequantizeLinear (r, s, z)
    }}"""
    (reason,) = run(CleanQuantisation(), model(text, z=np.uint8(3))).reasons
    assert "a caller may override it" in reason


def unit(
    body: str, kind: str = "uint8", zero: int = 0, scale: float = 0.05, **constants: np.ndarray
) -> Graph:
    """x is quantised around a body from d (and e) to o."""
    text = f"""g (float[1, 4, 6, 6] x) => (float[A, B, C, D] y) {{
        q = QuantizeLinear (x, s, z)  d = DequantizeLinear (q, s, z)
        u = DequantizeLinear (w, s, i8)
        {body}
        p = QuantizeLinear (o, t, z)  y = DequantizeLinear (p, t, z)
    }}"""
    given: Mapping[str, np.ndarray] = {
        "s": np.float32(0.05),
        "t": np.float32(scale),
        "z": np.dtype(kind).type(zero),
        "i8": np.int8(0),
        "w": np.arange(64, dtype=np.int8).reshape(4, 4, 2, 2),
        "lo": np.float32(0),
        "hi": np.float32(6),
        "b": np.arange(4, dtype=np.float32).reshape(4, 1, 1),
        **constants,
    }
    return model(text, 17, **given)


def executed(graph: Graph, path) -> set[str]:
    file = path / "executed.onnx"
    open_session(to_proto(graph), Options(level=SessionLevel.EXTENDED), optimized=file)
    return {node.op_type for node in onnx.load(file).graph.node}


CONV_RELU = "c = Conv (d, u)  o = Relu (c)"
CONV_CLIP = "c = Conv (d, u)  o = Clip (c, lo, hi)"


@pytest.mark.parametrize(
    ("graph", "left", "reason"),
    [
        # uint8 with zero point 128 holds -6.4 to 6.35, of which a Relu leaves half
        (unit(CONV_RELU, zero=128), "FusedConv", "the Conv and its Relu stay in float32"),
        (unit(CONV_RELU, "int8"), "FusedConv", "holds -6.4 to 6.35"),
        (unit(CONV_CLIP), "FusedConv", "holds 0 to 12.75"),
        (unit("o = Relu (d)", zero=128), "Relu", "the Relu stays in float32"),
        (unit("o = Tanh (d)"), "Tanh", "no quantised Tanh"),
        (unit("o = ConvTranspose (d, u)"), "ConvTranspose", "no quantised ConvTranspose"),
        (unit("o = Add (d, b)"), "Add", "the Add stays in float32, since 'b' is not quantised"),
        (unit("e = Exp (d)  o = Concat <axis = 1> (d, e)"), "Concat", "'e' is not quantised"),
    ],
)
def test_what_stays_in_float(run, tmp_path, graph: Graph, left: str, reason: str) -> None:
    (found,) = run(CleanQuantisation(), graph).outcome.declined
    assert reason in found.reason
    assert left in executed(graph, tmp_path)


@pytest.mark.parametrize(
    "graph",
    [
        unit(CONV_RELU),
        unit(CONV_RELU, "int8", -128),
        unit(CONV_CLIP, scale=6 / 255),  # quantising clips to 0 and 6 itself
        unit("o = Conv (d, u)", zero=128),
        unit("o = Sigmoid (d)"),
        unit("o = Add (d, d)"),
        unit("o = MaxPool <kernel_shape = [2, 2]> (d)", zero=128),
    ],
)
def test_what_onnxruntime_fuses_is_not_spoken_of(run, tmp_path, graph: Graph) -> None:
    assert not run(CleanQuantisation(), graph).reasons
    floats = {"FusedConv", "Conv", "Relu", "Clip", "Sigmoid", "Add"}
    assert not floats & executed(graph, tmp_path)
