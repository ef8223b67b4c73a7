from __future__ import annotations

import pytest

A, B = (3, 4), (5,)  # 17 elements to train


@pytest.mark.parametrize(
    ("op_type", "states", "mode", "flops"),
    [
        ("Adagrad", 1, None, 153),  # 9 x 17
        ("Adam", 2, None, 255),  # 15 x 17
        ("Momentum", 1, "standard", 119),  # 7 x 17
        ("Momentum", 1, "nesterov", 153),  # 9 x 17
    ],
)
def test_step(work, op_type, states, mode, flops):
    inputs = [(), ()] + [A, B] * (2 + states)  # R, T, then X, G and the states
    outputs = [A, B] * (1 + states)
    answer = work(op_type, inputs, outputs, domain="ai.onnx.preview.training", mode=mode)
    assert answer.flops == flops
