"""The generic target for phones: packs of four channels, and what a convolution takes."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import numpy_helper, parser

from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.graph import Graph, from_proto, load
from ocost.passes.lowering import OptimizationLevel, Target, lower
from ocost.passes.lowering.costed import lowered_cost

PHONE = find("cortex-a78")
MOBILE = Target("mobile", block=4)
NORM = {"s": (8,), "b": (8,), "m": (8,), "v": (8,)}


def model(text: str, opset: int = 17, **shapes: tuple[int, ...]) -> Graph:
    proto = parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]>\n{text}')
    for name, shape in shapes.items():
        values = np.ones(shape, np.float32)
        proto.graph.initializer.append(numpy_helper.from_array(values, name))
    for index, node in enumerate(proto.graph.node):
        node.name = node.name or f"{node.op_type}{index}"
    return from_proto(proto)


def executed(graph: Graph) -> list[tuple[str, tuple[str, ...]]]:
    """Each executed node with its originals, in order; of copies nothing but their name."""
    return [
        (node.op_type, () if node.status == "layout" else node.originals)
        for node in lower(graph, MOBILE).lineage.executed
    ]


BLOCK = """g (float[1,8,6,6] x) => (float[1,8,6,6] y) {
    c = Conv <pads = [1,1,1,1]> (x, w)
    n = BatchNormalization (c, s, b, m, v)
    r = Relu (n)
    d = Conv <pads = [1,1,1,1]> (r, w)
    a = Add (d, r)
    y = Relu (a)
}"""


@pytest.mark.parametrize("opset", [9, 17])
def test_a_sum_runs_apart(opset: int) -> None:
    graph = model(BLOCK, opset, w=(8, 8, 3, 3), **NORM)
    assert executed(graph) == [
        ("Pack", ()),
        ("FusedConv", ("Conv0", "BatchNormalization1", "Relu2")),
        ("Conv", ("Conv3",)),
        ("Add", ("Add4",)),
        ("Relu", ("Relu5",)),
        ("Unpack", ()),
    ]
    cost, before = lowered_cost(graph, PHONE).cost.totals, cost_graph(graph, PHONE).totals
    assert (cost.flops, cost.macs) == (before.flops, before.macs)
    assert (cost.padded_flops, cost.padded_bytes) == (0, 0)


def test_channels_are_padded_to_whole_packs() -> None:
    graph = model(
        "g (float[1,3,6,6] x) => (float[1,6,6,6] y) { c = Conv (x, w) y = Relu (c) }",
        w=(6, 3, 1, 1),
    )
    pack, conv, unpack = lowered_cost(graph, PHONE).cost.nodes
    assert (pack.read_bytes, pack.write_bytes) == (4 * 108 + 8 * 8, 4 * 4 * 36)
    assert conv.macs == 36 * 3 * 6
    assert conv.flops == 2 * 36 * 3 * 6 + 36 * 6
    assert conv.padded_flops == 2 * 36 * 4 * 8 + 36 * 8 - conv.flops
    assert conv.read_bytes == 4 * (4 * 36 + 4 * 8)
    assert unpack.write_bytes == 4 * 6 * 36


@pytest.mark.parametrize(
    ("group", "weights", "packed"),
    [(6, (6, 1, 1, 1), True), (2, (6, 3, 1, 1), False), (1, (6, 6, 1, 1), True)],
)
def test_groups_of_whole_packs(group: int, weights: tuple[int, ...], packed: bool) -> None:
    graph = model(
        f"g (float[1,6,5,5] x) => (float[1,6,5,5] y) {{ y = Conv <group = {group}> (x, w) }}",
        w=weights,
    )
    lowered = lower(graph, MOBILE)
    assert bool(lowered.blocked) is packed
    reasons = [one.reason for one in lowered.declined]
    assert reasons == ([] if packed else ["its 2 groups are of no whole packs of channels"])


def test_an_excitation_stays_packed() -> None:
    graph = model(
        """g (float[1,6,5,5] x) => (float[1,6,5,5] y) {
            c = Conv (x, w)
            p = GlobalAveragePool (c)
            e = Conv (p, w)
            s = Sigmoid (e)
            y = Mul (c, s)
        }""",
        w=(6, 6, 1, 1),
    )
    names = [name for name, _ in executed(graph)]
    assert names == ["Pack", "Conv", "GlobalAveragePool", "FusedConv", "Mul", "Unpack"]


def test_a_concat_of_parts_of_packs_is_plain() -> None:
    graph = model(
        """g (float[1,8,5,5] x) => (float[1,14,5,5] y) {
            c = Conv (x, w)
            d = Conv (x, u)
            y = Concat <axis = 1> (c, d)
        }""",
        w=(8, 8, 1, 1),
        u=(6, 8, 1, 1),
    )
    names = [name for name, _ in executed(graph)]
    assert names.count("Unpack") == 2
    assert names[-1] == "Concat"


def test_a_level_without_layouts_packs_nothing() -> None:
    graph = model(BLOCK, w=(8, 8, 3, 3), **NORM)
    lowered = lower(graph, Target("mobile", block=4, level=OptimizationLevel.EXTENDED))
    assert [n.op_type for n in lowered.graph] == ["FusedConv", "Conv", "Add", "Relu"]


@pytest.mark.parametrize("name", ["mobilenet_v2", "odd_channels", "shufflenet_v2", "resnet18_qdq"])
def test_samples_keep_their_arithmetic(name: str) -> None:
    graph = load(f"@{name}")
    clean = lower(
        graph, Target("mobile", block=4, level=OptimizationLevel.BASIC)
    ).graph  # constants folded
    cost, before = lowered_cost(graph, PHONE).cost, cost_graph(clean, PHONE)
    assert not cost.coverage.unknown
    assert cost.totals.macs == before.totals.macs
    assert cost.totals.flops == before.totals.flops
