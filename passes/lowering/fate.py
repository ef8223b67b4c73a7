"""What becomes of one node when a runtime opens its graph."""

from __future__ import annotations

from dataclasses import dataclass

from ...costmodel.blocker import Blocker
from ...graph import Graph, OcostError
from ...graph.errors import did_you_mean
from ...lineage.lineage import INSERTED, Executed
from .blockers import Blockers


@dataclass(frozen=True)
class NodeFate:
    """What becomes of a node, by rules.

    Parameters
    ----------
    node, op_type
        The node, by its path, and its operator.
    fate
        As ``Lineage.originals`` has it: once, multi, folded, cse, dead, inlined.
    executed
        The nodes that do its work.
    inserted
        Nodes that the runtime puts in at its boundary, to change a layout or a type.
    blockers
        What the runtime nearly does with it, what stands in the way, and what a fix would save.
    """

    node: str
    op_type: str
    fate: str
    executed: tuple[Executed, ...]
    inserted: tuple[Executed, ...]
    blockers: tuple[Blocker, ...]


def node_fate(graph: Graph, blockers: Blockers, name: str) -> NodeFate:
    """The fate of a node of the graph that was lowered.

    Raises
    ------
    OcostError
        If the graph has no node of this path.
    """
    lowered = blockers.lowered
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
        blockers.at(name),
    )
