"""What a graph needs before it is run or rewritten, and not before it is costed."""

from __future__ import annotations

from collections.abc import Iterator

from onnx import TensorProto

from .errors import OcostError
from .external import absence
from .functions import MOST_INLINED, inlined_nodes, shares_bodies
from .graph import Graph
from .tensor import every_tensor


def require_runnable(graph: Graph) -> None:
    """Refuse a model that can be costed, but not run or rewritten.

    Raises
    ------
    OcostError
        If its external data are not there, or if its functions come to too many nodes.
    """
    require_data(graph)
    if shares_bodies(graph):
        raise OcostError(
            f"{graph.header.source.path or graph.name}: its functions come to "
            f"{inlined_nodes(graph)} nodes once all calls are inlined; over {MOST_INLINED} nodes "
            "only cost and diff without --check work"
        )


def require_data(graph: Graph) -> None:
    """Refuse a model whose external data are not there.

    Raises
    ------
    OcostError
        It names the first file that is missing or truncated, and counts the others' tensors.
    """
    source = graph.header.source
    external = (t for t in _tensors(graph) if t.data_location == TensorProto.EXTERNAL)
    reasons = [reason for tensor in external if (reason := absence(tensor, source.folder))]
    if reasons:
        others = f" ({len(reasons) - 1} more tensors are not there either)"
        raise OcostError(f"{source.path}: {reasons[0]}{others if len(reasons) > 1 else ''}")


def _tensors(graph: Graph) -> Iterator[TensorProto]:
    """All tensors of a model."""
    for tensor in graph.initializers.values():
        yield from every_tensor(tensor.proto)
    for node in graph:
        bodies = graph.subgraphs(node)
        for name, attribute in node.attributes.items():
            if name not in bodies:
                yield from every_tensor(attribute)
        for body in bodies.values():
            yield from _tensors(body)
    if graph.parent is None:
        skeleton = graph.header.skeleton
        for part in (*skeleton.functions, *skeleton.training_info):
            yield from every_tensor(part)
