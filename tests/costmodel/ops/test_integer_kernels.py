"""Products of 8-bit integers run on kernels that differ by the signs of their operands."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, parser

import ocost
from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.costmodel.device import Device
from ocost.costmodel.host import describe
from ocost.costmodel.integer_kernels import X86_SHARES, product_kind
from ocost.costmodel.kinds import KernelKind
from ocost.graph import Graph, Tensor, from_proto

INT8, UINT8 = TensorProto.INT8, TensorProto.UINT8
CORE = find("x86-server-core")
VNNI = (
    "processor\t: 0\nmodel name\t: a CPU @ 2.00GHz\nflags\t\t: avx avx2 fma avx512f avx512_vnni\n"
)


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        (UINT8, INT8, KernelKind.GEMM_U8S8),
        (UINT8, UINT8, KernelKind.GEMM_U8U8),
        (INT8, UINT8, KernelKind.GEMM_S8),
        (INT8, INT8, KernelKind.GEMM_S8),
    ],
)
def test_signs_decide(left: int, right: int, kind: KernelKind) -> None:
    assert product_kind(left, right) is kind


@pytest.mark.parametrize(
    ("weight", "channels", "group", "kind"),
    [  # the weight is the left side
        (INT8, 16, 1, KernelKind.GEMM_S8),
        (UINT8, 16, 1, KernelKind.GEMM_U8U8),
        (INT8, 4, 4, KernelKind.GROUPED_S8),
        (UINT8, 4, 4, KernelKind.GROUPED_U8U8),
        (INT8, 1, 16, KernelKind.CHANNELWISE_S8),
        (UINT8, 1, 16, KernelKind.CHANNELWISE_U8),
    ],
)
def test_conv_integer(work, weight: int, channels: int, group: int, kind: KernelKind) -> None:
    inputs = [(UINT8, (1, 16, 8, 8)), (weight, (16, channels, 3, 3))]
    done = work("ConvInteger", inputs, [(TensorProto.INT32, (1, 16, 6, 6))], group=group)
    assert (done.kind, done.dtype) == (kind, INT8)


@pytest.mark.parametrize(
    ("x", "weight", "channels", "group", "kind"),
    [  # the activations are the left side
        (UINT8, INT8, 16, 1, KernelKind.GEMM_U8S8),
        (UINT8, UINT8, 16, 1, KernelKind.GEMM_U8U8),
        (INT8, INT8, 16, 1, KernelKind.GEMM_S8),
        (UINT8, INT8, 4, 4, KernelKind.GROUPED_U8S8),
        (UINT8, INT8, 1, 16, KernelKind.DEPTHWISE_U8S8),
        (UINT8, UINT8, 1, 16, KernelKind.DEPTHWISE_8BIT),
        (INT8, INT8, 1, 16, KernelKind.DEPTHWISE_8BIT),
    ],
)
def test_qlinear_conv(
    work, x: int, weight: int, channels: int, group: int, kind: KernelKind
) -> None:
    scale = (TensorProto.FLOAT, ())
    zero = (x, ())
    inputs = [(x, (1, 16, 8, 8)), scale, zero, (weight, (16, channels, 3, 3)), scale, zero]
    inputs += [scale, zero]
    done = work("QLinearConv", inputs, [(x, (1, 16, 6, 6))], group=group)
    assert (done.kind, done.dtype) == (kind, INT8)


@pytest.mark.parametrize(
    ("operator", "domain", "x", "weight", "kind"),
    [
        ("MatMulInteger", "", UINT8, INT8, KernelKind.GEMM_U8S8),
        ("MatMulInteger", "", INT8, INT8, KernelKind.GEMM_S8),
        ("MatMulIntegerToFloat", "com.microsoft", UINT8, UINT8, KernelKind.GEMM_U8U8),
        # what quantises A makes it unsigned
        ("DynamicQuantizeMatMul", "com.microsoft", TensorProto.FLOAT, INT8, KernelKind.GEMM_U8S8),
    ],
)
def test_products(work, operator: str, domain: str, x: int, weight: int, kind: KernelKind) -> None:
    scale = (TensorProto.FLOAT, ())
    inputs = [(x, (4, 5)), (weight, (5, 6)), scale, scale]
    assert work(operator, inputs, [(TensorProto.INT32, (4, 6))], domain=domain).kind is kind


def test_every_kind_has_a_measured_row() -> None:
    kinds = {kind for kind in KernelKind if kind.endswith(("8s8", "8u8", "_s8", "_u8", "_8bit"))}
    assert kinds == {*X86_SHARES, KernelKind.GEMM_U8S8}
    assert all(CORE.row(kind).measured for kind in kinds)


def test_x86_without_a_row_has_no_kernel_for_a_signed_left_side() -> None:
    """0.14 of float32's peak, in shares of int8's where the CPU has one: 4 times float32's."""
    with_peak, without = describe(VNNI, "x86_64", {0}), find("ryzen-5600x")
    assert with_peak.row(KernelKind.GEMM_S8).compute == pytest.approx(0.14 / 4)
    assert without.row(KernelKind.GEMM_S8).compute == pytest.approx(0.14)
    assert not without.row(KernelKind.GEMM_S8).measured
    assert without.row(KernelKind.GEMM_U8S8).compute == 1.0


@pytest.mark.parametrize("name", ["cortex-a78", "nvidia-t4"])
def test_elsewhere_nothing_is_known_of_signs(name: str) -> None:
    assert find(name).row(KernelKind.GEMM_S8).compute == 1.0


def convolutions(text: str, side: int, group: int, weight: type) -> Graph:
    """A graph of 32 channels of 28x28 with the weight ``w``, in 8-bit or float32."""
    graph = from_proto(
        parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 17]>
        g (float[1, 32, 28, 28] x) => (float[1, 32, 28, 28] y) {{ {text} }}""")
    )
    shape = (32, 32 // group, side, side)
    graph.set_initializer(Tensor.from_array("w", np.ones(shape, weight)))
    graph.set_initializer(Tensor.from_array("z", np.array(0, weight)))
    graph.set_initializer(Tensor.from_array("s", np.array(0.1, np.float32)))
    return graph


def variants(side: int = 3, group: int = 1) -> dict[str, Graph]:
    edge = side // 2
    how = f"<pads = [{edge}, {edge}, {edge}, {edge}], group = {group}>"
    dynamic = f"""
        q, qs, qz = DynamicQuantizeLinear (x)
        i = ConvInteger {how} (q, w, qz, z)
        f = Cast <to = 1> (i)
        m = Mul (qs, s)
        y = Mul (f, m)"""
    return {
        "float": convolutions(f"y = Conv {how} (x, w)", side, group, np.float32),
        "signed": convolutions(dynamic, side, group, np.int8),
        "unsigned": convolutions(dynamic, side, group, np.uint8),
    }


def latency(graph: Graph, device: Device) -> float:
    found = cost_graph(graph, device).totals.latency_s
    assert found is not None
    return found


@pytest.mark.parametrize("device", [CORE, describe(VNNI, "x86_64", {0})], ids=["core", "host"])
@pytest.mark.parametrize(("side", "group"), [(3, 1), (1, 1), (3, 32)])
def test_dynamic_quantisation_of_a_convolution_is_slower(
    side: int, group: int, device: Device
) -> None:
    """Measured in 3x3 of 32 channels at 28x28: 1.8 times with uint8 weights, 7.7 with int8."""
    times = {name: latency(graph, device) for name, graph in variants(side, group).items()}
    assert times["float"] < times["unsigned"] < times["signed"]


def test_a_diff_tells_that_it_is_slower() -> None:
    """The ratio was measured as 7.7 with Relus between; without ``ConvInteger`` told apart: 0.5."""
    both = variants()
    found = ocost.diff(both["float"], both["signed"])
    change = found.after.totals.latency_s / found.before.totals.latency_s
    assert change == pytest.approx(7.7, rel=0.3)
