"""One of two graphs that are compared piece by piece: who makes a tensor, and what is the same."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import cached_property

from onnx import AttributeProto

from ...graph import Graph, Node, Tensor, dtypes
from ...graph.dataflow import RANDOM
from ...graph.shapes import Info, Shapes
from ...graph.shapes.fold import fold
from ...graph.shapes.info import ShapeCall
from ...graph.shapes.onnx_inference import from_type
from ...graph.versions import same_operator

# What a node or a constant is called here: its kind, and its id or name.
Element = tuple[str, str]

_SHAPES = frozenset({"Shape", "Size"})
_SMALL = 4096  # elements of a constant that are read to see that two constants are one


class Side:
    """One graph or body, its nodes and constants being the elements.

    Parameters
    ----------
    shapes
        What is proven of it.
    assumed
        What else is inferred, where open dims are what they are given or assumed to be.
    outer
        The side around a body.
    """

    def __init__(self, shapes: Shapes, assumed: Shapes | None, outer: Side | None = None) -> None:
        self.graph, self.shapes, self.outer = shapes.graph, shapes, outer
        self.assumed = assumed

    @cached_property
    def _places(self) -> dict[str, int]:
        return {node.id: place for place, node in enumerate(self.graph)}

    def nodes(self, elements: Iterable[Element]) -> list[Node]:
        """The nodes among some elements, in the order of the graph."""
        found = [name for kind, name in elements if kind == "node"]
        return [self.graph.node(name) for name in sorted(found, key=self._places.__getitem__)]

    def maker(self, tensor: str) -> Element | None:
        """What makes a tensor here; None for inputs and what is captured."""
        node = self.graph.producer(tensor)
        if node is not None:
            return "node", node.id
        held = tensor in self.graph.initializers and not self.graph.overridable(tensor)
        return ("constant", tensor) if held else None

    def makes(self, element: Element) -> tuple[str, ...]:
        """The tensors that an element makes."""
        kind, name = element
        if kind == "constant":
            return (name,)
        return tuple(filter(None, self.graph.node(name).outputs))

    def contents(self, element: Element) -> list[str]:
        """The tensors that an element reads more of than the shape."""
        kind, name = element
        if kind == "node" and self.graph.node(name).qualified_type in _SHAPES:
            return []
        return self.reads(element)

    def reads(self, element: Element) -> list[str]:
        """The tensors that an element reads, what its bodies capture included."""
        kind, name = element
        if kind == "constant":
            return []
        node = self.graph.node(name)
        return [*filter(None, node.inputs), *self.graph.captures(node)]

    def readers(self, tensor: str) -> set[Element]:
        """The nodes that read a tensor."""
        return {("node", node.id) for node, _ in self.graph.consumers(tensor)}

    def held(self, tensor: str) -> Tensor | None:
        """The constant that a tensor is, of this graph or one around it; none that may change."""
        node = self.graph.producer(tensor)
        if node is not None:
            return _constant(self.graph, node)
        if tensor in self.graph.initializers:
            return None if self.graph.overridable(tensor) else self.graph.initializers[tensor]
        if self.outer is None or tensor in self.graph.inputs:
            return None
        return self.outer.held(tensor)

    def live(self, tensor: str) -> bool:
        """Whether there is such a tensor, here or around."""
        here = (
            self.graph.producer(tensor) is not None
            or tensor in self.graph.initializers
            or tensor in self.graph.inputs
        )
        return here or (self.outer is not None and self.outer.live(tensor))

    def body(self, node: Node, name: str) -> Side | None:
        """The side of one of a node's bodies; None where nothing is known of it."""
        shapes = self.shapes.bodies.get((node.id, name))
        assumed = None if self.assumed is None else self.assumed.bodies.get((node.id, name))
        return None if shapes is None else Side(shapes, assumed, self)

    def info(self, tensor: str) -> Info | None:
        """What is proven of a tensor, or else its type and rank as inferred or as the file says.

        None where the type is not known.
        """
        info = self.shapes.get(tensor)
        if info is None or (info.shape is None and info.type is None):
            declared = self.graph.declared.get(tensor)
            others = (
                None if self.assumed is None else self.assumed.get(tensor),
                None if declared is None else from_type(declared.type),
            )
            for other in others:
                if other is not None and (other.shape is not None or other.type is not None):
                    rank = None if other.shape is None else (None,) * len(other.shape)
                    return Info(other.dtype, rank, type=other.type)
        if info is None or (info.dtype == dtypes.UNDEFINED and info.type is None):
            return None
        return info

    def drawable(self, tensor: str) -> bool:
        """Whether a tensor's type and rank are known, so that a region may begin at it."""
        info = self.info(tensor)
        return info is not None and (info.shape is not None or info.type is not None)

    def given(self, tensor: str) -> bool:
        """Whether constants and shapes alone decide a tensor, so that it can't be just anything."""
        if tensor in self._given:
            return True
        if self.graph.producer(tensor) is not None or tensor in self.graph.inputs:
            return False
        return self.held(tensor) is not None or (
            self.outer is not None and self.outer.given(tensor)
        )

    @cached_property
    def _given(self) -> set[str]:
        found = {t for t in self.graph.initializers if not self.graph.overridable(t)}
        outer = self.outer
        for node in self.graph:
            if node.op_type in RANDOM or self.graph.subgraphs(node):
                continue
            if node.qualified_type in _SHAPES or all(
                t in found or (self.graph.producer(t) is None and outer and outer.given(t))
                for t in filter(None, node.inputs)
            ):
                found.update(filter(None, node.outputs))
        return found

    @cached_property
    def numbers(self) -> dict[str, Hashable]:
        """A number by tensor, equal for tensors that hold the same by construction."""
        known: dict[Hashable, int] = {}

        def number(key: Hashable) -> int:
            return known.setdefault(key, len(known))

        found: dict[str, Hashable] = {}
        for name, tensor in self.constants().items():
            contents = _contents(tensor) if tensor.size <= _SMALL else name
            found[name] = number((tensor.dtype, tensor.shape, contents))
        for node in self.graph:
            alone = node.op_type in RANDOM or self.graph.subgraphs(node)
            inputs = tuple(found.get(t, t) for t in node.inputs)
            attributes = tuple(sorted((n, _bytes(a)) for n, a in node.attributes.items()))
            key = (node.op_type, node.domain, node.overload, inputs, attributes)
            for slot, name in enumerate(node.outputs):
                if name and name not in found:
                    found[name] = number(name if alone else (key, slot))
        return found

    def constants(self) -> dict[str, Tensor]:
        """The constants of this graph by name, be they initializers or made by nodes."""
        made = (next(filter(None, node.outputs), "") for node in self.graph)
        pairs = ((name, self.held(name)) for name in (*self.graph.initializers, *made) if name)
        return {name: tensor for name, tensor in pairs if tensor is not None}


def _constant(graph: Graph, node: Node) -> Tensor | None:
    """What a Constant holds; None for another node, or one of another kind."""
    if node.qualified_type != "Constant":
        return None
    value = node.tensor("value")
    if value is not None:
        return Tensor.from_proto(value, graph.header.source, node.outputs[0])
    folded = fold(ShapeCall(node, []), _SMALL)
    return None if folded is None else Tensor.from_array(node.outputs[0], folded[0])


def _contents(tensor: Tensor) -> Hashable:
    data = tensor.data()
    return tuple(data.reshape(-1).tolist()) if data.dtype == object else data.tobytes()


def _bytes(attribute: AttributeProto) -> bytes:
    made: bytes = attribute.SerializeToString(deterministic=True)
    return made


def same_constant(a: Tensor | None, b: Tensor | None) -> bool:
    """Whether two constants hold the same; read only where they are not of one place in a file."""
    if a is None or b is None:
        return a is b
    if a is b or (a.source == b.source and a.proto == b.proto):
        return True
    return (a.dtype, a.shape) == (b.dtype, b.shape) and _contents(a) == _contents(b)


def same_node(a: Node, b: Node, sides: tuple[Side, Side]) -> bool:
    """Whether two nodes are the same on the same tensors, leaving aside what bodies compute.

    Two constants that hold the same are the same tensor, whatever their names.
    """
    keys = [(n.op_type, n.domain, n.overload, len(n.inputs), n.outputs) for n in (a, b)]
    if keys[0] != keys[1] or a.attributes.keys() != b.attributes.keys():
        return False
    graphs = sides[0].graph, sides[1].graph
    functions = [graph.function(node) for graph, node in zip(graphs, (a, b), strict=True)]
    if functions[0] is not functions[1] and functions[0] != functions[1]:
        return False
    versions = [graph.opset.get(a.domain, 1) for graph in graphs]
    if versions[0] != versions[1] and not same_operator(a.op_type, a.domain, *versions):
        return False
    return all(
        _same_attribute(value, b.attributes[name], graphs) for name, value in a.attributes.items()
    ) and all(same_tensor(*pair, sides) for pair in zip(a.inputs, b.inputs, strict=True))


def same_tensor(a: str, b: str, sides: tuple[Side, Side]) -> bool:
    """Whether a tensor has this name on the other side, or both are constants of equal contents.

    One that a node made and that became a constant is compared where it is made.
    """
    old, new = sides[0].held(a) if a else None, sides[1].held(b) if b else None
    if old is not None and new is not None:
        return same_constant(old, new)
    return a == b


def _same_attribute(a: AttributeProto, b: AttributeProto, graphs: tuple[Graph, Graph]) -> bool:
    if a is b or a.HasField("g") or a.graphs or a == b:
        return True
    if not (a.HasField("t") and b.HasField("t")):
        return False
    sources = [graph.header.source for graph in graphs]
    return same_constant(Tensor.from_proto(a.t, sources[0]), Tensor.from_proto(b.t, sources[1]))
