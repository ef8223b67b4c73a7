"""What holds of every pass and of the whole pipeline, on random models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from onnx import ModelProto

from ocost.compare import diff_graphs
from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.graph import Graph, from_proto, to_proto, verify
from ocost.graph.shapes import Given, infer
from ocost.ledger.entries import LedgerEntry, entries, residual
from ocost.ledger.executed import Ledger
from ocost.ledger.figures import OF_NODES, Figures
from ocost.optimize.bisect import proven
from ocost.optimize.pipeline import ONNXSIM, run
from ocost.optimize.plan import plan
from ocost.optimize.proof import Regional, assume_finite
from ocost.passes import passes
from ocost.rewrite.rewriting import Pass
from ocost.rewrite.scope import Admission
from ocost.runtime.equality.equivalence import Equivalence, check

from .random_models import OPEN, models

DEVICE = find("x86-server-core")
ROOM = 64 * 1024  # bytes by which a small file may grow
moderately = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],  # machines differ
)


@dataclass
class Case:
    """A model before it is optimised, its file, and the sizes of its open dims."""

    graph: Graph
    model: ModelProto
    given: Given

    @classmethod
    def of(cls, model: ModelProto) -> Case:
        graph = from_proto(model)
        return cls(graph, model, Given(dims={s: OPEN[s][1] for s in infer(graph).assumed}))

    def figures(self, graph: Graph) -> Figures:
        return Figures.of(graph, DEVICE, self.given)

    def check(self, made: Graph, by: Iterable[str]) -> Equivalence:
        """Compare what passes made of it with the model."""
        return check(self.graph, made, given=self.given, finite=assume_finite(by))


def every_pass() -> Iterator[Pass]:
    """Each with its defaults, and as if all of its rewrites paid, for any runtime."""
    for one in plan().passes:
        yield one
        options = {f.name for f in fields(one)}
        if "pays" in options:
            yield replace(one, pays=always)
        if "target" in options:
            yield replace(one, target="ort-cpu")


def always(_before: Graph, _after: Graph) -> bool:
    """Everything pays."""
    return True


def test_every_pass_keeps_its_promises() -> None:
    found: set[str] = set()

    @moderately
    @given(models())
    def on_random_models(model: ModelProto) -> None:
        case = Case.of(model)
        found.update(one.name for one in every_pass() if alone(one, case))

    on_random_models()
    assert len(found) > 0.75 * len(passes()), f"nothing for {passes().keys() - found}"


def alone(one: Pass, case: Case) -> bool:
    """Run a pass on a copy, and check it; answers whether it found anything."""
    made = case.graph.copy()
    outcome = one.run(made)
    assert to_proto(case.graph) == case.model, f"{one.name} changed the graph that was copied"
    if not outcome.rewrites:
        assert to_proto(made) == case.model, f"{one.name} changed something, but told nothing"
        return False
    whole(case, made, one.name, [one.name])
    assert not one.run(made.copy()).rewrites, f"{one.name} finds more in a second run"
    before, after = case.figures(case.graph), case.figures(made)
    ledger = entries("pre", outcome.rewrites, before, after)
    left = residual(ledger, before, after)
    assert not any(left.values()), f"{one.name} hides {left}"
    as_executed(case, made, ledger, one.name)
    recomputed(ledger, case, made)
    # an If costs its branch of more FLOP, which may be another one afterwards, that moves more
    if not one.pays_elsewhere and "condition" not in case.graph.inputs:
        no_worse(case, made, one.name)
    return True


def whole(case: Case, made: Graph, by: str, names: Sequence[str]) -> None:
    """The interface and the outputs are the same, and it is a graph that can be saved."""
    verify(made)
    assert interface(made) == interface(case.graph), by
    assert made.outputs == case.graph.outputs, by
    assert {domain: made.opset[domain] for domain in case.graph.opset} == case.graph.opset, by
    again = from_proto(to_proto(made))
    verify(again)
    assert [n.id for n in again] == [n.id for n in made], f"{by}: ids change when it is saved"
    costs = (cost_graph(g, DEVICE, given=case.given).nodes for g in (made, again))
    assert next(costs) == next(costs), f"{by}: costs change when it is saved"
    found = case.check(made, names)
    assert found.ok is not False, f"{by}: {found.reason}"


def interface(graph: Graph) -> list[str]:
    """What a caller may give; below IR version 4 constants are inputs too that nobody gives."""
    return [n for n in graph.inputs if n not in graph.initializers or graph.overridable(n)]


def recomputed(ledger: Sequence[LedgerEntry], case: Case, made: Graph) -> None:
    """Each entry is what the nodes that it names cost."""
    graphs = (case.graph, made)
    old, new = ({c.name: c for c in cost_graph(g, DEVICE, given=case.given).nodes} for g in graphs)
    for entry in ledger:
        for figure in OF_NODES[:-1]:
            plus = sum(getattr(new[name], figure) or 0 for name in entry.added if name in new)
            minus = sum(getattr(old[name], figure) or 0 for name in entry.removed if name in old)
            assert entry.deltas["written"][figure] == plus - minus, (figure, entry)


def as_executed(case: Case, made: Graph, ledger: Sequence[LedgerEntry], by: str) -> None:
    """The ledger sums as executed too, and each entry is known there or with others."""
    diff = diff_graphs(
        case.graph, made, DEVICE, case.given, ledger=Ledger(tuple(ledger), (), {"written": {}})
    )
    left = diff.ledger.residual["executed"]
    assert not any(left.values()), f"{by} hides {left} of what is executed"
    assert all(("executed" in e.deltas) != bool(e.joint) for e in diff.rewrites), by


def no_worse(case: Case, made: Graph, by: str) -> None:
    """Not more nodes, FLOP or bytes moved, and the file is not much larger."""
    before, after = case.figures(case.graph), case.figures(made)
    assert len(after.nodes) <= len(before.nodes), f"{by} adds nodes"
    old, new = before.total(), after.total()
    for figure in ("macs", "flops", "traffic_bytes"):
        assert new[figure] <= old[figure], f"{by} adds {figure}: {old[figure]} to {new[figure]}"
    size = case.model.ByteSize()
    assert to_proto(made).ByteSize() <= size + max(0.01 * size, ROOM), f"{by}: the file grows"


@moderately
@given(models(), booleans())
def test_the_pipeline_keeps_its_promises(model: ModelProto, onnxsim: bool) -> None:
    pipeline(Case.of(model), onnxsim=onnxsim)


def pipeline(case: Case, *, onnxsim: bool) -> None:
    """Run all passes, and check what they made; onnxsim may be wrong, and is left out then."""
    chosen = plan(onnxsim=onnxsim)
    found = proven(
        lambda gate, watch: run(case.graph, chosen, DEVICE, case.given, gate, watch),
        lambda made: case.check(made.graph, [mark.by for mark in made.marks]),
        Regional(case.given, 60),
    )
    made = found.made
    assert to_proto(case.graph) == case.model
    assert not {key for key in found.broken if not key.startswith(ONNXSIM)}, found.broken
    assert onnxsim or not found.broken
    whole(case, made.graph, "the pipeline", [mark.by for mark in made.marks])
    assert not any(made.residual.values()), made.residual
    as_executed(case, made.graph, made.entries, "the pipeline")
    no_worse(case, made.graph, "the pipeline")
    again = run(made.graph, chosen, DEVICE, case.given, Admission(barred=found.barred))
    assert not again.entries, again.entries
