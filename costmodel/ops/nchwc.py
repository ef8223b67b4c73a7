"""com.microsoft.nchwc: onnxruntime's operators on tensors whose channels lie in blocks.

The shapes are what the tensors have: channels that a block pads are counted where they show.
"""

from __future__ import annotations

from ..kinds import KernelKind
from ..work import Call, Formula, Work, formula
from .conv import fused_conv
from .pooling import average_pool, global_average_pool, global_max_pool, max_pool
from .resize import resize

_DOMAIN = "com.microsoft.nchwc"

# These cost what their standard twin does, whatever the layout.
_TWINS: dict[str, Formula] = {
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "GlobalMaxPool": global_max_pool,
    "MaxPool": max_pool,
    "Upsample": resize,
}
for _op_type, _twin in _TWINS.items():
    formula(_op_type, domain=_DOMAIN)(_twin)


@formula("Conv", domain=_DOMAIN, weights=(1, 2))
def conv(call: Call) -> Work:
    """Conv, plus the sum with input 3, plus the activation."""
    return fused_conv(call)


@formula("ReorderInput", "ReorderOutput", domain=_DOMAIN)
def reorder(_: Call) -> Work:
    """0: copies into blocks, or out of them."""
    return Work(KernelKind.LAYOUT)
