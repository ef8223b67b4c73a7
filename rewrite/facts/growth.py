"""What storing a node's outputs as constants adds to the file."""

from __future__ import annotations

from collections.abc import Sequence

from ...graph import Node
from ..scope import Refused, Scope

GROWTH_LIMIT = 8 * 1024  # bytes that one rewrite may add, or a run of a pass for each node saved


def refuse_growth(scope: Scope, nodes: Sequence[Node], stored: int) -> None:
    """Refuse to store so many bytes in place of nodes, if the file would grow by it.

    Raises
    ------
    Refused
        If it would grow by more than ``GROWTH_LIMIT``.
    """
    growth = stored - _freed(scope, nodes)
    if growth > GROWTH_LIMIT:
        raise Refused(f"folding would add {growth:,} bytes to the file")


def _freed(scope: Scope, nodes: Sequence[Node]) -> int:
    """Bytes of nodes and of the constants that they alone read."""
    graph = scope.graph
    ids = {node.id for node in nodes}
    total = sum(node.as_proto().ByteSize() for node in nodes)
    for name in {name for node in nodes for name in node.inputs}:
        constant = graph.initializers.get(name)
        if constant is None or graph.overridable(name) or scope.kept(name) is not None:
            continue
        if ids.issuperset(reader.id for reader in scope.readers(name)):
            total += constant.nbytes or 0
    return total
