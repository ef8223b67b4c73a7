"""What works along an axis: Softmax, norms, sorting."""

from __future__ import annotations

from math import prod

from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general, qualified
from .register import Features, features, log, spread

_FLATTENED = 13  # the opset from which Softmax and the like take one axis, not all from it on


@features("Softmax", "LogSoftmax", "Hardmax", "ArgMax", "ArgMin", "CumSum", "CumProd", "TopK")
@features("QLinearSoftmax", domain="com.microsoft")
def along_axis(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of an operator that treats each row along an axis by itself."""
    shape, op_type = call.input(0).shape, costed.node.op_type
    if not shape:
        return None
    soft = "max" in op_type and not op_type.startswith("Arg")
    whole = soft and call.opset < _FLATTENED
    axis = costed.node.int("axis", 0 if op_type.startswith("Arg") else 1 if whole else -1)
    if op_type.startswith("Cum") and 1 in call.values:
        axis = int(call.values[1].reshape(-1)[0])
    axis %= len(shape)
    row = prod(shape[axis:]) if whole else shape[axis]
    last = whole or prod(shape[axis + 1 :]) == 1
    kernel = qualified(costed) if op_type.startswith("QLinear") else ""
    found = general(costed, call, machine, "" if last else "inner axis", kernel=kernel)
    if op_type == "TopK":
        kept, each = call.output().size, call.output().shape[axis]
        terms = {**found.terms, "kept": float(kept), "sorted": float(kept * each.bit_length())}
        found = found._replace(terms=terms)
    return _rows(found, prod(shape), row)


@features("LayerNormalization", "SimplifiedLayerNormalization", "RMSNormalization")
@features("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain="com.microsoft")
@features("EmbedLayerNormalization", domain="com.microsoft")
def normalised(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of a norm over all dims from an axis on."""
    shape = call.output().shape
    if not shape:
        return None
    axis = costed.node.int("axis", -1) % len(shape)
    op_type = costed.node.op_type
    kernel = "SimplifiedLayerNormalization" if op_type.startswith("RMS") else ""
    kernel = qualified(costed) if op_type.startswith("Embed") else kernel
    found = general(costed, call, machine, kernel=kernel)
    if op_type.startswith("Embed"):  # looks each row up in a table
        words = costed.distances.get(costed.node.inputs[2], 0)
        terms = dict(found.terms)
        spread(terms, "looked up", prod(shape[:axis]), words, machine)
        found = found._replace(terms=terms)
    return _rows(found, prod(shape), prod(shape[axis:]))


@features("InstanceNormalization", "BatchNormalization", "LRN", "LpNormalization")
@features("MeanVarianceNormalization")
def by_channel(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of a norm that goes channel by channel."""
    shape = call.input(0).shape
    planes = prod(shape[:2])
    found = _rows(general(costed, call, machine), prod(shape), prod(shape) // max(1, planes))
    if costed.node.op_type != "LRN":
        return found
    window = float(prod(shape) * costed.node.int("size", 1))
    return found._replace(terms={**found.terms, "taps": window})


def _rows(found: Features, size: int, row: int) -> Features:
    rows = size / max(1, row)
    return found._replace(
        terms={**found.terms, "rows": rows},
        coordinates={**found.coordinates, "row": log(row), "rows": log(rows)},
    )
