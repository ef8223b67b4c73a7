"""The Sum behind a Gemm without C is its C.

Runtime's condition: Gemm of version 11 or 13 with two inputs, read only by a Sum of two whose
other input is (N), (1, N), (M, 1) or (M, N). Basic level, versions 1.20 to 1.32.

    before  Sum(Gemm(a, b), c)
    after   Gemm(a, b, c)
"""

from __future__ import annotations

from ..near import called
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work
from .conditions import other, same_dim

_NAME = "GemmSumFusion"


def _apply(work: Work, node: WorkNode) -> bool:
    if not work.is_op(node, "Gemm", 11, 13) or node.has_input(2):
        return False
    total = work.next(node, "Sum") or _add(work, node)
    added = None if total is None else other(total, node.output)
    if total is None or added is None or not spreads(work, node.output, added):
        return False
    work.absorb(node, total)
    work.set_input(node, 2, added)
    node.set(beta=1.0)
    return True


def _add(work: Work, node: WorkNode) -> WorkNode | None:
    """Tell of an Add that could be the Gemm's own input; answers it once that is mended."""
    add = work.next(node, "Add")
    added = None if add is None else other(add, node.output)
    if add is None or added is None or not spreads(work, node.output, added):
        return None
    mended = work.decline(
        _NAME,
        (node, add),
        f"{called(add)} is an Add, and the runtime takes a Sum alone",
        f"make '{added}' the third input of {called(node)}",
        lambda: None,  # an Add of two is a Sum of two
        kind="an Add stands behind a Gemm without a bias",
    )
    return add if mended else None


def spreads(work: Work, product: str, bias: str) -> bool:
    """Whether a bias is (N), (1, N), (M, 1) or (M, N) of a product of (M, N)."""
    out, dims = work.dims(product), work.dims(bias)
    if out is None or dims is None or len(out) != 2:
        return False
    if len(dims) == 1:
        return same_dim(dims[0], out[1])
    if len(dims) != 2:
        return False
    rows = dims[0] == 1 or same_dim(dims[0], out[0])
    columns = same_dim(dims[1], out[1]) or (dims[1] == 1 and same_dim(dims[0], out[0]))
    return rows and columns


RULE = LoweringRule(_NAME, ("Gemm",), _apply)
