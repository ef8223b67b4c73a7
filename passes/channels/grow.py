"""Rewrites a graph so that chosen channels grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...graph import Node
from ...rewrite.edit import Edit
from ...rewrite.scope import Array
from .flow import Flow, Pad, Role
from .layout import Layout


@dataclass
class Growth:
    """Chosen channels that grow, and the edit that makes them.

    Parameters
    ----------
    flow
        Of the graph.
    sizes
        How many channels the runs of a group shall have, by the group's root.
    edit
        Of the graph or a copy of it.
    hollow
        Constants hold zeros only and none is read: enough to see what the graph would cost.
    """

    flow: Flow
    sizes: Mapping[int, int]
    edit: Edit
    hollow: bool = False
    _names: dict[str, str] = field(default_factory=dict)
    _padded: dict[tuple[object, ...], str] = field(default_factory=dict)

    def run(self, run: int) -> int:
        """Channels of a run afterwards."""
        return self.sizes.get(self.flow.groups.root(run), self.flow.groups.size(run))

    def total(self, layout: Layout) -> int:
        """Channels of a tensor afterwards."""
        return sum(map(self.run, layout.runs))

    def grows(self, layout: Layout) -> bool:
        """Whether a tensor has other channels afterwards."""
        return any(self.flow.groups.root(run) in self.sizes for run in layout.runs)

    def make(self) -> None:
        """Fill in the edit.

        A tensor that grows gets another name; where its old values are needed, a Slice makes
        them under the old one.
        """
        for tensor, layout in self.flow.layouts.items():
            if self.grows(layout):
                self._names[tensor] = self.edit.fresh(_hint(tensor))
        for node in self.flow.scope.graph:
            role = self.flow.roles.get(node.id)
            if role is not None:
                self._change(node, role)
        for tensor in self.flow.cuts:
            if tensor in self._names:
                self._cut(tensor)

    def _change(self, node: Node, role: Role) -> None:
        inputs = [self._names.get(t, t) for t in node.inputs]
        outputs = [self._names.get(t, t) for t in node.outputs]
        slots: dict[int, list[Pad]] = {}
        for pad in role.pads:
            if self.grows(pad.layout):
                slots.setdefault(pad.slot, []).append(pad)
        for slot, pads in slots.items():
            inputs[slot] = self._constant(node.inputs[slot], pads)
        if (*inputs, *outputs) != (*node.inputs, *node.outputs):
            fields = role.fields(self) if role.fields else {}
            self.edit.change(node, **{"inputs": tuple(inputs), "outputs": tuple(outputs), **fields})

    def renamed(self, tensor: str) -> str:
        """The name under which a tensor is found once it has grown."""
        return self._names.get(tensor, tensor)

    def _constant(self, tensor: str, pads: list[Pad]) -> str:
        """The padded constant's name; one that several nodes share stays shared."""
        plans = [(pad.axis, pad.fill, self._plan(pad.layout)) for pad in pads]
        key = (tensor, *((axis, fill, *plan) for axis, fill, plan in plans))
        if key not in self._padded:
            found = self.flow.constant(tensor)
            assert found is not None  # a rule has seen it
            array = np.broadcast_to(np.float32(0), found.shape) if self.hollow else found.data()
            for axis, fill, plan in plans:
                array = _pad(array, axis, plan, fill)
            self._padded[key] = self.edit.constant(array, _hint(tensor))
        return self._padded[key]

    def _plan(self, layout: Layout) -> list[tuple[int, int]]:
        """Elements along the axis that each run has, and that are added behind them."""
        groups, each = self.flow.groups, layout.each
        return [
            (groups.size(run) * each, (self.run(run) - groups.size(run)) * each)
            for run in layout.runs
        ]

    def _cut(self, tensor: str) -> None:
        layout = self.flow.layouts[tensor]
        end = self.flow.total(layout) * layout.each
        source = self._names[tensor]
        if self.flow.scope.opset() < 10:
            self.edit.add("Slice", [source], tensor, axes=[1], starts=[0], ends=[end])
        else:
            limits = [self.integer(0), self.integer(end), self.integer(1)]
            self.edit.add("Slice", [source, *limits], tensor)

    def integer(self, *values: int) -> str:
        """A constant list of integers; the same for the same ones."""
        if values not in self._padded:
            hint = f"channels/{'_'.join(map(str, values))}"
            self._padded[values] = self.edit.constant(np.array(values, np.int64), hint)
        return self._padded[values]


def _hint(tensor: str) -> str:
    return f"{tensor.partition('/padded')[0]}/padded"


def _pad(array: Array, axis: int, plan: list[tuple[int, int]], fill: float) -> Array:
    parts, start = [], 0
    for had, added in plan:
        index = (slice(None),) * axis
        parts.append(array[(*index, slice(start, start + had))])
        if added:
            shape = (*array.shape[:axis], added, *array.shape[axis + 1 :])
            parts.append(np.full(shape, fill, array.dtype))
        start += had
    return np.concatenate(parts, axis)
