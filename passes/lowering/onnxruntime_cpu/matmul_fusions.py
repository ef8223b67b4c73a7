"""Transposes and scales around a MatMul go into a FusedMatMul.

Runtime's condition, extended level, single or double precision. Transpose on either input, no
output of the graph (others may read it: then it stays): the new last axis is one of the last two
and, for three dims on, the first stays first or becomes the second last, with the batch axes in
order. Scale: Mul or Div by a constant of one element, of no higher rank, on an input or behind;
one in front that others read stays. A Cast behind a Transpose, both read once, changes places with
it. 1.20 to 1.32; MatMul of version 9 and 13.

    before  MatMul(Transpose(a), b)
    after   com.microsoft::FusedMatMul(a, b, transA=1)
"""

from __future__ import annotations

from ....graph.dtypes import DOUBLE, FLOAT
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Type, Work, cover
from .conditions import MS
from .transposes.moves import settle


def is_matmul(node: WorkNode) -> bool:
    """Whether it is a MatMul, or one that has taken something already."""
    return (node.op, node.domain) in (("MatMul", ""), ("FusedMatMul", MS))


def _transposes(work: Work, node: WorkNode) -> bool:
    if not is_matmul(node) or work.dtype(node.output) not in (FLOAT, DOUBLE):
        return False
    if not node.domain and work.since(node) < 9:
        return False
    if node.inputs[0] == node.inputs[1]:
        return False
    found = []
    for slot, letter in ((0, "A"), (1, "B")):
        swap = work.made_by(node.inputs[slot], "Transpose") or _behind_cast(work, node, slot)
        flags = None if swap is None or work.gives_output(swap) else _flags(work, swap)
        if swap is None or flags is None:
            continue
        if flags[1] and work.rank(node.inputs[1 - slot]) != work.rank(node.inputs[slot]):
            continue
        found.append((slot, letter, swap, flags))
    if not found:
        return False
    for slot, letter, swap, (swapped, batch) in found:
        work.set_input(node, slot, swap.inputs[0])
        settle(work, swap, (node,))
        if not work.readers(swap.output):
            work.detach(swap)
        if swapped:
            node.set(**{f"trans{letter}": 1 - node.int(f"trans{letter}", 0)})
        if batch:
            node.set(**{f"transBatch{letter}": 1})
    _rename(work, node, "MatmulTransposeFusion")
    return True


def _behind_cast(work: Work, node: WorkNode, slot: int) -> WorkNode | None:
    """The Transpose in front of a Cast, both read once: they change places."""
    cast = work.made_by(node.inputs[slot], "Cast")
    swap = None if cast is None else work.made_by(cast.inputs[0], "Transpose")
    if cast is None or swap is None or not (work.single(cast) and work.single(swap)):
        return None
    if _flags(work, swap) is None:
        return None
    source, middle, out = swap.inputs[0], swap.output, cast.output
    dims = work.dims(source)
    work.set_input(cast, 0, source)
    work.set_outputs(cast, [middle])
    work.set_input(swap, 0, middle)
    work.set_outputs(swap, [out])
    work.types[middle] = Type(work.dtype(out), dims)
    return swap


def _flags(work: Work, node: WorkNode) -> tuple[bool, bool] | None:
    """Whether a permutation swaps the last two axes, and whether it moves the batch axes."""
    perm = node.ints("perm")
    rank = work.rank(node.inputs[0])
    perm = perm or (None if rank is None else tuple(range(rank))[::-1])
    if perm is None or len(perm) < 2:
        return None
    rank = len(perm)
    last_two = (perm[-2], perm[-1])
    if perm[: rank - 2] == tuple(range(rank - 2)):
        return (True, False) if last_two == (rank - 1, rank - 2) else None
    # the batch axes move behind the first axis
    if perm[: rank - 2] != tuple(range(1, rank - 1)):
        return None
    if last_two == (0, rank - 1):
        return False, True
    return (True, True) if last_two == (rank - 1, 0) else None


def _scales(work: Work, node: WorkNode) -> bool:
    if not is_matmul(node) or work.dtype(node.output) not in (FLOAT, DOUBLE):
        return False
    alpha, changed = node.float("alpha", 1.0), False
    for slot in (0, 1):
        maker = work.maker(node.inputs[slot])
        found = None if maker is None else _scale(work, maker)
        if maker is None or found is None:
            continue
        value, tensor = found
        work.set_input(node, slot, tensor)
        cover(node, maker)
        if not work.readers(maker.output) and not work.gives_output(maker):
            work.detach(maker)
        alpha, changed = alpha * value, True
    behind = work.next(node, "Mul", "Div")
    found = None if behind is None else _scale(work, behind)
    if behind is not None and found is not None and found[1] == node.output:
        work.absorb(node, behind)
        alpha, changed = alpha * found[0], True
    if changed:
        node.set(alpha=alpha)
        _rename(work, node, "MatMulScaleFusion")
    return changed


def _scale(work: Work, node: WorkNode) -> tuple[float, str] | None:
    """What a node multiplies by, and what."""
    if node.op not in ("Mul", "Div") or node.domain:
        return None
    for slot in (1, 0) if node.op == "Mul" else (1,):
        value = work.number(node.inputs[slot])
        tensor = node.inputs[1 - slot]
        constant, rank = work.constant(node.inputs[slot]), work.rank(tensor)
        if value is None or constant is None or work.constant(tensor) is not None:
            continue
        if rank is None or len(constant.shape) > rank or (node.op == "Div" and value == 0):
            continue
        return (value if node.op == "Mul" else 1 / value), tensor
    return None


def _rename(work: Work, node: WorkNode, by: str) -> None:
    if not node.domain:
        work.set_op(node, "FusedMatMul", MS)
    work.call(node, f"{node.name}/{by}/")


TRANSPOSE = LoweringRule("MatmulTransposeFusion", ("MatMul", "FusedMatMul"), _transposes)
SCALE = LoweringRule("MatMulScaleFusion", ("MatMul", "FusedMatMul"), _scales)
