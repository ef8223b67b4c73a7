"""A graph or body with what holds for its tensors in every run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from ..graph import Graph, Node, Tensor
from ..graph.operators import VIEWS
from ..graph.shapes import Quality, Shapes, prove
from ..graph.shapes.fold import fold
from ..graph.shapes.info import ShapeCall

Array = npt.NDArray[np.generic]
_CHAIN = 8  # Identity and the like between a constant and its reader
_PASS_ON = VIEWS | {"Identity"}


class Refused(Exception):  # noqa: N818 - an answer, not a failure
    """Raised by a rewrite that can't be proven; its text says why, and what to do."""


@dataclass
class Admission:
    """Lets rewrites through: no more than ``limit``, and none that is barred.

    Runs of the same passes over the same graph ask for the same rewrites in the same order, as
    long as they are let through: so one that breaks a model is found by halving.
    """

    limit: int | None = None
    barred: Mapping[str, str] = field(default_factory=dict)  # the reason by the rewrite's key
    made: list[str] = field(default_factory=list)

    def admit(self, key: str) -> None:
        """Let a rewrite through.

        Raises
        ------
        Refused
            If it may not be made.
        """
        if key in self.barred:
            raise Refused(self.barred[key])
        if self.limit is not None and len(self.made) >= self.limit:
            raise Refused("left out while the rewrite that breaks the model is looked for")
        self.made.append(key)

    def bar(self, key: str, reason: str) -> None:
        """Let a rewrite through no more."""
        self.barred = {**self.barred, key: reason}


class Scope:
    """A graph or body, and facts about its tensors.

    The facts are those before the sweep: a tensor that a rewrite of this sweep made has none yet.
    A tensor keeps its name only as long as it holds the same values, so that they stay true.
    """

    def __init__(self, graph: Graph, shapes: Shapes, names: set[str], gate: Admission) -> None:
        self.graph = graph
        self.gate = gate
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
        return None if dims is None or None in dims else dims  # type: ignore[return-value] # no dim is None

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
        """The constant that a tensor is, its data unread; None if a caller may override it.

        Seen through nodes that at most give it another shape, as of a bias that is unsqueezed.
        """
        source, viewed = tensor, False
        for _ in range(_CHAIN):
            home = self._home(source)
            found = home.initializers.get(source)
            if found is not None and home.overridable(source):
                return None
            maker = home.producer(source)
            if maker is not None and maker.qualified_type == "Constant":
                found = _made(home, maker)
            if found is not None:
                return _reshaped(found, self.shape(tensor)) if viewed else found
            if maker is None or maker.qualified_type not in _PASS_ON:
                return None
            viewed = viewed or maker.op_type != "Identity"
            source = maker.inputs[0]
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

    def trial(self) -> Scope:
        """The same facts of a copy of the graph, to see what a rewrite would make of it."""
        return Scope(self.graph.copy(), self._shapes, set(self.names), Admission())

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


def _reshaped(constant: Tensor, shape: tuple[int, ...] | None) -> Tensor | None:
    if shape is None or not isinstance(constant.proto, TensorProto):
        return None
    proto = TensorProto()
    proto.CopyFrom(constant.proto)
    proto.dims[:] = shape
    return Tensor.from_proto(proto, constant.source, constant.name)


def scopes(
    graph: Graph, gate: Admission | None = None, proof: Shapes | None = None
) -> Iterator[Scope]:
    """The graph and its bodies, each with facts as they are now: ``proof``, or proven anew."""
    gate = gate or Admission()
    names = _taken(graph)
    queue = [proof or prove(graph)]
    for scope in queue:  # it grows
        yield Scope(scope.graph, scope, names, gate)
        own = {id(g) for n in scope.graph for g in scope.graph.subgraphs(n).values()}
        queue += [body for body in scope.bodies.values() if id(body.graph) in own]


def _taken(graph: Graph) -> set[str]:
    """Names that mean something already, in a graph and its bodies.

    Those of tensors, of nodes by id and by name, and of what is declared: a declaration of
    another tensor's type must not become that of a new one.
    """
    names = {*graph.live_tensors(), *graph.removed_tensors(), *graph.declared}
    for node in graph:
        names |= {node.id, node.name}
        for body in graph.subgraphs(node).values():
            names |= _taken(body)
    return names
