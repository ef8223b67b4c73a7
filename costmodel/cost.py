"""The cost of every node of a graph, bodies included, by the registered formulas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..graph import dtypes
from ..graph.dataflow import unread_nodes
from ..graph.functions import FUSED
from ..graph.graph import Graph
from ..graph.node import Node
from ..graph.shapes import Info, Quality, Shapes
from ..graph.shapes.info import Array
from ..graph.shapes.table import scopes
from ..graph.tensor import Tensor
from .exempt import EXEMPT
from .fused import fused
from .kinds import KernelKind
from .result import NodeCost, ShapeQuality
from .work import Call, TensorType, Unknown, Work, rules

_QUALITY: dict[Quality, ShapeQuality] = {
    Quality.EXACT: "exact",
    Quality.ASSUMED: "assumed",
    Quality.BOUND: "bound",
}
_QUALITIES = {name: quality for quality, name in _QUALITY.items()}
_Infos = list[tuple[str, Info | None]]  # by tensor name, in slot order
_BRANCHES = ("then_branch", "else_branch")


def _call(
    node: Node, scope: Shapes, inputs: _Infos, outputs: _Infos, opset: int, *, maps: bool
) -> Call:
    """The node as its formula sees it; with ``maps`` an input may be a map of unknown size.

    Raises
    ------
    Unknown
        If a shape or type that it needs is not known.
    """
    return Call(
        node,
        [_type(name, info, maps=maps) for name, info in inputs],
        [_type(name, info) for name, info in outputs],
        opset,
        {
            slot: info.value
            for slot, (_, info) in enumerate(inputs)
            if info is not None and info.value is not None
        },
        lambda slot: _stored(node.inputs[slot], scope) if slot < len(node.inputs) else None,
    )


# Elements of a constant that is read for its contents: the scale and bias of a norm are fewer.
_READ = 1 << 14


def _stored(name: str, scope: Shapes) -> Array | None:
    """The contents of a constant that is neither large nor in a file that is not there."""
    tensor = scope.graph.constant(name) if name else None
    maker = scope.graph.producer(name)
    if maker is not None and maker.op_type == "Constant" and (proto := maker.tensor("value")):
        tensor = Tensor.from_proto(proto, scope.graph.header.source, name)
    if tensor is None or tensor.size > _READ or tensor.absent:
        return None
    return tensor.data()


def _type(name: str, info: Info | None, *, maps: bool = False) -> TensorType | None:
    if not name:
        return None
    if info is None:
        raise Unknown(f"nothing is known of tensor '{name}'")
    entry, shape = entry_bytes(info), info.resolved
    if info.type is not None and maps and entry is not None:
        return TensorType(info.dtype, shape or (), entry)
    if info.type is not None and (entry is None or shape is None):
        raise Unknown(f"'{name}' is no tensor but a sequence, an optional or a map")
    if shape is None:
        raise Unknown(info.reason or f"the shape of '{name}' is not known")
    return TensorType(info.dtype, shape, entry)


def _work(
    node: Node, scope: Shapes, inputs: _Infos, outputs: _Infos, opset: int
) -> tuple[Call, Work]:
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
    call = _call(node, scope, inputs, outputs, opset, maps=rule.maps)
    try:
        return call, rule.formula(call)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise Unknown(f"the shapes of {node.op_type} don't fit its operator ({error})") from error


class Costed(NamedTuple):
    """A node's cost with what it was computed from.

    ``call`` is None if it is unknown, or of a fused node: there ``parts`` are what it fuses.
    """

    cost: NodeCost
    node: Node
    scope: Shapes
    call: Call | None = None
    reads: Mapping[str, int] = MappingProxyType({})  # bytes by tensor
    attribute_bytes: int = 0  # read of the node's own attributes
    executed: bool = False  # by a runtime, that has chosen its kernel
    parts: tuple[Costed, ...] = ()
    padded_params: Mapping[str, int] = MappingProxyType({})  # elements of padding, by constant
    distances: Mapping[str, int] = MappingProxyType({})  # ``reuse.distances``, where executed

    @property
    def on_constants(self) -> bool:
        """Whether the node computes from constants alone."""
        infos = [self.scope.get(name) for name in self.node.outputs if name]
        return bool(infos) and all(info is not None and info.constant for info in infos)


def cost_nodes(root: Shapes) -> list[Costed]:
    """Costs of all nodes of a graph in execution order, those of bodies after their owner.

    A scope that several calls share is listed where it is called first, its figures times the
    number of its executions, as those of a Loop's body are.
    """
    callers_first = scopes(root)
    own = {
        id(scope): [_row(node, scope) for node in scope.graph]
        for scope in callers_first
        if scope.function is None or scope.function[0] != FUSED  # costed where it is called
    }
    callers_first = [scope for scope in callers_first if id(scope) in own]
    sizes: dict[int, _Size] = {}
    for scope in reversed(callers_first):
        sizes[id(scope)] = _size(scope, own[id(scope)], sizes)
    runs: dict[int, _Runs] = {id(root): _Runs(1, Quality.EXACT)}
    for scope in callers_first:
        run = runs.setdefault(id(scope), _Runs(0, Quality.EXACT))
        for body, times, quality in _executions(scope, sizes):
            before = runs.get(id(body), _Runs(0, Quality.EXACT))
            runs[id(body)] = before.plus(run.trips * times, max(run.floor, quality))
    return list(_listed(root, own, runs, set(), dead=False))


class _Size(NamedTuple):
    """What makes one branch larger than another: FLOP, then traffic."""

    flops: int = 0
    traffic: int = 0


class _Runs(NamedTuple):
    """How often a scope is executed, and how well that is known."""

    trips: int
    floor: Quality

    def plus(self, trips: int, quality: Quality) -> _Runs:
        """With the executions that another caller adds."""
        return _Runs(self.trips + trips, max(self.floor, quality))


def _executions(scope: Shapes, sizes: Mapping[int, _Size]) -> Iterator[tuple[Shapes, int, Quality]]:
    """The bodies that a scope's nodes may run: how often, 0 for the smaller branch of an If."""
    for node in scope.graph if scope.bodies else ():
        bodies = bodies_of(node, scope)
        if bodies is None:
            continue
        count, quality = scope.trips.get(node.id, (1, Quality.EXACT))
        if len(bodies) > 1:  # an If of unknown condition
            larger = max(bodies, key=lambda body: sizes[id(body)])
            for body in bodies:
                yield body, int(body is larger), max(quality, Quality.BOUND)
        else:
            yield bodies[0], count, quality


def _size(scope: Shapes, rows: Iterable[Costed], sizes: Mapping[int, _Size]) -> _Size:
    """What one execution of a scope comes to."""
    costs = [row.cost for row in rows]
    flops = sum(cost.flops or 0 for cost in costs)
    traffic = sum(cost.traffic_bytes or 0 for cost in costs)
    for body, times, _ in _executions(scope, sizes):
        flops += times * sizes[id(body)].flops
        traffic += times * sizes[id(body)].traffic
    return _Size(flops, traffic)


def _listed(
    scope: Shapes,
    own: Mapping[int, list[Costed]],
    runs: Mapping[int, _Runs],
    seen: set[int],
    *,
    dead: bool,
) -> Iterator[Costed]:
    """A scope's nodes, each followed by its bodies', what runs more than once times that.

    With ``dead`` nobody reads what the scope's owner makes.

    Of a branch that is not counted only what is not known is told: it might have made that
    branch the larger one. A body that never runs costs nothing, like a branch not taken.
    """
    seen.add(id(scope))
    run = runs[id(scope)]
    once = run == (1, Quality.EXACT)
    unread = unread_nodes(scope.graph)
    for row in own[id(scope)]:
        idle = dead or row.node.id in unread
        if run.trips or not row.cost.known:
            cost = row.cost if once else _times(row.cost, run)
            if idle:
                cost = cost._replace(dead=True)
            yield row if cost is row.cost else row._replace(cost=cost)
        bodies = bodies_of(row.node, scope) or ()
        counted = [body for body in bodies if runs[id(body)].trips]
        branches = bodies if len(bodies) > 1 or not run.trips else ()
        for body in (*counted, *branches):
            if id(body) not in seen:
                yield from _listed(body, own, runs, seen, dead=idle)


def _times(cost: NodeCost, run: _Runs) -> NodeCost:
    """The cost of a node that runs more than once, or perhaps not at all."""
    shape = _QUALITY[max(_QUALITIES[cost.shape], run.floor)]
    trips = max(run.trips, 1)
    if not cost.known:
        return cost._replace(shape=shape, trips=trips)
    return cost._replace(
        shape=shape,
        trips=trips,
        macs=trips * (cost.macs or 0),
        flops=trips * (cost.flops or 0),
        read_bytes=trips * (cost.read_bytes or 0),
        write_bytes=trips * (cost.write_bytes or 0),
        weight_bytes=trips * (cost.weight_bytes or 0),
    )


def _row(node: Node, scope: Shapes) -> Costed:
    """One execution of a node; of one that owns bodies, of itself alone."""
    if scope.bodies and bodies_of(node, scope) is not None:
        return Costed(_owner_cost(node, scope), node, scope)
    if node.domain == FUSED and (body := scope.bodies.get((node.id, "function"))) is not None:
        return _fused_cost(node, scope, body)
    return _node_cost(node, scope)


def bodies_of(node: Node, scope: Shapes) -> list[Shapes] | None:
    """The scopes that may run for a node: both of an If whose condition is not known.

    What a fused node runs is its own.
    """
    if not scope.bodies or node.domain == FUSED:
        return None
    names = ("function", "body", *_BRANCHES)
    found = [scope.bodies[node.id, name] for name in names if (node.id, name) in scope.bodies]
    return found or None


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


def _owner_cost(node: Node, scope: Shapes) -> NodeCost:
    """An If, Loop, Scan or function call: what it costs lies in its body."""
    quality = _quality(_infos(node.inputs, scope), _infos(node.outputs, scope))
    kind = KernelKind.CALL if (node.id, "function") in scope.bodies else KernelKind.CONTROL
    return _cost(node, scope, quality, Work(kind), (0, 0, 0), None)


def _fused_cost(node: Node, scope: Shapes, body: Shapes) -> Costed:
    """The arithmetic of the body, the traffic of the boundary."""
    parts = tuple(_row(inner, body) for inner in body.graph)
    quality = _quality(
        _infos(node.inputs, scope),
        _infos(node.outputs, scope),
        *(_infos(part.node.outputs, body) for part in parts),
    )
    try:
        work, reads, dtype = fused(node, body, parts)
        outputs = () if work.view else filter(None, node.outputs)
        written = sum(_bytes(name, scope.get(name)) for name in outputs)
    except Unknown as reason:
        return Costed(_unknown(node, scope, quality, reason), node, scope, parts=parts)
    weight = sum(amount for name, amount in reads.items() if _is_constant(name, scope))
    traffic = sum(reads.values()), weight, written
    cost = _cost(node, scope, quality, work, traffic, dtype)
    return Costed(cost, node, scope, None, reads, parts=parts)


def _is_constant(name: str, scope: Shapes) -> bool:
    info = scope.get(name)
    return info is not None and info.constant


def _bytes(name: str, info: Info | None) -> int:
    amount = bytes_of(info)
    if amount is None:
        raise Unknown(
            (info.reason if info is not None else "") or f"the size of '{name}' is not known"
        )
    return amount


def _node_cost(node: Node, scope: Shapes) -> Costed:
    inputs, outputs = _infos(node.inputs, scope), _infos(node.outputs, scope)
    quality = _quality(inputs, outputs)
    try:
        call, work = _work(node, scope, inputs, outputs, scope.graph.opset.get(node.domain, 1))
        reads = _reads(call, work)
        written = _writes(call, work)
    except Unknown as reason:
        return Costed(_unknown(node, scope, quality, reason), node, scope)
    constants = {name for name, info in inputs if info is not None and info.constant}
    weight = sum(amount for name, amount in reads.items() if name in constants)
    own = work.attribute_bytes
    traffic = sum(reads.values()) + own, weight + own, written
    cost = _cost(node, scope, quality, work, traffic, _arithmetic(call, work))
    return Costed(cost, node, scope, call, reads, own)


def _unknown(node: Node, scope: Shapes, quality: Quality, reason: Unknown) -> NodeCost:
    path = scope.graph.path(node)
    return NodeCost(
        name=path,
        op_type=node.op_type,
        domain=node.domain,
        kind=None,
        macs=None,
        flops=None,
        padded_flops=None,
        padded_bytes=None,
        read_bytes=None,
        write_bytes=None,
        weight_bytes=None,
        shape=_QUALITY[quality],
        reason=str(reason),
        originals=(path,),
    )


def _cost(
    node: Node,
    scope: Shapes,
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
        work.macs,
        work.flops,
        0,  # padded: nothing is, as written
        read,
        written,
        weight,
        _QUALITY[quality],
        dtype=dtype,
        view=work.view and bool(node.inputs and node.outputs),
        originals=(path,),
    )


def _still(work: Work) -> bool:
    """Whether nothing moves: a view, or a constant that is there before the run."""
    return work.view or work.kind in (KernelKind.CONSTANT, KernelKind.CONTROL, KernelKind.CALL)


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
    count = kind.size if elements is None else elements
    if kind.entry_bytes is not None:
        return kind.entry_bytes * count
    amount = dtypes.nbytes(kind.dtype, count)
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
    if info is None or info.size is None:
        return None
    entry = entry_bytes(info)
    if entry is not None:
        return entry * info.size
    return None if info.type is not None else dtypes.nbytes(info.dtype, info.size)


# What onnxruntime's tensors keep for a string; the text of a longer one lies elsewhere.
STRING_BYTES = 32


def entry_bytes(info: Info) -> int | None:
    """Bytes of an element where the type alone does not tell: a string, an entry of a map."""
    if info.type is None:
        return STRING_BYTES if info.dtype == dtypes.STRING else None
    kind = info.type.sequence_type.elem_type if info.type.HasField("sequence_type") else info.type
    if not kind.HasField("map_type"):
        return None
    types = kind.map_type.key_type, kind.map_type.value_type.tensor_type.elem_type
    sizes = [STRING_BYTES if t == dtypes.STRING else dtypes.nbytes(t, 1) for t in types]
    return sum(size or 0 for size in sizes) if None not in sizes else None


def count_nodes(graph: Graph) -> int:
    """Nodes of a graph, those of its bodies included."""
    return sum(1 for _ in graph.walk())
