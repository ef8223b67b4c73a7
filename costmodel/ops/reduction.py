"""Reductions to fewer elements, running sums, determinants.

With N input and R output elements, reducing takes N - R operations.
"""

from __future__ import annotations

from math import prod

from ..kinds import KernelKind
from ..work import Call, Unknown, Work, formula


def _sizes(call: Call) -> tuple[int, int]:
    """N and R."""
    return call.input(0).size, call.output().size


def reduce_flops(elements: int, results: int) -> int:
    """Additions (or comparisons) that bring ``elements`` down to ``results``."""
    return max(elements - results, 0)


@formula("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ArgMax", "ArgMin")
def reduce(call: Call) -> Work:
    """N - R: additions, products or comparisons."""
    return Work(KernelKind.REDUCTION, flops=reduce_flops(*_sizes(call)))


@formula("ReduceMean")
def reduce_mean(call: Call) -> Work:
    """N: N - R additions, R divisions."""
    elements, results = _sizes(call)
    return Work(KernelKind.REDUCTION, flops=reduce_flops(elements, results) + results)


@formula("ReduceL1", "ReduceSumSquare")
def reduce_mapped(call: Call) -> Work:
    """2 N - R: Abs or a square of each element, N - R additions."""
    elements, results = _sizes(call)
    return Work(KernelKind.REDUCTION, flops=elements + reduce_flops(elements, results))


@formula("ReduceLogSum")
def reduce_log_sum(call: Call) -> Work:
    """N: N - R additions, R logarithms."""
    return reduce_mean(call)


@formula("ReduceL2", "ReduceLogSumExp")
def reduce_mapped_twice(call: Call) -> Work:
    """2 N: a square or Exp of each element, N - R additions, a root or Log of each result."""
    elements, results = _sizes(call)
    return Work(KernelKind.REDUCTION, flops=elements + reduce_flops(elements, results) + results)


@formula("CumSum", "CumProd")
def cumulate(call: Call) -> Work:
    """N: one addition or product an element, the first of each line included."""
    return Work(KernelKind.REDUCTION, flops=call.output().size)


@formula("Det")
def determinant(call: Call) -> Work:
    """LU of each M x M matrix: M(M-1)/2 divisions, M(M-1)(2M-1)/3 others, M - 1 for the diagonal.

    Step k divides M - k elements of a column and updates (M - k)^2, a product and a
    subtraction each.
    """
    *batch, side, other = call.input(0).shape
    if side != other:
        raise Unknown("Det needs square matrices")
    if side == 0:
        return Work(KernelKind.REDUCTION)
    each = side * (side - 1) // 2 + side * (side - 1) * (2 * side - 1) // 3 + side - 1
    return Work(KernelKind.REDUCTION, flops=prod(batch) * each)
