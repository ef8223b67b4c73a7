"""onnxruntime's own optimisations, switched off one by one."""

from __future__ import annotations

from collections import Counter

import pytest

from ocost.costmodel.catalogue import find
from ocost.graph import Graph, load
from ocost.graph.shapes import infer
from ocost.passes.lowering import Target, lower
from ocost.passes.lowering.onnxruntime_cpu.pipeline import switches
from ocost.runtime.feeds.inputs import make_feeds
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.executed import executed_graph
from ocost.runtime.onnxruntime.runtime import OnnxRuntime
from ocost.runtime.optimisations.measured import measure_ledger
from ocost.runtime.protocol import Options, SessionLevel


def operators(graph: Graph) -> Counter[str]:
    return Counter(node.qualified_type for _, node in graph.walk())


def test_all_that_can_be_switched_off_is_what_the_lowest_level_leaves_out() -> None:
    graph = load("@shufflenet_v2")
    model = named(graph)
    none = executed_graph(model, Options(without=switches(Target())))
    assert operators(none) == operators(executed_graph(model, Options(level=SessionLevel.DISABLE)))


@pytest.mark.parametrize(
    "off", ["ConvBNFusion", "ConvActivationFusion", "NchwcTransformer", "ConstantFolding"]
)
def test_the_rules_leave_out_what_the_runtime_does(off: str) -> None:
    graph = load("@shufflenet_v2")
    ran = operators(executed_graph(named(graph), Options(without=(off,))))
    assert ran == operators(lower(graph, Target(without=frozenset({off}))).graph)
    assert ran != operators(executed_graph(named(graph), Options()))


def test_a_ledger() -> None:
    graph = load("@odd_channels")
    feeds = make_feeds(graph, infer(graph))
    told: list[str] = []
    found = measure_ledger(
        OnnxRuntime(),
        graph,
        named(graph),
        find("x86-server-core"),
        Options(),
        feeds,
        budget_s=0.1,
        tell=told.append,
    )
    assert len(told) == 2
    names = [gain.name for gain in found.gains]
    assert names
    assert set(names) <= set(switches(Target()))
    for gain in found.gains:
        assert gain.step.low <= gain.step.middle <= gain.step.high
        assert gain.predicted_ratio is not None
    assert found.whole.low <= found.whole.middle <= found.whole.high


def test_a_runtime_without_rules_is_not_predicted() -> None:
    graph = load("@odd_channels")
    feeds = make_feeds(graph, infer(graph))
    device = find("nvidia-h100")
    found = measure_ledger(
        OnnxRuntime(),
        graph,
        named(graph),
        device,
        Options(level=SessionLevel.EXTENDED),
        feeds,
        budget_s=0.1,
    )
    assert {gain.predicted_ratio for gain in found.gains} == {None}
    assert "NchwcTransformer" not in [gain.name for gain in found.gains]
