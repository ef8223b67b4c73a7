"""Every operator of onnx's own tests is lowered and costed, whatever there is no rule for."""

from __future__ import annotations

from typing import Any

import pytest

from ocost.costmodel.catalogue import find
from ocost.graph import OcostError, from_proto
from ocost.passes.lowering.costed import lowered_cost


@pytest.mark.parametrize(
    ("name", "every"), [("x86-server-core", 1), ("cortex-a78", 3), ("nvidia-h100", 3)]
)
def test_every_node_of_the_backend_suite(name: str, every: int, onnx_node_cases: list[Any]) -> None:
    device, lost, seen = find(name), [], 0
    for case in onnx_node_cases[::every]:
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
    assert seen > 1500 // every
    assert lost == []
