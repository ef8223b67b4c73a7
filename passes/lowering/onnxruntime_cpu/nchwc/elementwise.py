"""Elementwise nodes in the blocked layout, and what a convolution takes of them.

Runtime's condition, layout level: all inputs are blocked, and none is made by a node that is not.
Add and Sum of two: the first input that a convolution makes for it alone, without an activation
and without a sum, takes the other, if both are known to have equal dims; else the node stays,
blocked; with unequal dims Reshapes stand around it. Mul of two: equal dims, it stays; by a constant
of one value a channel, since 1.26, or a BatchNormalization (of version 15 since then): it becomes a
convolution of one by one a channel. Relu, Sigmoid, Tanh, HardSigmoid (since 1.26): into a
convolution that only they read and that has no activation, else they stay, blocked. Gelu and
QuickGelu stay, blocked, since 1.26. A convolution that only HardSigmoid(1/6, 0.5) and a Mul by it
read computes HardSwish since 1.30.

    before  Relu(Add(Conv(x), h))
    after   nchwc::Conv(x, w, b, h, activation="Relu")
"""

from __future__ import annotations

import numpy as np

from .....graph.dtypes import FLOAT, INT64
from ...near import called
from ...node import WorkNode
from ...work import Type, cover
from ..conditions import NCHWC, may_equal, open_sizes
from ..conditions import near as about
from . import near
from .state import NAME, Blocked, State, equal

_WIDER = (1, 26)  # BatchNormalization of version 15, Mul, Gelu, HardSigmoid
_DIAMOND = (1, 30)
_FUSED = ("Relu", "Sigmoid", "Tanh", "HardSigmoid")


def binary(state: State, node: WorkNode) -> bool:
    """An Add, Sum or Mul; a Sub or Div is only told of."""
    if node.op == "Mul" and _scaled(state, node):
        return True
    operand = near.constant_operand(state, node)
    if operand is not None:
        slot, blocked = operand
        hint, bias = ("mul", False) if node.op in ("Mul", "Div") else ("bn", True)
        _pointwise(state, node, slot, blocked, hint, bias=bias)
        return True
    found = [state.find(t) for t in node.inputs]
    inputs = [b for b in found if b is not None]
    if node.op in ("Sub", "Div"):
        return False
    if len(inputs) != len(found) or any(b.channels != inputs[0].channels for b in inputs):
        return False
    if not all(equal(inputs[0].dims, b.dims) for b in inputs):
        if may_equal(state.work, *node.inputs[:2]):
            reason = f"the inputs of {called(node)} are not known to be of one size"
            open_sizes(state.work, NAME, (node,), reason)
        return node.op == "Add" and _reshaped(state, node, inputs)
    if node.op != "Mul" and len(inputs) == 2:
        for slot in (0, 1):
            if state.is_plain_conv(inputs[slot]) and len(inputs[slot].node.inputs) < 4:
                return _summed(state, node, inputs[slot], inputs[1 - slot])
    for slot in range(len(inputs)):
        state.take(node, slot)
    state.make(node, inputs[0].channels, list(inputs[0].dims))
    return True


def _summed(state: State, node: WorkNode, into: Blocked, added: Blocked) -> bool:
    conv = into.node
    inputs = [*conv.inputs, *[""] * (3 - len(conv.inputs)), added.tensor]
    state.work.set_inputs(conv, inputs)
    into.remaining -= 1
    added.remaining -= 1
    state.fuse(node, into)
    return True


def _reshaped(state: State, node: WorkNode, inputs: list[Blocked]) -> bool:
    """Add with broadcasting: on five dims, of which the last is the block."""
    work = state.work
    if len(inputs) != 2:
        return False
    for slot in (0, 1):
        found = inputs[slot]
        work.set_input(node, slot, _view(state, found, node))
        found.remaining -= 1
    output = node.output
    uses = len(work.readers(output)) + work.is_output(output)
    flat = work.tensor("reorder", Type(FLOAT, None))
    work.set_outputs(node, [flat])
    made = work.tensor("reorder", work.type(output))
    padded = state.padded(inputs[0].channels)
    shape = work.store("shape", INT64, (4,), np.array([0, padded, 0, 0]))
    back = work.add("Reshape", [flat, shape], made, name="Reshape")
    back.glue, back.covers = True, node.covers
    state.blocked[output] = Blocked(
        back, made, inputs[0].channels, state.own_dims(output), uses, uses
    )
    return True


def _view(state: State, found: Blocked, node: WorkNode) -> str:
    """[N, C, H, W] as [N, C / block, H, W, block]."""
    work = state.work
    made = work.tensor("reorder", Type(FLOAT, (None,) * 5))
    blocks = state.padded(found.channels) // state.block
    shape = work.store("shape", INT64, (5,), np.array([0, blocks, 0, 0, state.block]))
    view = work.add("Reshape", [found.tensor, shape], made, name="Reshape")
    view.glue, view.covers = True, node.covers
    return made


def _scaled(state: State, node: WorkNode) -> bool:
    """Mul by a constant of one value a channel."""
    work = state.work
    if work.target.version < _WIDER:
        return False
    for slot in (0, 1):
        found, constant = state.find(node.inputs[slot]), work.constant(node.inputs[1 - slot])
        if found is None or constant is None or constant.dtype != FLOAT:
            continue
        if constant.shape in ((found.channels, 1, 1), (1, found.channels, 1, 1)):
            _pointwise(state, node, slot, found, "mul", bias=False)
            return True
    return False


def _pointwise(
    state: State, node: WorkNode, slot: int, found: Blocked, hint: str, *, bias: bool
) -> None:
    """Make a convolution of one by one a channel of a node."""
    work = state.work
    channels = state.padded(found.channels)
    weights = work.store("reorder", FLOAT, (channels, 1, 1, 1))
    state.take(node, slot)
    inputs = [node.inputs[slot], weights]
    if bias:
        inputs.append(work.store("reorder", FLOAT, (channels,)))
    work.set_inputs(node, inputs)
    node.attributes = {}
    node.set(group=channels)
    work.set_op(node, "Conv", NCHWC)
    work.call(node, f"{node.output}_{hint}_nchwc")
    state.make(node, found.channels, list(found.dims))


def normalisation(state: State, node: WorkNode) -> bool:
    """A BatchNormalization of constants."""
    work = state.work
    found = state.find(node.inputs[0])
    if found is None or any(node.outputs[1:]):
        return False
    if work.since(node) >= 15 and work.target.version < _WIDER:
        return False
    if any(work.constant(t) is None for t in node.inputs[1:]) or node.int("training_mode", 0):
        return False
    _pointwise(state, node, 0, found, "bn", bias=True)
    return True


def activation(state: State, node: WorkNode) -> bool:
    """Relu, Sigmoid, Tanh, HardSigmoid, Gelu, QuickGelu."""
    found = state.find(node.inputs[0])
    narrow = node.op in ("Relu", "Sigmoid", "Tanh")
    if found is None or (not narrow and state.work.target.version < _WIDER):
        return False
    if node.op == "HardSigmoid" and _hard_swish(state, node, found):
        return True
    state.take(node, 0)
    if node.op in _FUSED and state.is_plain_conv(found):
        parameters = None
        if node.op == "HardSigmoid":
            parameters = [node.float("alpha", 0.2), node.float("beta", 0.5)]
        found.node.set(activation=node.op, activation_params=parameters)
        state.fuse(node, found)
    else:
        state.make(node, found.channels, list(found.dims))
    return True


def _hard_swish(state: State, node: WorkNode, found: Blocked) -> bool:
    work, conv = state.work, found.node
    if work.target.version < _DIAMOND or found.uses != 2 or found.remaining != 2:
        return False
    if (conv.op, conv.domain) != ("Conv", NCHWC) or "activation" in conv.attributes:
        return False
    if not about(node.float("alpha", 0.2), 1 / 6, 1e-6) or node.float("beta", 0.5) != 0.5:
        return False
    mul = work.next(node, "Mul")
    if mul is None or sorted(mul.inputs) != sorted((node.inputs[0], node.output)):
        return False
    if work.is_output(mul.output):
        return False
    conv.set(activation="HardSwish")
    work.detach(node)
    cover(conv, node)
    state.fuse(mul, found)
    found.remaining = 0
    return True
