"""Recurrent layers: one product of all steps with the input's weights, one a step with the state's.

A step's product has as many rows as there are sequences in the batch. It streams the state's
weights again, from the cache that they fit in.
"""

from __future__ import annotations

from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import qualified
from .quantised_convolution import up
from .register import Features, features, log, spread, traffic

_GATES = {"LSTM": 4, "DynamicQuantizeLSTM": 4, "GRU": 3, "RNN": 1}
_COLUMNS = 16


@features("LSTM", "GRU", "RNN")
@features("DynamicQuantizeLSTM", domain="com.microsoft")
def recurrent(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of a layer in one or both directions."""
    node = costed.node
    gates = _GATES[node.op_type]
    first, second, size = call.input(0).shape
    steps, batch = (second, first) if node.int("layout", 0) else (first, second)
    weights = call.input(2)
    directions, hidden = weights.shape[0], min(weights.shape[1:])
    wide = gates * up(hidden, _COLUMNS)
    terms = traffic(costed, machine, coarse=True)
    each = directions * steps
    terms["input's multiply-adds"] = float(each * batch * size * wide)
    terms["state's multiply-adds"] = float(each * batch * hidden * wide)
    terms["gates"] = float(each * batch * gates * hidden)
    terms["steps"] = float(each)
    terms["sequences"] = float(each * batch)
    terms["directions"] = float(directions)
    bytes_ = (costed.reads.get(node.inputs[2], 0)) / max(1, directions)
    spread(terms, "state's weights", each * bytes_, bytes_, machine)
    terms["input's weights packed"] = float(call.input(1).size)
    reset = node.op_type == "GRU" and not node.int("linear_before_reset", 0)
    coordinates = {
        "steps": log(steps),
        "batch": log(batch),
        "input": log(size),
        "hidden": log(hidden),
        "directions": log(directions),
        "multiply-adds": log((costed.cost.macs or 0) / costed.cost.trips),
        "gates": float(gates),
        "in two products": float(reset),
        "columns left": hidden % _COLUMNS / _COLUMNS if hidden < 8 * _COLUMNS else 0.0,
    }
    name = "LSTM, GRU" if node.op_type in ("LSTM", "GRU") else qualified(costed)
    return Features(name, terms, coordinates)
