"""From the working graph to what ``lower`` answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import cast

from onnx import FunctionProto, GraphProto, ModelProto, ValueInfoProto

from ...graph.functions import FUSED
from ...graph.graph import FunctionKey, Graph, Header
from ...graph.node import Node
from ...graph.tensor import Tensor
from ...lineage.lineage import Executed, Fate, Lineage, Status
from .inference import type_proto
from .node import WorkNode
from .work import Constant, Work


def graph_of(work: Work, parent: Graph | None = None) -> Graph:
    """The lowered graph: nodes in the order of execution, constants maybe without contents.

    A fused node calls a function of its own, whose nodes are those that it fuses.
    """
    source = work.original
    assert source is not None
    graph = Graph(
        _header(work, source) if parent is None else parent.header,
        _skeleton(work),
        {**source.opset, **dict.fromkeys(_DOMAINS, 1)} if parent is None else parent.opset,
        parent=parent,
        prefix=source.prefix,
    )
    graph.set_interface(work.inputs, work.outputs)
    used = {t for n in work.nodes.values() for t in n.inputs} | set(work.outputs)
    used |= {t for n in work.nodes.values() for t in n.captures}
    for name, constant in work.constants.items():
        if name in used:
            graph.initializers[name] = _tensor(name, constant)
    taken: set[str] = set()
    for node in work.order():
        node_id = node.name or next(filter(None, node.outputs), node.op)
        while node_id in taken:
            node_id += "'"
        taken.add(node_id)
        bodies = {name: graph_of(body, graph) for name, body in node.bodies.items()}
        frozen = node.frozen(node_id)
        if node.parts:
            frozen = replace(frozen, overload=graph.prefix + node_id)
            _define(graph, node, frozen)
        graph.add_node(frozen, bodies or None)
    graph.declared = dict(source.declared)  # sequences, maps and optionals among them
    live = graph.live_tensors() - graph.initializers.keys()
    for name, kind in work.types.items():
        if kind.dtype and name in live:
            graph.declared[name] = ValueInfoProto(name=name, type=type_proto(kind))
    return graph


_DOMAINS = ("com.microsoft", "com.microsoft.nchwc", FUSED)


def _header(work: Work, source: Graph) -> Header:
    """The model's without its functions, which are inlined, and with room for fused nodes' own."""
    fused = any(node.parts for scope in work.scopes() for node in scope.nodes.values())
    if not fused and not source.header.functions:
        return source.header
    skeleton = ModelProto()
    skeleton.CopyFrom(source.header.skeleton)
    del skeleton.functions[:]
    return source.header._replace(skeleton=skeleton, functions={})


def _define(graph: Graph, node: WorkNode, frozen: Node) -> None:
    """Add the function that a fused node calls."""
    header = graph.header
    function = header.skeleton.functions.add(
        domain=FUSED, name=node.op, overload=frozen.overload, input=node.inputs, output=node.outputs
    )
    function.node.extend(part.frozen().as_proto() for part in node.parts)
    for domain, version in graph.opset.items():
        function.opset_import.add(domain=domain, version=version)
    cast("dict[FunctionKey, FunctionProto]", header.functions)[FUSED, node.op, frozen.overload] = (
        function
    )


def _skeleton(work: Work) -> GraphProto:
    assert work.original is not None
    made = GraphProto()
    made.name = work.original.name
    return made


def _tensor(name: str, constant: Constant) -> Tensor:
    if constant.tensor is not None:
        return constant.tensor
    if constant.array is not None:
        return Tensor.from_array(name, constant.array)
    return Tensor.without_contents(name, constant.dtype, constant.shape)


def lineage_of(work: Work, graph: Graph) -> Lineage:
    """Which originals each node stands for, and what became of each."""
    executed: list[Executed] = []
    covered: Counter[str] = Counter()
    ways: Counter[tuple[str, ...]] = Counter()
    pairs = list(_pairs(work, graph))
    for node, _ in pairs:
        if not node.glue:
            covered.update(node.covers)
            ways[tuple(sorted(node.covers))] += 1
    for node, path in pairs:
        status: Status = "exact"
        if node.glue:
            status = "layout"
        elif ways[tuple(sorted(node.covers))] > 1:
            status = "group"
        executed.append(Executed(path, node.op, node.covers, status))
    fates = dict(work.fates)
    for name, count in covered.items():
        fates[name] = "once" if count == 1 else "multi"
    return Lineage(tuple(executed), cast("dict[str, Fate]", fates), _tensors(work, graph, executed))


def _tensors(work: Work, graph: Graph, executed: Iterable[Executed]) -> dict[str, str]:
    """By path of a tensor that is executed: the written one that it holds.

    One of a name that the file doesn't have holds what the originals make that its maker stands
    for, if that is one tensor.
    """
    assert work.original is not None
    written = {scope.path(node): (scope, node) for scope, node in work.original.walk()}
    known = {scope.prefix + t for scope, node in written.values() for t in node.outputs if t}
    makers = {scope.path(node): (scope, node) for scope, node in graph.walk()}
    found: dict[str, str] = {}
    for one in executed:
        scope, node = makers[one.name]
        paths = [scope.prefix + t for t in node.outputs if t]
        found.update((path, path) for path in paths if path in known)
        if one.status != "exact" or len(paths) != 1 or paths[0] in known:
            continue
        inside = set(one.originals)
        made = {
            around.prefix + t
            for around, original in (written[name] for name in inside if name in written)
            for t in original.outputs
            if t and (t in around.outputs or _read_outside(around, t, inside))
        }
        if len(made) == 1:
            found[paths[0]] = made.pop()
    return found


def _read_outside(scope: Graph, tensor: str, inside: Collection[str]) -> bool:
    return any(scope.path(reader) not in inside for reader, _ in scope.consumers(tensor))


def blocked_of(work: Work, graph: Graph) -> dict[str, int]:
    """By path of a tensor in a blocked layout: its channels without padding."""
    return {
        scope.prefix + tensor: work.blocked[tensor]
        for scope, node in graph.walk()
        for tensor in node.outputs
        if tensor in work.blocked
    }


def _pairs(work: Work, graph: Graph) -> list[tuple[WorkNode, str]]:
    found = []
    for node, frozen in zip(work.order(), graph, strict=True):
        found.append((node, graph.path(frozen)))
        for name, body in node.bodies.items():
            found += _pairs(body, graph.subgraphs(frozen)[name])
    return found
