"""What a fused node costs: the arithmetic of its body, the traffic of its boundary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..graph import dtypes
from ..graph.node import Node
from ..graph.shapes import Shapes
from .kinds import KernelKind
from .work import Unknown, Work

if TYPE_CHECKING:
    from .cost import Costed


def fused(
    node: Node, body: Shapes, parts: Sequence[Costed]
) -> tuple[Work, Mapping[str, int], int | None]:
    """The work of a node, the bytes it reads by tensor, and the type that it computes in.

    Fusing changes no arithmetic: MACs and FLOPs are the sums of those of the parts. Each tensor
    of the boundary is read once, as far as the part that touches most of it; what parts hand
    each other moves nothing, nor does a view inside; views alone are a view. The kernel is of
    the kind of the part with the most MACs, then FLOPs, and computes in its type; in integers of
    8 bits, where that is a product of two tensors that it dequantises.

    Parameters
    ----------
    node, body
        The call, and the scope of its function.
    parts
        The body's nodes, costed, in the order of execution.

    Raises
    ------
    Unknown
        If what a part costs is not known.
    """
    given = dict(zip(body.graph.inputs, node.inputs, strict=False))
    behind = dict(given)  # tensors of the boundary by the names that they have inside
    reads: dict[str, int] = {}
    macs = flops = 0
    for part in parts:
        cost = part.cost
        if cost.macs is None or cost.flops is None:
            raise Unknown(f"{part.node.op_type} in it: {cost.reason}")
        macs += cost.macs
        flops += cost.flops
        if cost.view and part.node.inputs[0] in behind:
            behind[part.node.outputs[0]] = behind[part.node.inputs[0]]
        for name, amount in part.reads.items():
            if name in behind:
                reads[behind[name]] = max(reads.get(behind[name], 0), amount)
    if all(part.cost.view for part in parts):
        return Work(KernelKind.VIEW, macs, flops, view=True), {}, parts[0].cost.dtype
    main = max(parts, key=lambda part: (part.cost.macs, part.cost.flops, not part.cost.view))
    dtype = _integers(main, body, parts) or main.cost.dtype
    return Work(main.cost.kind or KernelKind.LAYOUT, macs, flops), reads, dtype


def _integers(main: Costed, body: Shapes, parts: Sequence[Costed]) -> int | None:
    """The 8-bit type of a product's first operand, if both are only dequantised for it."""
    sources = {p.node.outputs[0]: p.node for p in parts if p.node.op_type == "DequantizeLinear"}
    made = [sources.get(name) for name in main.node.inputs[:2]] if main.cost.macs else []
    infos = [body.get(maker.inputs[0]) for maker in made if maker is not None]
    found = [info.dtype for info in infos if info is not None]
    return found[0] if len(found) == 2 and all(dtypes.bits(d) == 8 for d in found) else None
