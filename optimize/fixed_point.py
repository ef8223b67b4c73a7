"""Does optimising the product again change anything more?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from onnx import GraphProto, ModelProto

from ..graph import Graph, from_proto, to_proto
from ..rewrite.rewriting import Declined
from .pipeline import Made


@dataclass(frozen=True)
class Again:
    """What two runs made, the second of the first one's product.

    Parameters
    ----------
    first, second
        What each made.
    """

    first: Made
    second: Made

    @property
    def differences(self) -> list[str]:
        """What the second run did otherwise, a line each; none at a fixed point."""
        lines = [f"rewritten by {entry.by}: {entry.reason}" for entry in self.second.entries]
        old, new = map(_declined, (self.first.declined, self.second.declined))
        lines += [f"declined no more, {text}" for text in old if text not in new]
        lines += [f"declined anew, {text}" for text in new if text not in old]
        faults = [fault for fault in self.second.faults if fault not in self.first.faults]
        return lines + [f"failed anew, {fault.by}: {fault.reason}" for fault in faults]


def again(graph: Graph, optimize: Callable[[Graph], Made], *, bare: bool = False) -> Again:
    """Optimise a graph, write the product as a file has it, read and optimise that.

    Parameters
    ----------
    graph
        It stays as it is.
    optimize
        What to do twice.
    bare
        Whether the product loses its metadata and doc strings in between, so that nothing in it
        can tell the second run what the first one did. A weightless graph gets its weights.
    """
    first = optimize(graph)
    model = ModelProto()
    model.CopyFrom(to_proto(first.graph, "filled" if bare else "kept"))
    if bare:
        _strip(model)
    return Again(first, optimize(from_proto(model, graph.header.source)))


def _strip(model: ModelProto) -> None:
    for name in ("metadata_props", "doc_string", "producer_name", "producer_version"):
        model.ClearField(name)
    _strip_graph(model.graph)


def _strip_graph(graph: GraphProto) -> None:
    values = (*graph.input, *graph.output, *graph.value_info)
    for part in (graph, *graph.node, *graph.initializer, *values):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    for node in graph.node:
        for attribute in node.attribute:
            attribute.ClearField("doc_string")
            for body in (attribute.g, *attribute.graphs):
                if body.node:
                    _strip_graph(body)


def _declined(found: Iterable[Declined]) -> list[str]:
    return [f"{one.by} at {', '.join(one.nodes) or 'all'}: {one.reason}" for one in found]
