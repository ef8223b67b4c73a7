from __future__ import annotations

import pytest
from onnx import TensorProto

T = (TensorProto.INT64, (2, 4))  # 8 targets of 10 classes
X = (2, 10, 4)  # 80 scores


@pytest.mark.parametrize(
    ("weights", "attributes", "flops"),
    [
        (False, {"reduction": "none"}, 8),  # 8 Neg
        (False, {"reduction": "sum"}, 15),  # and 7 additions
        (False, {}, 16),  # and a division: the mean
        (True, {"reduction": "none"}, 16),  # (Neg, Mul) x 8
        (True, {"reduction": "sum"}, 23),
        (True, {}, 31),  # 16 + 7 + 7 for the weights + 1
        (False, {"reduction": "none", "ignore_index": 1}, 48),  # (Neg, Mul, Equal, 3 Where) x 8
        (True, {"ignore_index": 1}, 63),  # 48 + 7 + 7 + 1
    ],
)
def test_negative_log_likelihood(work, weights, attributes, flops):
    inputs = [X, T, (10,)] if weights else [X, T]
    out = (2, 4) if attributes.get("reduction") == "none" else ()
    answer = work("NegativeLogLikelihoodLoss", inputs, [out], **attributes)
    assert answer.flops == flops
    # one log-probability a target, and its weight
    assert answer.reads == ({0: 8, 2: 8} if weights else {0: 8})


def test_softmax_cross_entropy(work):
    answer = work("SoftmaxCrossEntropyLoss", [X, T], [()])
    # 5 x 80 + 8 Neg + 7 additions + 1 division
    assert (answer.flops, answer.reads) == (416, {})
    answer = work("SoftmaxCrossEntropyLoss", [X, T, (10,)], [()])
    # 5 x 80 + 31
    assert (answer.flops, answer.reads) == (431, {2: 8})
