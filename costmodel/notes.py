"""Assumptions and circumstances that a reader of the figures should know, a line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ..graph import dtypes
from ..graph.functions import inlined_nodes
from ..graph.shapes import Quality, Shapes
from ..graph.shapes.table import scopes
from ..graph.tensor import Tensor
from .cost import Costed
from .device import Device
from .kinds import KernelKind
from .result import NodeCost

_BLOCKED = "com.microsoft.nchwc"


def notes(
    shapes: Shapes,
    costs: Sequence[Costed],
    nodes: Sequence[NodeCost],
    device: Device,
    stored: Iterable[Tensor],
) -> tuple[str, ...]:
    """Notes on a costed graph; ``nodes`` are the costs with their latencies filled in.

    ``stored`` are the graph's constants.
    """
    return (
        *_without_peak(nodes, device),
        *_blocked(nodes),
        *_quantised(nodes),
        *_folded(costs, nodes),
        *_dead(nodes),
        *_control(shapes),
        *_shared(shapes),
        *_absent(stored),
    )


def notes_on_executed(
    written: Shapes | None, nodes: Sequence[NodeCost], device: Device, stored: Iterable[Tensor]
) -> tuple[str, ...]:
    """Notes on a graph as a runtime executes it.

    ``nodes`` are those that are executed; shapes and constants are of the graph as written, which
    needs no shapes here if no node owns a body.
    """
    return (
        *_without_peak(nodes, device),
        *(() if written is None else (*_control(written), *_shared(written))),
        *_absent(stored),
    )


def _without_peak(nodes: Sequence[NodeCost], device: Device) -> Iterator[str]:
    foreign = Counter(
        dtypes.name(node.dtype)
        for node in nodes
        if node.flops and node.dtype is not None and not device.peak(node.dtype)[1]
    )
    for name, count in foreign.items():
        if name.startswith(("float", "bfloat", "int8", "uint8")):
            yield (
                f"{device.name} has no peak for {name}: float32's is used "
                f"({_count(count, 'node')}), so their latency says little"
            )


def _blocked(nodes: Sequence[NodeCost]) -> Iterator[str]:
    """A graph that a runtime has blocked already is physical where others are algorithmic."""
    count = sum(node.domain == _BLOCKED for node in nodes)
    if count:
        yield (
            f"a runtime has blocked this graph already ({_count(count, 'node')}): its figures "
            "include channels padded to the block, taken as 16; compare it only with its like"
        )


def _quantised(nodes: Sequence[NodeCost]) -> Iterator[str]:
    count = sum(node.op_type == "DequantizeLinear" for node in nodes)
    if count and any(node.op_type == "QuantizeLinear" for node in nodes):
        yield (
            f"Q and DQ nodes are costed one by one ({count} DequantizeLinear) and what stands "
            "between them in float: a runtime may fuse them into integer kernels"
        )


def _folded(costs: Sequence[Costed], nodes: Sequence[NodeCost]) -> Iterator[str]:
    """Work on constants alone, which is no saving of whoever folds it first."""
    idle = (KernelKind.CONSTANT, KernelKind.CONTROL, KernelKind.CALL)
    found = [
        node
        for costed, node in zip(costs, nodes, strict=True)
        if node.kind not in idle and not node.view and costed.on_constants
    ]
    seconds = sum(node.latency_s or 0.0 for node in found)
    if seconds:
        yield (
            f"work on constants alone: {_count(len(found), 'node')}, {_time(seconds)} of the "
            "estimate; a runtime folds them when it loads the model"
        )


def _dead(nodes: Sequence[NodeCost]) -> Iterator[str]:
    """Work that nobody asks for: whether it is done is the runtime's choice."""
    found = [node for node in nodes if node.dead and node.kind is not KernelKind.CONSTANT]
    if found:
        names = ", ".join(f"'{node.name}'" for node in found[:3])
        are, they, them = ("is", "it", "it") if len(found) == 1 else ("are", "they", "them")
        more = ", ..." if len(found) > 3 else ""
        yield (
            f"{_count(len(found), 'node')} {are} dead ({names}{more}): no output depends on {them}"
            f"; {they} {are} counted, though a runtime may drop {them}"
        )


def _control(shapes: Shapes) -> Iterator[str]:
    """What decides which body runs, and how often, where that is not known exactly."""
    undecided: list[str] = []
    inexact: list[str] = []
    for scope in scopes(shapes):
        for node in scope.graph:
            if (node.id, "then_branch") in scope.bodies and (
                node.id,
                "else_branch",
            ) in scope.bodies:
                undecided.append(scope.graph.path(node))
        for node_id, (trips, quality) in scope.trips.items():
            path = scope.graph.prefix + node_id
            if path in shapes.root.followed:
                yield f"'{path}' runs {_count(trips, 'time')}, as given by --trips"
            if quality is Quality.EXACT:
                continue
            if scope.graph.node(node_id).op_type == "If":
                inexact.append(path)
            elif quality is Quality.ASSUMED:
                why = "its trip count is not known, or rests on assumed dims"
                if not shapes.assumed and scope.graph.node(node_id).op_type == "Loop":
                    why = f"its trip count is not known; give it with --trips {path}=..."
                yield f"'{path}' is assumed to run {_count(trips, 'time')}: {why}"
            else:
                most = _count(trips, "time")
                yield f"'{path}' runs at most {most}: its condition may end it early"
    if undecided:
        yield (
            f"the condition of {_count(len(undecided), 'If')} is not known ('{undecided[0]}'"
            f"{', ...' if len(undecided) > 1 else ''}): the larger branch counts; "
            "--value of the input that decides tells"
        )
    if inexact:
        yield (
            f"{_count(len(inexact), 'If')} may take the other branch ('{inexact[0]}'"
            f"{', ...' if len(inexact) > 1 else ''}): the condition rests on inexact shapes"
        )


def _shared(shapes: Shapes) -> Iterator[str]:
    """Calls that are not listed one by one."""
    if shapes.shares:
        yield (
            f"the functions come to {inlined_nodes(shapes.graph)} nodes once inlined: calls of "
            "one function with inputs of the same shapes are listed once, times their number"
        )


def _absent(stored: Iterable[Tensor]) -> Iterator[str]:
    """Weights that lie in files which are not there: figures need none, runs do."""
    reasons = [reason for tensor in stored if (reason := tensor.absent)]
    if reasons:
        others = f", nor are those of {_count(len(reasons) - 1, 'other tensor')} there"
        yield f"costed without weights: {reasons[0]}{others if len(reasons) > 1 else ''}"


def _time(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms" if seconds >= 1e-3 else f"{1e6 * seconds:.3g} us"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
