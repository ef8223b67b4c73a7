"""Conv and the activation behind it as onnxruntime's own FusedConv.

onnxruntime does the same when it opens a model, so that a file gains little; a runtime that is
built without graph optimisations, or told to do none, gains a pass over the output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from onnx import helper

from ..graph import Node, OcostError
from ..graph.dtypes import FLOAT
from ..rewrite.edit import Edit
from ..rewrite.pattern import Match, maybe, op, var
from ..rewrite.rewriting import Pass, PatternRule, Refused
from ..rewrite.scope import Scope

_TARGET = "ort-cpu"
_LIMIT = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class FuseActivation(Pass):
    """Make a Conv and its activation one com.microsoft FusedConv.

    Other runtimes can't open such a model, so that nothing is done without a target. An Add
    between them stays: FusedConv could take it as a fourth input, but onnxruntime keeps one of
    four inputs out of its blocked layout, which costs more than the Add.

    Parameters
    ----------
    target
        ``ort-cpu`` for onnxruntime's CPU provider; nothing is fused where it is empty.
    """

    name: ClassVar[str] = "fuse-activation"

    target: str = ""

    def __post_init__(self) -> None:
        """Refuse targets that are not known.

        Raises
        ------
        OcostError
            If the target is none of those above.
        """
        if self.target not in ("", _TARGET):
            raise OcostError(f"target '{self.target}' is not known; use '{_TARGET}'")

    def rules(self) -> Sequence[PatternRule]:
        """Activations that FusedConv has on a CPU."""
        if not self.target:
            return ()
        conv = op("Conv", var("x"), var("w"), maybe(var("b")), name="conv")
        low, high = maybe(var("low")), maybe(var("high"))
        return [
            PatternRule(op("Relu|LeakyRelu|Sigmoid|Tanh|HardSigmoid", conv, name="curve"), _fuse),
            PatternRule(op("Clip", conv, low, high, name="curve"), _fuse),
        ]


def _fuse(m: Match, edit: Edit) -> str:
    conv, curve = m["conv"], m["curve"]
    if m.scope.dtype(conv.outputs[0]) != FLOAT:
        raise Refused("FusedConv is for float32 only on a CPU")
    attributes = {
        **conv.attributes,
        "activation": helper.make_attribute("activation", curve.op_type),
    }
    params = _parameters(m.scope, curve)
    if params:
        attributes["activation_params"] = helper.make_attribute("activation_params", params)
    edit.change(
        conv,
        op_type="FusedConv",
        domain="com.microsoft",
        outputs=curve.outputs,
        attributes=attributes,
    )
    return f"onnxruntime has Conv and {curve.op_type} as one operator"


def _parameters(scope: Scope, curve: Node) -> list[float]:
    if curve.op_type == "LeakyRelu":
        return [curve.float("alpha", 0.01)]
    if curve.op_type == "HardSigmoid":
        return [curve.float("alpha", 0.2), curve.float("beta", 0.5)]
    if curve.op_type != "Clip":
        return []
    if scope.opset() < 11:
        bounds = [curve.float("min", -_LIMIT), curve.float("max", _LIMIT)]
    else:
        given = [*curve.inputs[1:], "", ""]
        bounds = [_bound(scope, given[0], -_LIMIT), _bound(scope, given[1], _LIMIT)]
    if not bounds[0] <= bounds[1]:
        raise Refused(f"the Clip's bounds {bounds} leave nothing between them")
    return bounds


def _bound(scope: Scope, tensor: str, default: float) -> float:
    if not tensor:
        return default
    value = scope.value(tensor)
    if value is None or value.size != 1:
        raise Refused(f"the Clip's bound '{tensor}' is not constant")
    return float(value.reshape(-1)[0])
