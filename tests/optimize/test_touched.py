"""The part of two graphs in which they differ, lowered alone."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import parser

from ocost.costmodel.catalogue import find
from ocost.costmodel.estimators import choosing_estimator_for
from ocost.graph import Graph, Tensor, from_proto, to_proto
from ocost.graph.shapes import Given
from ocost.optimize.touched import Cutter, Touched
from ocost.passes.channel_padding import PadChannels
from ocost.passes.lowering.costed import lowered_nodes, target_of

DEVICE = find("x86-server-core")
EDGE = "<pads = [1, 1, 1, 1]>"


def branches(blocks: int, batch: str = "1") -> Graph:
    """Pairs of convolutions, 22 channels between 16, at two sizes that are added in the end."""
    pool = "<kernel_shape = [2, 2], strides = [2, 2]>"
    steps = [f"s = Conv {EDGE} (x, w) r0 = Relu (s) q0 = MaxPool {pool} (s)"]
    shapes = {"w": (16, 3, 3, 3)}
    for i in range(blocks):
        for n in "rq":
            steps.append(f"{n}a{i} = Conv {EDGE} ({n}{i}, {n}v{i}) {n}b{i} = Relu ({n}a{i})")
            steps.append(f"{n}c{i} = Conv {EDGE} ({n}b{i}, {n}w{i}) {n}{i + 1} = Relu ({n}c{i})")
            shapes |= {f"{n}v{i}": (22, 16, 3, 3), f"{n}w{i}": (16, 22, 3, 3)}
    ends = f"z = Add (u, r{blocks}) y = Relu (z)"
    steps.append(f'u = Resize <mode = "nearest"> (q{blocks}, , scales) {ends}')
    head = f"g (float[{batch}, 3, 28, 28] x) => (float[{batch}, 16, 28, 28] y)"
    text = f'<ir_version: 8, opset_import: ["" : 17]> {head} {{ {" ".join(steps)} }}'
    graph = from_proto(parser.parse_model(text))
    for name, shape in shapes.items():
        graph.set_initializer(Tensor.from_array(name, np.ones(shape, np.float32)))
    graph.set_initializer(Tensor.from_array("scales", np.array([1, 1, 2, 2], np.float32)))
    return from_proto(to_proto(graph))


def seconds(graph: Graph, given: Given | None) -> float:
    estimator = choosing_estimator_for(DEVICE)
    costs = map(estimator, lowered_nodes(graph, DEVICE, given))
    return sum(cost.latency_s or 0.0 for cost in costs)


def asked(graph: Graph, given: Given | None) -> list[tuple[Graph, Graph, Touched | None]]:
    """The graphs that padding asks about, and the part that is cut out of them."""
    found = []
    target = target_of(DEVICE).target
    assert target is not None

    def pays(before: Graph, after: Graph) -> bool:
        part = Cutter(before, target, given).touched(after)
        found.append((before.copy(), after.copy(), part))
        return False

    PadChannels(pays=pays).run(graph)
    return found


@pytest.mark.parametrize(("batch", "given"), [("1", None), ("N", Given(dims={"N": 2}))])
def test_a_part_differs_by_what_the_whole_does(batch: str, given: Given | None) -> None:
    cut = 0
    for before, after, part in asked(branches(6, batch), given):
        whole = seconds(after, given) - seconds(before, given)
        if part is not None:
            cut += 1
            assert 2 * len(part.before) <= len(before)
            alone = seconds(part.after, part.given) - seconds(part.before, part.given)
            assert alone == pytest.approx(whole, abs=1e-9)
    assert cut > 5


def test_small_graphs_and_other_interfaces_are_not_cut() -> None:
    target = target_of(DEVICE).target
    assert target is not None
    small, large = branches(1), branches(6)
    assert Cutter(small, target, None).touched(small.copy()) is None
    other = large.copy()
    other.set_interface(other.inputs, ["r6"])
    assert Cutter(large, target, None).touched(other) is None


def test_the_part_before_is_the_same_object_for_the_same_nodes() -> None:
    """So that it is lowered once for several sizes."""
    target = target_of(DEVICE).target
    assert target is not None
    graph = branches(6)
    cutter = Cutter(graph.copy(), target, None)
    parts = [cutter.touched(after) for _, after, _ in asked(graph, None)]
    seen = [part.before for part in parts if part is not None]
    assert len({id(g) for g in seen}) < len(seen)
