"""What works along an axis: Softmax, layer norms, reductions."""

from __future__ import annotations

from math import prod

from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general
from .register import Features, features, log


@features("Softmax", "LogSoftmax", "Hardmax", "ArgMax", "ArgMin", "CumSum", "TopK")
@features("LayerNormalization", "SimplifiedLayerNormalization", "RMSNormalization")
@features("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain="com.microsoft")
def along_axis(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of an operator that treats each row along an axis by itself."""
    shape = call.input(0).shape
    if not shape:
        return None
    default = 0 if costed.node.op_type.startswith("Arg") else -1
    axis = costed.node.int("axis", default)
    if costed.node.op_type == "CumSum" and 1 in call.values:
        axis = int(call.values[1].reshape(-1)[0])
    axis %= len(shape)
    last = prod(shape[axis + 1 :]) == 1
    found = general(costed, call, machine, "" if last else "inner axis")
    rows = prod(shape) / max(1, shape[axis])
    return found._replace(
        terms={**found.terms, "rows": rows},
        coordinates={**found.coordinates, "row": log(shape[axis]), "rows": log(rows)},
    )


@features("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1")
@features("ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare")
def reduction(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of a reduction: along the last dims it adds up rows, along others it adds rows up."""
    shape, kept = call.input(0).shape, call.output().size
    axes = costed.node.ints("axes")
    if axes is None and 1 in call.values:
        axes = tuple(int(a) for a in call.values[1].reshape(-1))
    every = {a % len(shape) for a in axes} if axes and shape else set(range(len(shape)))
    last = next((at for at in range(len(shape) - 1, -1, -1) if shape[at] > 1), 0)
    found = general(costed, call, machine, "rows" if last in every else "columns")
    return found._replace(
        terms={**found.terms, "kept": float(kept)},
        coordinates={
            **found.coordinates,
            "kept": log(kept),
            "reduced": log(prod(shape) / max(1, kept)),
        },
    )
