"""Whole graphs against what other builds of onnxruntime saved of them: releases, blocks of 8.

``bench/lowering_saved.py`` makes the table; graphs are kept without their weights.
"""

from __future__ import annotations

import base64
import gzip
import json
import statistics
from collections import Counter
from collections.abc import Hashable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from onnx import ModelProto

from ocost.costmodel.catalogue import find
from ocost.costmodel.executed import executed_cost
from ocost.graph import Graph, from_proto
from ocost.lineage.attribution import Attribution, attribute
from ocost.passes.lowering import Target, lower

DEVICE = find("x86-server-core")
_BETWEEN = ("layout", "const", "empty", "unmapped")


@cache
def kept() -> dict[str, Any]:
    path = Path(__file__).with_name("saved.json.gz")
    found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def unpacked(text: str) -> Graph:
    return from_proto(ModelProto.FromString(gzip.decompress(base64.b64decode(text))))


def entries(graph: Graph, lineage: Attribution) -> Counter[Hashable]:
    """What is compared of every executed node."""
    nodes = {scope.path(node): (scope, node) for scope, node in graph.walk()}
    found: Counter[Hashable] = Counter()
    for executed in lineage.executed:
        scope, node = nodes[executed.name]
        covers = () if executed.status in _BETWEEN else tuple(sorted(executed.originals))
        weights = (
            scope.constant(node.inputs[1])
            if node.domain.endswith("nchwc") and len(node.inputs) > 1
            else None
        )
        shape = () if weights is None else weights.shape
        activation = node.string("activation", "")
        inputs = sum(map(bool, node.inputs))
        found[node.domain, node.op_type, covers, activation, inputs, shape] += 1
    return found


def compared(name: str, key: str) -> tuple[float, float]:
    """The share of executed nodes that agree, and the traffic by rules over that of the graph."""
    version, _, block = key.partition("/")
    major, minor = map(int, version.split("."))
    graph, saved = unpacked(kept()["graphs"][name]), unpacked(kept()["saved"][key][name])
    lowered = lower(graph, Target(version=(major, minor), block=int(block or 16)))
    lineage = attribute(graph, saved)
    ran, said = entries(saved, lineage), entries(lowered.graph, lowered.lineage)
    share = (ran & said).total() / max(ran.total(), said.total())
    rules = executed_cost(
        graph, lowered.graph, lowered.lineage, DEVICE, channels=lowered.blocked
    ).totals.traffic_bytes
    traffic = executed_cost(graph, saved, lineage, DEVICE).totals.traffic_bytes
    assert rules is not None
    assert traffic
    return share, rules / traffic


@pytest.mark.parametrize("key", ["1.32/8", "1.24", "1.32"])
def test_twenty_graphs_agree(key: str) -> None:
    found = {name: compared(name, key) for name in kept()["saved"][key]}
    assert len(found) == 20
    shares = [share for share, _ in found.values()]
    assert statistics.median(shares) >= 0.97
    assert min(shares) >= 0.9, found
    far = [name for name, (_, ratio) in found.items() if abs(ratio - 1) > 0.02]
    assert len(far) <= 1, found


def test_the_columns_differ_where_it_is_said() -> None:
    """A test of versions on graphs that are the same in both would show nothing."""

    def operators(key: str, name: str) -> Counter[tuple[str, str]]:
        graph = unpacked(kept()["saved"][key][name])
        return Counter((n.domain, n.op_type) for n in graph)

    names = kept()["saved"]["1.24"]
    unlike = [name for name in names if operators("1.24", name) != operators("1.32", name)]
    assert len(unlike) >= 5
