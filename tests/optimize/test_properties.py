"""What holds of every pass and of the whole pipeline, on random models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from onnx import ModelProto

from ocost.costmodel import cost_graph
from ocost.costmodel.device import find
from ocost.graph import Graph, from_proto, to_proto, verify
from ocost.optimize.figures import OF_NODES, Figures
from ocost.optimize.ledger import Entry, entries, residual
from ocost.optimize.pipeline import run
from ocost.optimize.plan import plan
from ocost.passes import Pass
from ocost.runtime.equivalence import check

from .steps import models

DEVICE = find("x86-server-core")
ROOM = 64 * 1024  # bytes by which a small file may grow
moderately = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],  # machines differ
)


def always(_before: Graph, _after: Graph) -> bool:
    """Everything pays."""
    return True


def every_pass() -> Sequence[Pass]:
    """Each with its defaults, and as if all of its rewrites paid, for any runtime."""
    made = list(plan().passes)
    made += [replace(one, pays=always) for one in made if "pays" in _options(one)]
    return made + [replace(one, target="ort-cpu") for one in made if "target" in _options(one)]


def _options(one: Pass) -> set[str]:
    return {f.name for f in fields(one)}


@moderately
@given(models())
def test_every_pass_keeps_its_promises(model: ModelProto) -> None:
    graph = from_proto(model)
    before = Figures.of(graph, DEVICE, None)
    for one in every_pass():
        holds(one, graph, before, model)


def holds(one: Pass, graph: Graph, before: Figures, model: ModelProto) -> None:
    """Run a pass on a copy, and check it."""
    made = graph.copy()
    outcome = one.run(made)
    assert to_proto(graph) == model, f"{one.name} changed the graph that was copied"
    if not outcome.rewrites:
        assert to_proto(made) == model, f"{one.name} changed something, but told of no rewrite"
        return
    kept(graph, made, one.name)
    assert not one.run(made.copy()).rewrites, f"{one.name} finds more in a second run"
    after = Figures.of(made, DEVICE, None)
    ledger = entries("pre", outcome.rewrites, before, after)
    left = residual(ledger, before, after)
    assert not any(left.values()), f"{one.name} hides {left}"
    recomputed(ledger, graph, made)
    # an If costs its branch of more FLOP, which may be another one afterwards, that moves more
    if not one.pays_elsewhere and "condition" not in graph.inputs:
        no_worse(before, after, one.name)


def kept(graph: Graph, made: Graph, by: str) -> None:
    """The interface and the outputs are the same, and it is a graph that can be saved."""
    verify(made)
    assert interface(made) == interface(graph), by
    assert made.outputs == graph.outputs, by
    assert {d: made.opset[d] for d in graph.opset} == dict(graph.opset), by
    again = from_proto(to_proto(made))
    verify(again)
    assert [n.id for n in again] == [n.id for n in made], f"{by}: ids change when it is saved"
    assert cost_graph(again, DEVICE).nodes == cost_graph(made, DEVICE).nodes, by
    found = check(graph, made, inputs=2)
    assert found.ok is not False, f"{by}: {found.reason}"


def interface(graph: Graph) -> list[str]:
    """What a caller may give; below IR version 4 constants are inputs too that nobody gives."""
    return [n for n in graph.inputs if n not in graph.initializers or graph.overridable(n)]


def recomputed(ledger: Sequence[Entry], graph: Graph, made: Graph) -> None:
    """Each entry is what the nodes and constants that it names cost."""
    old = {c.name: c for c in cost_graph(graph, DEVICE).nodes}
    new = {c.name: c for c in cost_graph(made, DEVICE).nodes}
    for entry in ledger:
        for figure in OF_NODES[:-1]:
            plus = sum(getattr(new[name], figure) or 0 for name in entry.added if name in new)
            minus = sum(getattr(old[name], figure) or 0 for name in entry.removed if name in old)
            assert entry.delta[figure] == plus - minus, (figure, entry)


def no_worse(before: Figures, after: Figures, by: str) -> None:
    """Not more nodes, FLOP or bytes moved, and the file is not much larger."""
    old, new = before.total(), after.total()
    assert len(after.nodes) <= len(before.nodes), f"{by} adds nodes"
    for figure in ("macs", "flops", "traffic_bytes"):
        assert new[figure] <= old[figure], f"{by} adds {figure}: {old[figure]} to {new[figure]}"
    limit = old["param_bytes"] + max(0.01 * old["param_bytes"], ROOM)
    assert new["param_bytes"] <= limit, f"{by} makes the file grow"


@moderately
@given(models(), booleans())
def test_the_pipeline_keeps_its_promises(model: ModelProto, onnxsim: bool) -> None:
    whole(from_proto(model), model, onnxsim=onnxsim)


def whole(graph: Graph, model: ModelProto, *, onnxsim: bool) -> None:
    """Run the pipeline, and check what it made."""
    chosen = plan(onnxsim=onnxsim)
    made = run(graph, chosen, DEVICE)
    assert to_proto(graph) == model
    kept(graph, made.graph, "the pipeline")
    assert not any(made.residual.values()), made.residual
    once_more = run(made.graph, chosen, DEVICE)
    assert not once_more.entries, once_more.entries
    before, after = (Figures.of(g, DEVICE, None) for g in (graph, made.graph))
    no_worse(before, after, "the pipeline")
