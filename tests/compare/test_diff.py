"""What a diff adds up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ocost.compare import diff as module
from ocost.compare import diff_graphs
from ocost.compare.result import Pair
from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.costmodel.result import Totals
from ocost.graph import Graph, load
from ocost.passes import passes

DEVICE = find("x86-server-core")


def folded(graph: Graph) -> Graph:
    """A graph with its BatchNormalizations folded."""
    made = graph.copy()
    passes()["fold-batchnorm"]().run(made)
    return made


def test_a_graph_against_itself_changes_nothing() -> None:
    graph = load("@odd_channels")
    diff = diff_graphs(graph, graph, DEVICE)
    assert {getattr(diff.levels["written"].delta, name) for name in Totals.names()} <= {0, None}
    assert all(p.before == p.after for p in diff.pairs)


def test_node_changes_add_up_to_the_change_of_the_totals() -> None:
    before = load("@mobilenet_v2")
    diff = diff_graphs(before, folded(before), DEVICE)
    for figure in ("macs", "flops", "read_bytes", "write_bytes", "traffic_bytes"):
        change = sum(
            (getattr(p.after, figure) if p.after else 0)
            - (getattr(p.before, figure) if p.before else 0)
            for p in diff.pairs
        )
        assert change == getattr(diff.levels["written"].delta, figure)
        if figure in ("flops", "traffic_bytes"):
            by_type = [getattr(t, figure) for t in diff.op_types]
            assert sum(b - a for a, b in by_type) == change
    # Folding 52 BatchNormalizations saves 2 FLOP an element and their traffic, and adds a bias:
    # MACs stay.
    assert diff.levels["written"].delta.macs == 0
    assert diff.levels["written"].delta.flops is not None
    assert diff.levels["written"].delta.flops < 0
    counts = {t.op_type: t.count for t in diff.op_types}
    assert counts["BatchNormalization"] == (52, 0)
    assert counts["Conv"] == (52, 52)


def test_what_the_runtime_does_by_itself_is_no_net_saving() -> None:
    graph = load("@mobilenet_v2")
    diff = diff_graphs(graph, folded(graph), DEVICE)
    written, executed = diff.levels["written"], diff.levels["executed"]
    assert written.delta.traffic_bytes is not None
    assert written.delta.traffic_bytes < 0
    assert executed.delta.traffic_bytes == 0
    assert executed.before.totals.latency_s == executed.after.totals.latency_s
    assert {node.estimator for node in executed.before.nodes} == {"roofline"}


def test_a_runtime_without_rules_is_taken_for_an_ideal_one() -> None:
    diff = diff_graphs(load("@odd_channels"), load("@odd_channels"), find("nvidia-t4"))
    assert list(diff.levels) == ["written", "executed"]
    assert diff.levels["executed"].before.totals == diff.levels["executed"].after.totals
    for cost in (diff.before, diff.after):
        assert "'ideal'" in cost.notes[0]


def test_a_rule_that_fails_is_told_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("body")

    monkeypatch.setattr(module, "lowered_cost", fail)
    graph = load("@odd_channels")
    diff = diff_graphs(graph, graph, DEVICE)
    assert list(diff.levels) == ["written"]
    assert diff.before.notes[-1] == (
        "what the runtime executes is not known, by a fault of ocost's own that is worth a report "
        "(KeyError: 'body')"
    )


def test_an_unknown_figure_has_no_change() -> None:
    cost = cost_graph(load("@odd_channels"), DEVICE)
    totals = cost.totals
    fields = {name: getattr(totals, name) for name in Totals.names()}
    unknown = Totals(**{**fields, "peak_bytes": None})
    pair = Pair(cost, replace(cost, totals=unknown))
    assert pair.delta.peak_bytes is None
    assert pair.delta.flops == 0


def test_latency_of_a_removed_node_shows() -> None:
    before = load("@resnet18")
    diff = diff_graphs(before, folded(before), DEVICE)
    removed = [p for p in diff.pairs if p.after is None]
    assert {p.op_type for p in removed} == {"BatchNormalization"}
    saved = sum(p.before.latency_s or 0.0 for p in removed if p.before)
    assert diff.levels["written"].delta.latency_s is not None
    assert -diff.levels["written"].delta.latency_s == pytest.approx(saved, rel=0.05)
