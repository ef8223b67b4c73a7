"""Every operator of onnx's own tests is lowered and costed, whatever there is no rule for."""

from __future__ import annotations

from typing import Any

import pytest

from ocost.costmodel.catalogue import find
from ocost.graph import OcostError, from_proto
from ocost.passes.lowering.costed import lowered_cost


@pytest.mark.parametrize("name", ["x86-server-core", "cortex-a78", "nvidia-h100"])
def test_every_node_of_the_backend_suite(name: str, onnx_node_cases: list[Any]) -> None:
    device, lost, seen = find(name), [], 0
    for case in onnx_node_cases:
        if case.model is None:
            continue
        try:
            graph = from_proto(case.model)
        except OcostError:
            continue
        found = lowered_cost(graph, device)
        seen += 1
        fates = found.lowered.lineage.originals
        lost += [case.name for path in map(graph.path, graph) if path not in fates]
    assert seen > 1500
    assert lost == []
