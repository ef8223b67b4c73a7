"""Nodes that change nothing, or nothing at inference, are taken out.

Runtime's condition for all: the node is *removable* (``conditions.removable``), so a node with two
inputs of which none is made by a node (Add of 0 to an input of the graph) stays. Basic level,
versions 1.20 to 1.32.

    before  Relu -> Identity -> Neg
    after   Relu -> Neg
"""

from __future__ import annotations

from ....graph.dtypes import DOUBLE, FLOAT, FLOAT16, INT32, INT64
from ..near import called
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work
from .conditions import removable, take_out

_ENDLESS = 2**63 - 1


def _identity(work: Work, node: WorkNode) -> bool:
    if node.domain:
        return False
    if removable(work, node):
        return take_out(work, node)
    maker = work.maker(node.inputs[0])
    if (
        maker is None
        or not work.is_output(node.output)
        or work.is_output(node.inputs[0])
        or len(work.readers(node.inputs[0])) != 1
    ):
        return False
    work.bypass(node, node.inputs[0])
    return True


def _slice(work: Work, node: WorkNode) -> bool:
    """Starts all 0, ends all endless, steps 1; an end that is just the size doesn't do."""
    if node.domain or not removable(work, node):
        return False
    if len(node.inputs) == 1:
        starts, ends, steps = node.ints("starts"), node.ints("ends"), None
    else:
        starts, ends = work.numbers(node.input(1)), work.numbers(node.input(2))
        if node.has_input(3) and work.constant(node.input(3)) is None:
            return False
        steps = work.numbers(node.input(4)) if node.has_input(4) else (1,)
        if steps is None:
            return False
    if starts is None or ends is None or any(starts) or any(s != 1 for s in steps or ()):
        return False
    if any(e < _ENDLESS for e in ends):
        return _whole(work, node, ends)
    return take_out(work, node)


def _whole(work: Work, node: WorkNode, ends: tuple[int, ...]) -> bool:
    """Tell of ends that are the sizes themselves; whether it was taken out."""
    dims = work.dims(node.inputs[0])
    axes = node.ints("axes") or (work.numbers(node.input(3)) if node.has_input(3) else None)
    axes = tuple(range(len(ends))) if axes is None else axes
    if dims is None or len(axes) != len(ends):
        return False
    sizes = [dims[axis] for axis in axes]
    if not all(type(d) is int and e >= d for d, e in zip(sizes, ends, strict=True)):
        return False
    return work.decline(
        "EliminateSlice",
        (node,),
        f"{called(node)} takes all of '{node.inputs[0]}', but its ends are sizes, which the "
        "runtime doesn't compare",
        f"take {called(node)} out",
        lambda: take_out(work, node),
        kind="a Slice of all has sizes as its ends",
    )


def _kept(work: Work, rule: str, node: WorkNode, source: str) -> bool:
    """Tell of a node that stays though it changes nothing; whether it was taken out."""
    if any(map(work.readers, node.outputs[1:])):
        return False
    if work.gives_output(node):
        if work.maker(source) is None or work.is_output(source):
            return False  # between an input and an output something has to stand
        where = "makes an output of the graph"
    else:
        where = "reads inputs of the graph alone"
    return work.decline(
        rule,
        (node,),
        f"{called(node)} changes nothing, but {where}",
        f"take {called(node)} out",
        lambda: work.bypass(node, source),
        kind=f"a node that changes nothing {where}",
    )


def _unsqueeze(work: Work, node: WorkNode) -> bool:
    """Below opset 13, of a constant."""
    from .constant_folding import fold_node  # noqa: PLC0415 - it does the same at other opsets

    return not node.domain and "axes" in node.attributes and fold_node(work, node)


def _dropout(work: Work, node: WorkNode) -> bool:
    """The mask is not read, and the ratio is constant; whether it says to train is not asked."""
    if node.domain or any(map(work.readers, node.outputs[1:])):
        return False
    if node.has_input(1) and work.number(node.input(1)) is None:
        return False
    if not removable(work, node):
        return _kept(work, "EliminateDropout", node, node.inputs[0])
    return take_out(work, node)


def _expand(work: Work, node: WorkNode) -> bool:
    """Each entry of the constant shape is 1 or the known size."""
    if node.domain:
        return False
    target, dims = work.numbers(node.input(1)), work.dims(node.inputs[0])
    if target is None or dims is None or len(target) > len(dims):
        return False
    tail = dims[len(dims) - len(target) :]
    if not all(t in (1, d) for t, d in zip(target, tail, strict=True)):
        return False
    if not removable(work, node):
        return _kept(work, "ExpandElimination", node, node.inputs[0])
    return take_out(work, node)


def _cast(work: Work, node: WorkNode) -> bool:
    """To the type that it has."""
    if node.domain or not removable(work, node):
        return False
    return work.dtype(node.inputs[0]) == node.int("to", 0) and take_out(work, node)


def _noop(work: Work, node: WorkNode) -> bool:
    """Add or Sub of 0, Mul or Div by 1: a constant of one element, of no higher rank."""
    if node.domain or len(node.inputs) != 2:
        return False
    constants = [work.constant(t) for t in node.inputs]
    slot = 1 if constants[1] is not None else 0
    found = constants[slot]
    if found is None or constants[1 - slot] is not None or found.size != 1:
        return False
    if slot == 0 and node.op in ("Sub", "Div"):
        return False
    rank = work.rank(node.inputs[1 - slot])
    if rank is None or len(found.shape) > rank or found.dtype not in _TYPES:
        return False
    wanted = 0 if node.op in ("Add", "Sub") else 1
    if work.number(node.inputs[slot]) != wanted:
        return False
    if not removable(work, node):
        return _kept(work, "NoopElimination", node, node.inputs[1 - slot])
    return take_out(work, node)


_TYPES = (FLOAT, FLOAT16, DOUBLE, INT32, INT64)

IDENTITY = LoweringRule("EliminateIdentity", ("Identity",), _identity)
SLICE = LoweringRule("EliminateSlice", ("Slice",), _slice)
UNSQUEEZE = LoweringRule("UnsqueezeElimination", ("Unsqueeze",), _unsqueeze)
DROPOUT = LoweringRule("EliminateDropout", ("Dropout",), _dropout)
EXPAND = LoweringRule("ExpandElimination", ("Expand",), _expand)
CAST = LoweringRule("CastElimination", ("Cast",), _cast)
NOOP = LoweringRule("NoopElimination", ("Add", "Sub", "Mul", "Div"), _noop)
