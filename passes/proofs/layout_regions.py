"""A region of nodes that could all work in another layout, and which of them had better.

Every tensor of a region has one layout in which it could be stored instead. Storing it as it is
costs a Transpose where a node that has the other one made it or reads it, and the other way round.
The cheapest choice is a minimum cut between what is stored in either way already.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

from ...graph import Node, dtypes
from ...rewrite.facts.layouts import Perm, Plan, carry, composed, is_identity, perm_of
from ...rewrite.scope import Scope

if TYPE_CHECKING:
    import networkx as nx

_TURNED, _AS_IS = 0, 1  # the ends of the cut; nodes are called by their ids


@dataclass
class LayoutRegion:
    """Nodes and tensors around a Transpose.

    Attributes
    ----------
    layouts
        The other layout of each tensor.
    plans
        What each node becomes in it.
    makers
        Transposes that make a tensor from what is stored in its other layout, by the tensor.
    undoers
        Transposes that make what is stored in its other layout from a tensor, by the tensor.
    """

    scope: Scope
    layouts: dict[str, Perm] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    makers: dict[str, Node] = field(default_factory=dict)
    undoers: dict[str, list[Node]] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)  # nodes that have their part
    _same: set[str] = field(default_factory=set)  # tensors that are made alike in both layouts

    def grow(self, tensor: str, layout: Perm) -> None:
        """Add what can be reached from a tensor."""
        queue = [tensor]
        self.layouts[tensor] = layout
        for reached in queue:  # it grows
            before = len(self.layouts)
            maker = self.scope.graph.producer(reached)
            if maker is not None and maker.id not in self._known:
                self._reach_maker(maker, reached)
            for reader in self.scope.readers(reached):
                if reader.id not in self._known:
                    self._reach_reader(reader, reached)
            queue += list(self.layouts)[before:]

    def _reach_maker(self, maker: Node, tensor: str) -> None:
        if maker.qualified_type != "Transpose":
            self._take(maker, tensor)
        elif perm_of(self.scope, maker) == self.layouts[tensor]:
            self.makers[tensor] = maker
            self._known.add(maker.id)

    def _reach_reader(self, reader: Node, tensor: str) -> None:
        if reader.qualified_type != "Transpose":
            self._take(reader, tensor)
            return
        perm = perm_of(self.scope, reader)
        if perm is not None and is_identity(composed(self.layouts[tensor], perm)):
            self.undoers.setdefault(tensor, []).append(reader)
            self._known.add(reader.id)

    def _take(self, node: Node, tensor: str) -> None:
        """Add a node, unless one of its tensors has another layout already."""
        layout = self.layouts[tensor]
        plan = carry(self.scope, node, layout)
        if plan is None:
            return
        wanted = {node.inputs[slot]: layout for slot in plan.data}
        made = dict(zip(node.outputs, plan.outputs, strict=True))
        same = {t for t, out in made.items() if is_identity(out)}
        wanted |= {t: out for t, out in made.items() if t and t not in same}
        fits = all(self.layouts.get(t, own) == own for t, own in wanted.items())
        others = {t for slot, t in enumerate(node.inputs) if slot not in plan.data} | same
        if not fits or tensor not in wanted or self._same & wanted.keys():
            return
        if others & (wanted.keys() | self.layouts.keys()):
            return
        self.plans[node.id] = plan
        self.layouts |= wanted
        self._same |= same
        self._known.add(node.id)

    def turned(self) -> set[str]:
        """The nodes that had better work in the other layout; no more of them than pay."""
        import networkx as nx  # noqa: PLC0415 - half of the start-up time

        cuts: nx.DiGraph[object] = nx.DiGraph()
        cuts.add_nodes_from((_TURNED, _AS_IS))
        total = 1 + sum(self.moved_bytes(tensor) for tensor in self.layouts)
        for tensor in self.layouts:
            maker, price = self._end(tensor), total + self.moved_bytes(tensor)
            # one Transpose serves all readers of the same kind
            cuts.add_edge((tensor, _AS_IS), maker, capacity=price)
            cuts.add_edge(maker, (tensor, _TURNED), capacity=price)
            for reader in self._readers(tensor):
                cuts.add_edge(reader, (tensor, _AS_IS))
                cuts.add_edge((tensor, _TURNED), reader)
        _, (_, turned) = nx.minimum_cut(cuts, _AS_IS, _TURNED)
        return {node for node in turned if isinstance(node, str)}

    def made_turned(self, tensor: str, turned: set[str]) -> bool:
        """Whether a tensor is made in its other layout when these nodes are turned."""
        return self._end(tensor) in turned

    def read_as_is(self, tensor: str, turned: set[str]) -> bool:
        """Whether somebody reads a tensor as it is when these nodes are turned."""
        return any(end != _TURNED and end not in turned for end in self._readers(tensor))

    def moved_bytes(self, tensor: str) -> int:
        """What a Transpose to or from the other layout moves; an open dim counts 1."""
        layout, dims = self.layouts[tensor], self.scope.dims(tensor)
        if dims is None:
            return 0
        moved = [axis for axis, dim in zip(layout, dims, strict=True) if dim != 1]
        if moved == sorted(moved):
            return 0
        size = prod(1 if dim is None else dim for dim in dims)
        return dtypes.nbytes(self.scope.dtype(tensor) or 0, size) or 0

    def _end(self, tensor: str) -> str | int:
        """What makes a tensor: a node that can be turned, or one end of the cut."""
        if tensor in self.makers:
            return _TURNED
        maker = self.scope.graph.producer(tensor)
        return maker.id if maker is not None and maker.id in self.plans else _AS_IS

    def _readers(self, tensor: str) -> list[str | int]:
        ends: list[str | int] = [_AS_IS] if self.scope.kept(tensor) else []
        undoers = {node.id for node in self.undoers.get(tensor, ())}
        for reader in self.scope.readers(tensor):
            if reader.id in undoers:
                ends.append(_TURNED)
            else:
                ends.append(reader.id if reader.id in self.plans else _AS_IS)
        return ends
