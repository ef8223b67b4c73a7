"""Passes for tests, some of them wrong, and models for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from onnx import parser

from ocost.graph import Graph, from_proto
from ocost.graph.shapes import Shapes
from ocost.rewrite.edit import Edit
from ocost.rewrite.pattern import Match, const, op, var
from ocost.rewrite.rewriting import Change, Outcome, Pass, PatternRule, Rewrite
from ocost.rewrite.scope import Admission

# x - 1 + 0.5 + 0.25, and two ReLUs.
TEXT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[2, 8] x) => (float[2, 8] y)
<float one = {-1.0}, float two = {0.5}, float three = {0.25}> {
    a = Add (x, one)
    b = Add (a, two)
    c = Add (b, three)
    r = Relu (c)
    y = Relu (r)
}"""


def sums() -> Graph:
    """The graph above."""
    return from_proto(parser.parse_model(TEXT))


def identities() -> Graph:
    """Two Identity nodes in a row, then a Neg."""
    return from_proto(
        parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
g (float[2, 8] x) => (float[2, 8] y) {
    a = Identity (x)
    b = Identity (a)
    y = Neg (b)
}""")
    )


@dataclass(frozen=True)
class MergeSums(Pass):
    """(x + a) + b is x + (a + b); ``off`` makes it wrong by that much."""

    name: ClassVar[str] = "merge-sums"
    off: float = 0.0

    def rules(self) -> Sequence[PatternRule]:
        return [
            PatternRule(
                op("Add", op("Add", var("x"), const("a")), const("b"), name="last"), self.merge
            )
        ]

    def merge(self, m: Match, edit: Edit) -> str:
        a, b = m.scope.value(m.tensor("a")), m.scope.value(m.tensor("b"))
        assert a is not None
        assert b is not None
        total = edit.constant(np.asarray(a + b + self.off, np.float32), "total")
        edit.add("Add", [m.tensor("x"), total], m["last"].outputs[0])
        return "two sums are one"


@dataclass(frozen=True)
class DropRelus(Pass):
    """Relu of Relu is one; ``first`` takes every Relu for an identity, which is wrong."""

    name: ClassVar[str] = "drop-relus"
    first: bool = False

    def rules(self) -> Sequence[PatternRule]:
        inner = var("x") if self.first else op("Relu", var("x"), name="inner", shared=True)
        return [PatternRule(op("Relu", inner, name="outer"), self.drop)]

    def drop(self, m: Match, edit: Edit) -> str:
        if not self.first:
            edit.keep(m["inner"])
        edit.bypass(m["outer"].outputs[0], m["outer"].inputs[0])
        return "Relu is idempotent"


@dataclass(frozen=True)
class Bloat(Pass):
    """Makes a graph worse: an Identity before every Relu, once."""

    name: ClassVar[str] = "bloat"

    def rules(self) -> Sequence[PatternRule]:
        return [
            PatternRule(
                op("Relu", op("Add", var("x"), var("z"), name="add"), name="relu"), self.add
            )
        ]

    def add(self, m: Match, edit: Edit) -> str:
        edit.keep(m["add"])
        between = edit.add("Identity", [m["add"].outputs[0]])
        edit.add("Relu", [between], m["relu"].outputs[0])
        return "more is more"


@dataclass(frozen=True)
class Throws(Pass):
    """Changes the graph, then looks where nothing is."""

    name: ClassVar[str] = "throws"

    def rules(self) -> Sequence[PatternRule]:
        return [PatternRule(op("Relu", var("x"), name="relu"), self.fail)]

    def fail(self, m: Match, _edit: Edit) -> str:
        m.scope.graph.rewire(m["relu"].outputs[0], "x")
        return m["relu"].inputs[7]


@dataclass(frozen=True)
class Corrupts(Pass):
    """Leaves a graph that is broken, or has an output of another type, rank or name."""

    name: ClassVar[str] = "corrupts"
    how: str = "reads"

    def rules(self) -> Sequence[PatternRule]:
        return [
            PatternRule(op("Relu", op("Relu", var("x"), name="inner"), name="relu"), self.spoil)
        ]

    def spoil(self, m: Match, edit: Edit) -> str:
        edit.keep(m["inner"])
        middle, last = m["relu"].inputs[0], m["relu"].outputs[0]
        if self.how == "type":
            edit.add("Cast", [middle], last, to=11)
        elif self.how == "rank":
            axes = edit.constant(np.array([0], np.int64), "axes")
            edit.add("Unsqueeze", [middle, axes], last)
        elif self.how == "reads":
            edit.add("Relu", ["nobody made me"], last)
        else:
            edit.keep(m["relu"])
            m.scope.graph.set_interface(m.scope.graph.inputs, [middle])
            edit.constant(np.zeros(1, np.float32), "changed")
        return "spoilt"


@dataclass(frozen=True)
class Smuggles(Pass):
    """Rewrites without asking the gate, so that nobody could leave it out."""

    name: ClassVar[str] = "smuggles"

    def run(
        self, graph: Graph, gate: Admission | None = None, proof: Shapes | None = None
    ) -> Outcome:
        node = next(node for node in graph if node.op_type == "Relu")
        graph.remove_node(node.id)
        graph.add_node(replace(node, op_type="Abs"))
        path = (graph.path(node),)
        return Outcome([Rewrite(self.name, "smuggled", Change(path, path))])


@dataclass(frozen=True)
class Swap(Pass):
    """Puts another operator in the place of each of a kind."""

    name: ClassVar[str] = "swap"
    old: str = "Relu"
    new: str = "Abs"

    def rules(self) -> Sequence[PatternRule]:
        return [PatternRule(op(self.old, var("x"), name="one"), self.swap)]

    def swap(self, m: Match, edit: Edit) -> str:
        edit.change(m["one"], op_type=self.new)
        return "one for another"
