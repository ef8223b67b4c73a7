"""An If whose condition is the same in every run becomes the branch that is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from onnx import TensorProto

from ..graph import Graph, Node
from .constants import named
from .edit import Edit
from .pattern import Match, node
from .rewriting import Pass, Rule
from .scope import Refused


@dataclass(frozen=True)
class InlineConstantIf(Pass):
    """Put the nodes of the branch that is always taken in the If's place, under new names.

    Refuses a branch whose nodes have bodies of their own.
    """

    name: ClassVar[str] = "inline-constant-if"
    order: ClassVar[int] = 10

    def rules(self) -> Sequence[Rule]:
        """One for every If."""
        return [Rule(node("If"), _inline)]


def _inline(m: Match, edit: Edit) -> str:
    scope, taken = m.scope, m["node"]
    condition = scope.known(taken.inputs[0])
    if condition is None or condition.size != 1:
        return ""
    always = bool(condition.reshape(-1)[0])
    body = scope.graph.subgraphs(taken)["then_branch" if always else "else_branch"]
    if any(body.subgraphs(inner) for inner in body):
        raise Refused("nodes of the branch that is always taken have bodies of their own")
    names = _names(body, taken, edit)
    for tensor in body.initializers.values():
        if not isinstance(tensor.proto, TensorProto):
            raise Refused("the branch that is always taken has a sparse constant")
        edit.settle(named(tensor, names[tensor.name]))
    for inner in body:
        name = edit.fresh(inner.name) if inner.name else ""
        outputs = tuple(names.get(t, t) for t in inner.outputs)
        first = next(filter(None, outputs))
        inputs = tuple(names.get(t, t) for t in inner.inputs)
        edit.place(replace(inner, id=name or first, name=name, inputs=inputs, outputs=outputs))
    for inside, outside in zip(body.outputs, taken.outputs, strict=True):
        if outside and names.get(inside) != outside:  # a constant, of an outer scope, or twice
            edit.add("Identity", [names.get(inside, inside)], outside)
    return f"its condition is {always} in every run"


def _names(body: Graph, taken: Node, edit: Edit) -> dict[str, str]:
    """New names of what the body has: those of the If's outputs, else fresh ones.

    The names that the body uses may stand for other tensors in other bodies.
    """
    made = dict.fromkeys(t for inner in body for t in inner.outputs if t)
    names: dict[str, str] = {}
    for inside, outside in zip(body.outputs, taken.outputs, strict=True):
        if inside in made and outside:
            names.setdefault(inside, outside)
    for tensor in (*body.initializers, *made):
        if tensor not in names:
            names[tensor] = edit.fresh(tensor)
    return names
