"""A node that gives what is there already."""

from __future__ import annotations

from ...graph import Node
from ..edit import Edit


def stand_in(edit: Edit, node: Node, source: str) -> None:
    """Let whoever reads a node's only output read ``source``, which holds the same values.

    Where both have to keep their names, as an input and an output of the graph, the node becomes
    an Identity.
    """
    scope, output = edit.scope, node.outputs[0]
    fixed = scope.graph.producer(source) is None or scope.kept(source) is not None
    if fixed and scope.kept(output) is not None and node.op_type != "Identity":
        edit.change(node, op_type="Identity", inputs=(source,), outputs=(output,), attributes={})
    else:
        edit.bypass(output, source)
