"""QuantizeLinear and DequantizeLinear that cancel, and those that keep a node in float32.

What fuses was observed on onnxruntime 1.32's CPU provider, unit by unit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from onnx import TensorProto, helper

from ..graph import Node
from ..rewrite.edit import Edit
from ..rewrite.facts.affine import floats
from ..rewrite.facts.arguments import has_input
from ..rewrite.pattern import Match, const, maybe, node, op, var
from ..rewrite.rewriting import Pass, PatternRule, Refused
from ..rewrite.scope import Scope

_RANGES: dict[int, tuple[int, int]] = {
    TensorProto.UINT8: (0, 255),
    TensorProto.INT8: (-128, 127),
    TensorProto.UINT16: (0, 65535),
    TensorProto.INT16: (-32768, 32767),
}
# Those without a quantised twin. What is in neither set is not spoken of.
_FLOAT_ONLY = (
    "Abs|BatchNormalization|ConvTranspose|Div|Elu|Erf|Exp|Floor|Gelu|GlobalMaxPool|HardSigmoid|"
    "HardSwish|InstanceNormalization|LRN|LayerNormalization|LogSoftmax|LpNormalization|Max|Min|"
    "Neg|Pow|PRelu|Reciprocal|ReduceMean|ReduceSum|Softplus|SpaceToDepth|Sqrt|Sub|Sum|Tanh"
)
# Fused only if every input comes from a DequantizeLinear; a Conv or Gemm may have float weights.
_ALL_INPUTS = "Add|Mul|Concat|MatMul"


@dataclass(frozen=True)
class CleanQuantisation(Pass):
    """Drop a DequantizeLinear and QuantizeLinear of equal parameters, which change nothing.

    The other way round, QuantizeLinear then DequantizeLinear rounds and stays, as does a constant
    that is dequantised. Tells which nodes between the two onnxruntime's CPU provider leaves in
    float32, and what to quantise otherwise.
    """

    name: ClassVar[str] = "clean-quantisation"

    def rules(self) -> Sequence[PatternRule]:
        """The pair, and the three ways in which a node between them stays in float32."""
        pair = op(
            "QuantizeLinear",
            op("DequantizeLinear", var("x"), const("s"), maybe(const("z")), name="dq", shared=True),
            const("scale"),
            maybe(const("zero")),
            name="q",
        )
        return (
            PatternRule(pair, _cancel),
            PatternRule(node("Relu|Clip"), _activation),
            PatternRule(node(_FLOAT_ONLY), _float_only),
            PatternRule(node(_ALL_INPUTS), _partly),
        )


def _cancel(m: Match, edit: Edit) -> str:
    q, dq, scope = m["q"], m["dq"], m.scope
    kinds = {scope.dtype(m.tensor("x")), scope.dtype(q.outputs[0])}
    attributes = {q.int("axis", 1), dq.int("axis", 1)}
    if len(kinds) != 1 or len(attributes) != 1 or {*q.attributes, *dq.attributes} - {"axis"}:
        return ""
    low, high = _RANGES.get(kinds.pop() or 0, (0, 0))
    pairs = [(m.tensor("s"), m.tensor("scale")), (m.tensor("z"), m.tensor("zero"))]
    if not low < high or not all(_same(scope, *pair) for pair in pairs):
        return ""
    if not _survives(scope, m.tensor("s"), high - low):
        raise Refused("its scale is zero, not finite, or too coarse to come back to the integer")
    edit.keep(dq)
    edit.bypass(q.outputs[0], m.tensor("x"))
    return "an integer that is dequantised and quantised alike is itself"


def _same(scope: Scope, first: str, second: str) -> bool:
    """Whether two parameters are equal; a zero point that is left out is zero."""
    if first == second:
        return True
    a, b = (scope.value(name) if name else np.zeros(()) for name in (first, second))
    if a is None or b is None:
        return False
    if first and second and (a.dtype != b.dtype or a.shape != b.shape):
        return False
    return bool(np.all(a.astype(np.float64) == b.astype(np.float64)))


def _survives(scope: Scope, scale: str, steps: int) -> bool:
    """Whether k * scale / scale rounds to k for every integer up to ``steps`` either way.

    Each of the two operations is off by half an eps at most, as long as nothing is denormal.
    """
    found = floats(scope, scale)
    limits = np.finfo(helper.tensor_dtype_to_np_dtype(found.dtype))
    values = found.data().astype(np.float64)
    return bool(
        steps * float(limits.eps) < 0.25
        and np.all(values >= float(limits.tiny))
        and np.all(values * steps <= float(limits.max))
    )


def _activation(m: Match, edit: Edit) -> str:
    """A Relu or Clip that quantising does not do already keeps what it follows in float32."""
    del edit
    scope, act = m.scope, m["node"]
    quantiser = _quantiser(scope, act)
    maker = scope.graph.producer(act.inputs[0])
    if quantiser is None or maker is None:
        return ""
    follows = maker.op_type if maker.op_type in ("Conv", "Gemm", "MatMul", "Add", "Mul") else ""
    fed = maker if follows else act
    held = _range(scope, quantiser)
    if held is None or _dequantiser(scope, fed.inputs[0]) is None:
        return ""
    low, high = _clips_to(scope, act)
    if math.isnan(low + high) or (low <= held[0] and held[1] <= high):
        return ""
    at = f"'{scope.graph.path(quantiser)}' holds {held[0]:.4g} to {held[1]:.4g}"
    what = f"the {follows} and its {act.op_type} stay" if follows else f"the {act.op_type} stays"
    raise Refused(
        f"{what} in float32, since {at}, which is more than the {act.op_type} leaves; calibrate "
        f"that output behind the {act.op_type}, with a zero point of its own (uint8: 0)"
    )


def _clips_to(scope: Scope, act: Node) -> tuple[float, float]:
    if act.op_type == "Relu":
        return 0.0, math.inf
    if scope.opset() < 11:
        return act.float("min", -math.inf), act.float("max", math.inf)
    found = []
    for slot, absent in ((1, -math.inf), (2, math.inf)):
        value = scope.known(act.inputs[slot]) if has_input(act, slot) else np.array(absent)
        found.append(math.nan if value is None else float(value.reshape(-1)[0]))
    return found[0], found[1]


def _range(scope: Scope, quantiser: Node) -> tuple[float, float] | None:
    """The numbers that a QuantizeLinear with one constant scale can hold."""
    limits = _RANGES.get(scope.dtype(quantiser.outputs[0]) or 0)
    scale = scope.value(quantiser.inputs[1])
    zero = scope.value(quantiser.inputs[2]) if has_input(quantiser, 2) else np.zeros(1)
    if limits is None or scale is None or zero is None or scale.size != 1 or zero.size != 1:
        return None
    step, origin = np.float32(scale.reshape(-1)[0]), int(zero.reshape(-1)[0])
    low, high = (float(np.float32(end - origin) * step) for end in limits)
    return low, high


def _float_only(m: Match, edit: Edit) -> str:
    del edit
    scope, inner = m.scope, m["node"]
    if _quantiser(scope, inner) is None or _dequantiser(scope, inner.inputs[0]) is None:
        return ""
    raise Refused(
        f"onnxruntime's CPU provider has no quantised {inner.op_type}: it dequantises, computes in "
        "float32 and quantises; leave it and what is around it out of the quantisation"
    )


def _partly(m: Match, edit: Edit) -> str:
    del edit
    scope, inner = m.scope, m["node"]
    sources = {name: _dequantiser(scope, name) for name in inner.inputs}
    plain = [name for name, source in sources.items() if source is None]
    if not plain or len(plain) == len(sources) or _quantiser(scope, inner) is None:
        return ""
    raise Refused(
        f"the {inner.op_type} stays in float32, since '{plain[0]}' is not quantised as its other "
        "inputs and its output are; quantise that too"
    )


def _dequantiser(scope: Scope, tensor: str) -> Node | None:
    maker = scope.graph.producer(tensor) if tensor else None
    return maker if maker is not None and maker.op_type == "DequantizeLinear" else None


def _quantiser(scope: Scope, inner: Node) -> Node | None:
    """The QuantizeLinear that alone reads a node."""
    readers = scope.readers(inner.outputs[0])
    alone = len(readers) == 1 and readers[0].op_type == "QuantizeLinear"
    return readers[0] if alone and not scope.kept(inner.outputs[0]) else None
