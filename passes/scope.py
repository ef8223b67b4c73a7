"""A graph or body with what holds for its tensors in every run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..graph import Graph, Node, Tensor
from ..graph.shapes import Quality, Shapes, prove
from ..graph.shapes.fold import fold
from ..graph.shapes.info import ShapeCall

Array = npt.NDArray[np.generic]
_CHAIN = 8  # Identity and the like between a constant and its reader


class Scope:
    """A graph or body, and facts about its tensors.

    The facts are those before the sweep: a tensor that a rewrite of this sweep made has none yet.
    A tensor keeps its name only as long as it holds the same values, so that they stay true.
    """

    def __init__(self, graph: Graph, shapes: Shapes, names: set[str]) -> None:
        self.graph = graph
        self.names = names  # all that are taken, anywhere in the model
        self._shapes = shapes

    def dims(self, tensor: str) -> tuple[int | None, ...] | None:
        """The shape: None for a dim that is open or depends on data; None if the rank does."""
        info = self._shapes.get(tensor)
        if info is None or info.shape is None:
            return None
        return info.shape if info.quality is Quality.EXACT else (None,) * len(info.shape)

    def shape(self, tensor: str) -> tuple[int, ...] | None:
        """The shape if all of it is fixed."""
        dims = self.dims(tensor)
        return None if dims is None or None in dims else dims  # type: ignore[return-value]

    def dtype(self, tensor: str) -> int | None:
        """ONNX ``TensorProto.DataType``, None where it is not known."""
        info = self._shapes.get(tensor)
        return (info.dtype or None) if info is not None else None

    def known(self, tensor: str) -> Array | None:
        """Small contents that are the same in every run: constants, arithmetic on fixed shapes."""
        info = self._shapes.get(tensor)
        if info is None or info.value is None or info.quality is not Quality.EXACT:
            return None
        return info.value

    def constant(self, tensor: str) -> Tensor | None:
        """The constant that a tensor is, its data unread; None if a caller may override it."""
        for _ in range(_CHAIN):
            home = self._home(tensor)
            found = home.initializers.get(tensor)
            if found is not None:
                return None if home.overridable(tensor) else found
            maker = home.producer(tensor)
            if maker is None or maker.domain:
                return None
            if maker.op_type == "Constant":
                return _made(home, maker)
            if maker.op_type != "Identity":
                return None
            tensor = maker.inputs[0]
        return None

    def value(self, tensor: str) -> Array | None:
        """The contents of a constant, read now; None if it is none."""
        found = self.constant(tensor)
        return None if found is None else found.data()

    def overridable(self, tensor: str) -> bool:
        """Whether a tensor is an initializer that a caller may override."""
        home = self._home(tensor)
        return tensor in home.initializers and home.overridable(tensor)

    def kept(self, tensor: str) -> str | None:
        """Why a tensor must keep its name whoever reads it, as a clause; None if it needs not."""
        if tensor in self.graph.outputs:
            return "is an output of the graph"
        for reader, key in self.graph.consumers(tensor):
            if isinstance(key, str):
                return f"is read by a body of '{self.graph.path(reader)}'"
        return None

    def readers(self, tensor: str) -> list[Node]:
        """The nodes that read a tensor, each once."""
        return list({n.id: n for n, _ in self.graph.consumers(tensor)}.values())

    def opset(self, domain: str = "") -> int:
        """The version of a domain's operators; 0 where the model doesn't import it."""
        return self.graph.opset.get(domain, 0)

    def _home(self, tensor: str) -> Graph:
        """The innermost graph that has the tensor."""
        scope = self.graph
        while scope.parent is not None:
            if (
                tensor in scope.initializers
                or scope.producer(tensor) is not None
                or tensor in scope.inputs
            ):
                break
            scope = scope.parent
        return scope


def _made(graph: Graph, node: Node) -> Tensor | None:
    proto = node.tensor("value")
    name = node.outputs[0]
    if proto is not None:
        return Tensor.from_proto(proto, graph.header.source, name)
    folded = fold(ShapeCall(node, []), _CHAIN**4)
    return None if folded is None or folded[0] is None else Tensor.from_array(name, folded[0])


def scopes(graph: Graph) -> Iterator[Scope]:
    """The graph and its bodies, each with facts as they are now."""
    names = {*graph.live_tensors(), *graph.removed_tensors()}
    for inner, node in graph.walk():
        names.add(node.id)
        for body in inner.subgraphs(node).values():
            names |= body.live_tensors()
    queue = [prove(graph)]
    for scope in queue:  # it grows
        yield Scope(scope.graph, scope, names)
        own = {id(g) for n in scope.graph for g in scope.graph.subgraphs(n).values()}
        queue += [body for body in scope.bodies.values() if id(body.graph) in own]
