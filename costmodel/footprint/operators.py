"""Whose kernels view an input, or write over one that dies with the node.

Seen in what each node adds to the arena of onnxruntime 1.32, operator by operator. Arithmetic of
two operands writes over neither, nor do Exp, Erf, Gelu, Neg, Dropout, Where, ScatterND and the
norms.
"""

from __future__ import annotations

from collections.abc import Mapping

Kind = tuple[str, str]

# By output slot: the input slot that it is a view of, whoever else reads that.
VIEWS: Mapping[Kind, Mapping[int, int]] = {
    ("", name): {0: 0} for name in ("Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")
}

_UNARY = (
    *("Cast", "Celu", "Clip", "Elu", "HardSigmoid", "LeakyRelu", "LogSoftmax", "Relu"),
    *("ScatterElements", "Selu", "Shrink", "Sigmoid", "Softmax", "Softplus", "Softsign", "Tanh"),
    *("ThresholdedRelu", "Trilu"),
)

# The input slots that an output slot may take over.
IN_PLACE: Mapping[Kind, tuple[tuple[int, int], ...]] = {
    **{("", name): ((0, 0),) for name in _UNARY},
    ("com.microsoft", "FusedConv"): ((3, 0),),  # the addend
    ("com.microsoft.nchwc", "Conv"): ((3, 0),),
}
