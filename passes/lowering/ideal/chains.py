"""What no product takes: chains of elementwise nodes, normalisations, views.

Condition: a node is run by the kernel of its readers if all of them are in one, and

* it works element by element, and they do on as many elements, or on rows of which it makes a
  number each
* it makes a row, or a number of each row, of the last dims (a sum, a Softmax, a normalisation),
  and they work on the same rows; a row has up to 16,384 elements
* it only gives a tensor another shape, which a kernel can read as it is
* it is a Transpose that a product reads, whose last dim is one of the last two: a stride
* it is a DequantizeLinear that a product or a pool reads
* it works element by element on what such a kernel reads element by element

    before  Div(Sub(x, ReduceMean(x)), Sqrt(Add(ReduceMean(Pow(Sub(x, ReduceMean(x)), 2)), e)))
    after   FusedNormalization(x, e)
"""

from __future__ import annotations

from dataclasses import dataclass

from ..fusable import is_pointwise, is_view, reduces, row_dims
from ..node import WorkNode
from ..onnxruntime_cpu.conditions import same_dim, same_dims
from ..rule import Sweep
from ..work import Work
from .epilogues import ANCHORS

_PRODUCTS = frozenset({"Einsum", "Gemm", "MatMul"})
_MOST = 64  # nodes that one kernel takes


@dataclass
class _Kernel:
    """Nodes that one kernel runs, the last one first.

    ``open`` says whether it works on elements or rows, so that more such nodes may come; ``row``
    is the number of dims of its rows, None where it has none yet.
    """

    nodes: list[WorkNode]
    open: bool
    row: int | None = None


def _apply(work: Work) -> bool:
    kernels: dict[int, _Kernel] = {}
    found = []
    for node in reversed(work.order()):
        kernel = _of_readers(work, node, kernels)
        if kernel is not None and len(kernel.nodes) < _MOST and _joins(work, node, kernel):
            kernel.nodes.append(node)
        else:
            kernel = _new(work, node)
            found.append(kernel)
        kernels[node.index] = kernel
    changed = False
    for kernel in found:
        if len(kernel.nodes) > 1:
            work.fuse(kernel.nodes[::-1], _name(kernel), kernel.nodes[0].name)
            changed = True
    return changed


def _of_readers(work: Work, node: WorkNode, kernels: dict[int, _Kernel]) -> _Kernel | None:
    """The kernel that runs all readers of what a node makes, if it is one."""
    if work.gives_output(node) or any(node.outputs[1:]) or node.bodies:
        return None
    readers = work.readers(node.output) if node.outputs else []
    found = {id(k): k for r in readers if (k := kernels.get(r.index)) is not None}
    if len(found) != 1 or any(r.bodies or r.index not in kernels for r in readers):
        return None
    return next(iter(found.values()))


def _new(work: Work, node: WorkNode) -> _Kernel:
    row = None if is_view(work, node) else row_dims(work, node)
    return _Kernel([node], is_pointwise(work, node) or row is not None, row)


def _joins(work: Work, node: WorkNode, kernel: _Kernel) -> bool:
    readers = work.readers(node.output)
    if is_view(work, node):  # what has no kernel, or looks at the shape alone, reads none
        first = kernel.nodes[0]
        return not is_view(work, first) and all(r.op not in _BARE for r in readers)
    if not kernel.open:
        return all(_takes(work, node, reader) for reader in readers)
    row = row_dims(work, node)
    if row is None and not is_pointwise(work, node):
        return False
    rows = {kernel.row, row, *(_row_between(work, node, reader) for reader in readers)} - {None}
    if len(rows) > 1 or _APART in rows:
        return False
    kernel.row = next(iter(rows), None)
    return True


_BARE = frozenset({"Shape", "Size", "Loop", "Scan", "If"})


_APART = -1  # no number of dims


def _row_between(work: Work, node: WorkNode, reader: WorkNode) -> int | None:
    """The dims of the rows that a reader, in one kernel with a node, works on.

    None if it works on elements, ``_APART`` if not on what the node makes as it makes it.
    """
    tensor = node.output
    if is_view(work, reader, tensor):
        return None
    row = row_dims(work, reader)
    if row is not None:
        alone = tensor == reader.inputs[0] and tensor not in reader.inputs[1:]
        return row if alone else _APART
    if not is_pointwise(work, reader, tensor):
        return _APART
    if same_dims(work, tensor, reader.output):
        return None
    return _spread(work, tensor, reader.output)


def _spread(work: Work, tensor: str, whole: str) -> int:
    """The dims of the rows of a tensor of which another has one number each."""
    dims, full = work.dims(tensor), work.dims(whole)
    if dims is None or full is None or len(dims) != len(full):
        return _APART
    outer = 0
    while outer < len(dims) and same_dim(dims[outer], full[outer]):
        outer += 1
    return len(dims) - outer if all(d == 1 for d in dims[outer:]) else _APART


def _takes(work: Work, node: WorkNode, reader: WorkNode) -> bool:
    """Whether a kernel that does more than elements and rows makes what a node makes as it reads.

    ``reader`` is what it runs, maybe a fused node.
    """
    tensor = node.output
    for part in reader.parts or (reader,):
        if tensor not in part.inputs:
            continue
        if not part.domain and part.op in ANCHORS:
            stride = tensor in part.inputs[:2] and part.op in _PRODUCTS and _is_stride(node)
            if not stride and (node.op != "DequantizeLinear" or node.domain):
                return False
        elif not (
            is_pointwise(work, node)
            and is_pointwise(work, part, tensor)
            and same_dims(work, tensor, part.output)
        ):
            return False
    return True


def _is_stride(node: WorkNode) -> bool:
    """Whether a product can read what a Transpose makes where it is."""
    perm = node.ints("perm")
    if node.op != "Transpose" or node.domain or not perm:
        return False
    return len(perm) - 1 in perm[-2:]


def _name(kernel: _Kernel) -> str:
    """After what the kernel does first of all."""
    nodes = kernel.nodes
    if nodes[0].parts:
        return nodes[0].op
    if not kernel.open:
        return f"Fused{nodes[0].op}"
    ops = {node.op for node in nodes}
    if "Softmax" in ops:
        return "FusedSoftmax"
    if any("Normalization" in op for op in ops - {"BatchNormalization"}):
        return "FusedNormalization"
    if any(map(reduces, nodes)):
        return "FusedReduction"
    return "FusedElementwise"


SWEEP = Sweep("Chains", (), _apply)
