"""What nobody reads: nodes, constants, optional outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from onnx import defs

from ..graph import Node
from ..graph.shapes.onnx_inference import schema
from ..rewrite.edit import Edit
from ..rewrite.pattern import Match
from ..rewrite.rewriting import Outcome, Pass
from ..rewrite.scope import Scope

# Operators that compute the same with any of their optional outputs left out. Not so Attention,
# whose present_key and present_value have to be there where past_key is, nor BatchNormalization,
# which is in training mode by its further outputs before opset 14 and has them all in it since.
_SEPARATE = frozenset(
    {"Dropout", "GRU", "LSTM", "LayerNormalization", "MaxPool", "RNN", "Unique"}
    | {"SoftmaxCrossEntropyLoss"}
)


@dataclass(frozen=True)
class RemoveDeadCode(Pass):
    """Remove nodes and constants that nothing reads, and optional outputs that nothing reads.

    An output of the graph, and what a body captures, is read. Inputs of the graph stay, with the
    defaults that they have. Outputs that belong together stay, as Attention's present_key and
    present_value: only of operators that are known to compute the same without one is it left out.
    """

    name: ClassVar[str] = "remove-dead-code"
    exact: ClassVar[bool] = True

    def sweep(self, scope: Scope, outcome: Outcome) -> None:
        """From the last node on, so that what led to it goes with it."""
        graph = scope.graph
        for node_id in [node.id for node in graph][::-1]:
            if node_id in graph:
                match = Match(scope, {"node": graph.node(node_id)})
                self.attempt(scope, match, _node, outcome)
        self.attempt(scope, Match(scope), _constants, outcome)


def _read(scope: Scope, tensor: str) -> bool:
    return bool(scope.graph.consumers(tensor)) or tensor in scope.graph.outputs


def _node(m: Match, edit: Edit) -> str:
    node, scope = m["node"], m.scope
    unread = [t for t in node.outputs if t and not _read(scope, t)]
    if len(unread) == sum(map(bool, node.outputs)):
        return "nobody reads what it makes" if unread else ""
    outputs = [
        "" if tensor in unread and _optional(scope, node, slot) else tensor
        for slot, tensor in enumerate(node.outputs)
    ]
    while not outputs[-1]:
        outputs.pop()
    if sum(map(bool, outputs)) == sum(map(bool, node.outputs)):
        return ""
    edit.change(node, outputs=tuple(outputs))
    return f"nobody reads its output {' or '.join(repr(t) for t in unread if t not in outputs)}"


def _optional(scope: Scope, node: Node, slot: int) -> bool:
    """Whether an output may be left out, and the others are the same without it."""
    found = schema(node.op_type, scope.opset(), "") if not node.domain else None
    if found is None or node.op_type not in _SEPARATE or slot >= len(found.outputs):
        return False
    return found.outputs[slot].option == defs.OpSchema.FormalParameterOption.Optional


def _constants(m: Match, edit: Edit) -> str:
    graph = m.scope.graph
    unread = [t for t in graph.initializers if not _read(m.scope, t) and not graph.overridable(t)]
    edit.forget(*unread)
    return f"nobody reads {len(unread)} constants" if unread else ""
