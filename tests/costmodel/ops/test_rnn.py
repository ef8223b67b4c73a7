import pytest
from onnx import TensorProto

from ocost.costmodel.work import rules

# 10 steps, batch 2, input 3, hidden 4: 20 rows of 4 elements.


def layer(gates, *, directions=1, bias=False, peephole=False):
    w, r = (directions, gates * 4, 3), (directions, gates * 4, 4)
    inputs = [(10, 2, 3), w, r, (directions, gates * 8) if bias else None]
    return [*inputs, None, None, None, (directions, 12)] if peephole else inputs


def test_rnn(work):
    # macs: 20 x 4 x (3 + 4) = 560
    # an element: 1 sum of both products, Tanh: 80 x 2
    done = work("RNN", layer(1), [(10, 1, 2, 4)], hidden_size=4)
    assert (done.macs, done.flops) == (560, 1_280)
    # two biases (2) and another activation in one of two directions (LeakyRelu 2, Tanh 1):
    # 2 x 1120 + 80 x (2 x 3 + 2 + 1)
    done = work(
        "RNN",
        layer(1, directions=2, bias=True),
        [(10, 2, 2, 4)],
        direction="bidirectional",
        activations=["LeakyRelu", "Tanh"],
    )
    assert (done.macs, done.flops) == (1_120, 2_960)


@pytest.mark.parametrize("linear_before_reset", [0, 1])
def test_gru(work, linear_before_reset):
    # macs: 20 x 12 x 7 = 1680
    # an element: 3 gates x (1 sum + 2 biases), 1 for the reset, 4 for the state, 2 Sigmoid + Tanh
    # 3360 + 80 x (9 + 5 + 3)
    done = work(
        "GRU", layer(3, bias=True), [(10, 1, 2, 4)], linear_before_reset=linear_before_reset
    )
    assert (done.macs, done.flops) == (1_680, 4_720)


def test_lstm(work):
    # macs: 20 x 16 x 7 = 2240
    # an element: 4 gates x (1 + 2), 3 for the cell, 1 for the output, 3 Sigmoid + 2 Tanh
    # 4480 + 80 x (12 + 4 + 5)
    done = work("LSTM", layer(4, bias=True), [(10, 1, 2, 4)])
    assert (done.macs, done.flops) == (2_240, 6_160)
    # peepholes: 80 x 6 more; a clip before each of five activations: 80 x 5 more
    peephole = layer(4, bias=True, peephole=True)
    done = work("LSTM", peephole, [(10, 1, 2, 4)], clip=3.0)
    assert (done.macs, done.flops) == (2_240, 7_040)


def test_two_directions_cost_twice_as_much(work):
    done = work("LSTM", layer(4, directions=2, bias=True), [(10, 2, 2, 4)])
    assert (done.macs, done.flops) == (4_480, 12_320)


def test_batch_first_costs_the_same(work):
    inputs = layer(4, bias=True)
    inputs[0] = (2, 10, 3)
    done = work("LSTM", inputs, [(2, 10, 1, 4)], layout=1)
    assert (done.macs, done.flops) == (2_240, 6_160)


def test_dynamic_quantize_lstm(work):
    # LSTM's 6160; 20 rows x (4 to quantise x (3 + 4) + 2 x 16 scaled) = 1200
    inputs = [(10, 2, 3), (1, 3, 16), (1, 4, 16), (1, 32)]
    done = work("DynamicQuantizeLSTM", inputs, [(10, 1, 2, 4)], domain="com.microsoft")
    assert (done.macs, done.flops, done.dtype) == (2_240, 7_360, TensorProto.INT8)


def test_weights():
    assert rules()["", "GRU"].weights == (1, 2, 3)
    assert rules()["", "LSTM"].weights == (1, 2, 3, 7)
