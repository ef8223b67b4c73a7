"""What a model must have before anything can be proven of it: enough inputs, whole bodies.

Costing needs none of that: a node that is not whole counts as unknown there.
"""

from __future__ import annotations

from .errors import OcostError
from .graph import Graph
from .node import Node
from .shapes.onnx_inference import schema
from .verify import verify

_BODIES = {"If": ("then_branch", "else_branch"), "Loop": ("body",), "Scan": ("body",)}


def require_valid(graph: Graph) -> None:
    """Refuse a model that no runtime can load.

    Raises
    ------
    OcostError
        If a tensor that is read is made by nobody, a node of ONNX's own has fewer inputs than its
        operator takes, or a body is missing or gives another number of tensors than its node.
    """
    verify(graph)
    for scope, node in graph.walk():
        wrong = _inputs(scope, node)
        if not wrong and node.op_type in _BODIES and not node.domain:
            wrong = _bodies(scope, node)
        if wrong:
            raise OcostError(
                f"node '{scope.path(node)}' ({node.op_type}) {wrong}: the model is not valid, no "
                "runtime loads it; export it again"
            )


def _inputs(scope: Graph, node: Node) -> str:
    found = schema(node.op_type, scope.opset.get(node.domain, 1), node.domain)
    if found is None or scope.function(node) is not None:
        return ""
    least, there = found.min_input, len(node.inputs)
    if there < least:
        return f"has {there} of the {least} inputs that it needs at least"
    if node.op_type == "If" and not node.domain and not node.inputs[0]:
        return "has no condition"
    return ""


def _bodies(scope: Graph, node: Node) -> str:
    bodies = scope.subgraphs(node)
    extra = int(node.op_type == "Loop")  # whether to go on
    for name in _BODIES[node.op_type]:
        if name not in bodies:
            return f"has no {name}"
        given, asked = len(bodies[name].outputs) - extra, len(node.outputs)
        if given != asked:
            return f"has {asked} outputs, but its {name} gives {max(given, 0)}"
    return ""
