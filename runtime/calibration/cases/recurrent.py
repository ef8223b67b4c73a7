"""Recurrent layers: LSTM, GRU, RNN, in one or both directions."""

from __future__ import annotations

from typing import Any

from onnx import TensorProto

from ..case import Case, Operand, activation, cases, value, weight
from ..sizes import Random, size
from .quantised_convolution import scale

_MOST_MACS = 1.5e8
_MOST_WEIGHTS = 2e6
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


@cases("recurrent layers", 4)
def recurrent(random: Random, block: int) -> Case | None:
    """With constant weights and biases."""
    del block
    name = str(random.choice(["LSTM"] * 6 + ["GRU"] * 3 + ["RNN"]))
    steps = 1 if random.random() < 0.15 else size(random, 2, 256)
    batch = 1 if random.random() < 0.6 else size(random, 2, 32)
    inputs, hidden = size(random, 4, 768), size(random, 8, 768)
    if random.random() < 0.6:
        hidden = max(8, hidden // 8 * 8)
    directions = 1 if random.random() < 0.55 else 2
    gates = _GATES[name] * hidden
    weights = directions * gates * (inputs + hidden)
    if steps * batch * weights > _MOST_MACS or weights > _MOST_WEIGHTS:
        return None
    attributes: dict[str, Any] = {"hidden_size": hidden}
    if directions == 2:
        attributes["direction"] = "bidirectional"
    if name == "GRU" and random.random() < 0.8:
        attributes["linear_before_reset"] = 1
    source = activation(steps, batch, inputs)
    state = activation(directions, batch, hidden) if random.random() < 0.5 else None
    bias = weight(directions, 2 * gates)
    if name == "LSTM" and random.random() < 0.15:
        return _quantised(random, source, (directions, inputs, hidden), bias, attributes)
    operands: list[Operand | None] = [
        source,
        weight(directions, gates, inputs),
        weight(directions, gates, hidden),
        bias,
        None,
        state,
    ]
    if name == "LSTM":
        operands.append(state)
    while operands[-1] is None:
        operands.pop()
    outputs = 3 if name == "LSTM" else 2
    return Case(name, tuple(operands), outputs=outputs, attributes=attributes)


def _quantised(
    random: Random,
    source: Operand,
    sizes: tuple[int, int, int],
    bias: Operand,
    attributes: dict[str, Any],
) -> Case:
    """Of 8-bit weights, as dynamic quantisation makes it."""
    directions, inputs, hidden = sizes
    zeros = value([0] * directions, "int8")
    operands = (
        source,
        weight(directions, inputs, 4 * hidden, dtype=TensorProto.INT8),
        weight(directions, hidden, 4 * hidden, dtype=TensorProto.INT8),
        *(bias, None, None, None, None),
        *(scale(random, directions), zeros, scale(random, directions), zeros),
    )
    return Case("DynamicQuantizeLSTM", operands, "com.microsoft", 3, attributes)
