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
from ..node import WorkNode
from ..rule import Rule, Sweep
from ..work import Work
from .conditions import MS, other, same_dims

_ACTIVATIONS = ("Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "Clip")


def _apply(work: Work, node: WorkNode) -> bool:
    if not work.is_op(node, "Conv") or work.dtype(node.output) != FLOAT:
        return False
    behind = work.next(node)
    if behind is None or not activates(work, behind):
        if behind is None and any(r.op in _ACTIVATIONS for r in work.readers(node.output)):
            reader = next(r for r in work.readers(node.output) if r.op in _ACTIVATIONS)
            work.decline("ConvActivationFusion", (node, reader), "the convolution is read twice")
        return False
    fuse(work, node, behind)
    return True


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


def _with_sum(work: Work, node: WorkNode, seen: set[str]) -> bool:
    add = work.next(node, "Add")
    added = None if add is None else other(add, node.output)
    if add is None or added is None or not _takes_sum(work, node) or work.rank(added) != 4:
        return False
    if not same_dims(work, node.output, added) or work.constant(added) is not None:
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


RULE = Rule("ConvActivationFusion", ("Conv",), _apply)
SUM = Sweep("ConvAddActivationFusion", ("Conv",), _sums)
