"""The features of an operator that nothing more is known of."""

from __future__ import annotations

from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .register import Features, log, traffic, types


def general(
    costed: Costed,
    call: Call,
    machine: Machine,
    variant: str = "",
    *,
    kernel: str = "",
    coarse: bool = False,
) -> Features:
    """Traffic by level, elements and arithmetic.

    ``variant`` as of ``kernel_name``, or ``kernel`` as a whole name; ``coarse`` as of ``traffic``.
    """
    terms = traffic(costed, machine, coarse=coarse)
    elements = max((t.size for t in (*call.inputs, *call.outputs) if t is not None), default=1)
    terms["elements"] = float(elements)
    trips = costed.cost.trips
    flops = (costed.cost.flops or 0) / trips
    if flops:
        terms["flops"] = flops
    coordinates = {
        "elements": log(elements),
        "flops": log(flops),
        "written": log((costed.cost.write_bytes or 0) / trips),
        "distance": log(sum(costed.distances.values())),
    }
    return Features(kernel or kernel_name(costed, call, variant), terms, coordinates)


def kernel_name(costed: Costed, call: Call, variant: str = "") -> str:
    """The name of the kernel: the operator, its domain where it is another one, its types.

    ``variant`` tells it from others of the operator.
    """
    return f"{qualified(costed)}{' ' + variant if variant else ''}{types(call)}"


def qualified(costed: Costed) -> str:
    """The operator, behind the last part of its domain where it is not ONNX's own."""
    node = costed.node
    return f"{node.domain.rpartition('.')[2]}.{node.op_type}" if node.domain else node.op_type
