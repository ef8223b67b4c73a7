"""What kernels take beside their outputs: a file a family, registered on import."""

from . import (
    attention,
    conv,
    conv_transpose,
    gelu,
    integer_conv,
    integer_matmul,
    matmul,
    recurrent,
    softmax,
    weight_only,
)

__all__ = [
    "attention",
    "conv",
    "conv_transpose",
    "gelu",
    "integer_conv",
    "integer_matmul",
    "matmul",
    "recurrent",
    "softmax",
    "weight_only",
]
