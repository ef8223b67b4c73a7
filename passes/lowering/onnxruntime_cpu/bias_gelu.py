"""A bias in front of a Gelu, and Gelu's other forms.

Runtime's condition, extended level. BiasGelu: an Add of which one operand has one dim, the last
dims equal, read only by a Gelu (ONNX's own since 1.22). FastGelu: the tanh form, whose last Mul is
no output of the graph. QuickGelu: x times Sigmoid(x) or Sigmoid(a * x), the Sigmoid read once.
1.20 to 1.32.

    before  Gelu(Add(x, b))
    after   com.microsoft::BiasGelu(x, b)
"""

from __future__ import annotations

from functools import partial

from ....graph.dtypes import FLOAT
from ..mends import reshape_constant
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work
from .conditions import MS, holds, near, other, same_dim, stands_apart

_ONNX_GELU = (1, 22)


def _bias(work: Work, node: WorkNode) -> bool:
    if node.domain or work.dtype(node.output) != FLOAT:
        return False
    gelu = work.next(node)
    if gelu is None or (gelu.op, gelu.domain) not in (("Gelu", ""), ("Gelu", MS), ("FastGelu", MS)):
        return False
    if len(gelu.inputs) > 1 or (not gelu.domain and work.target.version < _ONNX_GELU):
        return False
    slot = next((s for s in (1, 0) if work.rank(node.inputs[s]) == 1), None)
    if slot is None:
        return _row(work, node, gelu) and _bias(work, node)
    dims, bias = work.dims(node.inputs[1 - slot]), work.dims(node.inputs[slot])
    if not dims or not bias or not same_dim(dims[-1], bias[0]):
        return False
    tanh = gelu.op == "FastGelu" or gelu.string("approximate", "none") == "tanh"
    inputs = [node.inputs[1 - slot], node.inputs[slot]]
    op = "FastGelu" if tanh else "BiasGelu"
    work.replace([node, gelu], op, inputs, gelu.outputs, domain=MS, name="BiasGelu")
    return True


def _row(work: Work, node: WorkNode, gelu: WorkNode) -> bool:
    """Tell of a bias that is one row of more than one dim; whether it is a vector now."""
    for slot in (1, 0):
        constant = work.constant(node.inputs[slot])
        dims = work.dims(node.inputs[1 - slot])
        if constant is None or not dims or constant.shape[-1:] != dims[-1:]:
            continue
        if constant.size != dims[-1] or len(constant.shape) < 2:
            continue
        size = constant.size
        return work.decline(
            "BiasGeluFusion",
            (node, gelu),
            f"the bias '{node.inputs[slot]}' is of shape {list(constant.shape)}",
            f"write '{node.inputs[slot]}' as [{size}]",
            partial(reshape_constant, work, node, slot, (size,)),
            kind="the bias of a Gelu is no vector",
        )
    return False


def _fast(work: Work, node: WorkNode) -> bool:
    """From the Tanh: both ways to write its argument, and the half behind it."""
    if node.domain or work.dtype(node.output) != FLOAT or not work.single(node):
        return False
    inside = _argument(work, node.inputs[0])
    add = work.next(node, "Add")
    if inside is None or add is None or not near(_else(work, add, node.output), 1):
        return False
    x, nodes = inside
    mul = work.next(add, "Mul")
    rest = None if mul is None else other(mul, add.output)
    if mul is None or rest is None or work.gives_output(mul):
        return False
    half = work.made_by(rest, "Mul")
    nodes += [node, add]
    if half is not None and near(_else(work, half, x), 0.5) and work.single(half):
        nodes += [half, mul]
    else:
        return False
    if work.gives_output(nodes[-1]):
        return False
    outputs = nodes[-1].outputs
    work.replace(nodes, "FastGelu", [x], outputs, domain=MS, name="GPT2Gelu")
    return True


def _else(work: Work, node: WorkNode, tensor: str) -> float | None:
    """The constant that a tensor is added to, or multiplied by."""
    rest = other(node, tensor)
    return None if rest is None or (work.rank(rest) or 0) > 1 else work.number(rest)


def _argument(work: Work, tensor: str) -> tuple[str, list[WorkNode]] | None:
    """Of x, and the nodes: 0.7978 * (x + 0.0447 * x ** 3), or 0.7978 * x * (1 + 0.0447 * x * x)."""
    mul = work.made_by(tensor, "Mul")
    if mul is None or not work.single(mul):
        return None
    for slot in (0, 1):
        if holds(work, mul.inputs[slot], 0.7978845608):
            add = work.made_by(mul.inputs[1 - slot], "Add")
            cubed = None if add is None else _cubed(work, add)
            if add is not None and cubed is not None and work.single(add):
                return cubed[0], [mul, add, *cubed[1]]
    for slot in (0, 1):
        add = work.made_by(mul.inputs[slot], "Add")
        scaled = work.made_by(mul.inputs[1 - slot], "Mul")
        found = None if add is None or scaled is None else _squared(work, add, scaled)
        if found is not None:
            return found[0], [mul, *found[1]]
    return None


def _cubed(work: Work, add: WorkNode) -> tuple[str, list[WorkNode]] | None:
    for slot in (0, 1):
        scaled = work.made_by(add.inputs[slot], "Mul")
        x = add.inputs[1 - slot]
        for inner in (0, 1) if scaled is not None and work.single(scaled) else ():
            assert scaled is not None
            power = work.made_by(scaled.inputs[inner], "Pow")
            if power is None or not work.single(power) or power.inputs[0] != x:
                continue
            if holds(work, power.inputs[1], 3) and holds(work, scaled.inputs[1 - inner], 0.044715):
                return x, [scaled, power]
    return None


def _squared(work: Work, add: WorkNode, scaled: WorkNode) -> tuple[str, list[WorkNode]] | None:
    for slot in (0, 1):
        x = scaled.inputs[1 - slot]
        if not holds(work, scaled.inputs[slot], 0.7978845608):
            continue
        for place in (0, 1):
            product = work.made_by(add.inputs[place], "Mul")
            if product is None or not holds(work, add.inputs[1 - place], 1):
                continue
            inner = work.made_by(next((t for t in product.inputs if t != x), ""), "Mul")
            if x not in product.inputs or inner is None or x not in inner.inputs:
                continue
            if near(_else(work, inner, x), 0.044715, 1e-4):
                nodes = [add, scaled, product, inner]
                return (x, nodes) if all(work.single(n) for n in nodes) else None
    return None


def _quick(work: Work, node: WorkNode) -> bool:
    if node.domain or work.dtype(node.output) != FLOAT:
        return False
    mul = work.next(node, "Mul") or _gate(work, node)
    if mul is None:
        return False
    x = other(mul, node.output)
    scaled = work.made_by(node.inputs[0], "Mul")
    alpha: float | None = 1.0
    nodes = [node, mul]
    if node.inputs[0] != x:
        alpha = None if scaled is None or x is None else _else(work, scaled, x)
        if alpha is None or scaled is None or not work.single(scaled):
            return False
        nodes.insert(0, scaled)
    if x is None:
        return False
    work.replace(
        nodes,
        "QuickGelu",
        [x],
        mul.outputs,
        domain=MS,
        name=f"{mul.name}/QuickGeluFusion/",
        attributes={"alpha": alpha},
    )
    return True


def _gate(work: Work, node: WorkNode) -> WorkNode | None:
    """Tell of a Sigmoid that more than x times it reads; answers the Mul once that is mended."""
    for mul in work.readers(node.output):
        if mul.op == "Mul" and other(mul, node.output) == node.inputs[0]:
            return mul if stands_apart(work, "QuickGeluFusion", node, mul) else None
    return None


BIAS = LoweringRule("BiasGeluFusion", ("Add",), _bias)
FAST = LoweringRule("FastGeluFusion", ("Tanh",), _fast)
QUICK = LoweringRule("QuickGeluFusion", ("Sigmoid",), _quick)
