"""Nodes that read constants alone are computed before the run.

Runtime's condition, basic level: an operator of ONNX that has a kernel and always answers the
same, without bodies, all of whose inputs are constants and none made by a node; the size of its
outputs is known beforehand and at most 1 GB, both asked since 1.28. Shape folds where all dims of
its input are numbers, and what only it read goes too. A DequantizeLinear stays, to keep quantised
groups together, but for one in front of a single node and a QuantizeLinear. An If of a constant
condition becomes the branch that it takes. 1.20 to 1.32.

    before  Add(x, Mul(c, d))
    after   Add(x, c)
"""

from __future__ import annotations

from math import prod

import numpy as np

from ....graph.dataflow import RANDOM
from ....graph.dtypes import BOOL, INT32, INT64, nbytes
from ....graph.shapes.fold import fold
from ....graph.shapes.info import Info, ShapeCall
from ..inference import refresh
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Array, Constant, Work
from .conditions import MS
from .kernels import is_expanded

_NEVER = RANDOM | {"Dropout", "Constant"}
_LIMIT = 1 << 30
_LIMITED = (1, 28)
_INTEGERS = (INT32, INT64, BOOL)
_VALUES = 1024  # integers of which the contents are followed
_FEW = 16  # and floats


def _apply(work: Work, node: WorkNode) -> bool:
    if node.op == "If":
        return _branch(work, node)
    if node.op == "Shape" and not node.domain:
        return _shape(work, node)
    if node.op == "DequantizeLinear":
        return _unit(work, node)
    return fold_node(work, node)


def _sweep_applies(work: Work, node: WorkNode) -> bool:
    """Fold; what reads the constant may have other types now, and fold next."""
    outputs = list(node.outputs)
    if not _apply(work, node):
        return False
    readers = {r.index: r for o in outputs for r in work.readers(o)}
    refresh(work, readers.values())
    return True


def foldable(work: Work, node: WorkNode) -> bool:
    """Whether the runtime computes a node before the run."""
    if node.domain and not (node.domain == MS and node.op == "QuantizeLinear"):
        return False
    if node.bodies or node.op in _NEVER or not node.inputs or is_expanded(work, node):
        return False
    if any(t and work.constant(t) is None for t in node.inputs):
        return False
    for output in filter(None, node.outputs):
        shape, dtype = work.shape(output), work.dtype(output)
        size = None if shape is None else nbytes(dtype, prod(shape))
        if (size is None or size > _LIMIT) and work.target.version >= _LIMITED:
            return False
    return True


def fold_node(work: Work, node: WorkNode) -> bool:
    """Make constants of what a node makes, if the runtime does."""
    if not foldable(work, node):
        return False
    settle(work, node, _values(work, node))
    return True


def settle(work: Work, node: WorkNode, values: list[Array | None]) -> None:
    """Take a node out; what it made are constants."""
    types = [work.type(o) for o in node.outputs]
    work.drop(node, "folded")
    for output, kind, value in zip(node.outputs, types, values, strict=False):
        if output:
            shape = work.shape(output) if value is None else value.shape
            work.settle(output, Constant(kind.dtype, shape or (), None, value))
            if kind.dtype in _INTEGERS:
                _take_along(work, output)


def _take_along(work: Work, tensor: str) -> None:
    """A product by 1 in arithmetic of shapes that is constant now is folded with it.

    Of other nodes that changed nothing there, what reads the constant is said to do the work, as
    the attribution of a saved graph has it.
    """
    gone = [path for path in work.root.left_out.get(tensor, ()) if path in work.root.factors]
    for original in gone:
        work.root.fates[original] = "folded"
    for reader in work.readers(tensor) if gone else ():
        reader.covers = tuple(path for path in reader.covers if path not in gone)


def _values(work: Work, node: WorkNode) -> list[Array | None]:
    """The contents of small outputs, where those of the inputs are small."""
    unknown: list[Array | None] = [None] * len(node.outputs)
    infos: list[Info | None] = []
    for name in node.inputs:
        found = work.constant(name) if name else None
        if found is not None and found.size > (_VALUES if found.dtype in _INTEGERS else _FEW):
            return unknown
        value = None if found is None else found.value()
        infos.append(None if found is None else Info(found.dtype, found.shape, value=value))
    call = ShapeCall(node.frozen(), infos, work.opset.get("", 1))
    made = fold(call, _VALUES)
    return unknown if made is None else [*made, *unknown]


def _shape(work: Work, node: WorkNode) -> bool:
    shape = work.shape(node.inputs[0])
    if shape is None:
        return fold_node(work, node)
    start, end = node.int("start", 0), node.int("end", len(shape))
    maker = work.maker(node.inputs[0])
    settle(work, node, [np.array(shape[start:end], np.int64)])
    if maker is not None:
        drop_unread(work, maker)
    return True


def drop_unread(work: Work, node: WorkNode) -> None:
    """Take out a node that nothing reads, and then what only it read, if that makes one output."""
    queue = [node]
    while queue:
        last = queue.pop()
        if work.nodes.get(last.index) is not last or work.edges(last) or work.gives_output(last):
            continue
        makers = [m for t in last.inputs if (m := work.maker(t)) is not None]
        work.drop(last, "folded")
        queue += [m for m in makers if len([o for o in m.outputs if o]) == 1]


def _unit(work: Work, node: WorkNode) -> bool:
    """Fold a constant's DequantizeLinear, one node and a QuantizeLinear as a whole."""
    if any(t and work.constant(t) is None for t in node.inputs) or work.gives_output(node):
        return False
    middle = work.next(node)
    if middle is None or len(middle.inputs) != 1 or len(middle.outputs) != 1 or middle.domain:
        return False
    last = work.next(middle, "QuantizeLinear")
    if last is None or any(t and work.constant(t) is None for t in last.inputs[1:]):
        return False
    if is_expanded(work, middle) or middle.op in _NEVER or middle.bodies:
        return False
    for part in (node, middle, last):
        settle(work, part, [None])
    return True


def _branch(work: Work, node: WorkNode) -> bool:
    """Put the nodes of the branch that a constant condition takes in the place of an If."""
    taken = work.number(node.inputs[0])
    if taken is None or node.domain:
        return False
    body = node.bodies["then_branch" if taken else "else_branch"]
    for name, branch in node.bodies.items():
        if branch is not body:
            _lost(work, branch, name)
    work.drop(node, "folded")
    names = {t: work.fresh(f"_if_{t}") for n in body.nodes.values() for t in n.outputs if t}
    for inner, outer in zip(body.outputs, node.outputs, strict=True):
        if inner in names and names[inner] not in node.outputs:
            names[inner] = outer
    for name, constant in body.constants.items():
        names[name] = work.fresh(name)
        work.settle(names[name], constant)
    for inner, outer in names.items():
        work.types[outer] = body.type(inner)
    for index in sorted(body.nodes):
        move(work, body.nodes[index], names)
    for inner, outer in zip(body.outputs, node.outputs, strict=True):
        if names.get(inner) != outer:
            source = names.get(inner, inner)
            if work.is_output(outer):
                made = work.add("Identity", [source], outer)
                made.glue = True
            else:
                work.rewire(outer, source)
    return True


def move(work: Work, node: WorkNode, names: dict[str, str]) -> None:
    """Put a body's node into the graph around it, its tensors under other names."""
    made = WorkNode(
        node.op,
        [names.get(t, t) for t in node.inputs],
        [names.get(t, t) for t in node.outputs],
        node.attributes,
        domain=node.domain,
        name=node.name,
        covers=node.covers,
    )
    made.glue, made.bodies = node.glue, node.bodies
    made.captures = tuple(names.get(t, t) for t in node.captures)
    for body in made.bodies.values():
        body.parent = work
        for old, new in names.items():
            body.recapture(old, new)
    work.insert(made)


def _lost(work: Work, branch: Work, _name: str) -> None:
    for scope in branch.scopes():
        for node in scope.nodes.values():
            for original in node.covers:
                work.root.fates.setdefault(original, "dead")


class _Any(LoweringRule):
    """At every node: any may read constants alone."""

    def sweep(self, work: Work) -> bool:
        changed = False
        for node in list(work.order()):
            if work.nodes.get(node.index) is node:
                changed |= self.apply(work, node)
        return changed


RULE = _Any("ConstantFolding", (), _sweep_applies)
