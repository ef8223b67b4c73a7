"""Every operator of onnx's own tests is lowered and costed, whatever there is no rule for."""

from __future__ import annotations

from typing import Any

from ocost.costmodel.catalogue import find
from ocost.graph import OcostError, from_proto
from ocost.passes.lowering.costed import lowered_cost


def test_every_node_of_the_backend_suite(onnx_node_cases: list[Any]) -> None:
    device, lost, seen = find("x86-server-core"), [], 0
    for case in onnx_node_cases:
        if case.model is None:
            continue
        try:
            graph = from_proto(case.model)
        except OcostError:
            continue
        found = lowered_cost(graph, device)
        assert found is not None, case.name
        seen += 1
        fates = found.lowered.lineage.originals
        lost += [case.name for name in map(graph.path, graph) if name not in fates]
    assert seen > 1500
    assert lost == []
