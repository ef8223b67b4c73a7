"""A convolution takes the activation behind it.

Runtime's condition, extended level: Conv of single precision, read only by Relu, Sigmoid, Tanh,
LeakyRelu, HardSigmoid, or a Clip whose bounds are constant or left out. Any number of dims, the
weights need not be constant. Layout level, after the blocked layout: Conv with a bias, read only by
an Add of a tensor of four equal dims, and then maybe one of these. 1.20 to 1.32.

    before  Conv -> Relu
    after   com.microsoft::FusedConv(activation="Relu")
"""

from __future__ import annotations

from ....graph.dtypes import FLOAT
from ..near import called
from ..node import WorkNode
from ..rule import LoweringRule, Sweep
from ..work import Work
from . import hard_near
from .conditions import MS, may_equal, open_sizes, other, overridden, same_dims, stands_apart

_NAME, _SUM = "ConvActivationFusion", "ConvAddActivationFusion"
_ACTIVATIONS = ("Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "Clip")


def _apply(work: Work, node: WorkNode) -> bool:
    if not work.is_op(node, "Conv") or work.dtype(node.output) != FLOAT:
        return False
    hard_near.tell(work, node)
    behind = work.next(node) or _apart(work, node)
    if behind is None or not (activates(work, behind) or _nearly(work, node, behind)):
        return False
    fuse(work, node, behind)
    return True


def _apart(work: Work, node: WorkNode) -> WorkNode | None:
    """An activation that isn't all that reads a Conv; tells why, and answers it once mended."""
    found = [r for r in work.readers(node.output) if activates(work, r)]
    if not found or not stands_apart(work, _NAME, node, found[0]):
        return None
    return found[0]


def _nearly(work: Work, node: WorkNode, behind: WorkNode) -> bool:
    """Tell of what could be written as an activation that is taken; whether that was mended."""
    if behind.domain or behind.inputs[0] != node.output:
        return False
    if behind.op == "Clip":
        bounds = [t for t in behind.inputs[1:] if t and work.constant(t) is None]
        if any((maker := work.maker(t)) is not None and maker.glue for t in bounds):
            return False  # a constant behind a Cast that is put in
        for tensor in bounds:
            overridden(work, _NAME, (node, behind), tensor)
        return work.decline(
            _NAME,
            (node, behind),
            f"the bound '{bounds[0]}' of {called(behind)} is not constant",
            f"make the bounds of {called(behind)} constants",
            lambda: work.set_inputs(behind, behind.inputs[:1]),
            kind="a bound of the Clip is not constant",
        )
    slope = work.constant(behind.inputs[1]) if behind.op == "PRelu" else None
    return (
        slope is not None
        and slope.size == 1
        and work.decline(
            _NAME,
            (node, behind),
            f"{called(behind)} is a PRelu, of which the slope '{behind.inputs[1]}' is one number",
            f"write {called(behind)} as a LeakyRelu",
            lambda: _leaky(work, behind),
            kind="a PRelu of one slope stands where a LeakyRelu would be taken",
        )
    )


def _leaky(work: Work, node: WorkNode) -> None:
    alpha = work.number(node.inputs[1])
    work.set_inputs(node, node.inputs[:1])
    work.set_op(node, "LeakyRelu")
    node.set(alpha=0.01 if alpha is None else alpha)


def activates(work: Work, node: WorkNode) -> bool:
    """Whether a node is an activation that a convolution takes."""
    if node.domain or node.op not in _ACTIVATIONS:
        return False
    return node.op != "Clip" or all(
        not t or work.constant(t) is not None or _dequantised(work, t) for t in node.inputs[1:]
    )


def _dequantised(work: Work, tensor: str) -> bool:
    maker = work.made_by(tensor, "DequantizeLinear")
    return maker is not None and work.constant(maker.inputs[0]) is not None


def fuse(work: Work, node: WorkNode, activation: WorkNode) -> None:
    """Let a convolution make what the activation behind it makes."""
    parameters = _parameters(work, activation)
    work.absorb(node, activation)
    work.set_op(node, "FusedConv", MS)
    node.set(activation=activation.op, activation_params=parameters or None)


def _parameters(work: Work, node: WorkNode) -> list[float]:
    if node.op == "LeakyRelu":
        return [node.float("alpha", 0.01)]
    if node.op == "HardSigmoid":
        return [node.float("alpha", 0.2), node.float("beta", 0.5)]
    if node.op != "Clip":
        return []
    bounds = [("min", 1, -3.4028234663852886e38), ("max", 2, 3.4028234663852886e38)]
    found = []
    for name, slot, default in bounds:
        value = work.number(node.input(slot)) if node.has_input(slot) else None
        found.append(node.float(name, default) if value is None else value)
    return found


def _sums(work: Work) -> bool:
    """Of two convolutions that an Add reads the later one takes it."""
    seen: set[str] = set()
    changed = False
    for node in work.visit(("Conv",)):
        seen.update(node.outputs)
        changed |= _with_sum(work, node, seen)
    return changed


def _takes_sum(work: Work, node: WorkNode) -> bool:
    return work.is_op(node, "Conv") and node.has_input(2) and work.dtype(node.output) == FLOAT


def _equal(work: Work, node: WorkNode, add: WorkNode, added: str) -> bool:
    """Whether what is added is known to be as large as what a Conv makes; tells if it may be."""
    if same_dims(work, node.output, added):
        return True
    return may_equal(work, node.output, added) and open_sizes(
        work, _SUM, (node, add), f"'{node.output}' and '{added}' are not known to be of one size"
    )


def _without_bias(work: Work, node: WorkNode, add: WorkNode) -> bool:
    """Tell of a Conv that lacks a bias; whether it was given one."""
    weights = work.constant(node.inputs[1])
    if node.has_input(2) or weights is None or work.dtype(node.output) != FLOAT:
        return False

    def mend() -> None:
        work.set_input(node, 2, work.store(f"{node.output}_bias", FLOAT, weights.shape[:1]))

    return work.decline(
        _SUM,
        (node, add),
        f"{called(node)} has no bias",
        f"give {called(node)} a bias of zeros",
        mend,
        kind="the Conv has no bias",
    )


def _with_sum(work: Work, node: WorkNode, seen: set[str]) -> bool:
    add = work.next(node, "Add")
    added = None if add is None else other(add, node.output)
    if add is None or added is None or work.rank(added) != 4 or not work.is_op(node, "Conv"):
        return False
    if work.constant(added) is not None or not _equal(work, node, add, added):
        return False
    if not _takes_sum(work, node) and not _without_bias(work, node, add):
        return False
    twin = work.made_by(added, "Conv")
    if twin is not None and added not in seen and work.single(twin) and _takes_sum(work, twin):
        return False
    behind = work.next(add)
    work.absorb(node, add)
    work.set_op(node, "FusedConv", MS)
    work.set_inputs(node, [*node.inputs[:3], added])
    if behind is not None and activates(work, behind):
        fuse(work, node, behind)
    return True


RULE = LoweringRule(_NAME, ("Conv",), _apply)
SUM = Sweep(_SUM, ("Conv",), _sums)
