"""What becomes of one node when a runtime opens its graph."""

from __future__ import annotations

from dataclasses import dataclass

from ...graph import Graph, OcostError
from ...graph.errors import did_you_mean
from ...lineage.attribution import Executed
from ...lineage.covers import INSERTED
from . import Lowered
from .near import NearMiss


@dataclass(frozen=True)
class NodeFate:
    """What becomes of a node, by rules.

    Parameters
    ----------
    node, op_type
        The node, by its path, and its operator.
    fate
        As ``Attribution.originals`` has it: once, multi, folded, cse, dead, inlined.
    executed
        The nodes that do its work.
    inserted
        Nodes that the runtime puts in at its boundary, to change a layout or a type.
    declined
        What the runtime nearly does with it, and what stands in the way.
    """

    node: str
    op_type: str
    fate: str
    executed: tuple[Executed, ...]
    inserted: tuple[Executed, ...]
    declined: tuple[NearMiss, ...]


def node_fate(graph: Graph, lowered: Lowered, name: str) -> NodeFate:
    """The fate of a node of the graph that was lowered.

    Raises
    ------
    OcostError
        If the graph has no node of this path.
    """
    nodes = {scope.path(node): node for scope, node in graph.walk()}
    if name not in nodes:
        raise OcostError(f"the model has no node '{name}'{did_you_mean(name, nodes)}")
    near = [node for node in lowered.lineage.executed if name in node.originals]
    return NodeFate(
        name,
        nodes[name].qualified_type,
        lowered.lineage.originals.get(name, "missing"),
        tuple(node for node in near if node.status not in INSERTED),
        tuple(node for node in near if node.status in INSERTED),
        tuple(one for one in lowered.declined if name in one.nodes),
    )
