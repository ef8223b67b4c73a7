"""Measured times joined with costs: none is lost, none counts twice."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from onnx import parser

from ocost.costmodel import GraphCost, NodeCost
from ocost.costmodel.result import Coverage, ModelSummary, Totals
from ocost.graph import from_proto
from ocost.lineage.lineage import Executed, Lineage
from ocost.runtime.profiles import NodeTime, Profile
from ocost.runtime.timing.stopwatch import Timing
from ocost.runtime.validation.joined import Validation, validate

US = 1e-6
EXECUTED = """<ir_version: 8, opset_import: ["": 17, "com.microsoft.nchwc": 1]>
g (float[1,16,8,8] x) => (float[1,16,8,8] y) {
    [fused] a = com.microsoft.nchwc.Conv(x)
    [order] b = com.microsoft.nchwc.ReorderOutput(a)
    [pool] c = MaxPool <kernel_shape = [1, 1]> (b)
    [half] d = Relu(c)
    [lost] e = Relu(d)
    [other] y = Relu(e)
}"""
ATTRIBUTION = Lineage(
    (
        Executed("fused", "Conv", ("conv", "norm", "act"), "exact"),
        Executed("order", "ReorderOutput", ("act", "pool"), "layout"),
        Executed("pool", "MaxPool", ("pool",), "exact"),
        Executed("half", "Relu", ("pool", "tail"), "group"),
        Executed("lost", "Relu", (), "unmapped"),
        Executed("other", "Relu", ("tail",), "exact"),
    ),
    {
        "conv": "once",
        "norm": "once",
        "act": "once",
        "pool": "multi",
        "tail": "once",
        "shape": "folded",
        "gone": "missing",
    },
    {},
)
# In us: what took the time, what was predicted for it, and for the originals as written.
MEASURED = {"fused": 60, "order": 5, "pool": 20, "half": 8, "lost": 3}
PREDICTED = {"fused": 66, "order": 4, "pool": None, "half": 4, "lost": 4, "other": 7}
WRITTEN = {"conv": 30, "norm": 15, "act": 5, "pool": 9, "tail": None, "shape": 0, "gone": 1}


def cost(times: dict[str, int | None]) -> GraphCost:
    nothing = Totals(**dict.fromkeys(Totals.names()))
    nodes = tuple(
        NodeCost(
            name, "Op", "", None, 0, 0, 0, 0, 0, 0, "exact",
            latency_s=None if time is None else time * US,
            latency_low_s=None if time is None else time * US / 2,
            bound=None if time is None else "memory",
            reason="no formula" if time is None else "",
        )
        for name, time in times.items()
    )  # fmt: skip
    summary = ModelSummary("m.onnx", {"": 17}, len(nodes), {})
    return GraphCost(summary, "any", nodes, nothing, Coverage(0, 0, 0, 0, 0))


@pytest.fixture
def profile() -> Profile:
    graph = from_proto(parser.parse_model(EXECUTED))
    operators = {node.name: node.op_type for node in graph}
    times = tuple(NodeTime(name, operators[name], us * US) for name, us in MEASURED.items())
    return Profile(graph, times, Timing(96 * US, 95 * US, 98 * US, 100, False), US, 50)


@pytest.fixture
def found(profile: Profile) -> Validation:
    return validate(profile, ATTRIBUTION, cost(PREDICTED), cost(WRITTEN))


def test_nodes_are_those_that_were_executed(found: Validation) -> None:
    assert [n.executed for n in found.nodes] == list(MEASURED)
    fused, order, pool, *_ = found.nodes
    assert fused.originals == ("conv", "norm", "act")
    assert (fused.domain, fused.op_type, fused.bound) == ("com.microsoft.nchwc", "Conv", "memory")
    assert fused.miss_s == pytest.approx(6 * US)
    assert (order.status, order.predicted_low_s) == ("layout", pytest.approx(2 * US))
    assert (pool.predicted_s, pool.miss_s, pool.reason) == (None, None, "no formula")


def test_time_of_a_fused_node_is_apportioned_by_what_was_predicted(found: Validation) -> None:
    times = {node.name: node for node in found.originals}
    # 60 us by 30 : 15 : 5 of 50.
    shares = [times[name].measured_s for name in ("conv", "norm", "act")]
    assert shares == pytest.approx([36 * US, 18 * US, 6 * US])
    # 8 us in halves, since tail's share is not known; pool has 20 of its own.
    assert times["pool"].measured_s == pytest.approx(24 * US)
    assert times["tail"].measured_s == pytest.approx(4 * US)
    assert all(times[name].apportioned for name in ("conv", "norm", "act", "pool", "tail"))


def test_what_no_node_was_executed_for(found: Validation) -> None:
    times = {node.name: node for node in found.originals}
    assert (times["shape"].status, times["shape"].measured_s) == ("folded", 0)
    assert (times["gone"].status, times["gone"].measured_s) == ("missing", None)
    assert not times["shape"].apportioned


def test_a_node_of_its_own_is_not_apportioned(profile: Profile) -> None:
    alone = replace(profile, nodes=(NodeTime("pool", "MaxPool", US),))
    found = validate(alone, ATTRIBUTION, cost(PREDICTED), cost(WRITTEN))
    (pool,) = (node for node in found.originals if node.name == "pool")
    assert (pool.measured_s, pool.apportioned) == (US, False)


def test_no_time_is_lost_or_doubled(found: Validation) -> None:
    assert found.unplaced == {"layout": pytest.approx(5 * US), "unmapped": pytest.approx(3 * US)}
    placed = math.fsum(node.measured_s or 0 for node in found.originals)
    assert placed == pytest.approx(88 * US)
    assert placed + math.fsum(found.unplaced.values()) == pytest.approx(found.sum_s, rel=1e-12)
    assert found.sum_s == pytest.approx(96 * US)
    assert math.fsum(found.time_by_status.values()) == pytest.approx(found.sum_s, rel=1e-12)


def test_a_group_of_nothing_is_not_placed(profile: Profile) -> None:
    """A body that the original doesn't have is its owner's group, which may have no cover."""
    executed = (*ATTRIBUTION.executed[:-2], Executed("lost", "Relu", (), "group"))
    found = validate(
        profile, ATTRIBUTION._replace(executed=executed), cost(PREDICTED), cost(WRITTEN)
    )
    assert found.unplaced == {"layout": pytest.approx(5 * US), "group": pytest.approx(3 * US)}


def test_layout_is_charged_to_its_boundary(found: Validation) -> None:
    (boundary,) = found.boundaries
    assert (boundary.status, boundary.nodes) == ("layout", ("order",))
    assert boundary.originals == ("act", "pool")
    assert boundary.measured_s == pytest.approx(5 * US)


def test_totals(found: Validation) -> None:
    # 66 + 4 + 4 + 4 without the pool, whose cost is not known; "other" didn't run.
    assert found.predicted_s == pytest.approx(78 * US)
    assert found.predicted_low_s == pytest.approx(39 * US)
    assert found.predicted_high_s is None
    assert [node.executed for node in found.unpredicted] == ["pool"]
    assert found.idle == ("other",)
    # |66 - 60| + |4 - 5| + |4 - 8| + |4 - 3| over 60 + 5 + 8 + 3
    assert found.accuracy.weighted_error == pytest.approx(12 / 76)


def test_attribution(found: Validation) -> None:
    assert (len(found.nodes), found.mapped) == (5, 4)
    assert found.time_mapped_fraction == pytest.approx(93 / 96)
    assert found.originals_covered_fraction == pytest.approx(6 / 7)


def test_nodes_must_add_up_to_the_latency(profile: Profile, found: Validation) -> None:
    assert found.adds_up
    slower = replace(profile, latency=Timing(100 * US, 97 * US, 104 * US, 100, False))
    assert not validate(slower, ATTRIBUTION, cost(PREDICTED), cost(WRITTEN)).adds_up


def test_a_node_of_a_branch_that_the_estimate_leaves_out(profile: Profile) -> None:
    costs = {name: time for name, time in PREDICTED.items() if name != "half"}
    found = validate(profile, ATTRIBUTION, cost(costs), cost(WRITTEN))
    half = found.nodes[3]
    assert half.predicted_s is None
    assert "another branch" in half.reason


def test_nothing_predicted_has_no_sum(profile: Profile) -> None:
    found = validate(profile, ATTRIBUTION, cost(dict.fromkeys(PREDICTED)), cost(WRITTEN))
    assert (found.predicted_s, found.predicted_low_s, found.predicted_high_s) == (None, None, None)
    assert found.accuracy.weighted_error is None
