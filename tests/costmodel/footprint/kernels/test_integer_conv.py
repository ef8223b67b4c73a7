"""Convolutions of 8-bit integers."""

import numpy as np
import pytest
from onnx import TensorProto

SCALE, ZERO, EVEN = np.float32(0.1), np.uint8(3), np.int8(0)


@pytest.mark.parametrize(
    ("x", "w", "attributes"),
    [
        ((1, 30, 30, 16), (32, 16, 3, 3), {"pads": [1] * 4}),  # 8 * 9 * 900 for pointers
        ((4, 30, 30, 16), (32, 16, 3, 3), {"pads": [1] * 4}),  # four times as many
        ((1, 30, 30, 16), (32, 16, 1, 1), {}),
        ((1, 30, 30, 16), (16, 1, 3, 3), {"pads": [1] * 4, "group": 16}),
    ],
)
def test_symmetric_weights(beside, x, w, attributes) -> None:
    inputs = np.ones(x, np.uint8), [SCALE], [ZERO], [np.ones(w, np.int8)], [SCALE], [EVEN]
    told, seen = beside(
        *("QLinearConv", *inputs, [SCALE], [ZERO]),
        domain="com.microsoft",
        made=[TensorProto.UINT8],
        channels_last=1,
        **attributes,
    )
    assert told.packed == np.prod(w) == seen.packed - 15
    assert abs(told.working - seen.working) <= 256


def test_unfolded(beside) -> None:
    """16 * 9 * 900 bytes of the input."""
    x, w = np.ones((2, 16, 30, 30), np.uint8), np.ones((32, 16, 3, 3), np.int8)
    told, seen = beside(
        "ConvInteger", x, [w], [ZERO], [EVEN], made=[TensorProto.INT32], pads=[1] * 4
    )
    assert told.working == seen.working
