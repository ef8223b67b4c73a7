"""The error function form of Gelu, written out.

Runtime's condition: x / sqrt(2) -> Erf -> + 1 -> times x, and times 0.5, as (x * 0.5) * (..) or
(x * (..)) * 0.5, the latter only where no Mul makes x; each inner node is read once; the constants
have one element. Basic level: from
opset 20 on it becomes ONNX's Gelu; extended level: com.microsoft's, if the provider computes in
this type. 1.20 to 1.32.

    before  Mul(Mul(x, 0.5), Add(Erf(Div(x, 1.414)), 1))
    after   Gelu(x)
"""

from __future__ import annotations

from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work
from . import gelu_near
from .conditions import MS, assigned, holds, other


def _match(work: Work, div: WorkNode) -> list[WorkNode] | None:
    if div.domain or not holds(work, div.inputs[1], 2**0.5):
        return None
    x = div.inputs[0]
    erf = work.next(div, "Erf")
    add = None if erf is None else work.next(erf, "Add")
    mul = None if add is None else work.next(add, "Mul")
    if erf is None or add is None or mul is None:
        return None
    one = other(add, erf.output)
    rest = other(mul, add.output)
    if one is None or rest is None or not holds(work, one, 1):
        return None
    scaled = work.made_by(rest, "Mul")
    if scaled is not None:  # the runtime takes any Mul here for the half, even one that makes x
        half = other(scaled, x)
        fits = half is not None and holds(work, half, 0.5) and work.single(scaled)
        return [div, erf, add, scaled, mul] if fits else None
    last = work.next(mul, "Mul")
    half = None if last is None else other(last, mul.output)
    if rest != x or last is None or half is None or not holds(work, half, 0.5):
        return None
    return [div, erf, add, mul, last]


def _basic(work: Work, node: WorkNode) -> bool:
    found = _match(work, node) if work.opset.get("", 1) >= 20 else None
    if found is None:
        return False
    work.replace(found, "Gelu", [node.inputs[0]], found[-1].outputs, name="Gelu")
    return True


def _extended(work: Work, node: WorkNode) -> bool:
    if node.op == "Erf":  # a Gelu of which nothing was made at its Div
        return not node.domain and gelu_near.tell(work, "GeluFusionL2", node)
    found = _match(work, node)
    if found is None or not all(assigned(work, n) for n in found):
        return False
    outputs = found[-1].outputs
    work.replace(found, "Gelu", [node.inputs[0]], outputs, name="Gelu", domain=MS)
    return True


BASIC = LoweringRule("GeluFusionL1", ("Div",), _basic)
EXTENDED = LoweringRule("GeluFusionL2", ("Div", "Erf"), _extended)
