"""Which tensors hold quantised values, as far as the operations around them tell."""

from __future__ import annotations

from .flat import NONE, Flat

# What they make is of the type that they read.
_KEEPING = frozenset(
    {
        "Concat",
        "DepthToSpace",
        "Expand",
        "Flatten",
        "Gather",
        "Identity",
        "MaxPool",
        "NhwcMaxPool",
        "Pad",
        "Reshape",
        "Resize",
        "Slice",
        "SpaceToDepth",
        "Split",
        "Squeeze",
        "Tile",
        "Transpose",
        "Unsqueeze",
    }
)


def quantised(flat: Flat) -> dict[int, bool]:
    """By tensor, whether it is quantised; without those of which nothing is known."""
    found: dict[int, bool] = {}
    for op in flat.ops:
        if not op.reads or NONE in (op.reads[0], op.makes[0]):
            continue
        kind = op.node.op_type
        if kind == "DequantizeLinear":
            found[op.reads[0]], found[op.makes[0]] = True, False
        elif kind == "QuantizeLinear":
            found[op.reads[0]], found[op.makes[0]] = False, True
        elif kind.startswith("QLinear"):
            found[op.makes[0]] = True
        elif kind in _KEEPING and op.reads[0] in found:
            found.update(dict.fromkeys(op.outputs, found[op.reads[0]]))
    for op in reversed(flat.ops):
        if op.node.op_type in _KEEPING and op.makes[0] in found and op.reads[0] != NONE:
            found[op.reads[0]] = found[op.makes[0]]
    return found
