"""Mixtures of experts of com.microsoft: MoE, QMoE.

A token runs through the k experts that its router prefers. Which ones is data: of E experts, at
most min(E, tokens x k) are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from ..kinds import KernelKind
from ..work import Call, Work, formula
from .activation import activation_flops
from .quantise import DEQUANTISE_FLOPS
from .softmax import SOFTMAX_FLOPS
from .sort import ceil_log2

_GATED = ("swiglu", "geglu")


class _Layer(NamedTuple):
    """A fully connected layer of each expert: slots, and the shape of its unpacked weight."""

    weight: int
    bias: int
    rows: int
    columns: int


def _layers(call: Call, slots: Sequence[tuple[int, int]]) -> list[_Layer]:
    """fc1 [E, inter, hidden] (twice inter with the gate's layer in it), fc2, perhaps fc3."""
    hidden, rows = call.input(0).shape[-1], call.input(slots[0][0]).shape[1]
    third = call.has_input(slots[2][0])
    gated = call.node.string("activation_type", "relu") in _GATED
    inter = rows // 2 if gated and not third else rows
    shapes = [(rows, hidden), (hidden, inter), (inter, hidden)]
    return [_Layer(*slots[n], *shapes[n]) for n in range(3 if third else 2)]


def _activation(call: Call) -> int:
    """Flops of the activation an element of the inner layer.

    SwiGLU clamps both halves if it has a limit (2), and may scale and shift (1 each).
    """
    node, name = call.node, call.node.string("activation_type", "relu")
    flops = activation_flops(name)
    if name == "swiglu":
        flops += 2 if "swiglu_limit" in node.attributes else 0
        flops += node.float("activation_alpha", 1.0) != 1.0
        flops += node.float("activation_beta", 0.0) != 0.0
    return flops


def _experts(call: Call, layers: Sequence[_Layer], slots: Sequence[int], stored: int) -> Work:
    """Work of tokens x k passes through the layers.

    macs a pass: rows x columns of each layer. flops: 2 x macs; biases; the activation; the
    experts' outputs weighted and summed (2 k - 1 a token and element). Router: Softmax over the
    experts, the best k of them (1 + ceil(log2 k) comparisons each) and, if they are normalised
    again, 2 k. ``stored`` is what making a stored weight usable takes, for each expert read.
    ``slots`` are the tensors that an expert has its part of.
    """
    k = call.node.int("k", 1)
    *leading, hidden = call.input(0).shape
    tokens, experts = prod(leading), call.input(layers[0].weight).shape[0]
    passes = tokens * k
    touched = min(experts, passes)
    macs = passes * sum(layer.rows * layer.columns for layer in layers)
    each = sum(layer.rows for layer in layers if call.has_input(layer.bias))
    each += _activation(call) * layers[1].columns
    router = experts * (SOFTMAX_FLOPS + 1 + ceil_log2(k))
    router += 2 * k if call.node.int("normalize_routing_weights", 0) else 0
    weights = sum(layer.rows * layer.columns for layer in layers)
    flops = 2 * macs + passes * each + tokens * (router + (2 * k - 1) * hidden)
    flops += stored * touched * weights
    given = [slot for slot in slots if call.has_input(slot)]
    reads = {slot: call.input(slot).size * touched // max(experts, 1) for slot in given}
    return Work(KernelKind.GEMM, macs=macs, flops=flops, reads=reads)


@formula("MoE", domain="com.microsoft", weights=(2, 3, 4, 5, 6, 7))
def moe(call: Call) -> Work:
    """Weights of the three layers in slots 2, 4, 6, each bias in the slot after."""
    layers = _layers(call, ((2, 3), (4, 5), (6, 7)))
    return _experts(call, layers, range(2, 8), stored=0)


_QMOE = ((2, 4), (5, 7), (8, 10))


def _unpacked(call: Call, slot: int) -> int:
    for layer in _layers(call, _QMOE):
        if layer.weight == slot:
            return call.input(slot).shape[0] * layer.rows * layer.columns
    return call.input(slot).size


@formula("QMoE", domain="com.microsoft", weights=(2, 4, 5, 7, 8, 10), parameters=_unpacked)
def qmoe(call: Call) -> Work:
    """MoE of weights packed in few bits (slots 2, 5, 8), each followed by its scales and bias.

    The weights of the experts that are read are dequantised.
    """
    return _experts(call, _layers(call, _QMOE), range(2, 14), stored=DEQUANTISE_FLOPS)
