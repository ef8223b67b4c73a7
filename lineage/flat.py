"""A graph as one list of operations on numbered tensors, calls of its own functions inlined.

Names are resolved once, so that what follows needs no scopes: a body's operations read the
tensors of the scopes around it by number.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ..graph.graph import Graph
from ..graph.load import instantiate
from ..graph.node import Node
from ..graph.shapes import Shapes, infer
from ..graph.tensor import Tensor

NONE = -1  # in place of an optional tensor that is left out


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """An executed node.

    Parameters
    ----------
    index
        Its position among the graph's operations, an owner's before those of its bodies.
    id
        Its path, as reports name it.
    frame
        The part of the graph that is executed at once: 0 for the root, its own for every body
        of an If, Loop or Scan.
    reads, makes
        Tensors by slot; NONE for one that is left out.
    captures
        What its bodies read of the scopes around them.
    bodies
        The frames of its bodies, by attribute.
    """

    index: int
    id: str
    node: Node
    frame: int
    reads: tuple[int, ...]
    makes: tuple[int, ...]
    captures: tuple[int, ...] = ()
    bodies: dict[str, int] = field(default_factory=dict)

    @property
    def inputs(self) -> list[int]:
        """What it reads, each tensor once, captures included."""
        return list(dict.fromkeys(t for t in (*self.reads, *self.captures) if t != NONE))

    @property
    def outputs(self) -> list[int]:
        """What it makes."""
        return [t for t in self.makes if t != NONE]


@dataclass(slots=True, eq=False)
class Frame:
    """What is executed at once: its interface, and the tensors that names stand for in it."""

    names: ChainMap[str, int]
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()


class Flat:
    """The operations and tensors of a graph.

    Parameters
    ----------
    graph
        A root graph.
    kept
        Paths of the Ifs that a runtime executes. Of another one the taken branch, where it is
        known, is inlined. By default all are kept.

    Attributes
    ----------
    ops
        All operations.
    frames
        Root and bodies.
    paths
        By tensor: its name, behind the path of the subgraph that it is in.
    maker
        The operation that makes a tensor; None for inputs and constants.
    readers
        The operations that read a tensor, captures included.
    constants
        By tensor: initializers that no caller may override.
    decided, untaken
        Paths of inlined Ifs, and of the nodes of the branches that they don't take.
    """

    def __init__(self, graph: Graph, kept: Collection[str] | None = None) -> None:
        self.ops: list[Op] = []
        self.frames: list[Frame] = []
        self.paths: list[str] = []
        self.maker: list[Op | None] = []
        self.readers: list[list[Op]] = []
        self.constants: dict[int, Tensor] = {}
        self.decided: list[str] = []
        self.untaken: list[str] = []
        self._kept = kept
        gone = kept is not None and any(
            node.op_type == "If" and scope.path(node) not in kept for scope, node in graph.walk()
        )
        self._frame(graph, infer(graph) if gone else None, ChainMap())

    def _tensor(self, path: str) -> int:
        self.paths.append(path)
        self.maker.append(None)
        self.readers.append([])
        return len(self.paths) - 1

    def _frame(self, graph: Graph, shapes: Shapes | None, outer: ChainMap[str, int]) -> int:
        frame = Frame(outer.new_child())
        number = len(self.frames)
        self.frames.append(frame)
        for name in graph.inputs:
            frame.names[name] = self._tensor(graph.prefix + name)
        frame.inputs = tuple(frame.names[name] for name in graph.inputs)
        self._scope(graph, shapes, frame.names, number)
        frame.outputs = tuple(self._find(name, frame.names) for name in graph.outputs)
        return number

    def _scope(
        self, graph: Graph, shapes: Shapes | None, names: ChainMap[str, int], frame: int
    ) -> None:
        """Add a graph's operations to a frame."""
        for name, tensor in graph.initializers.items():
            if name not in names.maps[0]:
                names[name] = self._tensor(graph.prefix + name)
            if not graph.overridable(name):
                self.constants[names[name]] = tensor
        for node in graph:
            function = graph.function(node)
            taken = self._taken(graph, node, shapes)
            if function is not None:
                body = instantiate(graph, node, function)
                given = zip(body.inputs, node.inputs, strict=False)
                inner = ChainMap(
                    {name: self._find(tensor, names) for name, tensor in given if tensor}
                )
                self._inline(node, body, _within(shapes, node, "function"), names, inner, frame)
            elif taken is not None:
                body = graph.subgraphs(node)[taken]
                within = _within(shapes, node, taken)
                self._settle(graph, node, taken)
                self._inline(node, body, within, names, names.new_child(), frame)
            else:
                self._op(graph, node, shapes, names, frame)

    def _inline(
        self,
        node: Node,
        body: Graph,
        shapes: Shapes | None,
        names: ChainMap[str, int],
        inner: ChainMap[str, int],
        frame: int,
    ) -> None:
        """Add a body's operations in place of its owner; its outputs are the owner's."""
        self._scope(body, shapes, inner, frame)
        for name, made in zip(node.outputs, body.outputs, strict=False):
            if name:
                names[name] = self._find(made, inner)

    def _op(
        self,
        graph: Graph,
        node: Node,
        shapes: Shapes | None,
        names: ChainMap[str, int],
        frame: int,
    ) -> None:
        reads = tuple(self._find(name, names) if name else NONE for name in node.inputs)
        captures = tuple(self._find(name, names) for name in graph.captures(node))
        for name in filter(None, node.outputs):
            names[name] = self._tensor(graph.prefix + name)
        makes = tuple(names[name] if name else NONE for name in node.outputs)
        op = Op(len(self.ops), graph.path(node), node, frame, reads, makes, captures)
        self.ops.append(op)
        for tensor in op.outputs:
            self.maker[tensor] = op
        for tensor in op.inputs:
            self.readers[tensor].append(op)
        for attribute, body in graph.subgraphs(node).items():
            op.bodies[attribute] = self._frame(body, _within(shapes, node, attribute), names)

    def _taken(self, graph: Graph, node: Node, shapes: Shapes | None) -> str | None:
        """The branch of an If that is known to be taken, unless the If is kept."""
        if node.op_type != "If" or shapes is None or graph.path(node) in (self._kept or ()):
            return None
        possible = [name for name in graph.subgraphs(node) if (node.id, name) in shapes.bodies]
        return possible[0] if len(possible) == 1 else None

    def _settle(self, graph: Graph, node: Node, taken: str) -> None:
        self.decided.append(graph.path(node))
        for name, body in graph.subgraphs(node).items():
            if name != taken:
                self.untaken += [scope.path(inner) for scope, inner in body.walk()]

    def _find(self, name: str, names: Mapping[str, int]) -> int:
        found = names.get(name)
        return self._tensor(name) if found is None else found


def _within(shapes: Shapes | None, node: Node, body: str) -> Shapes | None:
    return None if shapes is None else shapes.bodies.get((node.id, body))
