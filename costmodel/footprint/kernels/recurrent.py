"""Recurrent networks: the input's product for all steps at once, and packed weights.

A direction that runs backwards keeps its input turned round, and its outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...work import Call
from ..register import packed, scratch
from .integer_matmul import packed_bytes as packed_integers
from .matmul import packed_bytes

_FLOAT = 4


@scratch("LSTM", "GRU", "RNN")
@scratch("DynamicQuantizeLSTM", domain="com.microsoft")
def steps(call: Call, threads: int) -> Sequence[int]:
    """In the order of the directions."""
    length, batch, width = call.input(0).shape
    weights = call.input(1).shape
    quantised = call.node.op_type == "DynamicQuantizeLSTM"
    gates = weights[2] if quantised else weights[1]
    hidden = call.node.int("hidden_size", 0) or gates
    direction = call.node.string("direction", "forward")
    each = [length * batch * gates * _FLOAT, *[batch * hidden * _FLOAT] * 4]
    if quantised:
        each.append(length * batch * width)
    if direction == "bidirectional":
        outputs = length * batch * hidden * _FLOAT
        return [*each, *each, outputs, length * batch * width * _FLOAT]
    if direction == "reverse":
        return [*each, length * batch * width * _FLOAT, length * batch * hidden * _FLOAT]
    return each


@packed("LSTM", "GRU")
def weights(call: Call) -> Mapping[int, Sequence[int]]:
    """Those of the input and of the recurrence, by direction."""
    found = {}
    for slot in (1, 2):
        directions, gates, depth = call.input(slot).shape
        if call.node.op_type == "GRU" and slot == 2:  # the hidden gate apart from the others
            hidden = gates // 3
            each = packed_bytes(2 * hidden, depth) + packed_bytes(hidden, depth)
        else:
            each = packed_bytes(gates, depth)
        found[slot] = (directions * each,)
    return found


@packed("DynamicQuantizeLSTM", domain="com.microsoft")
def integers(call: Call) -> Mapping[int, Sequence[int]]:
    """Those of the input and of the recurrence, of 8 bits."""
    found = {}
    for slot in (1, 2):
        directions, depth, gates = call.input(slot).shape
        found[slot] = (directions * packed_integers(gates, depth),)
    return found
