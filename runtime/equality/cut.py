"""Regions cut out of two graphs: models of their own that must compute the same.

Two graphs are taken apart where they agree. A tensor of the same name on both sides is a boundary;
what lies between boundaries and differs is a region. If each region computes the same on both
sides, whatever its inputs hold, so do the graphs: the values of the graph before then satisfy
every equation of the graph after, which has only one solution. So the inputs of a region may be
drawn freely, even where one of them depends on an output of the region.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from onnx import (
    GraphProto,
    ModelProto,
    TensorProto,
    TypeProto,
    ValueInfoProto,
    helper,
    shape_inference,
)

from ...graph import Graph, OcostError, Tensor, to_proto
from ...graph.shapes import Given, Info, Shapes, infer, prove
from ...graph.shapes.onnx_inference import type_proto
from .cut_sides import Element, Side, same_constant
from .cut_spread import Sides, Spread, UncutError, differing

Grow = Callable[[], "CutRegion | Uncut | None"]


@dataclass(frozen=True)
class CutRegion:
    """A place where two graphs differ, as two root graphs of the same inputs and outputs.

    Parameters
    ----------
    before, after
        The region of each graph with all constants that it needs. What one side doesn't read is
        an input of it all the same.
    removed, added
        Paths of the nodes in it that only one of the graphs has, or that differ, and of all nodes
        in their bodies. What several regions need is in each.
    scope
        What stands before the names of the nodes: "" for the graph itself, the path of a body.
    larger
        The region with what makes its inputs and what reads its outputs; None where that is all
        of the graph. For where the region differs on inputs that its makers never give it.
    """

    before: Graph
    after: Graph
    removed: tuple[str, ...]
    added: tuple[str, ...]
    scope: str = ""
    larger: Grow = field(default=lambda: None, repr=False, compare=False)

    def given(self, shapes: Shapes) -> Given:
        """Sizes of the region's inputs as inferred for the whole graph before, where known."""
        scope = next((s for s in _scopes(shapes) if s.graph.prefix == self.scope), None)
        infos = {} if scope is None else {n: scope.get(n) for n in self.before.inputs}
        sizes = {n: i.resolved for n, i in infos.items() if i is not None and i.type is None}
        return Given({n: shape for n, shape in sizes.items() if shape is not None})


@dataclass(frozen=True)
class Uncut:
    """A place where two graphs differ that can't be cut out, and why."""

    reason: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


def regions(
    before: Graph, after: Graph, given: Given | None = None, *, most: int = 400
) -> Iterator[CutRegion | Uncut]:
    """Where two graphs differ.

    What is the same by construction is in no region: a node that nobody reads any more, and a
    constant that holds the same under another name or in another place.

    Parameters
    ----------
    before, after
        Root graphs.
    given
        Sizes of the inputs: they tell ranks that are not known whatever the sizes are.
    most
        Nodes that are the same in both graphs and that a region may have.
    """
    reason = _other_interface(before, after)
    if reason:
        yield Uncut(reason, *(tuple(s.path(n) for s, n in g.walk()) for g in (before, after)))
        return
    sides = [Side(prove(graph), _inferred(graph, given)) for graph in (before, after)]
    yield from _regions((sides[0], sides[1]), most)


def _other_interface(before: Graph, after: Graph) -> str:
    """How inputs and outputs differ by name, or what a caller may override, "" if nowhere."""
    if before.outputs != after.outputs:
        return f"outputs are {', '.join(after.outputs)} instead of {', '.join(before.outputs)}"
    old, new = (
        {n: g.initializers.get(n) for n in g.inputs if g.constant(n) is None or g.overridable(n)}
        for g in (before, after)
    )
    if list(old) != list(new):
        return f"inputs are {', '.join(new)} instead of {', '.join(old)}"
    changed = next((name for name in old if not same_constant(old[name], new[name])), None)
    return "" if changed is None else f"input '{changed}' has another default"


def _inferred(graph: Graph, given: Given | None) -> Shapes | None:
    try:
        return infer(graph, given)
    except OcostError:  # what is proven has to do
        return None


def _regions(sides: Sides, most: int) -> Iterator[CutRegion | Uncut]:
    changed, inner = differing(sides)
    for bodies in inner:
        found = list(_regions(bodies.sides, most))
        old, new = bodies.owners
        around = Spread(sides, changed, ({old}, {new}), most)
        if any(isinstance(region, Uncut) for region in found):
            changed[0].add(old)
            changed[1].add(new)
        for region in found:
            if isinstance(region, CutRegion) and old not in changed[0]:
                yield replace(region, larger=_or_around(region, around))
    for spread in Spread.groups(sides, changed, most):
        yield from _cut_both(spread)


def _or_around(region: CutRegion, around: Spread) -> Grow:
    """How a region of a body grows: within the body, and then to the node that owns it."""

    def larger() -> CutRegion | Uncut | None:
        grown = region.larger()
        if isinstance(grown, CutRegion):
            return replace(grown, larger=_or_around(grown, around))
        old, new = around.elements
        changed = around.changed[0] | old, around.changed[1] | new
        return next(_cut_both(replace(around, changed=changed)), None)

    return larger


def _cut_both(spread: Spread) -> Iterator[CutRegion | Uncut]:
    sides = spread.sides
    removed, added = spread.paths()
    try:
        spread.close()
        removed, added = spread.paths()
        reads, makes = spread.interface()
        if not makes:
            return
        graphs = [
            cut(side, elements, reads, makes, sides)
            for side, elements in zip(sides, spread.elements, strict=True)
        ]
    except UncutError as reason:
        yield Uncut(str(reason), removed, added)
        return

    def larger() -> CutRegion | Uncut | None:
        grown = spread.grown()
        return None if grown is None else next(_cut_both(grown), None)

    yield CutRegion(graphs[0], graphs[1], removed, added, sides[0].graph.prefix, larger)


def cut(
    side: Side,
    elements: Collection[Element],
    reads: Sequence[str],
    makes: Sequence[str],
    known: Sequence[Side],
) -> Graph:
    """Some nodes of a graph or body as a root graph of their own, with the constants they read.

    Parameters
    ----------
    side
        The graph or body.
    elements
        Its nodes, ``("node", id)``, and constants that are outputs, ``("constant", name)``.
    reads, makes
        Names of the inputs and outputs.
    known
        Who knows the tensors; the first that knows a tensor's type says it.

    Raises
    ------
    UncutError
        If the type of an input is not known.
    """
    graph = side.graph
    skeleton = ModelProto()
    skeleton.CopyFrom(graph.header.skeleton)
    for name in ("metadata_props", "training_info"):  # of the whole model
        skeleton.ClearField(name)
    # Below version 4 constants are inputs too, and bodies can't have any.
    skeleton.ir_version = max(graph.header.ir_version, 4)
    header = graph.header._replace(ir_version=skeleton.ir_version, skeleton=skeleton)
    declared = [_declared(name, known) for name in (*reads, *makes)]
    proto = GraphProto(name=graph.name or "region")
    proto.input.extend(declared[: len(reads)])
    proto.output.extend(declared[len(reads) :])
    made = Graph(header, proto, graph.opset)
    made.declared = {info.name: info for info in declared}
    made.set_interface(reads, makes)
    nodes = side.nodes(elements)
    needed = {t for n in nodes for t in (*filter(None, n.inputs), *graph.captures(n))}
    needed |= {name for kind, name in elements if kind == "constant"}
    needed -= {*reads, *(t for n in nodes for t in n.outputs)}
    for name in sorted(needed):
        constant = side.held(name)
        if constant is not None:
            made.set_initializer(_named(constant, name))
    for node in nodes:
        bodies = {name: body.copy(made) for name, body in graph.subgraphs(node).items()}
        made.add_node(node, bodies, rank=graph.rank(node.id))
    return made


def _named(constant: Tensor, name: str) -> Tensor:
    """The constant as the graph has it: what a node holds goes by other names."""
    proto = constant.proto
    if not isinstance(proto, TensorProto) or proto.name == name:
        return constant
    renamed = TensorProto()
    renamed.CopyFrom(proto)
    renamed.name = name
    return replace(constant, name=name, proto=renamed)


def _declared(name: str, known: Sequence[Side]) -> ValueInfoProto:
    for side in known:
        info = side.info(name)
        if info is not None:
            return helper.make_value_info(name, _with_symbols(name, info, side.shapes))
    raise UncutError(f"the type of '{name}' is not known")


def _with_symbols(name: str, info: Info, shapes: Shapes) -> TypeProto:
    made = TypeProto()
    made.CopyFrom(type_proto(info))
    if info.shape is None or None not in info.shape:
        return made
    symbols = _symbols(shapes).get(name)
    dims = made.tensor_type.shape.dim
    if symbols is not None and len(symbols) == len(dims):
        for dim, symbol in zip(dims, symbols, strict=True):
            if symbol and not dim.HasField("dim_value"):
                dim.dim_param = symbol
    return made


def _symbols(shapes: Shapes) -> dict[str, list[str]]:
    """The symbols of open dims by tensor, as onnx's inference passes them on from the inputs."""
    root = shapes.root
    if root not in _KNOWN:
        _KNOWN.clear()  # of the graphs that are compared just now
        model = to_proto(root.graph, "none")
        with contextlib.suppress(RuntimeError, ValueError):  # it refuses the model, or its size
            model = shape_inference.infer_shapes(model, data_prop=True)
        graph = model.graph
        _KNOWN[root] = {
            value.name: [dim.dim_param for dim in value.type.tensor_type.shape.dim]
            for value in (*graph.value_info, *graph.output, *graph.input)
        }
    return _KNOWN[root]


_KNOWN: dict[Shapes, dict[str, list[str]]] = {}


def _scopes(shapes: Shapes) -> Iterator[Shapes]:
    yield shapes
    for body in shapes.bodies.values():
        yield from _scopes(body)
