"""Gathers and Slices that tile a tensor become a Split; a Gather by a Range becomes a Slice.

Runtime's condition, extended level, opset 13 on: of the readers of a tensor, those that are Gathers
by a constant of one index or Slices of step 1 are two or more, on one axis, and together they tile
it. The tensor is no output, is not made by Shape, and is of this graph or body. 1.20 to 1.32.

    before  Gather(x, 0), Gather(x, 1), Gather(x, 2)
    after   Split(x) -> Squeeze, Squeeze, Squeeze
"""

from __future__ import annotations

import numpy as np

from ....graph.dtypes import INT64
from ..node import WorkNode
from ..rule import LoweringRule, Sweep
from ..work import Type, Work
from .conditions import assigned

_OPSET = 13


def _apply(work: Work) -> bool:
    changed = False
    seen: set[str] = set()
    for node in work.visit(("Gather", "Slice")):
        tensor = node.inputs[0]
        if tensor not in seen:
            seen.add(tensor)
            changed |= _split(work, tensor)
    return changed


def _split(work: Work, tensor: str) -> bool:
    dims, maker = work.dims(tensor), work.maker(tensor)
    if dims is None or work.is_output(tensor) or (maker is not None and maker.op == "Shape"):
        return False
    if maker is None and tensor not in work.inputs and tensor not in work.constants:
        return False
    found = [
        _piece(work, node, tensor, len(dims), dims)
        for node in work.readers(tensor)
        if assigned(work, node)
    ]
    pieces = [piece for piece in found if piece is not None]
    if len(pieces) < 2:
        return False
    axes = {axis for axis, _, _, _ in pieces}
    if len(axes) != 1:
        return False
    axis = axes.pop()
    pieces.sort(key=lambda p: p[1])
    ends = [0, *(end for _, _, end, _ in pieces)]
    if [begin for _, begin, _, _ in pieces] != ends[:-1] or ends[-1] != dims[axis]:
        return False
    opset = work.opset.get("", 1)
    if opset < _OPSET and not work.decline(
        "GatherSliceToSplitFusion",
        [piece for _, _, _, piece in pieces],
        f"opset {opset} has no Split whose sizes are an input",
        f"convert the model to opset {_OPSET}",
        lambda: None,
        kind=f"Slices that tile a tensor below opset {_OPSET}",
    ):
        return False
    _replace(work, tensor, axis, pieces)
    return True


def _replace(
    work: Work, tensor: str, axis: int, pieces: list[tuple[int, int, int, WorkNode]]
) -> None:
    kind = work.type(tensor)
    assert kind.dims is not None
    outputs, squeezed = [], []
    for _, begin, end, node in pieces:
        if node.op == "Slice":
            outputs.append(node.output)
            continue
        dims = (*kind.dims[:axis], end - begin, *kind.dims[axis + 1 :])
        made = work.tensor("split_output", Type(kind.dtype, dims))
        outputs.append(made)
        if work.rank(node.inputs[1]) == 0:
            squeezed.append((made, node))
        else:
            outputs[-1] = node.output
    nodes = [node for _, _, _, node in pieces]
    sizes = np.array([end - begin for _, begin, end, _ in pieces], np.int64)
    split = work.store("splits", INT64, sizes.shape, sizes)
    first = min(nodes, key=lambda n: n.index)
    for node in nodes:
        _without_bounds(work, node)
    work.replace(
        nodes,
        "Split",
        [tensor, split],
        outputs,
        name=f"{first.name}/GatherSliceToSplitFusion",
        attributes={"axis": axis},
    )
    for made, node in squeezed:
        axes = work.store("axes", INT64, (1,), np.array([axis], np.int64))
        squeeze = work.add("Squeeze", [made, axes], node.output, name="Squeeze")
        squeeze.glue, squeeze.covers = True, node.covers


def _without_bounds(work: Work, node: WorkNode) -> None:
    """A Split has no bounds that are computed: what made them unchanged has gone before the run."""
    gone = {path for tensor in node.inputs[1:] for path in work.root.left_out.get(tensor, ())}
    for path in gone.intersection(node.covers):
        work.root.fates.setdefault(path, "folded")
    node.covers = tuple(path for path in node.covers if path not in gone)


def _piece(
    work: Work, node: WorkNode, tensor: str, rank: int, dims: tuple[int | str | None, ...]
) -> tuple[int, int, int, WorkNode] | None:
    """The axis, beginning and end of what a reader takes of a tensor."""
    if node.domain or node.inputs[0] != tensor or tensor in node.inputs[1:]:
        return None
    if node.op == "Gather":
        index = work.numbers(node.inputs[1])
        axis = node.int("axis", 0) % rank
        if index is None or len(index) != 1 or work.dtype(node.inputs[1]) != INT64:
            return None
        size = dims[axis]
        begin = index[0] + (size if index[0] < 0 and type(size) is int else 0)
        return axis, begin, begin + 1, node
    if node.op != "Slice" or len(node.inputs) < 3:
        return None
    parts = [work.numbers(node.input(i)) for i in (1, 2, 3, 4)]
    starts, ends, axes, steps = parts
    axes = axes if node.has_input(3) else (0,)
    steps = steps if node.has_input(4) else (1,)
    if starts is None or ends is None or axes is None or steps != (1,) or len(starts) != 1:
        return None
    axis = axes[0] % rank
    size = dims[axis]
    if type(size) is not int:
        return None
    begin, end = (min(max(v + size if v < 0 else v, 0), size) for v in (starts[0], ends[0]))
    return axis, begin, end, node


def _range(work: Work, node: WorkNode) -> bool:
    """Gather by a Range: three Unsqueezes and a Slice."""
    source = work.made_by(node.inputs[1], "Range")
    if source is None or node.domain or not work.is_op(source, "Range", 11, 27):
        return False
    if work.gives_output(source) or work.edges(source) != 1:
        return False
    axis, dtype = node.int("axis", 0), work.dtype(source.inputs[0])
    covers = tuple(dict.fromkeys((*source.covers, *node.covers)))
    parts = []
    zero = work.store("axes", INT64, (1,), np.array([0], np.int64))
    tensors = list(source.inputs)
    work.detach(node)
    work.detach(source)
    for tensor in tensors:
        made = work.tensor("unsqueezed", Type(dtype, (1,)))
        unsqueeze = work.add("Unsqueeze", [tensor, zero], made, name="Unsqueeze")
        unsqueeze.glue, unsqueeze.covers = True, covers
        parts.append(made)
    axes = work.store("axes", dtype, (1,), np.array([axis], np.int64))
    made_node = work.add(
        "Slice", [node.inputs[0], parts[0], parts[1], axes, parts[2]], node.output, name=node.name
    )
    made_node.covers = covers
    return True


SPLIT = Sweep("GatherSliceToSplitFusion", ("Gather", "Slice"), _apply)
RANGE = LoweringRule("GatherToSliceFusion", ("Gather",), _range)
