"""Recurrent layers: RNN, GRU, LSTM.

All are counted for the full sequence length of every batch entry (``sequence_lens`` may end one
earlier), which makes X's two leading dims steps x batch in either layout.
"""

from __future__ import annotations

from ...graph.dtypes import INT8
from ..kinds import KernelKind
from ..work import Call, Work, formula
from .activation import activation_flops
from .quantise import DYNAMIC_QUANTISE_FLOPS


def _activations(call: Call, default: tuple[str, ...], times: tuple[int, ...]) -> int:
    """Flops of the activations an element of the hidden state, all directions together."""
    attribute = call.node.attributes.get("activations")
    directions = call.input(2).shape[0]
    names = [s.decode() for s in attribute.strings] if attribute else default * directions
    return sum(activation_flops(name) * times[n % len(times)] for n, name in enumerate(names))


def _recurrent(
    call: Call, gates: int, elementwise: int, default: tuple[str, ...], times: tuple[int, ...]
) -> Work:
    """A layer of W [D, gates x H, I], R [D, gates x H, H] and optional B [D, 2 x gates x H].

    macs a step and batch entry: all of W and R. flops: 2 x macs and, for each of
    the H elements: a gate's sum of both products (1) and biases (2); ``elementwise`` for what
    the equations do to the states; the activations, ``times`` each; a Clip before each.
    """
    steps = call.input(0).shape[0] * call.input(0).shape[1]
    directions, hidden = call.input(2).shape[0], min(call.input(2).shape[1:])
    macs = steps * (call.input(1).size + call.input(2).size)
    each = gates * (3 if call.has_input(3) else 1) + elementwise
    each += sum(times) if "clip" in call.node.attributes else 0
    per_element = directions * each + _activations(call, default, times)
    return Work(KernelKind.RNN, macs=macs, flops=2 * macs + steps * hidden * per_element)


@formula("RNN", weights=(1, 2, 3))
def rnn(call: Call) -> Work:
    """One gate: H = f(X W + H R + Wb + Rb)."""
    return _recurrent(call, 1, 0, ("Tanh",), (1,))


@formula("GRU", weights=(1, 2, 3))
def gru(call: Call) -> Work:
    """Three gates; r (.) H (1) before or after R alike; (1 - z) (.) h + z (.) H (4)."""
    return _recurrent(call, 3, 5, ("Sigmoid", "Tanh"), (2, 1))


@formula("LSTM", weights=(1, 2, 3, 7))
def lstm(call: Call) -> Work:
    """Four gates; C = f (.) C + i (.) c (3); H = o (.) h(C) (1); three peepholes P (.) C (2 each).

    Coupled gates (``input_forget``) count as four: runtimes compute all four products.
    """
    peepholes = 6 if call.has_input(7) else 0
    return _recurrent(call, 4, 4 + peepholes, ("Sigmoid", "Tanh", "Tanh"), (3, 1, 1))


@formula("DynamicQuantizeLSTM", domain="com.microsoft", weights=(1, 2, 3, 7))
def dynamic_quantize_lstm(call: Call) -> Work:
    """LSTM of 8-bit weights, both transposed: W [D, I, 4 H], R [D, H, 4 H].

    For each step, batch entry and direction, the input and the state are quantised (I + H
    elements) and the sums of both products brought back by their scale (2 x 4 H).
    """
    work = lstm(call)
    steps = call.input(0).shape[0] * call.input(0).shape[1]
    directions, size, gates = call.input(1).shape
    each = DYNAMIC_QUANTISE_FLOPS * (size + gates // 4) + 2 * gates
    return work._replace(flops=work.flops + steps * directions * each, dtype=INT8)
