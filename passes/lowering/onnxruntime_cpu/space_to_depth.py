"""Four strided Slices and a Concat of them.

Runtime's condition, basic level, since 1.26: four Slices of step 2 on both axes of height and
width of one tensor of four dims, single or double, read by nothing else, that begin at all four
corners, joined on axis 1. Two Slices in a row for each branch since 1.32. In another order than 00,
01, 10, 11 a Gather puts the channels right, whose number has to be fixed.

    before  Concat(Slice(x), Slice(x), Slice(x), Slice(x))
    after   SpaceToDepth, or SpaceToDepth -> Gather
"""

from __future__ import annotations

from ....graph.dtypes import DOUBLE, FLOAT, INT64
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work, union

_ROWS = (1, 32)
_CORNERS = [(0, 0), (0, 1), (1, 0), (1, 1)]


def _apply(work: Work, node: WorkNode) -> bool:
    if node.domain or len(node.inputs) != 4 or node.int("axis", 0) not in (1, -3):
        return False
    parts = [_branch(work, t) for t in node.inputs]
    found = [p for p in parts if p is not None]
    sources = {source for source, _, _ in found}
    if len(found) != 4 or len(sources) != 1:
        return False
    source, corners = sources.pop(), [c for _, c, _ in found]
    dims = work.dims(source)
    if sorted(corners) != _CORNERS or dims is None or len(dims) != 4:
        return False
    if work.dtype(source) not in (FLOAT, DOUBLE):
        return False
    nodes = list({n.index: n for _, _, chain in found for n in chain}.values())
    inside = {n.index for n in nodes} | {node.index}
    if any(r.index not in inside for n in nodes for r in work.readers(n.output)):
        return False
    covers = union([*nodes, node])
    channels = dims[1]
    if corners != _CORNERS and type(channels) is not int:
        return False
    for gone in (*nodes, node):
        work.detach(gone)
    made = node.output
    if corners != _CORNERS:
        made = work.tensor("space_to_depth_out", work.type(node.output))
    first = work.add(
        "SpaceToDepth", [source], made, name="SpaceToDepth", attributes={"blocksize": 2}
    )
    first.covers = covers
    if corners != _CORNERS:
        assert type(channels) is int
        index = work.store("gather_indices", INT64, (4 * channels,))
        last = work.add("Gather", [made, index], node.output, name="Gather", attributes={"axis": 1})
        last.covers = covers
    return True


def _branch(work: Work, tensor: str) -> tuple[str, tuple[int, int], list[WorkNode]] | None:
    """Where a strided corner comes from, which corner it is, and the Slices."""
    chain: list[WorkNode] = []
    begins: dict[int, int] = {}
    while (node := work.made_by(tensor, "Slice")) is not None and len(begins) < 2:
        if chain and work.target.version < _ROWS:
            return None
        found = _steps(work, node)
        if found is None or work.gives_output(node) or begins.keys() & found.keys():
            return None
        begins.update(found)
        chain.append(node)
        tensor = node.inputs[0]
    if sorted(begins) != [2, 3]:
        return None
    return tensor, (begins[2], begins[3]), chain


def _steps(work: Work, node: WorkNode) -> dict[int, int] | None:
    """Beginnings by axis of a Slice of step 2 that goes to the end."""
    starts, ends = work.numbers(node.input(1)), work.numbers(node.input(2))
    axes, steps = work.numbers(node.input(3)), work.numbers(node.input(4))
    dims = work.dims(node.inputs[0])
    if None in (starts, ends, axes, steps) or dims is None or len(dims) != 4:
        return None
    assert starts is not None
    assert ends is not None
    assert axes is not None
    assert steps is not None
    begins = {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = dims[axis]
        whole = end >= 2**31 - 1 or (type(size) is int and end >= size)
        if step != 2 or start not in (0, 1) or not whole:
            return None
        begins[axis % 4] = start
    return begins


RULE = LoweringRule("SliceConcatToSpaceToDepthFusion", ("Concat",), _apply, since=(1, 26))
