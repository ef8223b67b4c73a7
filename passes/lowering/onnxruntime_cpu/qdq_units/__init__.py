"""Nodes between DequantizeLinear and QuantizeLinear become integer nodes."""

from __future__ import annotations

from ...rule import Bundle
from . import arithmetic, convolution, drop, matmul, weight_only

STEP = Bundle(
    "QDQSelectorActionTransformer",
    (
        drop.SAME,
        drop.ARG_MAX,
        arithmetic.UNARY,
        arithmetic.BINARY,
        arithmetic.SEVERAL,
        convolution.RULE,
        matmul.MATMUL,
        matmul.GEMM,
        weight_only.RULE,
    ),
    needs=("DequantizeLinear",),
)
