"""What nearly matched: told with a fix, whose saving is what the fix made by hand saves."""

from __future__ import annotations

import base64
from collections import Counter

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto

from ocost.costmodel.catalogue import find
from ocost.graph import Graph, from_proto
from ocost.graph.errors import DataError
from ocost.passes.lowering import Target, lower
from ocost.passes.lowering.costed import LoweredCost, lowered_cost

from ...conftest import Optimise
from .near_cases import cases
from .near_made import Case, Made
from .test_cases import cases as table

DEVICE = find("x86-server-core")
CASES = pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)


def costed(graph: Graph) -> LoweredCost:
    found = lowered_cost(graph, DEVICE)
    assert found is not None
    return found


def operators(graph: Graph) -> Counter[str]:
    return Counter(f"{n.domain}:{n.op_type}" for n in graph)


@CASES
def test_what_nearly_matched_is_told(case: Case) -> None:
    found = costed(case.blocked.graph()).cost.blockers()
    (blocker,) = (b for b in found if (b.rule, b.kind) == (case.rule, case.kind))
    assert case.reason in blocker.reason
    assert case.fix in blocker.fix
    assert {b.rule for b in found} <= {case.rule, *case.others}


@CASES
def test_the_fix_saves_what_was_said(case: Case) -> None:
    blocked, fixed = costed(case.blocked.graph()).cost, costed(case.fixed.graph()).cost
    (blocker,) = (b for b in blocked.blockers() if (b.rule, b.kind) == (case.rule, case.kind))
    saving, before, after = blocker.saving, blocked.totals, fixed.totals
    assert saving is not None
    assert saving.nodes == len(blocked.nodes) - len(fixed.nodes)
    # a scalar may be shared or not
    assert saving.traffic_bytes == pytest.approx(before.traffic_bytes - after.traffic_bytes, abs=8)
    assert saving.latency_s == pytest.approx(before.latency_s - after.latency_s, rel=1e-3)
    assert (case.rule, case.kind) not in {(b.rule, b.kind) for b in fixed.blockers()}


def by_rules(graph: Graph) -> Counter[str]:
    version = tuple(map(int, onnxruntime.__version__.split(".")[:2]))
    block = find("host").channel_block
    return operators(lower(graph, Target(version=(version[0], version[1]), block=block)).graph)


@CASES
def test_the_runtime_makes_it_of_the_fixed_graph_alone(case: Case, optimised: Optimise) -> None:
    blocked, fixed = case.blocked.graph(), case.fixed.graph()
    ran = operators(optimised(blocked)), operators(optimised(fixed))
    assert ran[0] != ran[1]
    assert ran == (by_rules(blocked), by_rules(fixed))


def test_what_the_runtime_shares_again_is_told_so() -> None:
    graph = Made(
        "(float16[1,32,16,16] x) => (float16[1,32,16,16] y) { c = Conv (x, w) "
        "d = Clip (c, , h) e = Conv (d, w) f = Clip (e, , h) y = Sqrt (f) }",
        {"w": np.ones((32, 32, 1, 1), np.float16), "h": np.float16(6).reshape(())},
    ).graph()
    found = {b.fix: b for b in costed(graph).cost.blockers()}
    off = "store 'h' once for each node that reads it and switch ConstantSharing off"
    (blocker,) = (b for fix, b in found.items() if fix.startswith(off))
    assert {"d", "f"} <= set(blocker.nodes)
    assert blocker.saving is not None
    assert blocker.saving.latency_s > 0


def test_of_every_tiny_graph_all_are_told_with_a_fix() -> None:
    told = 0
    for case in table():
        graph = from_proto(ModelProto.FromString(base64.b64decode(case["model"])))
        try:
            found = costed(graph).cost.blockers()
        except DataError:  # its costs ask for contents, and the table has none
            continue
        told += len(found)
        known = {scope.path(node) for scope, node in graph.walk()}
        for blocker in found:
            assert blocker.reason
            assert blocker.fix
            assert known.issuperset(blocker.nodes)
    assert told > 90
