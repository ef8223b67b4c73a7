"""Figures of the whole graph: sums over its nodes, parameters, files, compulsory traffic."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from onnx import TensorProto

from ..graph.external import external_entry
from ..graph.graph import Graph
from ..graph.save import file_size
from ..graph.shapes import Shapes
from ..graph.shapes.table import Key, scopes
from ..graph.tensor import Tensor
from .cost import Costed, bytes_of
from .estimators.estimator import Latency
from .kinds import KernelKind
from .memory import Memory
from .params import of_attributes, param_bytes
from .result import Coverage, NodeCost, Totals, UnknownNode

_IDLE = frozenset({KernelKind.CONSTANT, KernelKind.CONTROL, KernelKind.CALL})


def coverage(costs: Iterable[NodeCost]) -> Coverage:
    """How many nodes are costed, and how well their shapes are known."""
    counts = {"exact": 0, "assumed": 0, "bound": 0}
    unknown = []
    for cost in costs:
        if cost.known:
            counts[cost.shape] += 1
        else:
            unknown.append(UnknownNode(cost.name, cost.op_type, cost.reason))
    costed = sum(counts.values())
    return Coverage(costed + len(unknown), costed, **counts, unknown=tuple(unknown))


def totals(
    scope: Shapes,
    costs: Sequence[Costed],
    nodes: Sequence[NodeCost],
    params: int,
    stored: Iterable[Tensor],
    alive: Memory | None,
    on_disk: int | None,
    whole: Latency,
) -> Totals:
    """All totals of a costed graph.

    ``nodes`` have their latencies filled in, ``whole`` is that of a run. ``params`` is the number
    of parameters, ``stored`` are the graph's constants, and ``on_disk`` the bytes of its file.
    """
    # Constants, and what owns a body, cost nothing themselves: they don't make a sum known.
    working = [c for c in nodes if c.kind not in _IDLE]

    def total(figure: str) -> int | None:
        values = [v for c in working if (v := getattr(c, figure)) is not None]
        return sum(values) if values or not working else None

    read, write, flops = total("read_bytes"), total("write_bytes"), total("flops")
    traffic = None if read is None or write is None else read + write
    unknown = any(not c.known for c in nodes)
    return Totals(
        macs=total("macs"),
        flops=flops,
        padded_flops=total("padded_flops"),
        padded_bytes=None if traffic is None else total("padded_bytes"),
        params=None if flops is None else params,
        param_bytes=param_bytes(stored),
        file_bytes=on_disk,
        read_bytes=read,
        write_bytes=write,
        traffic_bytes=traffic,
        compulsory_bytes=None if unknown else compulsory_bytes(scope, costs),
        peak_bytes=alive.peak_bytes if alive else None,
        mean_activation_bytes=alive.mean_activation_bytes if alive else None,
        total_activation_bytes=alive.total_activation_bytes if alive else None,
        intensity=flops / traffic if traffic and flops is not None else None,
        latency_s=None if flops is None else whole.seconds,
        latency_low_s=None if flops is None else whole.low,
        latency_high_s=None if flops is None else whole.high,
    )


def compulsory_bytes(scope: Shapes, costs: Sequence[Costed]) -> int | None:
    """Touched bytes of graph inputs and constants, plus graph outputs.

    No fusion goes below this traffic. What is read through a view counts for what is viewed. A
    tensor that several nodes read counts once: readers of parts are taken to read different
    parts (the slices of a packed weight), up to the whole tensor.
    """
    behind = _behind_views(scope, costs)
    touched: Counter[Key] = Counter()
    for costed in costs:
        for name, amount in (*costed.reads.items(), *_handed_in(costed)):
            for (home, own), times in behind(costed.scope, name).items():
                maker = home.graph.producer(own)
                whose = home if maker is None or maker.op_type != "Constant" else home.first(maker)
                touched[whose, own] += amount * times
    amount = sum(
        _at_most(size, *key) for key, size in touched.items() if _from_outside(*key, scope)
    )
    amount += _of_attributes(costs)
    for name in scope.graph.outputs:
        size = bytes_of(scope.get(name))
        if size is None:
            return None
        amount += size
    return amount


def _of_attributes(costs: Iterable[Costed]) -> int:
    """Touched bytes of constants in attributes, up to what is stored there."""
    touched: Counter[Key] = Counter()
    whole: dict[Key, int] = {}
    for costed in costs:
        if costed.attribute_bytes:
            node, source = costed.node, costed.scope.graph.header.source
            key = costed.scope.first(node), node.id
            touched[key] += costed.attribute_bytes
            whole[key] = param_bytes(of_attributes(node, source))
    return sum(min(size, whole[key]) for key, size in touched.items())


def _behind_views(
    root: Shapes, costs: Iterable[Costed]
) -> Callable[[Shapes, str], Mapping[Key, int]]:
    """Asked of a tensor: those that it views or stands for, each with its number of times."""
    views = {(id(c.scope), c.node.outputs[0]) for c in costs if c.cost.view}
    known: dict[Key, Mapping[Key, int]] = {}

    def behind(scope: Shapes, name: str) -> Mapping[Key, int]:
        homes = scope.homes(name)
        if known.keys().isdisjoint(homes):
            return homes
        found: Counter[Key] = Counter()
        for key, times in homes.items():
            of = known.get(key, {key: times})
            share = times // (sum(of.values()) or 1)  # of calls, this one's
            found.update({viewed: count * share for viewed, count in of.items()})
        return found

    for scope in scopes(root):  # callers and makers first: what is viewed is known by then
        for node in scope.graph:
            if node.outputs and (id(scope), node.outputs[0]) in views:
                known[scope, node.outputs[0]] = behind(scope, node.inputs[0])
    return behind


def _at_most(size: int, home: Shapes, name: str) -> int:
    whole = bytes_of(home.get(name))
    return size if whole is None else min(size, whole)


def _handed_in(costed: Costed) -> Iterator[tuple[str, int]]:
    """What a Loop's or Scan's body reads of its owner's inputs, under names of its own."""
    node, scope = costed.node, costed.scope
    body = scope.bodies.get((node.id, "body"))
    if body is None or not scope.trips[node.id][0]:
        return
    own = body.graph.inputs[2:] if node.op_type == "Loop" else body.graph.inputs
    for inner, outer in zip(reversed(own), reversed(node.inputs), strict=False):
        size = bytes_of(scope.get(outer)) if body.graph.consumers(inner) else None
        if size is not None:
            yield outer, size


def _from_outside(home: Shapes, name: str, root: Shapes) -> bool:
    """Whether a tensor is there before the run: a graph input or a stored constant."""
    maker = home.graph.producer(name)
    if maker is not None:
        return maker.op_type == "Constant"
    return home is root or name in home.graph.initializers


def file_bytes(graph: Graph, stored: Iterable[Tensor]) -> int | None:
    """Bytes on disk, external data included; of a weightless graph, with its weights filled.

    Of a graph that was changed: what it takes when it is written anew. None where a file of
    external data is not there.
    """
    external = [
        (tensor, external_entry(tensor.proto))
        for tensor in stored
        if isinstance(tensor.proto, TensorProto)
        and tensor.proto.data_location == TensorProto.EXTERNAL
    ]
    if external and any(scope.edited for scope, _ in graph.walk()):
        return file_size(graph) + sum(tensor.nbytes or 0 for tensor, _ in external)
    folder = graph.header.source.folder
    files = {Path(os.path.realpath(folder / entry.location)) for _, entry in external}
    if not all(file.is_file() for file in files):
        return None
    return file_size(graph) + sum(file.stat().st_size for file in files)
