"""One rewrite in the making: nothing is changed before all of it is known to be possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..graph import Graph, Node, Tensor
from ..graph.graph import Rank
from .scope import Array, Refused, Scope


@dataclass(frozen=True)
class _New:
    node: Node
    bodies: Mapping[str, Graph] | None
    rank: Rank | None  # None: where the last of the removed nodes was


@dataclass(frozen=True)
class Change:
    """What a rewrite did, by the paths of nodes and names of constants.

    A node that is otherwise the same but reads or makes another tensor is removed and added.

    Parameters
    ----------
    removed, added
        Nodes.
    dropped, stored
        Constants that nothing reads any more, and that are new.
    rewired
        By path in ``added``: the removed node that it is, and that merely reads or makes another
        tensor of the same values. The others came instead of all others that went.
    """

    removed: tuple[str, ...]
    added: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()
    rewired: Mapping[str, str] = field(default_factory=dict)


class Edit:
    """What a rewrite wants; ``commit`` does it.

    Parameters
    ----------
    scope
        Where.
    matched
        Nodes that go, unless ``keep`` says otherwise. What nobody reads then goes too, with its
        constants.
    """

    def __init__(self, scope: Scope, matched: Sequence[Node] = ()) -> None:
        self.scope = scope
        self._removed: dict[str, Node] = {n.id: n for n in matched}
        self._added: list[_New] = []
        self._constants: list[Tensor] = []
        self._bypassed: dict[str, str] = {}
        self._unneeded: list[str] = []

    def keep(self, *nodes: Node) -> None:
        """Leave matched nodes where they are, as long as somebody reads what they make."""
        for node in nodes:
            self._removed.pop(node.id, None)

    def remove(self, *nodes: Node) -> None:
        """Take further nodes out; what others read of them has to be made or bypassed."""
        self._removed.update((n.id, n) for n in nodes)

    def fresh(self, hint: str) -> str:
        """A name that no tensor or node has, anywhere in the model."""
        name, number = hint, 1
        while name in self.scope.names:
            name, number = f"{hint}_{number}", number + 1
        self.scope.names.add(name)
        return name

    def constant(self, array: Array, hint: str) -> str:
        """A new constant; answers its name."""
        name = self.fresh(hint)
        self.settle(Tensor.from_array(name, np.array(array, order="C", copy=None)))
        return name

    def settle(self, tensor: Tensor) -> None:
        """Add a constant under its own name: a new one, or that of what a removed node made."""
        self._constants.append(tensor)

    def add(
        self,
        op_type: str,
        inputs: Sequence[str],
        outputs: Sequence[str] | str = (),
        *,
        name: str = "",
        domain: str = "",
        **attributes: Any,  # noqa: ANN401 - what onnx.helper.make_attribute takes
    ) -> str:
        """Add a node; answers its first output.

        What replaces a tensor takes over its name as an output; without ``outputs`` there is one
        of a new name.
        """
        made = [outputs] if isinstance(outputs, str) else list(outputs)
        if not made:
            made = [self.fresh(f"{inputs[0]}/{op_type}" if inputs else op_type)]
        self.place(Node.make(op_type, inputs, made, name=name, domain=domain, **attributes))
        return made[0]

    def place(self, node: Node, bodies: Mapping[str, Graph] | None = None) -> None:
        """Add a node as it is, with its bodies."""
        self._added.append(_New(node, bodies, None))

    def change(self, node: Node, **fields: Any) -> None:  # noqa: ANN401 - those of Node
        """Put the node with other fields in its own place; name, metadata and bodies stay."""
        self._removed[node.id] = node
        graph = self.scope.graph
        bodies = graph.subgraphs(node) or None
        changed = replace(node, **fields)
        self._added.append(_New(_called(changed), bodies, graph.rank(node.id)))

    def bypass(self, old: str, new: str) -> None:
        """Let whoever reads ``old`` read ``new``, which holds the same values."""
        self._bypassed[old] = new

    def forget(self, *tensors: str) -> None:
        """Let these go, with what made them, if nobody reads them any more."""
        self._unneeded += tensors

    def commit(self) -> Change:
        """Do it.

        Raises
        ------
        Refused
            If a tensor that is bypassed has to keep its name, and so has what takes its place;
            or if a body gets a constant that its IR version has no place for.
        """
        renamed = [old for old, new in self._bypassed.items() if self._must_rename(old, new)]
        graph = self.scope.graph
        if self._constants and graph.parent is not None and graph.header.ir_version < 4:
            raise Refused("below IR version 4 a body can't have constants; raise the IR version")
        self.scope.gate.admit(self._key())
        log = _Log(graph)
        place = max(map(graph.rank, self._removed), default=None)
        orphans = [t for n in self._removed.values() for t in (*n.inputs, *graph.captures(n)) if t]
        for node_id in self._removed:
            log.remove(node_id)
        for tensor in self._constants:
            log.store(tensor)
        for index, new in enumerate(self._added):
            if new.node.domain:
                graph.import_domain(new.node.domain)
            rank = new.rank or (None if place is None else (*place, index))
            log.add(new.node, new.bodies, rank)
        for old, source in self._bypassed.items():
            if old in renamed:
                log.rename(source, old)
            else:
                log.rewire(old, source)
                orphans.append(source)
        log.collect([*orphans, *self._unneeded])
        recapture(graph)
        return log.change()

    def _key(self) -> str:
        """What tells this rewrite from others in runs that went the same way up to here."""
        made = [new.node.outputs[0] for new in self._added]
        gone = (*self._bypassed, *self._unneeded)
        return "\0".join((self.scope.graph.prefix, *self._removed, "", *made, *gone))

    def _must_rename(self, old: str, new: str) -> bool:
        """Whether ``new`` takes the name of ``old``, instead of ``old``'s readers reading it."""
        scope = self.scope
        kept = scope.kept(old)
        if kept is None:
            return False
        maker = scope.graph.producer(new)
        made_here = any(new in added.node.outputs for added in self._added)
        if not made_here and (maker is None or maker.id in self._removed):
            raise Refused(f"'{old}' {kept}, and no node here could make it instead of '{new}'")
        other = scope.kept(new)
        if other is not None:
            raise Refused(f"'{old}' {kept}, and '{new}' {other}: neither name can go")
        if list(self._bypassed.values()).count(new) > 1:
            raise Refused(f"'{old}' {kept}, and others take '{new}' too")
        return True


def _called(node: Node) -> Node:
    """Under the id that it has once it is read anew: without a name of its own, its first output.

    What adds it to the graph sees to it that no other node is called so.
    """
    first = next(filter(None, node.outputs), "")
    return node if node.id == node.name or not first else replace(node, id=first)


def recapture(graph: Graph) -> None:
    """Tell the graphs around a body what it captures now."""
    parent = graph.parent
    while parent is not None:
        owner = next(n for n in parent if graph in parent.subgraphs(n).values())
        parent.recapture(owner.id)
        graph, parent = parent, parent.parent


class _Log:
    """Changes a graph and keeps book."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._removed: dict[str, None] = {}
        self._added: dict[str, None] = {}
        self._dropped: list[str] = []
        self._stored: list[str] = []
        self._rewired: dict[str, str] = {}  # by id now: by id before

    def change(self) -> Change:
        graph = self._graph
        prefix = graph.prefix
        return Change(
            tuple(prefix + n for n in self._removed),
            tuple(prefix + n for n in self._added),
            tuple(prefix + n for n in self._dropped),
            tuple(prefix + n for n in self._stored if n in graph.initializers),
            {prefix + new: prefix + old for new, old in self._rewired.items()},
        )

    def remove(self, node_id: str) -> None:
        self._graph.remove_node(node_id)
        self._rewired.pop(node_id, None)
        if node_id in self._added:
            del self._added[node_id]
        else:
            self._removed[node_id] = None

    def add(self, node: Node, bodies: Mapping[str, Graph] | None, rank: Rank | None) -> str:
        """Add a node, under an id of its own even where a tensor has the name of another node."""
        node = self._graph.apart(node)
        self._graph.add_node(node, bodies, rank=rank)
        self._added[node.id] = None
        return node.id

    def store(self, tensor: Tensor) -> None:
        self._graph.set_initializer(tensor)
        self._stored.append(tensor.name)

    def rewire(self, old: str, new: str) -> None:
        for reader, _ in self._graph.consumers(old):
            self._altered(reader.id)
        self._graph.rewire(old, new)

    def rename(self, new: str, old: str) -> None:
        """Let the maker of ``new`` call it ``old``."""
        graph = self._graph
        maker = graph.producer(new)
        assert maker is not None  # looked up before anything was changed
        rank, bodies = graph.rank(maker.id), graph.subgraphs(maker)
        outputs = tuple(old if t == new else t for t in maker.outputs)
        fresh = maker.id in self._added and maker.id not in self._rewired
        before = self._rewired.get(maker.id, maker.id)
        self.remove(maker.id)
        self.rewire(new, old)
        now = self.add(_called(replace(maker, outputs=outputs)), bodies, rank)
        if not fresh:
            self._rewired[now] = before

    def collect(self, tensors: Iterable[str]) -> None:
        """Take out what made, or is, a tensor that nobody reads any more."""
        graph = self._graph
        stack = list(tensors)
        while stack:
            tensor = stack.pop()
            if tensor in graph.outputs or graph.consumers(tensor):
                continue
            maker = graph.producer(tensor)
            if maker is None:
                if tensor in graph.initializers and not graph.overridable(tensor):
                    graph.remove_initializer(tensor)
                    if tensor in graph.inputs:  # below IR version 4 constants are listed there
                        inputs = [name for name in graph.inputs if name != tensor]
                        graph.set_interface(inputs, graph.outputs)
                    self._dropped.append(tensor)
            elif not any(t in graph.outputs or graph.consumers(t) for t in maker.outputs if t):
                stack += [t for t in (*maker.inputs, *graph.captures(maker)) if t]
                self.remove(maker.id)

    def _altered(self, node_id: str) -> None:
        if node_id not in self._added:
            self._removed[node_id] = self._added[node_id] = None
            self._rewired[node_id] = node_id
