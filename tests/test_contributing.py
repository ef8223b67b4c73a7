"""What docs/contributing.md says that an addition takes, done as a stranger would do it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from onnx import parser

import ocost
from ocost.costmodel import work as formulas
from ocost.costmodel.catalogue import find
from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.work import Call, formula
from ocost.graph import Graph, from_proto
from ocost.graph.shapes import info
from ocost.graph.shapes.info import Info, ShapeCall, shape_rule
from ocost.optimize import optimize_graph
from ocost.optimize.plan import plan
from ocost.passes import passes as known_passes
from ocost.passes import registry
from ocost.passes.lowering import targets
from ocost.passes.lowering.costed import lowered_cost
from ocost.passes.lowering.ideal.pipeline import activations
from ocost.passes.lowering.node import WorkNode
from ocost.passes.lowering.onnxruntime_cpu import pipeline
from ocost.passes.lowering.rule import LoweringRule
from ocost.passes.lowering.target import Runtime
from ocost.passes.lowering.work import Work
from ocost.rewrite.edit import Edit
from ocost.rewrite.pattern import Match, op, var
from ocost.rewrite.rewriting import Pass, PatternRule

ROOT = Path(ocost.__file__).parent
CORE = find("x86-server-core")


def model(body: str) -> Graph:
    """A graph of [2, 8] floats from x to y."""
    header = '<ir_version: 8, opset_import: ["" : 17, "own" : 1]>'
    return from_proto(
        parser.parse_model(f"{header} g (float[2,8] x) => (float[2,8] y) {{ {body} }}")
    )


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers is gone after it."""
    monkeypatch.setattr(formulas, "_RULES", dict(formulas.rules()))
    monkeypatch.setattr(info, "_RULES", dict(info._RULES))
    formulas.rules.cache_clear()
    yield
    formulas.rules.cache_clear()


@pytest.mark.usefixtures("restored")
def test_an_operator() -> None:
    graph = model("y = own.Twist (x)")
    assert ocost.cost(graph).coverage.unknown

    @shape_rule("Twist", domain="own")
    def shapes(call: ShapeCall) -> Sequence[Info | None]:
        return [call.input(0)]

    @formula("Twist", domain="own")
    def twist(call: Call) -> formulas.Work:
        """Three an element."""
        return formulas.Work(KernelKind.ELEMENTWISE, flops=3 * call.output().size)

    cost = ocost.cost(graph)
    assert not cost.coverage.unknown
    assert cost.totals.flops == 3 * 16


@dataclass(frozen=True)
class DropTwice(Pass):
    """``Neg(Neg(x))`` -> ``x``."""

    name: ClassVar[str] = "drop-twice"

    def rules(self) -> Sequence[PatternRule]:
        """The one."""
        return [PatternRule(op("Neg", op("Neg", var("x")), name="last"), _drop)]


def _drop(m: Match, edit: Edit) -> str:
    edit.bypass(m["last"].outputs[0], m.tensor("x"))
    return "two Neg cancel"


def test_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PASSES", (*registry.PASSES, DropTwice))
    known_passes.cache_clear()
    try:
        graph = model("a = Neg (x) b = Neg (a) y = Exp (b)")
        made = optimize_graph(graph, plan(only=["drop-twice"], onnxsim=False), CORE)
    finally:
        known_passes.cache_clear()
    assert [node.op_type for node in made.graph] == ["Exp"]
    assert made.diff.equivalence is not None
    assert made.diff.equivalence.ok


def test_a_lowering_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = model("a = Neg (x) y = Exp (a)")

    def fuse(work: Work, node: WorkNode) -> bool:
        reader = work.next(node, "Exp")
        if reader is None:
            return False
        work.replace([node, reader], "NegExp", node.inputs, reader.outputs, domain="own")
        return True

    before = lowered_cost(graph, CORE).lowered.graph
    monkeypatch.setattr(
        pipeline, "BASIC", (*pipeline.BASIC, LoweringRule("NegExp", ("Neg",), fuse))
    )
    after = lowered_cost(graph, CORE).lowered
    assert ([n.op_type for n in before], [n.op_type for n in after.graph]) == (
        ["Neg", "Exp"],
        ["NegExp"],
    )
    (executed,) = after.lineage.executed
    assert len(executed.originals) == 2


def test_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(work: Work) -> None:
        nodes = work.order()
        work.fuse(nodes, "Everything")

    own = Runtime("own", run, activations, fixed=True)
    monkeypatch.setitem(targets.RUNTIMES, "own", lambda: own)
    graph, device = model("a = Neg (x) y = Exp (a)"), replace(CORE, runtime="own")
    (node,) = lowered_cost(graph, device).cost.nodes
    assert node.op_type == "Everything"
    assert node.flops == ocost.cost(graph).totals.flops
    assert (node.read_bytes, node.write_bytes) == (64, 64)


def test_a_device(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    text = (ROOT / "costmodel" / "devices" / "x86-server-core.toml").read_text(encoding="utf-8")
    file.write_text(text.replace('"x86-server-core"', '"mine"', 1), encoding="utf-8")
    graph = model("y = Exp (x)")
    assert find(file).name == "mine"
    assert ocost.cost(graph, file).totals == ocost.cost(graph).totals
