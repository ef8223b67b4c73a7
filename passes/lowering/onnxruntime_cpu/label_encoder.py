"""Two LabelEncoders in a row become one.

Runtime's condition: version 4, the first read by the second alone, and what the first answers is
of the type that the second looks up. Basic level, versions 1.20 to 1.32.

    before  LabelEncoder -> LabelEncoder
    after   LabelEncoder
"""

from __future__ import annotations

from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work

_ML = "ai.onnx.ml"


def _apply(work: Work, node: WorkNode) -> bool:
    if node.domain != _ML or work.opset.get(_ML, 1) < 4:
        return False
    second = work.next(node, "LabelEncoder", domain=_ML)
    kinds = ("int64s", "strings")
    if second is None or not any(
        f"values_{k}" in node.attributes and f"keys_{k}" in second.attributes for k in kinds
    ):
        return False
    values = {k: v for k, v in second.attributes.items() if not k.startswith("keys_")}
    keys = {k: v for k, v in node.attributes.items() if k.startswith("keys_")}
    node.attributes = {**keys, **values}
    work.absorb(node, second)
    return True


RULE = LoweringRule("LabelEncoderFusion", ("LabelEncoder",), _apply)
