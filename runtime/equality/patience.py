"""Whether onnx's reference evaluator can be waited for."""

from __future__ import annotations

import math

from ...costmodel.cost import Costed, cost_nodes
from ...graph.shapes import Shapes

# What the evaluator takes on one core: numpy's matrix products run near the machine's speed, but
# some operators are Python loops over the elements of their output.
_S_PER_MAC = 1e-9
_S_PER_ELEMENT = {
    "AveragePool": 25e-6,
    "ConvTranspose": 10e-6,
    "GridSample": 400e-6,
    "LpPool": 30e-6,
    "MaxPool": 5e-6,
    "NonMaxSuppression": 1.0,
    "RoiAlign": 5e-6,
}
_PATIENCE_S = 10
_MEMORY = 4 << 30


def too_much(shapes: Shapes) -> str:
    """Why the evaluator would take too much time or memory for a model; "" if it would not."""
    costs = cost_nodes(shapes)
    if sum(map(_seconds, costs)) > _PATIENCE_S:
        return "the model takes onnx's reference evaluator too long"
    held = sum(costed.cost.write_bytes or 0 for costed in costs)  # it frees nothing
    if 2 * held + max(map(_columns, costs), default=0) > _MEMORY:
        return "the model takes onnx's reference evaluator too much memory"
    return ""


def _seconds(costed: Costed) -> float:
    rate = _S_PER_ELEMENT.get(costed.node.op_type, 0.0)
    elements = 0.0
    if rate:
        elements = math.inf if costed.call is None else costed.call.output().size
    return (costed.cost.macs or 0) * _S_PER_MAC + elements * rate * costed.cost.trips


def _columns(costed: Costed) -> int:
    """Bytes of a convolution's input spread out as a matrix, in float64, and of its indices."""
    call = costed.call
    if call is None or costed.node.op_type not in ("Conv", "ConvTranspose"):
        return 0
    x, weight, y = call.input(0), call.input(1), call.output()
    return 32 * x.shape[1] * math.prod(weight.shape[2:]) * y.shape[0] * math.prod(y.shape[2:])
