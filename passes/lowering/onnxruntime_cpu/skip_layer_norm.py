"""LayerNormalization of a sum.

Runtime's condition, extended level: over the last axis, with a scale of one dim (both asked since
1.24), of an Add that only it reads, whose two operands have three equal dims (sizes, or the same
symbols). An Add of a constant bias with one dim to one of the operands goes in too, if it is read
once; where the bias is its first operand, since 1.26. 1.20 to 1.32.

    before  LayerNormalization(Add(x, skip), g, b)
    after   com.microsoft::SkipLayerNormalization(x, skip, g, b)
"""

from __future__ import annotations

from ....graph.dtypes import BFLOAT16, FLOAT, FLOAT16
from ..near import called, listed
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work
from .conditions import MS, assigned, may_equal, open_sizes, same_dims

_NAME = "SkipLayerNormFusion"
_VECTOR = (1, 24)


def _apply(work: Work, node: WorkNode) -> bool:
    if node.domain:
        return False
    if work.target.version >= _VECTOR and node.int("axis", -1) not in (-1, 2):
        return False
    add = work.made_by(node.inputs[0], "Add")
    if add is None or any(node.outputs[1:]):
        return False
    if work.dtype(add.output) not in (FLOAT, FLOAT16, BFLOAT16) or not assigned(work, add):
        return False
    if any(work.rank(t) != 3 for t in add.inputs):
        return False
    if work.target.version >= _VECTOR and work.rank(node.inputs[1]) != 1:
        return False
    if not same_dims(work, *add.inputs):
        reason = f"'{add.inputs[0]}' and '{add.inputs[1]}' are not known to be of one size"
        return (
            work.single(add)
            and may_equal(work, *add.inputs)
            and open_sizes(work, _NAME, (add, node), reason)
        )
    if not work.single(add):
        others = [r for r in work.readers(add.output) if r is not node]
        work.decline(
            _NAME,
            (add, node),
            f"the sum '{add.output}' is read by {listed(others) or 'the user'} too",
            f"write {called(add)} and {called(node)} as one com.microsoft::SkipLayerNormalization, "
            "whose fourth output is the sum",
            lambda: _with_sum(work, add, node),
            kind="the sum is read elsewhere too",
        )
        return False
    nodes, bias, inputs = [add, node], "", list(add.inputs)
    for slot in (0, 1):
        inner = work.made_by(inputs[slot], "Add")
        found = None if inner is None or not work.single(inner) else _bias(work, inner, (1,))
        if inner is not None and found is not None:
            bias, inputs[slot] = found
            nodes.insert(0, inner)
            break
    wanted = [*inputs, node.inputs[1], node.input(2), bias]
    while not wanted[-1]:
        wanted.pop()
    attributes = {"epsilon": node.attributes.get("epsilon")}
    work.replace(
        nodes,
        "SkipLayerNormalization",
        wanted,
        node.outputs,
        domain=MS,
        name="SkipLayerNormalization",
        attributes=attributes,
    )
    return True


def _with_sum(work: Work, add: WorkNode, node: WorkNode) -> None:
    """One node that answers the sum as well."""
    inputs = [*add.inputs, node.inputs[1], node.input(2)]
    while not inputs[-1]:
        inputs.pop()
    outputs = [node.output, "", "", add.output]
    attributes = {"epsilon": node.attributes.get("epsilon")}
    work.replace(
        (add, node),
        "SkipLayerNormalization",
        inputs,
        outputs,
        domain=MS,
        name="SkipLayerNormalization",
        attributes=attributes,
    )


def _bias(work: Work, add: WorkNode, slots: tuple[int, ...] = (1, 0)) -> tuple[str, str] | None:
    """The constant vector that is added, and to what."""
    for slot in slots:
        constant = work.constant(add.inputs[slot])
        if constant is not None and len(constant.shape) == 1:
            return add.inputs[slot], add.inputs[1 - slot]
    return None


def _later(work: Work, node: WorkNode) -> bool:
    """A bias on an operand of a fused node that has none yet."""
    if node.domain != MS or node.has_input(4):
        return False
    for slot in (0, 1):
        inner = work.made_by(node.inputs[slot], "Add")
        found = None if inner is None or not work.single(inner) else _bias(work, inner)
        if inner is None or found is None:
            continue
        inputs = [*node.inputs, *[""] * (4 - len(node.inputs)), found[0]]
        inputs[slot] = found[1]
        work.replace(
            [inner, node],
            node.op,
            inputs,
            node.outputs,
            domain=MS,
            name=node.name,
            attributes=dict(node.attributes),
        )
        return True
    return False


RULE = LoweringRule(_NAME, ("LayerNormalization",), _apply)
BIAS = LoweringRule("BiasSkipLayerNormFusion", ("SkipLayerNormalization",), _later, since=(1, 26))
