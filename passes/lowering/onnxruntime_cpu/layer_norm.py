"""LayerNormalization and its form without a mean, written out.

Runtime's condition: ReduceMean over the last axis, Sub (one, or two equal ones), Pow by 2,
ReduceMean over the last axis, Add of a constant, Sqrt, Div, Mul by a vector, Add of a vector of
equal size; each inner node is read by these alone. From opset 17 on at the basic level, below it
at the extended one. Without the mean and the last Add: SimplifiedLayerNormalization, extended
level, single precision. 1.20 to 1.32.

    before  x - mean -> ... -> Div -> Mul(scale) -> Add(bias)
    after   LayerNormalization(x, scale, bias)
"""

from __future__ import annotations

from ....graph.dtypes import FLOAT
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work
from . import layer_norm_near
from .conditions import assigned, other


class _Core:
    """Pow -> ReduceMean -> Add -> Sqrt -> Div -> Mul around a Sqrt."""

    def __init__(self, nodes: list[WorkNode], source: str, scale: str, epsilon: float) -> None:
        self.nodes, self.source, self.scale, self.epsilon = nodes, source, scale, epsilon


def _core(work: Work, sqrt: WorkNode) -> tuple[_Core, str] | None:
    """The nodes around a Sqrt, and the tensor that is squared."""
    add = work.made_by(sqrt.inputs[0], "Add")
    div = work.next(sqrt, "Div")
    if add is None or div is None or not work.single(add) or div.inputs[1] != sqrt.output:
        return None
    mean, epsilon = None, None
    for slot in (0, 1):
        mean = work.made_by(add.inputs[slot], "ReduceMean")
        epsilon = work.number(add.inputs[1 - slot])
        if mean is not None and epsilon is not None:
            break
    if mean is None or epsilon is None or not work.single(mean) or not last_axis(work, mean):
        return None
    square = work.made_by(mean.inputs[0], "Pow")
    mul = work.next(div, "Mul")
    if square is None or mul is None or not work.single(square):
        return None
    if work.number(square.inputs[1]) != 2:
        return None
    scale = other(mul, div.output)
    if scale is None or work.rank(scale) != 1:
        return None
    nodes = [square, mean, add, sqrt, div, mul]
    return _Core(nodes, div.inputs[0], scale, epsilon), square.inputs[0]


def last_axis(work: Work, mean: WorkNode) -> bool:
    """Whether a reduction is over the last axis and keeps it."""
    axes = mean.ints("axes") or (work.numbers(mean.input(1)) if mean.has_input(1) else None)
    rank = work.rank(mean.inputs[0])
    if axes is None or len(axes) != 1 or not mean.int("keepdims", 1):
        return False
    return axes[0] == -1 or (rank is not None and axes[0] == rank - 1)


def _full(work: Work, node: WorkNode) -> bool:
    found = None if node.domain else _core(work, node)
    if found is None:
        return False
    core, squared = found
    sub, twin = work.made_by(core.source, "Sub"), work.made_by(squared, "Sub")
    mul = core.nodes[-1]
    add = work.next(mul, "Add")
    if sub is None or twin is None or add is None or sub.inputs != twin.inputs:
        return False
    bias = other(add, mul.output)
    mean = work.made_by(sub.inputs[1], "ReduceMean")
    if bias is None or mean is None or mean.inputs[0] != sub.inputs[0]:
        return False
    if work.rank(bias) != 1 or work.dims(bias) != work.dims(core.scale):
        return False
    subs = [sub] if sub is twin else [sub, twin]
    if sum(work.edges(s) for s in subs) != 2 or any(work.gives_output(s) for s in subs):
        return False
    if not last_axis(work, mean) or work.gives_output(mean) or work.edges(mean) != len(subs):
        return False
    nodes = [mean, *subs, *core.nodes, add]
    if not all(assigned(work, n) for n in nodes) and work.opset.get("", 1) < _ONNX:
        return False
    inputs = [sub.inputs[0], core.scale, bias]
    name = f"{mul.name}/LayerNormFusion/"
    attributes = {"axis": -1, "epsilon": core.epsilon}
    work.replace(nodes, "LayerNormalization", inputs, add.outputs, name=name, attributes=attributes)
    return True


def _basic(work: Work, node: WorkNode) -> bool:
    return work.opset.get("", 1) >= _ONNX and _full(work, node)


def _extended(work: Work, node: WorkNode) -> bool:
    name = "LayerNormFusionL2"
    return _full(work, node) or layer_norm_near.tell(work, name, node, centred=True)


def _simplified(work: Work, node: WorkNode) -> bool:
    found = None if node.domain else _core(work, node)
    if found is None:
        name = "SimplifiedLayerNormFusion"
        return layer_norm_near.tell(work, name, node, centred=False)
    if work.dtype(node.output) != FLOAT:
        return False
    core, squared = found
    if core.source != squared:
        return False
    mul = core.nodes[-1]
    work.replace(
        core.nodes,
        "SimplifiedLayerNormalization",
        [squared, core.scale],
        mul.outputs,
        name=f"{mul.name}/SimplifiedLayerNormFusion/",
        attributes={"axis": -1, "epsilon": core.epsilon},
    )
    return True


_ONNX = 17  # the opset that has the operator

BASIC = LoweringRule("LayerNormFusionL1", ("Sqrt",), _basic)
EXTENDED = LoweringRule("LayerNormFusionL2", ("Sqrt",), _extended)
SIMPLIFIED = LoweringRule("SimplifiedLayerNormFusion", ("Sqrt",), _simplified)
