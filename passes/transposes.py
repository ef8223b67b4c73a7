"""Transposes that undo each other, also with other nodes in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from onnx import helper

from ..rewrite.edit import Edit
from ..rewrite.facts.arguments import attributes, int64s
from ..rewrite.facts.layouts import composed, inverse, is_identity, perm_of
from ..rewrite.facts.stand_in import stand_in
from ..rewrite.facts.symbolic_dims import Dim
from ..rewrite.pattern import Match, node, op, var
from ..rewrite.rewriting import Outcome, Pass, PatternRule
from ..rewrite.scope import Scope
from .proofs.layout_regions import LayoutRegion
from .views import reshape_target


@dataclass(frozen=True)
class CancelTransposes(Pass):
    """Let nodes between Transposes work in the other layout, where that leaves fewer Transposes.

    Which nodes do is a minimum cut: it takes as few Transposes as possible, then as few bytes
    moved, then as few changed nodes. Constants are stored in the layout that their node works in.
    """

    name: ClassVar[str] = "cancel-transposes"

    def rules(self) -> Sequence[PatternRule]:
        """Two in a row."""
        inner = op("Transpose", var("x"), name="inner", shared=True)
        return [PatternRule(op("Transpose", inner, name="outer"), _compose)]

    def sweep(self, scope: Scope, outcome: Outcome) -> None:
        """Compose pairs, then look at the region around each Transpose that is left."""
        super().sweep(scope, outcome)
        explored: set[tuple[str, tuple[int, ...]]] = set()
        for transpose in [n for n in scope.graph if n.qualified_type == "Transpose"]:
            perm = perm_of(scope, transpose)
            (x,), (y,) = transpose.inputs, transpose.outputs
            if scope.graph.producer(y) is not transpose or perm is None or is_identity(perm):
                continue
            for tensor, layout in ((y, perm), (x, inverse(perm))):
                if (tensor, layout) in explored:
                    continue
                region = LayoutRegion(scope)
                region.grow(tensor, layout)
                explored |= set(region.layouts.items())
                match = Match(scope, {"transpose": transpose})
                if region.plans and self.attempt(scope, match, partial(_turn, region), outcome):
                    break


def _compose(m: Match, edit: Edit) -> str:
    scope, inner, outer = m.scope, m["inner"], m["outer"]
    first, second = perm_of(scope, inner), perm_of(scope, outer)
    if first is None or second is None:
        return ""
    edit.keep(inner)
    perm = composed(first, second)
    if is_identity(perm):
        stand_in(edit, outer, m.tensor("x"))
        return "two Transposes undo each other"
    tensor = inner.outputs[0]
    if scope.kept(tensor) or len(scope.readers(tensor)) > 1:
        return ""
    edit.change(outer, inputs=(m.tensor("x"),), attributes=attributes(perm=perm))
    return "two Transposes are one"


def _turn(region: LayoutRegion, m: Match, edit: Edit) -> str:
    """Turn the nodes of a region that had better be, and what connects them to the others."""
    edit.keep(m["transpose"])
    turned = region.turned()
    stored: dict[str, str] = {}  # tensors in their other layout
    gone: list[int] = []  # bytes of Transposes
    made: list[int] = []
    for tensor, layout in region.layouts.items():
        size = region.moved_bytes(tensor)
        undoers = region.undoers.get(tensor, [])
        maker = region.makers.get(tensor)
        as_is = region.read_as_is(tensor, turned)
        if maker is not None or region.made_turned(tensor, turned):
            names = [undoer.outputs[0] for undoer in undoers]
            if maker is not None:
                names.insert(0, maker.inputs[0])
            stored[tensor] = names[0] if names else edit.fresh(f"{tensor}/turned")
            for other in names[1:]:
                edit.bypass(other, stored[tensor])
            edit.remove(*undoers)
            gone += [size] * len(undoers)
            if maker is not None and not as_is:
                edit.remove(maker)
                gone.append(size)
            elif maker is None and as_is:
                edit.add("Transpose", [stored[tensor]], tensor, perm=layout)
                made.append(size)
        elif undoers:
            stored[tensor] = undoers[0].outputs[0]
        elif any(reader.id in turned for reader in m.scope.readers(tensor)):
            stored[tensor] = edit.add("Transpose", [tensor], perm=inverse(layout))
            made.append(size)
    before, after = (len(gone), sum(gone)), (len(made), sum(made))
    if before == after or any(now > was for was, now in zip(before, after, strict=True)):
        return ""
    for node_id in filter(turned.__contains__, region.plans):  # in an order of their own
        _turn_node(region, edit, node_id, stored)
    return (
        f"{len(gone)} Transposes go, {len(made)} come; {len(turned)} nodes work in the other layout"
    )


def _turn_node(region: LayoutRegion, edit: Edit, node_id: str, stored: dict[str, str]) -> None:
    scope, plan = region.scope, region.plans[node_id]
    found = scope.graph.node(node_id)
    inputs = list(found.inputs)
    layout = region.layouts[inputs[plan.data[0]]]
    for slot in plan.constants:
        array = scope.value(inputs[slot])
        assert array is not None  # it was a constant when the plan was made
        whole = array.reshape((1,) * (len(layout) - array.ndim) + array.shape)
        hint = f"{inputs[slot]}/turned"
        inputs[slot] = edit.constant(np.transpose(whole, inverse(layout)), hint)
    for slot, values in plan.lists.items():
        # all lists of a node have one type
        dtype = helper.tensor_dtype_to_np_dtype(scope.dtype(found.inputs[1]) or 0)
        inputs += [""] * (slot + 1 - len(inputs))
        inputs[slot] = edit.constant(np.array(values, dtype), f"{found.outputs[0]}/turned")
    for slot in plan.data:
        inputs[slot] = stored[inputs[slot]]
    outputs = tuple(stored.get(tensor, tensor) for tensor in found.outputs)
    merged = {**found.attributes, **plan.attributes}
    edit.change(found, inputs=tuple(inputs), outputs=outputs, attributes=merged)


@dataclass(frozen=True)
class ViewTransposes(Pass):
    """Turn a Transpose that moves dims of 1 only into a Reshape: then no element moves."""

    name: ClassVar[str] = "view-transposes"

    def rules(self) -> Sequence[PatternRule]:
        """One."""
        return [PatternRule(node("Transpose"), _view)]


def _view(m: Match, edit: Edit) -> str:
    scope, transpose = m.scope, m["node"]
    x, perm = transpose.inputs[0], perm_of(scope, transpose)
    dims = scope.dims(x)
    if perm is None or dims is None or is_identity(perm):
        return ""
    moved = [axis for axis in perm if dims[axis] != 1]
    before = [Dim(x, axis) if dim is None else dim for axis, dim in enumerate(dims)]
    target = reshape_target(before, [before[axis] for axis in perm], may_guess=False)
    if moved != sorted(moved) or target is None or scope.opset() < 5:
        return ""
    shape = int64s(edit, target, f"{transpose.outputs[0]}/shape")
    edit.change(transpose, op_type="Reshape", inputs=(x, shape), attributes={})
    return "the Transpose moves dims of 1 only"
