"""The cost of every node of a graph, bodies included, by the registered formulas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..graph import dtypes
from ..graph.graph import Graph
from ..graph.node import Node
from ..graph.shapes import Info, Quality, Shapes
from .exempt import EXEMPT
from .kinds import Kind
from .result import NodeCost, ShapeQuality
from .work import Call, TensorType, Unknown, Work, rules

_QUALITY: dict[Quality, ShapeQuality] = {
    Quality.EXACT: "exact",
    Quality.ASSUMED: "assumed",
    Quality.BOUND: "bound",
}
_Infos = list[tuple[str, Info | None]]  # by tensor name, in slot order
_BRANCHES = ("then_branch", "else_branch")


def _call(node: Node, inputs: _Infos, outputs: _Infos, opset: int) -> Call:
    """The node as its formula sees it.

    Raises
    ------
    Unknown
        If a shape or type that it needs is not known.
    """
    return Call(
        node,
        [_type(name, info) for name, info in inputs],
        [_type(name, info) for name, info in outputs],
        opset,
        {
            slot: info.value
            for slot, (_, info) in enumerate(inputs)
            if info is not None and info.value is not None
        },
    )


def _type(name: str, info: Info | None) -> TensorType | None:
    if not name:
        return None
    if info is None:
        raise Unknown(f"nothing is known of tensor '{name}'")
    if info.type is not None:
        raise Unknown(f"'{name}' is no tensor but a sequence, an optional or a map")
    shape = info.resolved
    if shape is None:
        raise Unknown(info.reason or f"the shape of '{name}' is not known")
    return TensorType(info.dtype, shape)


def _work(node: Node, inputs: _Infos, outputs: _Infos, opset: int) -> tuple[Call, Work]:
    """The node's call and its work by the registered formula.

    Raises
    ------
    Unknown
        If there is no formula, or what it needs is not known.
    """
    rule = rules().get((node.domain, node.op_type))
    if rule is None:
        reason = EXEMPT.get((node.domain, node.op_type))
        raise Unknown(reason or f"no cost formula for {node.qualified_type}")
    call = _call(node, inputs, outputs, opset)
    try:
        return call, rule.formula(call)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise Unknown(f"the shapes of {node.op_type} don't fit its operator ({error})") from error


class Costed(NamedTuple):
    """A node's cost with what it was computed from; ``call`` is None if it is unknown."""

    cost: NodeCost
    node: Node
    scope: Shapes
    call: Call | None = None
    reads: Mapping[str, int] = MappingProxyType({})  # bytes by tensor

    @property
    def on_constants(self) -> bool:
        """Whether the node computes from constants alone."""
        infos = [self.scope.get(name) for name in self.node.outputs if name]
        return bool(infos) and all(info is not None and info.constant for info in infos)


def cost_nodes(scope: Shapes, trips: int = 1, floor: Quality = Quality.EXACT) -> list[Costed]:
    """Costs of all nodes of a scope in execution order, those of bodies after their owner.

    Parameters
    ----------
    scope
        A graph with its shapes.
    trips
        How often the scope is executed in all.
    floor
        How well that is known.
    """
    costs: list[Costed] = []
    for node in scope.graph:
        bodies = bodies_of(node, scope)
        if bodies is None:
            costs.append(_node_cost(node, scope, trips, floor))
            continue
        costs.append(Costed(_owner_cost(node, scope, trips, floor), node, scope))
        count, quality = scope.trips.get(node.id, (1, Quality.EXACT))
        quality = max(quality, floor)
        if len(bodies) > 1:  # an If of unknown condition
            options = [cost_nodes(body, trips, max(quality, Quality.BOUND)) for body in bodies]
            larger = max(options, key=_size)
            costs += larger
            for other in options:  # what is not known there might have made it the larger one
                costs += [c for c in other if other is not larger and not c.cost.known]
        elif count:  # a body that never runs costs nothing, like a branch that is not taken
            costs += cost_nodes(bodies[0], trips * count, quality)
    return costs


def bodies_of(node: Node, scope: Shapes) -> list[Shapes] | None:
    """The scopes that may run for a node: both of an If whose condition is not known."""
    if not scope.bodies:
        return None
    names = ("function", "body", *_BRANCHES)
    found = [scope.bodies[node.id, name] for name in names if (node.id, name) in scope.bodies]
    return found or None


def _size(branch: Iterable[Costed]) -> tuple[int, int]:
    """What makes one branch larger than another: FLOP, then traffic."""
    costs = [costed.cost for costed in branch]
    return sum(c.flops or 0 for c in costs), sum(c.traffic_bytes or 0 for c in costs)


def _infos(names: Sequence[str], scope: Shapes) -> _Infos:
    return [(name, scope.get(name) if name else None) for name in names]


def _quality(*sides: _Infos) -> Quality:
    """How the shapes that a node's cost rests on are known."""
    found = [
        info.quality
        for infos in sides
        for _, info in infos
        if info is not None and info.quality is not Quality.EXACT
    ]
    return max(found, default=Quality.EXACT)


def _owner_cost(node: Node, scope: Shapes, trips: int, floor: Quality) -> NodeCost:
    """An If, Loop, Scan or function call: what it costs lies in its body."""
    quality = max(floor, _quality(_infos(node.inputs, scope), _infos(node.outputs, scope)))
    kind = Kind.CALL if (node.id, "function") in scope.bodies else Kind.CONTROL
    return _cost(node, scope, trips, quality, Work(kind), (0, 0, 0), None)


def _node_cost(node: Node, scope: Shapes, trips: int, floor: Quality) -> Costed:
    inputs, outputs = _infos(node.inputs, scope), _infos(node.outputs, scope)
    quality = _quality(inputs, outputs)
    if floor is not Quality.EXACT:
        quality = max(floor, quality)
    try:
        call, work = _work(node, inputs, outputs, scope.graph.opset.get(node.domain, 1))
        reads = _reads(call, work)
        written = _writes(call, work)
    except Unknown as reason:
        path = scope.graph.path(node)
        unknown = NodeCost(
            name=path,
            op_type=node.op_type,
            domain=node.domain,
            kind=None,
            macs=None,
            flops=None,
            padded_flops=None,
            read_bytes=None,
            write_bytes=None,
            weight_bytes=None,
            shape=_QUALITY[quality],
            trips=trips,
            reason=str(reason),
            originals=(path,),
        )
        return Costed(unknown, node, scope)
    constants = {name for name, info in inputs if info is not None and info.constant}
    weight = sum(amount for name, amount in reads.items() if name in constants)
    traffic = sum(reads.values()), weight, written
    cost = _cost(node, scope, trips, quality, work, traffic, _arithmetic(call, work))
    return Costed(cost, node, scope, call, reads)


def _cost(
    node: Node,
    scope: Shapes,
    trips: int,
    quality: Quality,
    work: Work,
    traffic: tuple[int, int, int],  # read, of that constant, written
    dtype: int | None,
) -> NodeCost:
    path = scope.graph.path(node)
    read, weight, written = traffic
    return NodeCost(
        path,
        node.op_type,
        node.domain,
        work.kind,
        work.macs * trips,
        work.flops * trips,
        0,  # padded: nothing is, as written
        read * trips,
        written * trips,
        weight * trips,
        _QUALITY[quality],
        trips,
        dtype,
        view=work.view and bool(node.inputs and node.outputs),
        originals=(path,),
    )


def _still(work: Work) -> bool:
    """Whether nothing moves: a view, or a constant that is there before the run."""
    return work.view or work.kind in (Kind.CONSTANT, Kind.CONTROL, Kind.CALL)


def _reads(call: Call, work: Work) -> Mapping[str, int]:
    """Bytes read of each distinct input: ``Mul(x, x)`` reads x once.

    Raises
    ------
    Unknown
        If an element has no fixed size (strings).
    """
    touched: dict[str, int] = {}
    if _still(work):
        return touched
    for slot, (name, kind) in enumerate(zip(call.node.inputs, call.inputs, strict=True)):
        if kind is not None:
            amount = _nbytes(name, kind, work.reads.get(slot))
            touched[name] = max(touched.get(name, 0), amount)
    return touched


def _writes(call: Call, work: Work) -> int:
    if _still(work):
        return 0
    pairs = enumerate(zip(call.node.outputs, call.outputs, strict=True))
    return sum(
        _nbytes(name, kind, work.writes.get(slot))
        for slot, (name, kind) in pairs
        if kind is not None
    )


def _nbytes(name: str, kind: TensorType, elements: int | None) -> int:
    amount = dtypes.nbytes(kind.dtype, kind.size if elements is None else elements)
    if amount is None:
        raise Unknown(f"elements of '{name}' ({dtypes.name(kind.dtype)}) have no fixed size")
    return amount


def _arithmetic(call: Call, work: Work) -> int | None:
    """The element type that the arithmetic runs in."""
    if work.dtype is not None:
        return work.dtype
    kinds = [t for t in (*call.inputs, *call.outputs) if t is not None]
    return next((t.dtype for t in kinds if dtypes.is_float(t.dtype)), None) or (
        kinds[0].dtype if kinds else None
    )


def bytes_of(info: Info | None) -> int | None:
    """Bytes that a tensor takes, None where its type or shape is not known."""
    if info is None or info.type is not None or info.size is None:
        return None
    return dtypes.nbytes(info.dtype, info.size)


def count_nodes(graph: Graph) -> int:
    """Nodes of a graph, those of its bodies included."""
    return sum(1 for _ in graph.walk())
