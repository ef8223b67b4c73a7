"""The ledger adds up, and whoever costs the nodes that an entry names finds its figures."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import parser

from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.graph import Graph, Tensor, from_proto, load
from ocost.ledger.entries import entries, residual
from ocost.ledger.figures import OF_NODES, Figures
from ocost.optimize.pipeline import Plan, run
from ocost.optimize.plan import plan
from ocost.rewrite.rewriting import Change, Rewrite

from ..optimize.conftest import DropRelus, MergeSums, sums

DEVICE = find("x86-server-core")


def test_rewrites_that_build_on_one_another_share_an_entry() -> None:
    graph = sums()
    before = Figures.of(graph, DEVICE, None)
    rewrites = MergeSums().run(graph).rewrites
    after = Figures.of(graph, DEVICE, None)
    assert len(rewrites) == 2
    (entry,) = entries("pre", rewrites, before, after)
    assert set(entry.removed) == {"a", "b", "c"}
    assert entry.added == ("c",)
    assert set(entry.dropped) == {"one", "two", "three"}
    assert len(entry.stored) == 1
    # Two Adds of 2 x 8 elements less; each reads 64 bytes and a scalar of 4, and writes 64.
    assert entry.deltas["written"]["flops"] == -2 * 16
    assert entry.deltas["written"]["read_bytes"] == -2 * (64 + 4)
    assert entry.deltas["written"]["write_bytes"] == -2 * 64
    assert entry.deltas["written"]["traffic_bytes"] == -2 * 132
    assert entry.deltas["written"]["param_bytes"] == -2 * 4
    assert entry.deltas["written"]["params"] == 0  # scalars are none
    assert not any(residual([entry], before, after).values())


def test_what_no_entry_names_is_the_residual() -> None:
    graph = sums()
    before = Figures.of(graph, DEVICE, None)
    rewrites = DropRelus().run(graph).rewrites
    after = Figures.of(graph, DEVICE, None)
    left = residual(entries("pre", [], before, after), before, after)
    assert left["flops"] == -16
    unrelated = Rewrite("drop-relus", "", Change((), ()))
    assert residual(entries("pre", [unrelated], before, after), before, after)["flops"] == -16
    assert not any(residual(entries("pre", rewrites, before, after), before, after).values())


@pytest.mark.parametrize("sample", ["@repvgg_a0", "@shufflenet_v2", "@silero_vad", "@gpt2_4l"])
def test_the_entries_sum_to_the_difference(sample: str) -> None:
    graph = load(sample)
    made = run(graph, plan(onnxsim=sample != "@gpt2_4l"), DEVICE)
    assert not any(made.residual.values()), made.residual
    old, new = (cost_graph(g, DEVICE).totals for g in (graph, made.graph))
    for figure in ("macs", "flops", "traffic_bytes", "params", "param_bytes"):
        change = getattr(new, figure) - getattr(old, figure)
        assert sum(e.deltas["written"][figure] for e in made.entries) == change


@pytest.mark.parametrize("sample", ["@repvgg_a0", "@shufflenet_v2"])
def test_an_entry_is_recomputed_from_the_nodes_that_it_names(sample: str) -> None:
    """In a pipeline of one pass, where both graphs are at hand."""
    for one in plan(onnxsim=False).passes:
        graph = load(sample)
        made = run(graph, Plan((one,), onnxsim=False), DEVICE)
        if len({e.stage for e in made.entries}) > 1:
            continue  # its second run starts from what the first one made
        old = {c.name: c for c in cost_graph(graph, DEVICE).nodes}
        new = {c.name: c for c in cost_graph(made.graph, DEVICE).nodes}
        for entry in made.entries:
            for figure in OF_NODES[:-1]:
                plus = sum(getattr(new[n], figure) for n in entry.added)
                minus = sum(getattr(old[n], figure) for n in entry.removed)
                assert entry.deltas["written"][figure] == plus - minus, (one.name, entry)


def branching(condition: str) -> Graph:
    """An If: two ReLUs of 8 elements, or one and an Abs."""
    return from_proto(
        parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 17]>
g (bool c, float[8] x) => (float[8] y) <bool always = {{1}}> {{
    y = If ({condition}) <
        then_branch = t () => (float[8] b) {{ a = Relu (x)  b = Relu (a) }},
        else_branch = e () => (float[8] d) {{ k = Abs (x)  d = Relu (k) }}>
}}""")
    )


def test_what_goes_with_an_if() -> None:
    """Its taken branch is costed under other names before: two ReLUs of 8 FLOP either way."""
    graph = branching("always")
    made = run(graph, plan(only=["inline-constant-if"], onnxsim=False), DEVICE)
    (entry,) = made.entries
    assert set(entry.removed) == {"y", "y/then_branch/a", "y/then_branch/b"}
    assert entry.deltas["written"]["flops"] == 0
    assert not any(made.residual.values())


def test_an_if_that_costs_its_other_branch_from_then_on() -> None:
    """Of the branches, equal at first, the one that is left as it was is the larger one."""
    graph = branching("c")
    made = run(graph, Plan((DropRelus(),), onnxsim=False), DEVICE)
    (entry,) = made.entries
    assert set(entry.removed) == {"y/then_branch/a", "y/then_branch/b"}
    assert set(entry.added) == {"y/then_branch/b", "y/else_branch/k", "y/else_branch/d"}
    assert entry.deltas["written"]["flops"] == 0
    assert not any(made.residual.values())


def test_a_constant_that_counts_since_what_it_is_joined_with_is_constant() -> None:
    """The 30 elements of k stand in a weight slot once all 32 of c are constant."""
    graph = from_proto(
        parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
g (float[1, 32] x) => (float[1, 32] y) {
    s = Shape (x)
    f = Cast <to = 1> (s)
    c = Concat <axis = 0> (k, f)
    y = Add (x, c)
}""")
    )
    graph.set_initializer(Tensor.from_array("k", np.ones(30, np.float32)))
    made = run(graph, plan(only=["fold-shape-chains"], onnxsim=False), DEVICE)
    (entry,) = made.entries
    assert set(entry.removed) == {"s", "f"}
    assert entry.deltas["written"]["params"] == 32
    assert not any(made.residual.values())
