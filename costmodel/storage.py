"""How much memory the activations of an executed graph take, as onnxruntime lays them out."""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Graph, Node
from ..graph.shapes import Shapes
from .cost import Costed
from .kinds import KernelKind
from .memory import Memory, memory

# Whose kernels on the CPU write over their first input (seen in the deltas of the arena, node by
# node, in onnxruntime 1.32). Arithmetic of two operands doesn't, nor do Exp, Erf, Gelu.
_IN_PLACE = frozenset(
    {"Cast", "Celu", "Clip", "Elu", "HardSigmoid", "Identity", "LeakyRelu", "LogSoftmax", "Relu"}
    | {"Selu", "Sigmoid", "Softmax", "Softplus", "Softsign", "Tanh", "ThresholdedRelu"}
)
_ADDS = frozenset({("com.microsoft.nchwc", "Conv"), ("com.microsoft", "FusedConv")})


def stored(shapes: Shapes, costs: Sequence[Costed]) -> Memory | None:
    """Activation memory of a graph that onnxruntime executes; None where a size is not known.

    Its rules: activations write over an input that dies with them, a convolution over its dying
    addend; what is computed from constants during the run takes memory like all else. Of 17
    networks that were run, 13 took (``memory.arena_peak``) just these bytes. More is taken where
    a buffer is kept idle for a later tensor of its size (24 % in a DenseNet, 7 % in a quantised
    ResNet that dequantises weights); less where much of the peak are inputs, which count here
    and are the caller's there. Scratch memory of kernels is in neither: a quantised convolution
    that unfolds its input may take several times the peak.
    """
    return memory(shapes, [_marked(c) for c in costs], in_place=True, folded=False)


def _marked(costed: Costed) -> Costed:
    """The node of a kind that ``memory`` takes for in place only where the runtime does so."""
    kind = costed.cost.kind
    if kind in (KernelKind.ELEMENTWISE, KernelKind.TRANSCENDENTAL):
        kind = KernelKind.LAYOUT
    if _overwrites(costed.node, costed.scope.graph):
        kind = KernelKind.ELEMENTWISE
    return costed._replace(cost=costed.cost._replace(kind=kind))


def _overwrites(node: Node, graph: Graph) -> bool:
    if (node.domain, node.op_type) not in _ADDS:
        return node.op_type in _IN_PLACE and not node.domain
    addend = node.inputs[3] if len(node.inputs) > 3 else ""
    return bool(addend) and addend not in graph.outputs and _last(graph, addend, node)


def _last(graph: Graph, tensor: str, node: Node) -> bool:
    """Whether a node is the last to read a tensor."""
    readers = {reader.id for reader, _ in graph.consumers(tensor)}
    return [reader.id for reader in graph if reader.id in readers][-1] == node.id
