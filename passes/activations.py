"""HardSigmoid, HardSwish and Mish where they are written out.

HardSigmoid is clip(alpha * x + beta, 0, 1), HardSwish x times that with 1/6 and 1/2 (Howard et
al., ICCV 2019), Mish x * tanh(softplus(x)) (Misra, 2019).

x * Sigmoid(x) stays although opset 24 has Swish: onnxruntime 1.32 has no kernel for that and
writes it out as Cast, Mul, Sigmoid and Mul, where it fuses the two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..graph import Node
from ..graph.dtypes import FLOAT, FLOAT16
from ..rewrite.edit import Edit
from ..rewrite.facts.affine import broadcasts
from ..rewrite.facts.written_out import of_type, scalar, since
from ..rewrite.pattern import Match, Op, maybe, op, var
from ..rewrite.rewriting import Pass, PatternRule

_X = var("x")


def _clip(x: Op) -> Op:
    return op("Clip", x, maybe(var("low")), maybe(var("high")), name="clip")


_SHIFTED = op("Add", _X, var("shift"), name="shifted")
_CLIPPED = _clip(_SHIFTED)
_GATED = op("Mul", _X, _CLIPPED, name="gated")


@dataclass(frozen=True)
class RecomposeActivations(Pass):
    """Make one node of the arithmetic of HardSigmoid, HardSwish (opset 14) or Mish (opset 18).

    x * clip(x + 3, 0, 6) / 6 becomes x * HardSigmoid(x) first, which is less in any opset.
    """

    name: ClassVar[str] = "recompose-activation"

    def rules(self) -> Sequence[PatternRule]:
        """The gate alone, what it gates, and the products with x."""
        scaled = (
            op("Add", op("Mul", _X, var("factor"), name="scaled"), var("shift"), name="shifted"),
            op("Add", op("Div", _X, var("1/factor"), name="scaled"), var("shift"), name="shifted"),
        )
        return (
            *(PatternRule(_clip(each), _gate) for each in scaled),
            *(
                PatternRule(op("Div", each, var("1/times"), name="last"), _gate)
                for each in (_CLIPPED, _GATED)
            ),
            *(
                PatternRule(op("Mul", each, var("times"), name="last"), _gate)
                for each in (_CLIPPED, _GATED)
            ),
            PatternRule(op("Mul", _X, op("HardSigmoid", _X), name="last"), _hard_swish),
            PatternRule(op("Mul", _X, op("Tanh", op("Softplus", _X)), name="last"), _mish),
        )


def _gate(m: Match, edit: Edit) -> str:
    low, high = _bounds(m)
    shift, factor, times = _scalar(m, "shift", 0.0), _factor(m, "factor"), _factor(m, "times")
    if low != 0 or not 0 < high < math.inf or not math.isfinite(factor * shift):
        return ""
    half = m.scope.dtype(m.tensor("x")) == FLOAT16
    if not math.isclose(times * high, 1, rel_tol=1e-3 if half else 1e-6):
        return ""
    of_type(m.scope, m.tensor("x"), (FLOAT, FLOAT16), "onnxruntime has no other HardSigmoid")
    broadcasts(m.scope)
    last = m.nodes[-1].outputs[0]
    gate = edit.fresh(f"{last}/gate") if "gated" in m.bound else last
    edit.add("HardSigmoid", [m.tensor("x")], gate, alpha=factor / high, beta=shift / high)
    if gate != last:
        edit.add("Mul", [m.tensor("x"), gate], last)
    return "the arithmetic of a HardSigmoid"


def _scalar(m: Match, name: str, absent: float) -> float:
    """A constant of the match: not a number where it isn't one."""
    if name not in m.tensors:
        return absent
    found = scalar(m.scope, m.tensor(name), m.tensor("x"))
    return math.nan if found is None else found


def _factor(m: Match, name: str) -> float:
    """A factor of the match, which it may divide by instead."""
    by = _scalar(m, f"1/{name}", 1.0)
    return _scalar(m, name, 1.0) / by if by else math.nan


def _bounds(m: Match) -> tuple[float, float]:
    """What a Clip clips to: not a number where that isn't constant."""
    clip: Node = m["clip"]
    if m.scope.opset() < 11:
        return clip.float("min", -math.inf), clip.float("max", math.inf)
    low = _scalar(m, "low", 0.0) if m.tensor("low") else -math.inf
    return low, _scalar(m, "high", 0.0) if m.tensor("high") else math.inf


def _hard_swish(m: Match, edit: Edit) -> str:
    gate = m["HardSigmoid"]
    alpha, beta = gate.float("alpha", 0.2), gate.float("beta", 0.5)
    if not math.isclose(alpha, 1 / 6, rel_tol=1e-6) or beta != 0.5:
        return ""
    since(m.scope, 14, "HardSwish")
    edit.add("HardSwish", [m.tensor("x")], m["last"].outputs[0])
    return "x * HardSigmoid(x) with 1/6 and 1/2"


def _mish(m: Match, edit: Edit) -> str:
    since(m.scope, 18, "Mish")
    of_type(m.scope, m.tensor("x"), (FLOAT,), "onnxruntime writes others than float32 out again")
    edit.add("Mish", [m.tensor("x")], m["last"].outputs[0])
    return "x * Tanh(Softplus(x))"
