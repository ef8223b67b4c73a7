"""An If whose condition is the same in every run becomes the branch that is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from onnx import TensorProto

from ..graph import Graph, Node
from ..rewrite.edit import Edit
from ..rewrite.pattern import Match, node
from ..rewrite.rewriting import Pass, PatternRule
from ..rewrite.scope import Refused
from .constants import named


@dataclass(frozen=True)
class InlineConstantIf(Pass):
    """Put the nodes of the branch that is always taken in the If's place, under new names.

    Refuses a branch in which a body hands out a tensor of the branch as it is.
    """

    name: ClassVar[str] = "inline-constant-if"
    exact: ClassVar[bool] = True

    def rules(self) -> Sequence[PatternRule]:
        """One for every If."""
        return [PatternRule(node("If"), _inline)]


def _inline(m: Match, edit: Edit) -> str:
    scope, taken = m.scope, m["node"]
    condition = scope.known(taken.inputs[0])
    if condition is None or condition.size != 1:
        return ""
    always = bool(condition.reshape(-1)[0])
    body = scope.graph.subgraphs(taken)["then_branch" if always else "else_branch"]
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
        made = replace(inner, id=name or first, name=name, inputs=inputs, outputs=outputs)
        edit.place(made, _bodies(body, inner, made, scope.graph, names))
    for inside, outside in zip(body.outputs, taken.outputs, strict=True):
        if outside and names.get(inside) != outside:  # a constant, of an outer scope, or twice
            edit.add("Identity", [names.get(inside, inside)], outside)
    return f"its condition is {always} in every run"


def _bodies(
    graph: Graph, old: Node, new: Node, parent: Graph, names: Mapping[str, str]
) -> dict[str, Graph]:
    """The bodies of a node that gets another place, where what they capture has other names."""
    return {
        attribute: _moved(body, parent, f"{parent.path(new)}/{attribute}/", names)
        for attribute, body in graph.subgraphs(old).items()
    }


def _moved(body: Graph, parent: Graph, prefix: str, names: Mapping[str, str]) -> Graph:
    own = body.live_tensors()
    captured = {inside: now for inside, now in names.items() if inside not in own}
    if captured.keys() & set(body.outputs):
        raise Refused("a body in the branch that is always taken hands out a tensor of the branch")
    made = Graph(parent.header, body.skeleton, parent.opset, parent=parent, prefix=prefix)
    made.set_interface(body.inputs, body.outputs)
    made.initializers, made.declared = dict(body.initializers), dict(body.declared)
    for old in body:
        new = old.with_io(inputs=[captured.get(t, t) for t in old.inputs])
        made.add_node(new, _bodies(body, old, new, made, captured), rank=body.rank(old.id))
    return made


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
